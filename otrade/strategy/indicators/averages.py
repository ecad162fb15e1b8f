"""Moving averages. Before the warm-up is over each gives the best estimate so far."""

import math
from typing import Any

from otrade.strategy.indicators.numbers import whole
from otrade.strategy.indicators.registry import Period, helper
from otrade.strategy.indicators.ring import kept
from otrade.strategy.words.cell import Cell, Window


class Ema(Cell):
    value: float


class Sma(Cell):
    value: float
    _sum: float
    _head: int
    _values: Window


class MeanPrice(Cell):
    value: float
    _sum: float
    _head: int
    _values: Window


class Wma(Cell):
    value: float
    _head: int
    _values: Window


class Hma(Cell):
    value: float
    _half: Wma
    _full: Wma
    _smooth: Wma


@helper(
    "exponential average: e += 2 / (period + 1) (x - e), seeded with the first value (Hunter 1986; Appel)",
    warm_up=lambda period: period,
)
def ema(s: Ema, x: float, period: Period) -> float:
    if s.seen == 0:
        s.value = x
    else:
        s.value = s.value + (x - s.value) * (2.0 / (period + 1.0))
    if s.seen < period:
        s.seen += 1
    s.ready = s.seen >= period
    return s.value


@helper(
    "mean of the last `period` values. The running sum is added up anew each time the window is through: it cannot drift",
    warm_up=lambda period: period,
)
def sma(s: Sma, x: float, period: Period) -> float:
    last = len(s._values) - 1
    if s.seen < period:
        s.seen += 1
        s._sum += x
    else:
        s._sum += x - s._values[(s._head - period) & last]
    s._values[s._head & last] = x
    s._head = (s._head + 1) & last
    if s._head == 0:
        total = 0.0
        for i in range(len(s._values)):
            if i >= s.seen:
                break
            total += s._values[(s._head - 1 - i) & last]
        s._sum = total
    s.ready = s.seen >= period
    s.value = s._sum / s.seen
    return s.value


@helper(
    "mean of the last `period` prices, summed in whole ten-thousandths of a rupee: exact, and so the same from wherever it began",
    warm_up=lambda period: period,
)
def mean_price(s: MeanPrice, price: float, period: Period) -> float:
    last = len(s._values) - 1
    units = float(whole(price * 10_000.0 + 0.5, 0, 1 << 50))
    if s.seen < period:
        s.seen += 1
        s._sum += units
    else:
        s._sum += units - s._values[(s._head - period) & last]
    s._values[s._head & last] = units
    s._head = (s._head + 1) & last
    s.ready = s.seen >= period
    s.value = s._sum / (s.seen * 10_000.0)
    return s.value


@helper(
    "mean of the last `period` values, the newest weighted `period`, the oldest 1",
    warm_up=lambda period: period,
)
def wma(s: Wma, x: float, period: Period) -> float:
    last = len(s._values) - 1
    kept(s, x, period)
    total = 0.0
    weight = float(s.seen)
    weights = 0.0
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        total += s._values[(s._head - 1 - i) & last] * weight
        weights += weight
        weight -= 1.0
    s.value = total / weights
    return s.value


@helper(
    "wma(2 wma(x, period / 2) - wma(x, period), root of period), both rounded down (Hull 2005)",
    warm_up=lambda period: period + math.isqrt(period) - 1,
)
def hma(s: Hma, x: float, period: Period) -> float:
    half: Any = period // 2
    if half < 1:
        half = 1
    smooth: Any = int(math.sqrt(period))
    fast = wma(s._half, x, half)
    slow = wma(s._full, x, period)
    s.value = wma(s._smooth, 2.0 * fast - slow, smooth)
    if s.seen < period + smooth - 1:
        s.seen += 1
    s.ready = s.seen >= period + smooth - 1
    return s.value
