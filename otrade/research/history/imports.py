"""A file of bars into the archive: read by its dialect, compared with the sessions of its days, and
taken whole or refused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from otrade.calendar import IST, date_of
from otrade.errors import HistoryError
from otrade.price_files.bars import FileBar, PriceFile, PriceFileError, bar_length_ns
from otrade.price_files.reader import read
from otrade.price_files.rules import ReadingRules
from otrade.research.history.archive import (
    Conflict,
    MergeResult,
    NewMonth,
    PriceArchive,
    by_month,
)
from otrade.research.history.findings import HistoryFinding, examine
from otrade.research.history.month_file import read_plain_file, table_of
from otrade.research.history.series import (
    DAILY,
    LENGTHS_NS,
    TICK,
    Origin,
    PriceSeries,
    SeriesFacts,
    date_words,
    segment_of,
    series_of,
    stamp,
)
from otrade.research.history.sessions import PastSessions
from otrade.units import IST_NS, NS_PER_DAY, NS_PER_MINUTE, NS_PER_S

SHOWN = 10


class FileWish(msgspec.Struct, frozen=True):
    """What a person says of a file. `length` and `facts.segment` may be empty: then the file's own
    commonest distance of two bars, and what the symbol's exchange says.
    """

    path: Path
    symbol: str
    rules: ReadingRules
    length: str = ""
    facts: SeriesFacts = SeriesFacts()
    conflict: Conflict = "refuse"
    skips_bad_lines: bool = False
    is_stamping_told: bool = False
    """A person has said whether a time is its bar's beginning or its end."""


class ImportReport(msgspec.Struct):
    """What was taken, and what is to be said of it."""

    series: PriceSeries
    merged: MergeResult
    first: str
    last: str
    notes: list[str]
    findings: list[HistoryFinding]


def import_file(
    archive: PriceArchive, wish: FileWish, days: PastSessions, now_ns: int
) -> ImportReport:
    """HistoryError when the file is refused: nothing of the archive has changed then."""
    content = read_plain_file(wish.path)
    try:
        file = read(str(wish.path), wish.rules)
    except (PriceFileError, OSError) as error:
        raise HistoryError(str(error)) from None
    notes = _notes(file, wish)
    if file.bad_lines and not wish.skips_bad_lines:
        raise HistoryError(
            _listed(
                file.bad_lines,
                f"{wish.path}: {len(file.bad_lines)} lines cannot be used, so nothing was imported",
            )
            + "\n  mend them, or leave them out by name: --skip-bad-lines"
        )
    if file.same_lines and not wish.skips_bad_lines:
        raise HistoryError(
            _listed(
                file.same_lines,
                f"{wish.path}: {len(file.same_lines)} lines say again what another has said, so nothing was imported",
            )
            + "\n  --skip-bad-lines takes each of them once"
        )
    bars = [bar for date in sorted(file.days) for bar in file.days[date]]
    series = series_of(wish.symbol, wish.length or _length_of(file, bars))
    bars = _on_their_grid(file, series, bars)
    facts = msgspec.structs.replace(
        wish.facts, segment=wish.facts.segment or segment_of(series.symbol)
    )
    _refuse_other_zone(file, wish, series, facts, days)
    added = stamp(now_ns)
    digest = hashlib.sha256(content).hexdigest()
    new = {}
    for month, of_month in by_month(series, bars).items():
        origin = Origin(
            "csv",
            wish.path.name,
            added,
            len(of_month),
            date_words(of_month[0].ts_ns),
            date_words(of_month[-1].ts_ns),
            digest,
            notes=tuple(notes),
        )
        new[month] = NewMonth(table_of(series, of_month), origin)
    with archive.changing():
        merged = archive.merge(series, wish.facts, new, wish.conflict)
    return ImportReport(
        series,
        merged,
        date_words(bars[0].ts_ns),
        date_words(bars[-1].ts_ns),
        notes,
        examine(series, facts, bars, days),
    )


def _listed(lines: Sequence[str], head: str) -> str:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n  ".join([head, *lines[:SHOWN], *more])


def _notes(file: PriceFile, wish: FileWish) -> list[str]:
    """What was done with the file, in words; kept with its rows."""
    notes = []
    if file.n_without_zone and not wish.rules.time_format:
        zone = (
            "Indian time"
            if wish.rules.zone.utcoffset(None) == IST.utcoffset(None)
            else f"{wish.rules.zone}"
        )
        notes.append(f"{file.n_without_zone:,} times say no zone and were read as {zone}")
    if file.is_newest_first:
        notes.append("newest first: read from its end")
    if wish.rules.is_stamped_at_close:
        notes.append("bars were stamped at their end: kept by their beginning")
    if file.symbols and {wish.symbol.upper(), wish.symbol.upper().partition(":")[2]}.isdisjoint(
        {symbol.upper() for symbol in file.symbols}
    ):
        notes.append(f"the file calls it {', '.join(sorted(file.symbols))}")
    if file.rounded:
        notes.append(
            f"{len(file.rounded):,} lines have prices finer than a ten-thousandth of a rupee, as floats are written: each was rounded to "
            f"the nearest (the first is line {file.rounded[0]})"
        )
    if wish.skips_bad_lines:
        for words, lines in (
            ("cannot be used", file.bad_lines),
            ("say the same twice", file.same_lines),
        ):
            if lines:
                notes.append(_listed(lines, f"{len(lines)} lines {words} and were left out:"))
    return notes


def _length_of(file: PriceFile, bars: Sequence[FileBar]) -> str:
    """By the commonest distance of two bars."""
    length_ns = bar_length_ns(file.days.values())
    if len(file.days) > 1 and len(bars) == len(file.days):
        return DAILY
    for name, known_ns in LENGTHS_NS.items():
        if known_ns == length_ns and name != TICK:
            return name
    raise HistoryError(
        f"{file.path}: its bars are {length_ns // NS_PER_S} seconds apart, which is no length that is kept ({', '.join(LENGTHS_NS)}); "
        "say which it is: --length"
    )


def _on_their_grid(file: PriceFile, series: PriceSeries, bars: Sequence[FileBar]) -> list[FileBar]:
    """Daily bars by their midnight, whatever hour a source writes; others must begin at a minute."""
    if series.length == DAILY:
        counts = Counter(date_of(bar.ts_ns) for bar in bars)
        date, n = counts.most_common(1)[0]
        if n > 1:
            raise HistoryError(f"{file.path}: {date} has {n} bars, so they are not daily ones")
        return [replace(bar, ts_ns=bar.ts_ns - (bar.ts_ns + IST_NS) % NS_PER_DAY) for bar in bars]
    if series.length == TICK:
        raise HistoryError(
            f"{file.path}: ticks come from our own journals; a file of bars has a length"
        )
    apart_ns = bar_length_ns(file.days.values())
    if len(bars) > len(file.days) and apart_ns < series.length_ns:
        raise HistoryError(
            f"{file.path}: its bars are {apart_ns // NS_PER_S} seconds apart, so they are not of {series.length}; leave --length out"
        )
    odd = [bar for bar in bars if bar.ts_ns % NS_PER_MINUTE]
    if odd:
        line = file.lines[odd[0].ts_ns]
        raise HistoryError(
            str(
                file.error(
                    line,
                    file.time_column,
                    f"{date_words(odd[0].ts_ns)} and {len(odd) - 1} more bars do not begin at a whole minute; where each stands at the end "
                    "of its bar say --stamped close",
                )
            )
        )
    return list(bars)


def _refuse_other_zone(
    file: PriceFile, wish: FileWish, series: PriceSeries, facts: SeriesFacts, days: PastSessions
) -> None:
    """HistoryError where the times fit the sessions only in another zone, or as ends of bars."""
    if series.length == DAILY:
        return
    moves = {"": 0, "UTC": IST_NS, "close": -series.length_ns}
    inside = Counter[str]()
    n = 0
    hours = ""
    for date, bars in file.days.items():
        parts = days.parts(facts.segment, date, series.symbol)
        if not parts:
            continue
        n += len(bars)
        for name, move_ns in moves.items():
            inside[name] += sum(
                any(part.open_ns <= bar.ts_ns + move_ns < part.close_ns for part in parts)
                for bar in bars
            )
        hours = (
            hours
            or f"{date_words(parts[0].open_ns)[11:16]} to {date_words(parts[-1].close_ns)[11:16]}"
        )
    told = f"{n - inside['']:,} of {n:,} bars lie outside the sessions ({hours} IST)"
    first = min(file.lines.values())
    if inside["UTC"] > inside[""]:
        fix = "the times look like UTC: say --zone UTC"
        raise HistoryError(str(file.error(first, file.time_column, f"{told}; {fix}")))
    if not n:
        return
    n_outside = n - inside[""]
    if inside["close"] == n and 2 * n_outside >= len(file.days) and not wish.is_stamping_told:
        fix = "each time looks like the end of its bar: say --stamped close, or --stamped open where it is the beginning all the same"
        raise HistoryError(str(file.error(first, file.time_column, f"{told}; {fix}")))
