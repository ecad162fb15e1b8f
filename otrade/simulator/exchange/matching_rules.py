"""How an order trades against the displayed market. Pure rules: they change depth, never an order.

An order that arrives takes the other side level by level, at the levels' prices. An order that
rests trades at its own price: when the market is offered at or through it, up to the quantity on
display, with a trade or between two; when the last trade only touched it, a random part of what traded
there, since others were before it in the queue.
"""

from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.exchange.market_data import DepthLevel, MarketSnapshot
from otrade.simulator.exchange.orders import Order

Fill = tuple[int, int]
"""(quantity, price_e4)"""

AUTO_PROTECTION_PCT = 3.0
SHARES, OF_SHARES = 16, 30
"""At a touch an order gets 0 to 15 thirtieths of what traded: as far as the queue comes."""


def _other_side(order: Order, quote: MarketSnapshot) -> list[DepthLevel]:
    bids, asks = quote.depth()
    return asks if order.side > 0 else bids


def _lots(qty: int, lot: int) -> int:
    return qty // lot * lot


def take(order: Order, quote: MarketSnapshot) -> list[Fill]:
    """Fills of an order that arrives with its limit price."""
    left, fills = order.leaves_qty, list[Fill]()
    if quote.locked * order.side > 0:
        return fills  # at the band nobody takes the other side
    for level in _other_side(order, quote):
        if left <= 0 or (level.price_e4 - order.terms.price_e4) * order.side > 0:
            break
        qty = min(left, _lots(level.qty, quote.contract.lot))
        if qty:
            level.qty -= qty
            left -= qty
            fills.append((qty, level.price_e4))
    return fills


def meet(order: Order, quote: MarketSnapshot) -> list[Fill]:
    """Fills of a resting limit order whose price the book's other side stands at or through: who moved
    it that far has met the order.
    """
    price_e4, left, got, lot = order.terms.price_e4, order.leaves_qty, 0, quote.contract.lot
    for level in _other_side(order, quote):
        if got >= left or (level.price_e4 - price_e4) * order.side > 0:
            break
        qty = min(left - got, _lots(level.qty, lot))
        level.qty -= qty
        got += qty
    return [(got, price_e4)] if got else []


def rest(order: Order, quote: MarketSnapshot, draws: DayDraws) -> list[Fill]:
    """Fills of a resting limit order after a new trade of the market."""
    price_e4 = order.terms.price_e4
    if met := meet(order, quote):
        return met
    if quote.ltp_e4 != price_e4 or quote.locked * order.side > 0:
        return []
    share = draws.of("queue", order.draw_key).integer(SHARES)
    got = _lots(quote.last_qty * share // OF_SHARES, quote.contract.lot)
    got = min(order.leaves_qty, got)
    return [(got, price_e4)] if got else []


def is_triggered(order: Order, ltp_e4: int) -> bool:
    """A stop becomes live when the last price reaches its trigger."""
    return (ltp_e4 - order.terms.trigger_e4) * order.side >= 0


def protected_price_e4(order: Order, quote: MarketSnapshot) -> int:
    """The limit price which a market order is turned into: that many per cent through the last
    price (per cent to six places, half a unit rounded up), to the next tick outwards, inside the
    band.
    """
    pct = order.terms.protection_pct
    if pct < 0:
        pct = AUTO_PROTECTION_PCT
    tick_e4 = quote.contract.tick_e4
    shift_e4 = (quote.ltp_e4 * round(pct * 1_000_000) + 50_000_000) // 100_000_000
    if order.side > 0:
        price_e4 = -(-(quote.ltp_e4 + shift_e4) // tick_e4) * tick_e4
    else:
        price_e4 = (quote.ltp_e4 - shift_e4) // tick_e4 * tick_e4
    return min(quote.high_band_e4, max(quote.low_band_e4, price_e4))
