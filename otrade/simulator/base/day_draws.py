"""Draws of one part of the simulator through a day, by subject (an order, an instrument) and by
purpose.
"""

import datetime as dt

from otrade.simulator.base.config import NS_PER_MS, DelayRange
from otrade.simulator.draws import KeyedDraws, number_of, number_of_day


class DayDraws:
    """Keys are (seed, day, subject, purpose); the purpose has the part's name before it, so that who
    else is connected does not change what the exchange does. Every day begins anew.
    """

    def __init__(self, seed: int, part: str) -> None:
        self._seed = seed
        self._part = part
        self._day = 0
        self._kept: dict[tuple[str, int], KeyedDraws] = {}

    def open_day(self, date: dt.date) -> None:
        self._day = number_of_day(date)
        self._kept.clear()

    def of(self, purpose: str, subject: int = 0) -> KeyedDraws:
        """Those of a subject for a purpose, which go on where they stopped today."""
        kept = self._kept.get((purpose, subject))
        if kept is None:
            kept = self._kept[purpose, subject] = self.once(purpose, subject)
        return kept

    def once(self, purpose: str, subject: int = 0) -> KeyedDraws:
        """The same from the first one on: for a subject that comes no second time."""
        return KeyedDraws(self._seed, self._day, subject, number_of(f"{self._part} {purpose}"))


def delay_ns(draws: KeyedDraws, span: DelayRange) -> int:
    """A delay inside the span, both ends in whole nanoseconds, the nearest ones."""
    return draws.between(round(span.low_ms * NS_PER_MS), round(span.high_ms * NS_PER_MS))
