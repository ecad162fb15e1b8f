"""What is wrong, or may be, with ticks of the past: named, and nothing of it mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from otrade.calendar import DAY, TradingSession, date_of
from otrade.research.arrow import pc
from otrade.research.history.findings import HistoryFinding
from otrade.research.history.series import SeriesFacts
from otrade.research.history.sessions import PastSessions
from otrade.units import NS_PER_MINUTE, NS_PER_S, ist_hms, rupees

SILENCE_NS = NS_PER_MINUTE
SHOWN = 6
PRICES = (
    "ltp_e4",
    *(f"{side}_px_e4_{level}" for side in ("bid", "ask") for level in range(1, 6)),
)
"""Columns of prices that somebody has traded or asked at."""


def examine_ticks(
    facts: SeriesFacts, times_ns: Sequence[int], days: PastSessions, symbol: str = ""
) -> list[HistoryFinding]:
    """Of the times at which ticks were received, in their order: days without any between the first and
    the last, and stretches of a session in which none came.
    """
    found = []
    by_day: dict[dt.date, list[int]] = {}
    for ts_ns in times_ns:
        by_day.setdefault(date_of(ts_ns), []).append(ts_ns)
    n_back = sum(b < a for a, b in pairwise(times_ns))
    if n_back:
        first = next(b for a, b in pairwise(times_ns) if b < a)
        text = f"{ist_hms(first)}: received before the tick before it"
        found.append(HistoryFinding("order", f"{date_of(first)}", text, n_back))
    if not by_day:
        return found
    date, last = min(by_day), max(by_day)
    while date <= last:
        parts, of_day = days.parts(facts.segment, date, symbol), by_day.get(date, [])
        if parts and not of_day:
            found.append(HistoryFinding("missing_session", f"{date}", "no tick of this session"))
        elif parts:
            found += _silences(date, of_day, parts)
        date += DAY
    return found


def _silences(
    date: dt.date, times_ns: Sequence[int], parts: Sequence[TradingSession]
) -> Iterator[HistoryFinding]:
    """Stretches of a session without a tick, its beginning and its end among them."""
    quiet: list[tuple[int, int]] = []
    for part in parts:
        inside = [ts_ns for ts_ns in times_ns if part.open_ns <= ts_ns < part.close_ns]
        edges = [part.open_ns, *inside, part.close_ns]
        quiet += [(a, b) for a, b in pairwise(edges) if b - a > SILENCE_NS]
    if quiet:
        words = ", ".join(f"{ist_hms(a)}-{ist_hms(b)}" for a, b in quiet[:SHOWN])
        more = f" and {len(quiet) - SHOWN} more" if len(quiet) > SHOWN else ""
        seconds = sum(b - a for a, b in quiet) // NS_PER_S
        text = f"no tick for {seconds:,} s of the session: {words}{more}"
        yield HistoryFinding("silence", f"{date}", text, len(quiet))


def off_tick(
    tables: Iterable[Any], tick_e4: int, first: dt.date | None, last: dt.date | None
) -> list[HistoryFinding]:
    """Trades and orders of the book whose price is no multiple, by day. `tables`: months of ticks, in their order."""
    found = []
    for table in tables:
        times = table["ts_ns"].to_numpy()
        wrong_px = np.zeros(len(times), np.int64)
        for name in PRICES:
            prices = pc.fill_null(table[name], 0).to_numpy()
            wrong_px = np.where((prices % tick_e4 != 0) & (wrong_px == 0), prices, wrong_px)
        by_day: dict[dt.date, list[int]] = {}
        for at in np.flatnonzero(wrong_px).tolist():
            by_day.setdefault(date_of(int(times[at])), []).append(at)
        for date, rows in by_day.items():
            if (first or date) <= date <= (last or date):
                at = rows[0]
                text = f"{ist_hms(int(times[at]))}: {rupees(int(wrong_px[at]))} is no multiple of {rupees(tick_e4)}"
                found.append(HistoryFinding("off_tick", f"{date}", text, len(rows)))
    return found
