"""Arithmetic that cannot raise: what a strategy writes where Python would."""

import math

from otrade.strategy.indicators.registry import helper


@helper("a / b, and what it is where b is 0")
def ratio(a: float, b: float, otherwise: float) -> float:
    return a / b if b != 0.0 else otherwise


@helper("square root; 0 of what is not above 0")
def root(x: float) -> float:
    return math.sqrt(x) if x > 0.0 else 0.0


@helper("the whole part of x, not below `low` nor above `high`; `low` where x is not a number")
def whole(x: float, low: int, high: int) -> int:
    if x >= high:
        return high
    return int(x) if x > low else low
