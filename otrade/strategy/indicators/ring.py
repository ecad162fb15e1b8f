"""What indicators over the last `period` values share: the ring that keeps them."""

from typing import Any

from otrade.strategy.indicators.registry import inner


@inner
def kept(s: Any, x: float, period: int) -> None:
    """Put a value into the cell's ring, whose length is a power of two; it is ready once `period`
    values are there.
    """
    last = len(s._values) - 1
    s._values[s._head & last] = x
    s._head = (s._head + 1) & last
    if s.seen < period:
        s.seen += 1
    s.ready = s.seen >= period


@inner
def total_of(s: Any) -> float:
    """Of those that are there, the newest first."""
    last = len(s._values) - 1
    total = 0.0
    for i in range(len(s._values)):
        if i >= s.seen:
            break
        total += s._values[(s._head - 1 - i) & last]
    return total
