"""How far a price moves: true range, deviation, and the bands about it."""

import math

from otrade._core.kernels.wilder import smoothed, true_range
from otrade.strategy.indicators.averages import Ema, ema
from otrade.strategy.indicators.registry import Period, helper, inner
from otrade.strategy.indicators.ring import kept, total_of
from otrade.strategy.indicators.windows import Highest, Lowest, highest, lowest
from otrade.strategy.words.cell import Cell, Window


class Atr(Cell):
    value: float
    _close: float


class Deviation(Cell):
    value: float
    mean: float
    _head: int
    _values: Window


class Bollinger(Cell):
    mid: float
    upper: float
    lower: float
    _deviation: Deviation


class Keltner(Cell):
    mid: float
    upper: float
    lower: float
    _average: Ema
    _range: Atr


class Donchian(Cell):
    mid: float
    upper: float
    lower: float
    _high: Highest
    _low: Lowest


inner(smoothed)
helper("the bar's range, the close before it counted in (Wilder 1978)")(true_range)


@helper(
    "average true range; the first bar only gives the close before, then seeded by a mean (Wilder 1978)",
    warm_up=lambda period: period + 1,
)
def atr(s: Atr, high: float, low: float, close: float, period: Period) -> float:
    if s.seen == 0:
        s._close = close
        s.seen = 1
        return 0.0
    widest = true_range(high, low, s._close)
    s._close = close
    s.value = smoothed(s.value, widest, s.seen, period)
    if s.seen <= period:
        s.seen += 1
    s.ready = s.seen > period
    return s.value


@helper(
    "population standard deviation of the last `period` values, and their `mean`; two passes, since squares of prices cancel badly",
    warm_up=lambda period: period,
)
def deviation(s: Deviation, x: float, period: Period) -> float:
    last = len(s._values) - 1
    kept(s, x, period)
    total = total_of(s)
    s.mean = total / s.seen
    squares = 0.0
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        away = s._values[(s._head - 1 - i) & last] - s.mean
        squares += away * away
    s.value = math.sqrt(squares / s.seen)
    return s.value


@helper(
    "bands `k` population deviations about the mean; gives `mid` (Bollinger, Bollinger on Bollinger Bands, 2001)",
    warm_up=lambda period: period,
)
def bollinger(s: Bollinger, x: float, period: Period, k: float) -> float:
    width = k * deviation(s._deviation, x, period)
    s.mid = s._deviation.mean
    s.upper = s.mid + width
    s.lower = s.mid - width
    s.seen = s._deviation.seen
    s.ready = s._deviation.ready
    return s.mid


@helper(
    "bands `k` average true ranges about the exponential average of closes; gives `mid` (Keltner 1960, in Raschke's form)",
    warm_up=lambda period: period + 1,
)
def keltner(s: Keltner, high: float, low: float, close: float, period: Period, k: float) -> float:
    s.mid = ema(s._average, close, period)
    width = k * atr(s._range, high, low, close, period)
    s.upper = s.mid + width
    s.lower = s.mid - width
    s.seen = s._range.seen
    s.ready = s._range.ready
    return s.mid


@helper(
    "highest high and lowest low of the last `period` bars; gives their middle, `mid` (Donchian, about 1960)",
    warm_up=lambda period: period,
)
def donchian(s: Donchian, high: float, low: float, period: Period) -> float:
    s.upper = highest(s._high, high, period)
    s.lower = lowest(s._low, low, period)
    s.mid = (s.upper + s.lower) / 2.0
    s.seen = s._high.seen
    s.ready = s._high.ready
    return s.mid
