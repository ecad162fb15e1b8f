"""Bars of a file, by day and line."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

MINUTE_NS = 60_000_000_000


class PriceFileError(ValueError):
    """A price file that cannot be used: names file, line, column and the fix."""


@dataclass(frozen=True, slots=True)
class FileBar:
    """One bar; `ts_ns` is its opening time. Volume and open interest are -1 when the file has none."""

    ts_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    oi: int = -1


@dataclass(slots=True)
class PriceFile:
    """Bars of each day, in order of time."""

    path: str
    time_column: str = "time_ist"
    days: dict[dt.date, list[FileBar]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    """By a bar's time: its line."""
    symbols: set[str] = field(default_factory=set)
    """What the file itself calls its instrument, where it does."""
    rounded: list[int] = field(default_factory=list)
    """Lines with a price finer than a ten-thousandth of a rupee."""
    bad_lines: list[str] = field(default_factory=list)
    """What was left out, in words, when the reading went on."""
    same_lines: list[str] = field(default_factory=list)
    """Lines that say again, to the last digit, what one before has said; left out too."""
    is_newest_first: bool = False
    n_without_zone: int = 0

    def error(self, line: int, column: str, text: str) -> PriceFileError:
        return PriceFileError(f"{self.path}, line {line}, column {column}: {text}")

    def line_of(self, date: dt.date) -> int:
        """The first line of a day."""
        return self.lines[self.days[date][0].ts_ns]


def bar_length_ns(days: Iterable[list[FileBar]]) -> int:
    """The commonest distance of two bars of one day (the shorter of two that are as common): a row
    too many, or one that is missing, changes nothing. A minute when there are no two.
    """
    gaps = Counter(b.ts_ns - a.ts_ns for bars in days for a, b in pairwise(bars))
    return min(gaps, key=lambda gap: (-gaps[gap], gap), default=MINUTE_NS)
