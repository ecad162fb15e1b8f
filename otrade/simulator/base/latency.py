"""Seeded delays of one broker's servers, apart from the exchange's own, so that who else is
connected does not change what the exchange does.
"""

import datetime as dt
import random

from otrade.simulator.base.config import NS_PER_MS, DelayRange


class SeededDelays:
    """Draws latencies; every day begins anew."""

    def __init__(self, seed: int, name: str) -> None:
        self._seed = seed
        self._name = name
        self._rng = random.Random()

    def open_day(self, date: dt.date) -> None:
        self._rng = random.Random(f"{self._seed}:{date}:{self._name}")

    def draw_ns(self, span: DelayRange) -> int:
        """A delay inside the span."""
        return round(self._rng.uniform(span.low_ms, span.high_ms) * NS_PER_MS)
