"""What brokers say that orders would cost together. An answer that leaves anything open is none:
unknown is not free.
"""

from otrade.brokers.parse import e4, number
from otrade.errors import BrokerError


def together_e4(n_asked: int, rows: object, alone: object, together: object) -> int:
    """e4 rupees of `together`. BrokerError unless it is a number that is not negative, each order
    that was asked about has its own row, and the orders one by one (`alone`) cost something: who
    says that an entry costs nothing has not looked at it.
    """
    if not isinstance(rows, list) or len(rows) != n_asked:
        raise BrokerError(
            f"the broker's margin preview is not about the {n_asked} orders that it was asked about"
        )
    if _rupees_e4(alone) == 0:
        raise BrokerError("the broker's margin preview says that an entry costs nothing")
    return _rupees_e4(together)


def _rupees_e4(value: object) -> int:
    if value in (None, ""):
        raise BrokerError("a total is missing in the broker's margin preview")
    read = number({"total": value}, "total")
    if read < 0:
        raise BrokerError("a total is negative in the broker's margin preview")
    return e4(read)
