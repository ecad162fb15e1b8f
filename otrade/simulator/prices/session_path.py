"""A root's way through one session: a level for each minute, and trades between them.

The way is a random walk from the open to the close whose variance has the shape of the day and comes
in spells. It is made minute by minute first, so that how often an instrument trades changes nothing
of where it stands at each minute. Formulas: `docs/simulator.md`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise
from math import isqrt

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.draws import KeyedDraws
from otrade.simulator.prices.daily_levels import DayRange, exp2_q24
from otrade.simulator.prices.fixed_tables import NORMAL

MINUTE_NS = 60 * NS_PER_S
SHAPE = (
    170, 150, 135, 125, 112, 105, 98, 94, 90, 86, 82, 78, 76, 76, 78, 80, 84, 88, 90, 92, 96, 102, 110, 125, 115,
)  # fmt: skip
"""Variance of a 25th of the session (15 minutes of a stock exchange's): NIFTY's of 2024, smoothed."""
SHAPE_MEAN = sum(SHAPE) // len(SHAPE)
FIRST_MINUTE = 2
"""What the first minute's variance is beside the next one's."""
GAP_ROOT, DAY_ROOT = 1774, 3547
"""Of a day's variance a quarter comes before the open, three after it: sqrt(3/16) and sqrt(3/4) in
1/4096.
"""
SPELL_STEP = 991
"""The minute's volatility as a power of two, in 1/4096: what it changes by."""
LAG = 16
"""What of earlier minutes' news a minute still moves by, in 1/4096: hardly anything. With it a variance
ratio that is measured over windows of a day with a busy open and close is near one, as NIFTY's.
"""
NORMALS_A_DRAW = 6


@dataclass(slots=True)
class ReferencePath:
    """A root's level in time: what an index, its futures and its options are priced from."""

    ts_ns: array[int]
    levels: array[int]
    """In units (`daily_levels`)."""
    minutes: list[tuple[int, int, int]] = field(default_factory=list)
    """(first entry, entry after the last, start of the minute)."""

    def __post_init__(self) -> None:
        ts_ns, first = self.ts_ns, 0
        while first < len(ts_ns):
            start_ns = ts_ns[first] - ts_ns[first] % MINUTE_NS
            after = bisect_left(ts_ns, start_ns + MINUTE_NS, first)
            self.minutes.append((first, after, start_ns))
            first = after


@lru_cache
def weights(n_minutes: int) -> tuple[int, ...]:
    """Variance of each minute of a session that has so many."""
    plain = [SHAPE[minute * len(SHAPE) // n_minutes] for minute in range(n_minutes)]
    return (plain[0] * FIRST_MINUTE, *plain[1:])


@lru_cache
def variance_left_q16(n_minutes: int) -> tuple[int, ...]:
    """The part of the session's variance that is still to come at the start of each minute, and at
    the end.
    """
    sums = list(accumulate(weights(n_minutes), initial=0))
    return tuple(((sums[-1] - done) << 16) // sums[-1] for done in sums)


def minute_levels(
    draws: KeyedDraws, day: DayRange, n_minutes: int, n_until_close: int, band_bps: int
) -> tuple[list[int], list[int]]:
    """The level at the start of each minute and at the end of the last, and the standard deviation
    of each minute. `day.close` is reached after `n_until_close` of them.
    """
    first, *bits = draws.many(n_minutes + 1)
    gap = day.eve - day.before + (day.close - day.eve >> 2)
    opening = day.before + gap + (day.sd * GAP_ROOT * NORMAL[first & 1023] >> 24)
    spell = 2 * SPELL_STEP * NORMAL[first >> 10 & 1023] >> 12
    shape = weights(n_until_close)
    variances = list[int]()
    for minute in range(n_minutes):
        spell = (spell * 7 >> 3) + (SPELL_STEP * NORMAL[bits[minute] >> 10 & 1023] >> 12)
        weight = shape[min(minute, n_until_close - 1)]
        variances.append(weight * exp2_q24(spell << 13) >> 8)
    done = list(accumulate(variances, initial=0))
    whole = done[n_until_close]
    square = (day.sd * DAY_ROOT >> 12) ** 2
    sds = [isqrt(square * variance // whole) for variance in variances]
    walk, lag = [0], 0
    for sd, b in zip(sds, bits, strict=True):
        normal = NORMAL[b & 1023]
        walk.append(walk[-1] + (sd * (normal + (lag * LAG >> 12)) >> 12))
        lag = (lag * 7 >> 3) + normal
    bend = day.close - opening - walk[n_until_close]
    edge = day.before * band_bps * 95 // 1_000_000
    low, high = day.before - edge, day.before + edge
    levels = [
        min(high, max(low, opening + at + (bend * min(part, whole) // whole)))
        for at, part in zip(walk, done, strict=True)
    ]
    return levels, sds


def trades_in_minutes(interval_ns: int, n_minutes: int, n_wanted: int) -> list[int]:
    """How many trades each minute has, one each `interval_ns` from the open on; no more than
    `n_wanted` minutes of them.
    """
    before = [-(-minute * MINUTE_NS // interval_ns) for minute in range(n_minutes + 1)]
    return [b - a for a, b in pairwise(before)][:n_wanted]


def trade_levels(
    draws: KeyedDraws, levels: list[int], sds: list[int], counts: list[int]
) -> array[int]:
    """The level of each trade: a minute's first at the minute's level, the others on a walk from
    there to the next one's.
    """
    normals = [
        NORMAL[bits >> shift & 1023]
        for bits in draws.many(-(-sum(counts) // NORMALS_A_DRAW))
        for shift in range(0, 10 * NORMALS_A_DRAW, 10)
    ]
    found = array("q")
    first = 0
    for minute, n in enumerate(counts):
        if not n:
            continue
        start = levels[minute]
        walk = list(accumulate(normals[first : first + n]))
        first += n
        step = (sds[minute] << 12) // isqrt(n << 24)
        slope = (((levels[minute + 1] - start) << 12) - step * walk[-1]) // n
        found.append(start)
        found.extend(
            [start + (step * at + slope * i >> 12) for i, at in enumerate(walk[:-1], start=1)]
        )
    return found
