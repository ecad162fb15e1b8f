"""The equity curve in one pass and bounded memory: its drawdowns, and so many points as a chart shows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from otrade.research.report.source import EquityRow

SHOWN = 500
"""Pieces of the curve in a chart; each keeps its first, lowest, highest and last point."""


class CurvePoint(msgspec.Struct, frozen=True):
    ts_ns: int
    value_paise: int
    below_paise: int
    """Below the highest value so far: 0 or less."""


class Drawdown(msgspec.Struct, frozen=True):
    """A fall from a highest value. `until_ns`: when it was reached again; None: not to the end."""

    depth_paise: int
    """0 or less."""
    from_ns: int
    bottom_ns: int
    until_ns: int | None


class EquityCurveFigures(msgspec.Struct, frozen=True):
    """`is_net` is False where charges are not known: all of it is gross then."""

    is_net: bool
    points: list[CurvePoint]
    deepest: Drawdown | None
    longest: Drawdown | None
    end_ns: int


def curve_of(rows: Iterable[EquityRow], n_rows: int, *, is_net: bool) -> EquityCurveFigures:
    """`n_rows` is how many will come. The value before the first one is 0."""
    size = max(1, -(-n_rows // SHOWN))
    points: list[CurvePoint] = []
    piece: list[CurvePoint] = []
    falls = _Falls()
    for row in rows:
        value = row.net_paise if is_net else row.gross_paise
        assert value is not None, "the caller has seen that every charge is known"
        piece.append(CurvePoint(row.ts_ns, value, falls.take(row.ts_ns, value)))
        if len(piece) == size:
            points += _thinned(piece)
            piece = []
    points += _thinned(piece)
    falls.end()
    return EquityCurveFigures(is_net, points, falls.deepest, falls.longest, falls.now_ns)


def _thinned(piece: list[CurvePoint]) -> list[CurvePoint]:
    if len(piece) <= 4:
        return piece
    low = min(range(len(piece)), key=lambda n: piece[n].value_paise)
    high = max(range(len(piece)), key=lambda n: piece[n].value_paise)
    return [piece[n] for n in sorted({0, low, high, len(piece) - 1})]


class _Falls:
    """Drawdowns as the points come."""

    def __init__(self) -> None:
        self.deepest: Drawdown | None = None
        self.longest: Drawdown | None = None
        self.now_ns = 0
        self._peak = 0
        self._peak_ns: int | None = None
        self._depth = 0
        self._bottom_ns = 0

    def take(self, ts_ns: int, value: int) -> int:
        self.now_ns = ts_ns
        if self._peak_ns is None:
            self._peak_ns = ts_ns
        below = min(value - self._peak, 0)
        if below == 0:
            self._close(ts_ns)
            self._peak, self._peak_ns = max(value, self._peak), ts_ns
        elif below < self._depth:
            self._depth, self._bottom_ns = below, ts_ns
        return below

    def end(self) -> None:
        self._close(None)

    def _close(self, until_ns: int | None) -> None:
        if self._depth == 0 or self._peak_ns is None:
            return
        fall = Drawdown(self._depth, self._peak_ns, self._bottom_ns, until_ns)
        if self.deepest is None or fall.depth_paise < self.deepest.depth_paise:
            self.deepest = fall
        if self.longest is None or self._length(fall) > self._length(self.longest):
            self.longest = fall
        self._depth = 0

    def _length(self, fall: Drawdown) -> int:
        return (self.now_ns if fall.until_ns is None else fall.until_ns) - fall.from_ns
