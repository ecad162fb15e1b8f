"""The trades inside each bar of a price file that would have made it."""

from __future__ import annotations

from array import array
from itertools import pairwise

from otrade.price_files.bars import FileBar
from otrade.simulator.draws import KeyedDraws
from otrade.simulator.prices.daily_levels import UNIT_BITS
from otrade.simulator.prices.fixed_tables import NORMAL
from otrade.simulator.prices.session_path import MINUTE_NS, ReferencePath

NOISE_PERCENT = 8
"""Standard deviation of a price between two knots, of the bar's range."""


def ticks_of(bar: FileBar, count: int, draws: KeyedDraws) -> list[int]:
    """`count` prices which open, reach the high and the low, and close as the bar did, and never
    leave it.
    """
    rising = bar.close_e4 >= bar.open_e4
    # A rising bar more often made its low first.
    low_first = (draws.integer(4) < 3) == rising
    first, second = 1, 2
    if count > 3:
        first, second = 1 + draws.integer(count - 2), 1 + draws.integer(count - 3)
        first, second = sorted((first, second + (second >= first)))
    a, b = (bar.low_e4, bar.high_e4) if low_first else (bar.high_e4, bar.low_e4)
    knots = [(0, bar.open_e4), (first, a), (second, b), (count - 1, bar.close_e4)]
    span = bar.high_e4 - bar.low_e4
    normals = [NORMAL[bits & 1023] for bits in draws.many(count)]
    prices = [bar.open_e4]
    for (i0, p0), (i1, p1) in pairwise(knots):
        for i in range(i0 + 1, i1):
            between = p0 + (p1 - p0) * (i - i0) // (i1 - i0)
            between += span * normals[i] * NOISE_PERCENT // 409_600
            prices.append(min(bar.high_e4, max(bar.low_e4, between)))
        prices.append(p1)
    return prices


def reference(
    bars: list[FileBar], count: int, key: tuple[int, ...], length_ns: int
) -> tuple[ReferencePath, array[int]]:
    """The day's trades as (time, price), and the quantity of each (all -1 when the file has no
    volume). `count` a minute; a bar that the next one cuts short trades as much in less time. `key`:
    of the draws, to which each bar's time is added.
    """
    ts_ns, levels, qty = array("q"), array("q"), array("q")
    per_bar = max(4, round(count * length_ns / MINUTE_NS))
    has_volume = all(bar.volume >= 0 for bar in bars)
    ends = [bar.ts_ns for bar in bars[1:]] + [bars[-1].ts_ns + length_ns]
    for bar, end_ns in zip(bars, ends, strict=True):
        draws = KeyedDraws(*key, bar.ts_ns)
        span_ns = min(length_ns, end_ns - bar.ts_ns)
        share, rest = divmod(max(bar.volume, 0), per_bar)
        for i, price_e4 in enumerate(ticks_of(bar, per_bar, draws)):
            ts_ns.append(bar.ts_ns + i * span_ns // per_bar)
            levels.append(price_e4 << UNIT_BITS)
            qty.append(share + (i < rest) if has_volume else -1)
    return ReferencePath(ts_ns, levels), qty
