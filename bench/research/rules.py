"""The day and the rules that all engines are given: nothing here belongs to one of them.

An EMA crossover of 5-second bars, in one share, 50 at a time, long and short. At the close of a bar at which the fast
average has come to the other side of the slow one, and while nothing is open, an order at the market. After its execution a stop 0.2 % and
a target 0.4 % from it, of which one ends the other. A stop is rounded to the tick towards the entry, a target away from it.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DATE = dt.date(2025, 9, 1)
SYMBOL = "NSE:INFY"
OPEN_NS = 1_756_698_300_000_000_000  # 09:15 in India
SESSION_NS = 22_500_000_000_000
BEFORE_FIRST_NS = 250_000  # no tick lies upon the edge of a bar, which belongs to either side
LAST_ENTRY_NS = OPEN_NS + SESSION_NS - 1_800_000_000_000
E4 = 10_000
TICK_E4 = 500
START_E4 = 15_000_000
QTY = 50
BAR_S = 5
FAST, SLOW = 9, 21
STOP_PERCENT = 0.2
TARGET_PERCENT = 0.4
FEE = 0.0003
"""Of what an order trades for: the peers' charges, whose engines know no others of themselves."""


class Day(NamedTuple):
    """Ticks: times, prices, quantities."""

    ts_ns: npt.NDArray[np.int64]
    px_e4: npt.NDArray[np.int64]
    qty: npt.NDArray[np.int64]


class RoundTrip(NamedTuple):
    """A trade from entry to exit. `side` is 1 of a long one, `exit` is "stop" or "target"."""

    side: int
    entry_ns: int
    entry_e4: int
    exit_ns: int
    exit_e4: int
    exit: str


def make_day(n_ticks: int, seed: int, tick_ns: int = 0) -> Day:
    """A price that goes up or down by a tick, or stays, every so many nanoseconds; 0: spread over the session."""
    rng = np.random.default_rng(seed)
    every_ns = tick_ns or SESSION_NS // n_ticks
    ts_ns = OPEN_NS + BEFORE_FIRST_NS + np.arange(n_ticks, dtype=np.int64) * every_ns
    steps = rng.integers(-1, 2, n_ticks)
    px_e4 = np.ascontiguousarray(START_E4 + np.cumsum(steps) * TICK_E4, np.int64)
    return Day(ts_ns, px_e4, rng.integers(QTY, 500, n_ticks).astype(np.int64))


def stop_e4(side: int, entry_e4: int) -> int:
    """Rounded towards the entry."""
    raw = entry_e4 - side * round(entry_e4 * STOP_PERCENT / 100)
    return side * (-(-side * raw // TICK_E4) * TICK_E4)


def target_e4(side: int, entry_e4: int) -> int:
    """Rounded away from the entry."""
    raw = entry_e4 + side * round(entry_e4 * TARGET_PERCENT / 100)
    return side * (-(-side * raw // TICK_E4) * TICK_E4)
