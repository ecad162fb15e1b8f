"""Bars, averages and crossings of one strategy, in plain arithmetic.

A bar of length n begins at the session's open and every n after it; it is closed by the first trade
behind its end or, when none comes, a second and a half after it. An interval without a trade makes
no bar. An average that is exponential begins at its first price and moves by 2/(period+1) of the
distance; a simple one is the mean of the last `period` prices. There is a side once `slow_period`
prices were seen; touching is not crossing. By bar, prices are closes; by tick, those of each trade.
"""

from collections import deque
from dataclasses import dataclass

from otrade.drill.trader.market import SeenTrade
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.reading.arithmetic import WilderRange, WilderRsi
from otrade.drill.trader.reading.seen_bar import TraderBar

SECOND = 1_000_000_000
GRACE_NS = 1_500_000_000
"""A bar's last packet has so long to arrive."""
CLOSE_CALL = 1e-9
"""Of the price: a crossing nearer than that may go either way."""
IST_NS = 19_800 * SECOND
DAY_NS = 86_400 * SECOND


class TraderSeries:
    """The bars of one length of one instrument."""

    def __init__(self, instrument: TraderInstrument, interval_ns: int) -> None:
        self._instrument = instrument
        self._interval_ns = interval_ns
        self._bar: TraderBar | None = None
        self._closed_ns = 0
        """Where the last closed bar began."""
        self._from_ns = 0
        """No bar begins before it."""

    @property
    def due_ns(self) -> int:
        """When the running bar is closed though nothing trades; 0: none runs."""
        if self._bar is None:
            return 0
        return self._bar.end_ns + GRACE_NS

    @property
    def has_begun(self) -> bool:
        """Has it a bar of its own, or is it known from when on it will have?"""
        return self._bar is not None or self._closed_ns > 0 or self._from_ns > 0

    def join(self, bar: TraderBar | None, from_ns: int) -> None:
        """A process begins while a bar runs: that bar, as history has it, or bars from then on."""
        self._bar, self._from_ns = bar, from_ns

    def close(self) -> TraderBar | None:
        """End the running bar."""
        bar, self._bar = self._bar, None
        if bar is not None:
            self._closed_ns = bar.start_ns
        return bar

    def take(self, trade: SeenTrade) -> TraderBar | None:
        """Put a trade into its bar; the bar that it closed."""
        if not self._instrument.open_ns <= trade.trade_ns < self._instrument.close_ns:
            return None
        since_ns = trade.trade_ns - self._instrument.open_ns
        start_ns = trade.trade_ns - since_ns % self._interval_ns
        bar = self._bar
        if bar is not None and start_ns == bar.start_ns:
            bar.high_e4 = max(bar.high_e4, trade.price_e4)
            bar.low_e4 = min(bar.low_e4, trade.price_e4)
            bar.close_e4 = trade.price_e4
            bar.volume += trade.volume
            bar.is_told = False
            return None
        if start_ns < self._from_ns:
            return None  # nobody saw its beginning
        if (bar is not None and start_ns < bar.start_ns) or start_ns <= self._closed_ns:
            return None  # its bar is closed, and stands
        closed = self.close()
        end_ns = min(start_ns + self._interval_ns, self._instrument.close_ns)
        price_e4 = trade.price_e4
        self._bar = TraderBar(start_ns, end_ns, price_e4, price_e4, price_e4, volume=trade.volume)
        return closed


@dataclass(frozen=True, slots=True)
class Crossing:
    """A strategy's signal: which way (+1 buys), and whether it may be traded by the strategy's own
    filters. `is_close`: so near that rounding decides.
    """

    side: int
    is_filtered: bool
    is_close: bool
    atr: float


class CrossingStrategy:
    """One strategy's averages."""

    def __init__(self, strategy: TradedStrategy) -> None:
        self._strategy = strategy
        params = strategy.params
        self._fast_n = int(params.get("fast_period", 0))
        self._slow_n = int(params.get("slow_period", 0))
        self._n = 0
        self._fast = self._slow = 0.0
        self._prices: deque[int] = deque(maxlen=256)
        self._side = 0
        self._was_close = False
        self._rsi = WilderRsi(int(params.get("rsi_period", 0)))
        self._atr = WilderRange(int(params.get("atr_period", 0)))

    @property
    def atr(self) -> float:
        """Of the bars that have closed."""
        return self._atr.value

    def on_trade(self, trade: SeenTrade) -> Crossing | None:
        """A trade, by tick."""
        if not self._strategy.is_by_tick:
            return None
        return self._take(trade.price_e4, trade.ts_ns)

    def on_bar(self, bar: TraderBar) -> Crossing | None:
        """A bar has closed: filters see it always, averages by bar."""
        self._rsi.take(bar.close_e4 / 10_000)
        self._atr.take(bar.high_e4 / 10_000, bar.low_e4 / 10_000, bar.close_e4 / 10_000)
        if self._strategy.is_by_tick:
            return None
        return self._take(bar.close_e4, bar.end_ns)

    def _take(self, price_e4: int, ts_ns: int) -> Crossing | None:
        price = price_e4 / 10_000
        kind = self._strategy.kind
        if kind == "price_level":
            first, second, is_ready = price, float(self._strategy.params["level"]), True
        else:
            first, second = self._averages(kind, price_e4)
            is_ready = self._n >= self._slow_n
        before = self._side
        is_close = first != second and abs(first - second) < CLOSE_CALL * price
        is_close, self._was_close = is_close or self._was_close, is_close
        if first != second:
            self._side = 1 if first > second else -1
        if not is_ready or not before or self._side == before:
            return None
        return Crossing(
            self._side, self._is_filtered(self._side, price, ts_ns), is_close, self._atr.value
        )

    def _averages(self, kind: str, price_e4: int) -> tuple[float, float]:
        """What crosses what. `n` prices were seen with this one."""
        price = price_e4 / 10_000
        self._n += 1
        if kind in ("ema_cross", "price_ema"):
            if self._n == 1:
                self._fast = self._slow = price
            else:
                self._fast += (price - self._fast) * (2 / (self._fast_n + 1))
                self._slow += (price - self._slow) * (2 / (self._slow_n + 1))
            return (self._fast if kind == "ema_cross" else price), self._slow
        self._prices.append(price_e4)
        slow = _mean(self._prices, self._slow_n)
        return (_mean(self._prices, self._fast_n) if kind == "sma_cross" else price), slow

    def _is_filtered(self, side: int, price: float, ts_ns: int) -> bool:
        params = self._strategy.params
        if not params.get("side_mask", 0) & (1 if side > 0 else 2):
            return True
        if params.get("rsi_period", 0):
            name = "long" if side > 0 else "short"
            low, high = params.get(f"rsi_{name}_min", 0), params.get(f"rsi_{name}_max", 0)
            if not self._rsi.is_ready or not low <= self._rsi.value <= high:
                return True
        if params.get("atr_period", 0):
            bps = self._atr.value / price * 10_000
            low, high = params.get("atr_min_bps", 0), params.get("atr_max_bps", 0)
            if not self._atr.is_ready or (low and bps < low) or (high and bps > high):
                return True
        until_ns = params.get("tod_until_ns", 0)
        if not until_ns:
            return False
        now_ns = (ts_ns + IST_NS) % DAY_NS
        return not params.get("tod_from_ns", 0) <= now_ns < until_ns


def _mean(prices_e4: deque[int], period: int) -> float:
    """Of the last `period` prices, or of those that there are."""
    count = min(len(prices_e4), period)
    if not count:
        return 0.0
    return sum(list(prices_e4)[-count:]) / (count * 10_000)
