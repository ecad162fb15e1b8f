"""One instrument of Upstox's market feed, written from a quote."""

from typing import Any, Final

from otrade.simulator.base.config import NS_PER_MS, NS_PER_S
from otrade.simulator.base.hours import CAS_FROM, ist_ns
from otrade.simulator.base.universe import E4
from otrade.simulator.exchange.greeks import Greeks
from otrade.simulator.exchange.market_data import LEVELS, DepthLevel, MarketSnapshot
from otrade.simulator.upstox.streams.proto import Feed, number_of

MODES: Final = ("ltpc", "option_greeks", "full", "full_d30")
WHOLE: Final = ("full", "full_d30")
"""Modes with order book and candles; the deeper one shows the levels that the model has, five."""
MINUTE_NS: Final = 60 * NS_PER_S
_REQUEST_MODES: Final = {
    mode: number_of("RequestMode", word)
    for mode, word in zip(MODES, ("ltpc", "option_greeks", "full_d5", "full_d30"), strict=True)
}
_NOBODY: Final = DepthLevel(0, 0, 0)


class MinuteBar:
    """The candle of the present minute."""

    __slots__ = ("close_e4", "high_e4", "low_e4", "open_e4", "start_ns", "volume")

    def __init__(self, quote: MarketSnapshot, now_ns: int) -> None:
        self.start_ns = 0
        for price_e4, qty in quote.trades_since(now_ns - now_ns % MINUTE_NS):
            self.add(price_e4, qty, now_ns)

    def add(self, price_e4: int, qty: int, ts_ns: int) -> None:
        start_ns = ts_ns - ts_ns % MINUTE_NS
        if start_ns != self.start_ns:
            self.start_ns, self.volume = start_ns, 0
            self.open_e4 = self.high_e4 = self.low_e4 = price_e4
        self.high_e4 = max(self.high_e4, price_e4)
        self.low_e4 = min(self.low_e4, price_e4)
        self.close_e4 = price_e4
        self.volume += qty


def feed(quote: MarketSnapshot, mode: str, minute: MinuteBar | None, greeks: Greeks | None) -> Any:
    """The message for one instrument in one mode. `greeks` are an option's."""
    message = Feed(requestMode=_REQUEST_MODES[mode])
    if mode == "ltpc":
        _ltpc(message.ltpc, quote)
    elif mode == "option_greeks":
        _first_level(message.firstLevelWithGreeks, quote, greeks)
    elif quote.contract.tradable:
        _full(message.fullFeed.marketFF, quote, minute, greeks)
    else:
        _ltpc(message.fullFeed.indexFF.ltpc, quote)
        _ohlc(message.fullFeed.indexFF.marketOHLC.ohlc, quote, minute)
    return message


def book_alone(whole: Any) -> Any:
    """The depth of such a message, and nothing else."""
    message = Feed(requestMode=whole.requestMode)
    message.fullFeed.marketFF.marketLevel.CopyFrom(whole.fullFeed.marketFF.marketLevel)
    return message


def _ltpc(out: Any, quote: MarketSnapshot) -> None:
    out.ltp = quote.ltp_e4 / E4
    out.ltt = quote.ts_ns // NS_PER_MS
    out.ltq = quote.last_qty
    out.cp = quote.prev_close_e4 / E4


def _level(out: Any, bid: DepthLevel, ask: DepthLevel) -> None:
    out.bidQ, out.bidP = bid.qty, bid.price_e4 / E4
    out.askQ, out.askP = ask.qty, ask.price_e4 / E4


def _greeks(out: Any, values: Greeks) -> None:
    out.delta, out.theta, out.gamma, out.vega = values[1:]


def _first_level(out: Any, quote: MarketSnapshot, values: Greeks | None) -> None:
    _ltpc(out.ltpc, quote)
    if not quote.contract.tradable:
        return
    bids, asks = quote.depth()
    _level(out.firstDepth, bids[0] if bids else _NOBODY, asks[0] if asks else _NOBODY)
    out.vtt = quote.volume
    out.oi = quote.oi
    if values is not None:
        _greeks(out.optionGreeks, values)
        out.iv = values.iv


def _full(out: Any, quote: MarketSnapshot, minute: MinuteBar | None, values: Greeks | None) -> None:
    _ltpc(out.ltpc, quote)
    bids, asks = quote.depth()
    for i in range(LEVELS):
        _level(
            out.marketLevel.bidAskQuote.add(),
            bids[i] if i < len(bids) else _NOBODY,
            asks[i] if i < len(asks) else _NOBODY,
        )
    _ohlc(out.marketOHLC.ohlc, quote, minute)
    out.atp = quote.average_price
    out.vtt = quote.volume
    out.oi = quote.oi
    out.tbq, out.tsq = quote.totals()
    if values is not None:
        _greeks(out.optionGreeks, values)
        out.iv = values.iv
    contract = quote.contract
    out.casEligible = contract.hours_kind == "cash_fno" and quote.date >= CAS_FROM


def _ohlc(out: Any, quote: MarketSnapshot, minute: MinuteBar | None) -> None:
    out.add(
        interval="1d",
        open=quote.open_e4 / E4,
        high=quote.high_e4 / E4,
        low=quote.low_e4 / E4,
        close=quote.ltp_e4 / E4,
        vol=quote.volume,
        ts=ist_ns(quote.date, "00:00") // NS_PER_MS,
    )
    if minute is not None and minute.start_ns:
        out.add(
            interval="I1",
            open=minute.open_e4 / E4,
            high=minute.high_e4 / E4,
            low=minute.low_e4 / E4,
            close=minute.close_e4 / E4,
            vol=minute.volume,
            ts=minute.start_ns // NS_PER_MS,
        )
