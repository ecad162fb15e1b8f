"""What is wrong, or may be, with ticks of the past: named, and nothing of it mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise

from otrade.calendar import DAY, TradingSession, date_of
from otrade.research.history.findings import HistoryFinding
from otrade.research.history.series import SeriesFacts
from otrade.research.history.sessions import PastSessions
from otrade.units import NS_PER_MINUTE, NS_PER_S, ist_hms

SILENCE_NS = NS_PER_MINUTE
SHOWN = 6


def examine_ticks(
    facts: SeriesFacts, times_ns: Sequence[int], days: PastSessions
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
        parts, of_day = days.parts(facts.segment, date), by_day.get(date, [])
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
