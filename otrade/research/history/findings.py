"""What is wrong, or may be, with bars of the past: named, and nothing of it mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from otrade.calendar import DAY, TradingSession, date_of
from otrade.price_files.bars import FileBar
from otrade.research.history.series import DAILY, PriceSeries, SeriesFacts
from otrade.research.history.sessions import PastSessions
from otrade.units import ist_hms, rupees

WHAT_TO_DO = {
    "damaged": "the file cannot be believed: take it away and bring its month in again",
    "missing_month": "the manifest tells of it: bring it in again",
    "stray": "no file of this archive: take it away",
    "manifest": "a write was interrupted, or another program was here: bring the newest file in again, and the manifest is written anew",
    "cannot_be": "prices that contradict each other: bring the month in again from another source",
    "order": "bars that stand twice or not in order: bring the month in again",
    "no_session": "the market was closed: take these days out at their source, or correct the calendar (--calendar)",
    "unknown_session": "nobody knows the hours of these days, so holes in them are not seen",
    "outside": "bars outside the session: a pre-open, an auction or a vendor's padding; who trades on them trades on what was no trade",
    "off_grid": "bars that do not begin at a whole length after the session's opening",
    "segment": "if that is what it is, say so when it is brought in: --segment",
    "missing_session": "days without a bar: fetch or import them",
    "hole": "minutes without a bar: nothing traded, or the source lost them; fetch or import them from another one",
    "silence": "more than a minute of a session without a tick: nobody traded or quoted, or the feed was lost; another journal may have it",
    "split": "prices before it are not adjusted: take adjusted ones from your source (brokers adjust their history), or begin after it",
    "jump": "it is no simple ratio: news, or prices of two contracts in one series",
    "off_tick": "prices that no order could have: rounded by the source, or adjusted for a split",
}
"""Every kind of finding, and what a person can do."""
RANGES_SHOWN = 6
SHARE, SHARE_OF_DERIVATIVES = "cash", "cash_with_derivatives"
JUMP_PERCENT = 20
"""No index moves so far over a night, and of shares only what news or a split has moved."""
RATIO_PERCENT = 8
"""As far may a market have moved over the night beside the split."""
SPLITS = (
    (1, 2),
    (1, 3),
    (1, 4),
    (1, 5),
    (1, 10),
    (1, 20),
    (1, 100),
    (2, 3),
    (3, 5),
    (2, 5),
    (3, 4),
)
"""New price to old: splits, and bonus shares (one for two is 2 to 3)."""
LEAST_TICK_E4 = 100
"""No share, index or contract of the stock and commodity exchanges has a finer one."""
LEAST_CURRENCY_TICK_E4 = 25


class HistoryFinding(msgspec.Struct, frozen=True):
    """One thing that was found. `count`: of bars, minutes, days."""

    kind: str
    date: str
    text: str
    count: int = 1


def examine(
    series: PriceSeries, facts: SeriesFacts, bars: Sequence[FileBar], days: PastSessions
) -> list[HistoryFinding]:
    """Everything that is to be said of bars, in their order."""
    found = [*_order(bars)]
    by_day: dict[dt.date, list[FileBar]] = {}
    for bar in bars:
        by_day.setdefault(date_of(bar.ts_ns), []).append(bar)
    unknown: list[dt.date] = []
    missing: list[dt.date] = []
    sessions: list[list[FileBar]] = []
    for date in _dates(by_day):
        parts = days.parts(facts.segment, date, series.symbol)
        of_day = by_day.get(date, [])
        if of_day and missing:
            found.append(_missing_words(missing))
            missing = []
        if parts is None:
            if of_day:
                unknown.append(date)
                sessions.append(of_day)
        elif not parts and of_day:
            found.append(
                HistoryFinding(
                    "no_session",
                    f"{date}",
                    f"{len(of_day)} bars on a day without a session",
                    len(of_day),
                )
            )
        elif parts and not of_day:
            missing.append(date)
        elif parts and series.length == DAILY:
            sessions.append(of_day)
        elif parts:
            found += _of_session(series, date, of_day, parts)
            sessions.append([bar for bar in of_day if _is_inside(bar, parts)])
    if unknown:
        found.append(
            HistoryFinding(
                "unknown_session",
                f"{unknown[0]}",
                f"{len(unknown)} days ({unknown[0]} to {unknown[-1]}) of {facts.segment or 'an unknown segment'}",
                len(unknown),
            )
        )
    if not series.is_option:
        found += _jumps([session for session in sessions if session])
    found += _off_tick(series, facts, bars)
    if facts.segment == SHARE and series.length != DAILY:
        found += _other_hours(series, by_day, days)
    return sorted(found, key=lambda one: (one.date, one.kind))


def _other_hours(
    series: PriceSeries, by_day: dict[dt.date, list[FileBar]], days: PastSessions
) -> Iterator[HistoryFinding]:
    """Nobody has said whether a share has derivatives, and its bars end where theirs do."""
    early: list[dt.date] = []
    for date, bars in by_day.items():
        whole, short = (days.parts(segment, date) for segment in (SHARE, SHARE_OF_DERIVATIVES))
        if (
            whole
            and short
            and bars[-1].ts_ns + series.length_ns == short[-1].close_ns != whole[-1].close_ns
        ):
            early.append(date)
    if len(early) > 1:
        yield HistoryFinding(
            "segment",
            f"{early[0]}",
            f"on {len(early)} days the last bar ends where a share that has derivatives ends: {SHARE_OF_DERIVATIVES}",
            len(early),
        )


def _missing_words(missing: Sequence[dt.date]) -> HistoryFinding:
    text = "no bar of this session"
    if len(missing) > 1:
        text = f"no bar of {len(missing)} sessions, to {missing[-1]}"
    return HistoryFinding("missing_session", f"{missing[0]}", text, len(missing))


def _dates(by_day: dict[dt.date, list[FileBar]]) -> Iterator[dt.date]:
    """Every date from the first to the last."""
    if not by_day:
        return
    date, last = min(by_day), max(by_day)
    while date <= last:
        yield date
        date += DAY


def _order(bars: Sequence[FileBar]) -> Iterator[HistoryFinding]:
    wrong = [b for a, b in pairwise(bars) if b.ts_ns <= a.ts_ns]
    if wrong:
        yield _at("order", wrong, f"not after the bar before: {ist_hms(wrong[0].ts_ns)}")
    impossible = [
        bar
        for bar in bars
        if not 0
        < bar.low_e4
        <= min(bar.open_e4, bar.close_e4)
        <= max(bar.open_e4, bar.close_e4)
        <= bar.high_e4
    ]
    if impossible:
        bar = impossible[0]
        prices = "/".join(map(rupees, (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4)))
        yield _at("cannot_be", impossible, f"{ist_hms(bar.ts_ns)}: open/high/low/close {prices}")


def _at(kind: str, bars: Sequence[FileBar], text: str) -> HistoryFinding:
    more = f", and {len(bars) - 1} more" if len(bars) > 1 else ""
    return HistoryFinding(kind, f"{date_of(bars[0].ts_ns)}", text + more, len(bars))


def _is_inside(bar: FileBar, parts: Sequence[TradingSession]) -> bool:
    return any(part.open_ns <= bar.ts_ns < part.close_ns for part in parts)


def _of_session(
    series: PriceSeries, date: dt.date, bars: Sequence[FileBar], parts: Sequence[TradingSession]
) -> Iterator[HistoryFinding]:
    length_ns = series.length_ns
    outside = [bar.ts_ns for bar in bars if not _is_inside(bar, parts)]
    if outside:
        hours = " and ".join(f"{_hm(part.open_ns)}-{_hm(part.close_ns)}" for part in parts)
        yield HistoryFinding(
            "outside",
            f"{date}",
            f"{len(outside)} of {len(bars)} bars lie outside {hours}: {_ranges(outside, length_ns)}",
            len(outside),
        )
    grid = [ts_ns for part in parts for ts_ns in range(part.open_ns, part.close_ns, length_ns)]
    there = {bar.ts_ns for bar in bars}
    odd = sorted(there - set(grid) - set(outside))
    if odd:
        yield HistoryFinding(
            "off_grid", f"{date}", f"{len(odd)} bars, the first at {ist_hms(odd[0])}", len(odd)
        )
    missing = [ts_ns for ts_ns in grid if ts_ns not in there]
    if missing:
        yield HistoryFinding(
            "hole",
            f"{date}",
            f"{len(missing)} of {len(grid)} bars are not there: {_ranges(missing, length_ns)}",
            len(missing),
        )


def _ranges(times: Sequence[int], length_ns: int) -> str:
    """`10:01-10:03, 11:40`."""
    runs: list[list[int]] = []
    for ts_ns in times:
        if runs and ts_ns == runs[-1][-1] + length_ns:
            runs[-1].append(ts_ns)
        else:
            runs.append([ts_ns])
    words = [
        _hm(run[0]) if len(run) == 1 else f"{_hm(run[0])}-{_hm(run[-1])}"
        for run in runs[:RANGES_SHOWN]
    ]
    more = f" and {len(runs) - RANGES_SHOWN} places more" if len(runs) > RANGES_SHOWN else ""
    return ", ".join(words) + more


def _hm(ts_ns: int) -> str:
    return ist_hms(ts_ns)[:5]


def _jumps(sessions: Sequence[Sequence[FileBar]]) -> Iterator[HistoryFinding]:
    for before, after in pairwise(sessions):
        old, new = before[-1].close_e4, after[0].open_e4
        if abs(new - old) * 100 <= old * JUMP_PERCENT:
            continue
        words = f"close of {date_of(before[-1].ts_ns)} {rupees(old)}, open {rupees(new)}"
        date = f"{date_of(after[0].ts_ns)}"
        ratio = _split_words(old, new)
        if ratio:
            yield HistoryFinding("split", date, f"{words}: as {ratio} would make it")
        else:
            yield HistoryFinding("jump", date, f"{words}: {(new - old) * 100 / old:+.1f} %")


def _split_words(old: int, new: int) -> str:
    """The split, bonus or consolidation (of many shares into one) that would explain a night's move; the nearest one."""
    candidates = [*SPLITS, *((d, n) for n, d in SPLITS if n == 1)]
    gaps = [(abs(new * d - old * n) * 100 / (old * n), n, d) for n, d in candidates]
    gap, n, d = min(gaps)
    if gap > RATIO_PERCENT:
        return ""
    kind = "a split or bonus" if n < d else "a consolidation"
    return f"{kind} of {d} for {n}"


def least_tick_e4(series: PriceSeries) -> int:
    """What nothing of that exchange is finer than."""
    return LEAST_CURRENCY_TICK_E4 if series.exchange in ("CDS", "BCD") else LEAST_TICK_E4


def _off_tick(
    series: PriceSeries, facts: SeriesFacts, bars: Sequence[FileBar]
) -> Iterator[HistoryFinding]:
    tick_e4 = facts.tick_e4 or least_tick_e4(series)
    wrong = [
        bar
        for bar in bars
        if bar.open_e4 % tick_e4
        or bar.high_e4 % tick_e4
        or bar.low_e4 % tick_e4
        or bar.close_e4 % tick_e4
    ]
    if wrong:
        bar = wrong[0]
        prices = (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4)
        px_e4 = next(px for px in prices if px % tick_e4)
        yield _at(
            "off_tick",
            wrong,
            f"{ist_hms(bar.ts_ns)}: {rupees(px_e4)} is no multiple of {rupees(tick_e4)}",
        )
