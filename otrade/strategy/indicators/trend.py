"""Which way a price goes, and when two lines change sides."""

from otrade._core.kernels.wilder import smoothed, true_range
from otrade.strategy.indicators.ranges import Atr, atr
from otrade.strategy.indicators.registry import Period, helper
from otrade.strategy.indicators.ring import kept, total_of
from otrade.strategy.words.cell import Cell, Window


class Cross(Cell):
    side: int


class Supertrend(Cell):
    value: float
    trend: int
    upper: float
    lower: float
    _close: float
    _range: Atr


class Adx(Cell):
    value: float
    plus: float
    minus: float
    _high: float
    _low: float
    _close: float
    _up: float
    _down: float
    _range: float
    _sum: float


class Regression(Cell):
    value: float
    slope: float
    _head: int
    _values: Window


@helper(
    "1 when `a` has come to lie above `b`, -1 when below, 0 otherwise. Touching is not crossing: equal keeps the `side`",
    warm_up=lambda: 1,
)
def cross(s: Cross, a: float, b: float) -> int:
    before = s.side
    if a > b:
        s.side = 1
    elif a < b:
        s.side = -1
    s.seen = 1
    s.ready = True
    return s.side if before != 0 and s.side != before else 0


@helper(
    "bands `factor` average true ranges about the bar's middle that only tighten; the trend turns when the close passes one. Gives "
    "1 up, -1 down, 0 before the first range; `value` is the band that price would have to pass (Seban 2008)",
    warm_up=lambda period: period + 1,
)
def supertrend(
    s: Supertrend, high: float, low: float, close: float, period: Period, factor: float
) -> int:
    first = s._range.seen == 0
    begins = s._range.seen == 1
    before = s._close
    width = factor * atr(s._range, high, low, close, period)
    s._close = close
    s.seen = s._range.seen
    s.ready = s._range.ready
    if first:
        return 0
    mid = (high + low) / 2.0
    upper = mid + width
    lower = mid - width
    if not begins:
        if not (upper < s.upper or before > s.upper):
            upper = s.upper
        if not (lower > s.lower or before < s.lower):
            lower = s.lower
    if s.trend == 0:
        s.trend = 1 if close >= mid else -1
    elif s.trend > 0 and close < lower:
        s.trend = -1
    elif s.trend < 0 and close > upper:
        s.trend = 1
    s.upper = upper
    s.lower = lower
    s.value = lower if s.trend > 0 else upper
    return s.trend


@helper(
    "average directional index, 0 to 100, with `plus` and `minus` directional indicators (Wilder 1978, seeded as TA-Lib does: sums of "
    "period - 1 bars, then the mean of `period` values). 0 before the first",
    warm_up=lambda period: 2 * period,
)
def adx(s: Adx, high: float, low: float, close: float, period: Period) -> float:
    if s.seen == 0:
        s._high = high
        s._low = low
        s._close = close
        s.seen = 1
        return 0.0
    up = high - s._high
    down = s._low - low
    plus = up if up > 0.0 and up > down else 0.0
    minus = down if down > 0.0 and up < down else 0.0
    widest = true_range(high, low, s._close)
    s._high = high
    s._low = low
    s._close = close
    if s.seen < period:
        s._up += plus
        s._down += minus
        s._range += widest
        s.seen += 1
        return 0.0
    s._up = s._up - s._up / period + plus
    s._down = s._down - s._down / period + minus
    s._range = s._range - s._range / period + widest
    index = 0.0
    is_known = False
    if s._range > 0.0:
        s.plus = 100.0 * (s._up / s._range)
        s.minus = 100.0 * (s._down / s._range)
        both = s.plus + s.minus
        if both > 0.0:
            index = 100.0 * (abs(s.minus - s.plus) / both)
            is_known = True
    if s.seen < 2 * period:
        if is_known:
            s._sum += index
        s.seen += 1
        s.value = s._sum / (s.seen - period)
    elif is_known:
        s.value = smoothed(s.value, index, s.seen, period)
    s.ready = s.seen >= 2 * period
    return s.value


@helper(
    "the least-squares line through the last `period` values: where it ends, and its `slope` a value",
    warm_up=lambda period: period,
)
def linear_regression(s: Regression, x: float, period: Period) -> float:
    last = len(s._values) - 1
    kept(s, x, period)
    total = total_of(s)
    mean = total / s.seen
    middle = (s.seen - 1.0) / 2.0
    both = 0.0
    squares = 0.0
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        at = middle - i
        both += at * (s._values[(s._head - 1 - i) & last] - mean)
        squares += at * at
    s.slope = both / squares if squares > 0.0 else 0.0
    s.value = mean + s.slope * middle
    return s.value
