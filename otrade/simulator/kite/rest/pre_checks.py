"""What Kite refuses before its order system, beside what every broker does: such an order is in no
book. Rules of the support page "Why is the rejected order not displayed in the order book?"; the
words are ours where that page has none.
"""

import datetime as dt

from otrade.simulator.base.errors import bad_input, bad_order
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.orders import OrderRequest

AMO_BLOCKED = {"NFO": ("09:10", "15:45"), "BFO": ("09:10", "15:45")}
AMO_BLOCKED_ELSEWHERE = ("09:00", "15:45")
"""No after-market order is taken between these times."""
SHARES_MAX = 100_000


def check(wanted: OrderRequest, now_ns: int, date: dt.date) -> None:
    """RequestRefused 400."""
    contract, terms = wanted.contract, wanted.terms
    if wanted.variety == "amo":
        start, end = AMO_BLOCKED.get(contract.exchange, AMO_BLOCKED_ELSEWHERE)
        if ist_ns(date, start) <= now_ns < ist_ns(date, end):
            raise bad_order(
                "After market orders (AMO) cannot be placed during market hours. "
                "Place a regular order."
            )
        raise bad_order(
            "The simulator takes no after market orders (AMO): it trades in market hours only."
        )
    is_share_option = contract.is_option and not contract.is_of_index
    if is_share_option and terms.order_type == "MARKET":
        raise bad_order(
            "Market orders are blocked for stock options because of illiquidity. Use a limit order."
        )
    if contract.expiry is None and terms.quantity > SHARES_MAX:
        raise bad_input(f"Order quantity cannot be greater than {SHARES_MAX:,} shares.")
