"""Price bands that move, and the limit price protection inside them.

Only shares with derivatives and their futures flex: once the price has stood at the edge and the
cooling is over, both edges slide by a step of the close, and the exchange cancels what limit orders
lie outside; stop orders stay until their trigger (NSE/FAOP/62199 of 2024-08, NSE/FAOP/64995 of
2024-11-18). The protection refuses a buy above and a sale below a range around the mean of the last
30 seconds, anew every 30 seconds, with the words of the circuit limits (NSE/FAOP/54242 of
2022-10-31).
"""

import datetime as dt

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.exchange.market_data import MarketData, MarketSnapshot

FLEX_FROM = dt.date(2024, 6, 3)
SLIDE_FROM = dt.date(2024, 11, 18)
STEPS_BPS = (500, 500, 300, 300, 200)
"""Of the close before; the last one goes on."""
LPP_FROM = dt.date(2022, 10, 31)
LPP_NS = 30 * NS_PER_S
FUTURES_BPS = 300
OPTIONS_BPS = 4000
CHEAP_OPTION_E4 = 50 * E4
CHEAP_OPTION_RANGE_E4 = 20 * E4
OUTSIDE_RANGE = (
    "Price exceeds circuit limits for the instrument. Place an order within the daily range."
)
TAKEN_OUT = "The order was cancelled by the exchange because the price is outside the current allowed limit price protection range"
HALTED = "17071 : Trading is halted; the exchange has cancelled all orders."


def flexes(contract: ListedContract, market: MarketData) -> bool:
    """A share with derivatives, or its future."""
    is_share = contract.hours_kind == "cash_fno"
    is_future = contract.segment == "NFO-FUT" and not contract.is_of_index
    return market.date >= FLEX_FROM and (is_share or is_future)


def slide(quote: MarketSnapshot, side: int, date: dt.date) -> None:
    """One step of the flex towards `side`; both edges since 2024-11-18, before that the one that
    was reached.
    """
    step_e4 = quote.prev_close_e4 * STEPS_BPS[min(quote.n_flexed, len(STEPS_BPS) - 1)] // 10_000
    quote.n_flexed += 1
    if side > 0 or date >= SLIDE_FROM:
        quote.high_band_e4 += side * step_e4
    if side < 0 or date >= SLIDE_FROM:
        quote.low_band_e4 += side * step_e4


def range_e4(quote: MarketSnapshot, now_ns: int) -> tuple[int, int] | None:
    """(lowest sale, highest buy) that is taken now; None where there is no such protection."""
    contract = quote.contract
    if quote.lpp_bps == 0 and (contract.expiry is None or quote.date < LPP_FROM):
        return None
    start_ns = quote.open_ns + (now_ns - quote.open_ns) // LPP_NS * LPP_NS
    seen = [row for row in quote.trades_since(start_ns - LPP_NS, start_ns) if row[1]]
    volume = sum(qty for _, qty in seen)
    reference_e4 = sum(px * qty for px, qty in seen) // volume if volume else quote.ltp_e4
    if quote.lpp_bps:
        half_e4 = reference_e4 * quote.lpp_bps // 10_000
    elif not contract.is_option:
        half_e4 = reference_e4 * FUTURES_BPS // 10_000
    else:
        half_e4 = (
            CHEAP_OPTION_RANGE_E4
            if reference_e4 <= CHEAP_OPTION_E4
            else reference_e4 * OPTIONS_BPS // 10_000
        )
    return reference_e4 - half_e4, reference_e4 + half_e4


def is_outside(quote: MarketSnapshot, side: int, price_e4: int, now_ns: int) -> bool:
    """Would the protection refuse a limit at this price?"""
    found = range_e4(quote, now_ns)
    return found is not None and (price_e4 > found[1] if side > 0 else price_e4 < found[0])
