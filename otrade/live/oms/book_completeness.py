"""A table of the broker's is proof only if it holds what we know.

Brokers have answered with an empty table, with null, with a page cut short, and from caches that
were behind. Each looks like "there is nothing". What such an answer shows is true all the same;
what it does not show may stand.
"""

from collections.abc import Iterable, Mapping

from otrade.brokers.session import BrokerPosition, BrokerRows, OrderReport
from otrade.live.oms.cl_ord_id import parse


def lacking_orders(book: BrokerRows[OrderReport], known: Iterable[str]) -> list[str]:
    """Of the ids that the broker has given us before it was asked: those that this book does not
    show, not even in a row that cannot be read.
    """
    shown = {row.broker_order_id for row in book}
    shown.update(row.row_id for row in book.unread)
    return [order_id for order_id in known if order_id not in shown]


def hides_ours(book: BrokerRows[OrderReport]) -> bool:
    """Is one of the rows that cannot be read ours, or of nobody knows whom? Then an order that is
    not shown may be that one.
    """
    return any(parse(row.tag) is not None or not (row.tag or row.row_id) for row in book.unread)


def lacking_positions(
    positions: BrokerRows[BrokerPosition], traded: Mapping[int, int]
) -> list[int]:
    """Of the instruments (by token: id) that the core has traded today: those without any row.
    Brokers keep the row of a position that has been closed until the day is over, so an answer
    without it is not whole.
    """
    shown = {row.instrument_token for row in positions}
    return [instrument_id for token, instrument_id in traded.items() if token not in shown]
