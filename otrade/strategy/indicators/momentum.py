"""How fast a price moves, and where in its range it is."""

from otrade._core.kernels.wilder import smoothed, strength
from otrade.strategy.indicators.averages import Ema, Sma, ema, sma
from otrade.strategy.indicators.registry import Period, helper, inner
from otrade.strategy.indicators.ring import kept, total_of
from otrade.strategy.indicators.windows import Highest, Lowest, highest, lowest
from otrade.strategy.words.cell import Cell, Window

inner(strength)


class Rsi(Cell):
    value: float
    _before: float
    _gain: float
    _loss: float


class Macd(Cell):
    value: float
    signal: float
    histogram: float
    _fast: Ema
    _slow: Ema
    _signal: Ema


class Roc(Cell):
    value: float
    _head: int
    _values: Window


class Cci(Cell):
    value: float
    _head: int
    _values: Window


class WilliamsR(Cell):
    value: float
    _high: Highest
    _low: Lowest


class Stochastic(Cell):
    k: float
    d: float
    _high: Highest
    _low: Lowest
    _smooth: Sma


@helper(
    "relative strength index, 0 to 100, seeded with the mean of the first `period` changes; 50 before the first change and where "
    "nothing moves (Wilder, New Concepts in Technical Trading Systems, 1978)",
    warm_up=lambda period: period + 1,
)
def rsi(s: Rsi, x: float, period: Period) -> float:
    if s.seen == 0:
        s._before = x
        s.seen = 1
        s.value = 50.0
        return 50.0
    change = x - s._before
    s._before = x
    gain = change if change > 0.0 else 0.0
    loss = -change if change < 0.0 else 0.0
    s._gain = smoothed(s._gain, gain, s.seen, period)
    s._loss = smoothed(s._loss, loss, s.seen, period)
    if s.seen <= period:
        s.seen += 1
    s.value = strength(s._gain, s._loss)
    s.ready = s.seen > period
    return s.value


@helper(
    "fast less slow exponential average, with its own average as `signal` and their difference as `histogram` (Appel 1979)",
    warm_up=lambda fast, slow, signal: max(fast, slow) + signal - 1,
)
def macd(s: Macd, x: float, fast: Period, slow: Period, signal: Period) -> float:
    line = ema(s._fast, x, fast) - ema(s._slow, x, slow)
    s.signal = ema(s._signal, line, signal)
    s.histogram = line - s.signal
    s.value = line
    wanted = (fast if fast > slow else slow) + signal - 1
    if s.seen < wanted:
        s.seen += 1
    s.ready = s.seen >= wanted
    return line


@helper(
    "change against the value `period` before, in percent; 0 before there is one",
    warm_up=lambda period: period + 1,
)
def roc(s: Roc, x: float, period: Period) -> float:
    last = len(s._values) - 1
    s.value = 0.0
    if s.seen >= period:
        before = s._values[(s._head - period) & last]
        s.value = 100.0 * (x - before) / before if before != 0.0 else 0.0
    s._values[s._head & last] = x
    s._head = (s._head + 1) & last
    if s.seen <= period:
        s.seen += 1
    s.ready = s.seen > period
    return s.value


@helper(
    "typical price less its mean, in mean absolute deviations times 0.015; 0 where nothing deviates (Lambert 1980)",
    warm_up=lambda period: period,
)
def cci(s: Cci, high: float, low: float, close: float, period: Period) -> float:
    last = len(s._values) - 1
    typical = (high + low + close) / 3.0
    kept(s, typical, period)
    total = total_of(s)
    mean = total / s.seen
    away = 0.0
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        away += abs(s._values[(s._head - 1 - i) & last] - mean)
    away = away / s.seen
    s.value = (typical - mean) / (0.015 * away) if away > 0.0 else 0.0
    return s.value


@helper(
    "the close's place below the highest high of the range, 0 to -100; -50 where there is no range (Williams 1973)",
    warm_up=lambda period: period,
)
def williams_r(s: WilliamsR, high: float, low: float, close: float, period: Period) -> float:
    top = highest(s._high, high, period)
    bottom = lowest(s._low, low, period)
    s.seen = s._high.seen
    s.ready = s._high.ready
    s.value = -100.0 * (top - close) / (top - bottom) if top > bottom else -50.0
    return s.value


@helper(
    "%K, the close's place in the range, 0 to 100, and `d`, its mean of `smooth`; 50 where there is no range (Lane 1957)",
    warm_up=lambda period, smooth: period + smooth - 1,
)
def stochastic(
    s: Stochastic, high: float, low: float, close: float, period: Period, smooth: Period
) -> float:
    top = highest(s._high, high, period)
    bottom = lowest(s._low, low, period)
    s.k = 100.0 * (close - bottom) / (top - bottom) if top > bottom else 50.0
    s.d = sma(s._smooth, s.k, smooth)
    if s.seen < period + smooth - 1:
        s.seen += 1
    s.ready = s.seen >= period + smooth - 1
    return s.k
