"""Closed bars for the page: one bounded ring a series. The core keeps only the current and the last
bar.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

KEPT_MAX = 2_000


class ClosedBar(NamedTuple):
    """One closed bar: `ts_open_ns` is its first nanosecond; prices in e4, volume in units."""

    ts_open_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    n_ticks: int


class BarHistory:
    def __init__(self, n_series: int) -> None:
        self._rings: list[deque[ClosedBar]] = [deque(maxlen=KEPT_MAX) for _ in range(n_series)]
        self._earlier: dict[int, list[ClosedBar]] = {}

    def put_before(self, series_id: int, bars: Sequence[ClosedBar]) -> None:
        """Bars from before this engine listened, oldest first: to be shown."""
        self._earlier[series_id] = list(bars)[-KEPT_MAX:]

    def extend(self, bars: Iterable[tuple[int, ...]]) -> int:
        """Take what `Engine.take_bars` gave: tuples of the series and the fields of `ClosedBar`.
        Returns how many.
        """
        n = 0
        for series_id, *fields in bars:
            self._rings[series_id].append(ClosedBar(*fields))
            n += 1
        return n

    def last(self, series_id: int, n_max: int) -> list[ClosedBar]:
        """The newest `n_max` closed bars of a series, oldest first."""
        ring = list(self._rings[series_id])
        first_ns = ring[0].ts_open_ns if ring else None
        earlier = [
            bar
            for bar in self._earlier.get(series_id, ())
            if first_ns is None or bar.ts_open_ns < first_ns
        ]
        return [*earlier, *ring][-n_max:] if n_max > 0 else []
