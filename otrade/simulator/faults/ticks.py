"""Market data as real feeds send it: parts, packets that come twice, empty order books, a wrong
price among right ones, and holes.

Seen in recordings: messages without depth, without candles, and with nothing but depth; the last
trade again with every change of the order book; a fifth of one recording are exact duplicates, with
a hole of 38 minutes.
"""

from collections import Counter
from typing import Literal

from otrade.simulator.base.day_draws import DayDraws

TickFault = Literal["", "doubled", "part", "no_book", "wrong"]
WRONG: tuple[tuple[int, int], ...] = ((10, 1), (1, 10), (100, 1), (0, 1))
"""What a wrong packet makes of the last price: times, divided by."""


def wrong_by(way: int, price: float) -> tuple[int, int]:
    """That way of `WRONG` for a last price in rupees. A tenth of less than a rupee is within a few
    ticks, which nobody can tell from a trade: a hundred times of it is not.
    """
    times, divided_by = WRONG[way]
    return (100, 1) if times and price < 1 else (times, divided_by)


class TickFaults:
    """What becomes of the next messages about an instrument that has traded; one after another, as
    they are armed.
    """

    def __init__(self, draws: DayDraws, seen: Counter[str]) -> None:
        self._tick_draws = draws
        self.seen = seen
        self._ticks: list[TickFault] = []
        self._has_hole = False

    # ---- armed by a test

    def double_ticks(self, n: int) -> None:
        """The next `n` are sent twice, byte for byte."""
        self._ticks += ["doubled"] * n

    def part_ticks(self, n: int) -> None:
        """Of the next `n` only a part is sent. Where a feed has no parts the trade comes again
        with another order book.
        """
        self._ticks += ["part"] * n

    def empty_books(self, n: int) -> None:
        """The next `n` have an order book in which nothing stands."""
        self._ticks += ["no_book"] * n

    def wrong_ticks(self, n: int) -> None:
        """Before each of the next `n` comes one whose last price is wrong by a decimal point, or 0;
        all else in it is right.
        """
        self._ticks += ["wrong"] * n

    # ---- asked by the feeds

    def take_tick(self) -> TickFault:
        """What happens to this one."""
        if not self._ticks:
            return ""
        fault = self._ticks.pop(0)
        self.seen[f"tick_{fault}"] += 1
        return fault

    @property
    def has_hole(self) -> bool:
        """Are no prices sent at all, though the feed lives?"""
        return self._has_hole

    def choose(self, token: int, n: int) -> int:
        """One of `n` ways for an instrument."""
        return self._tick_draws.of("way of a tick", token).integer(n)

    def _is_armed(self) -> bool:
        return bool(self._ticks)

    def _disarm(self) -> None:
        self._ticks.clear()
