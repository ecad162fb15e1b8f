"""The last values: looked back at, their highest and lowest."""

from otrade.strategy.indicators.registry import Period, helper
from otrade.strategy.indicators.ring import kept
from otrade.strategy.words.cell import Cell, Window


class Ring(Cell):
    """The last values as they came; `seen` of them are there."""

    _head: int
    _values: Window


class Highest(Cell):
    value: float
    _head: int
    _values: Window


class Lowest(Cell):
    value: float
    _head: int
    _values: Window


@helper("put a value into a ring; the oldest leaves it", warm_up=None)
def push(s: Ring, x: float) -> None:
    last = len(s._values) - 1
    s._values[s._head & last] = x
    s._head = (s._head + 1) & last
    if s.seen <= last:
        s.seen += 1
    s.ready = s.seen > last


@helper("the value that was put in `k` puts before the last one; 0 where none was")
def ago(s: Ring, k: int) -> float:
    return s._values[(s._head - 1 - k) & (len(s._values) - 1)]


@helper(
    "the highest of the last `period` values (Donchian, about 1960)", warm_up=lambda period: period
)
def highest(s: Highest, x: float, period: Period) -> float:
    last = len(s._values) - 1
    kept(s, x, period)
    top = x
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        one = s._values[(s._head - 1 - i) & last]
        if one > top:
            top = one
    s.value = top
    return top


@helper(
    "the lowest of the last `period` values (Donchian, about 1960)", warm_up=lambda period: period
)
def lowest(s: Lowest, x: float, period: Period) -> float:
    last = len(s._values) - 1
    kept(s, x, period)
    bottom = x
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        one = s._values[(s._head - 1 - i) & last]
        if one < bottom:
            bottom = one
    s.value = bottom
    return bottom
