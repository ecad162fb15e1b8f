"""`otrade data import|fetch|list|check|export`: prices of the past, kept beside the engine."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import zoneinfo
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec
import orjson

from otrade.brokers.adapter import BrokerAdapter
from otrade.calendar import DAY, IST, Calendar, date_of
from otrade.clock import Clock, WallClock
from otrade.config import manager
from otrade.errors import ConfigError, HistoryError
from otrade.journal.layout import MAGIC
from otrade.journal.scan import header_of
from otrade.price_files.rules import ReadingRules
from otrade.research.history.archive import Conflict, MergeResult, PriceArchive
from otrade.research.history.export import chosen, write_csv, write_csv_file, write_parquet
from otrade.research.history.fetch import HistoryFetcher
from otrade.research.history.findings import WHAT_TO_DO, HistoryFinding, examine, least_tick_e4
from otrade.research.history.imports import FileWish, ImportReport, import_file
from otrade.research.history.journal_ticks import import_journal
from otrade.research.history.month_file import read_plain_file
from otrade.research.history.series import (
    TICK,
    Origin,
    PriceSeries,
    SeriesFacts,
    month_ranges,
    months_between,
    series_of,
)
from otrade.research.history.sessions import PastSessions
from otrade.research.history.tick_findings import examine_ticks, off_tick
from otrade.units import e4_of

OK, DAMAGED, FOUND = 0, 1, 3
DATA, PAPER_DATA = "data", "paper-data"
SHOWN = 5
DAMAGES = ("damaged", "stray", "manifest", "missing_month", "order", "cannot_be")
GZIP = b"\x1f\x8b"


def run(args: argparse.Namespace) -> int:
    """The one of the commands that is meant."""
    if args.what == "fetch":
        return _fetch(args)
    root = args.data or Path("var") / DATA
    if args.what == "import":
        return _import(args, PriceArchive(root))
    if not root.is_dir():
        raise HistoryError(
            f"{root}: there is no price history; otrade data import or fetch begins one"
        )
    if args.what == "list":
        return _list(args, PriceArchive(root))
    if args.what == "check":
        return _check(args, PriceArchive(root))
    return _export(args, PriceArchive(root))


# ------------------------------------------------------------------------------------------- import
def _import(args: argparse.Namespace, archive: PriceArchive) -> int:
    days = _sessions(args)
    for path in args.files:
        head = read_plain_file(path)[: len(MAGIC)]
        if head[:6] == MAGIC[:6] or head[:2] == GZIP:
            _import_journal(args, archive, path)
            continue
        if not args.symbol:
            raise HistoryError(f"{path}: say whose prices these are: --symbol NSE:INFY")
        wish = FileWish(
            path,
            args.symbol,
            _rules(args),
            args.length,
            _facts(args),
            _conflict(args),
            args.skip_bad_lines,
            bool(args.stamped),
        )
        _say_imported(path, import_file(archive, wish, days, WallClock().now_ns()))
    return OK


def _rules(args: argparse.Namespace) -> ReadingRules:
    return ReadingRules(
        columns=args.map,
        time_format=args.time_format,
        zone=_zone(args.zone),
        only=args.only,
        is_stamped_at_close=args.stamped == "close",
        may_be_daily=True,
        may_be_newest_first=True,
        keeps_going=True,
    )


def _zone(name: str) -> dt.tzinfo:
    if not name:
        return IST
    try:
        return dt.UTC if name.upper() == "UTC" else zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise HistoryError(
            f"--zone {name}: no such zone; write UTC or a name such as Asia/Kolkata"
        ) from None


def _sessions(args: argparse.Namespace) -> PastSessions:
    return PastSessions(Calendar.load(args.calendar))


def _facts(args: argparse.Namespace) -> SeriesFacts:
    tick_e4 = 0
    if args.tick:
        try:
            tick_e4 = e4_of(Decimal(args.tick))
        except InvalidOperation:
            tick_e4 = 0
        if tick_e4 <= 0:
            raise HistoryError(f"--tick {args.tick}: write rupees, as 0.05")
    return SeriesFacts(args.segment, tick_e4)


def _conflict(args: argparse.Namespace) -> Conflict:
    return "replace" if args.replace else "keep" if args.keep else "refuse"


def _say_imported(path: Path, report: ImportReport) -> None:
    print(
        f"{path}: {report.series}, {report.first[:16]} to {report.last[:16]}: {_merge_words(report.merged)}"
    )
    for note in report.notes:
        print(f"  {note}")
    _print_findings(report.findings, SHOWN)


def _merge_words(merged: MergeResult) -> str:
    words = [f"{merged.added:,} added"]
    for n, what in (
        (merged.same, "were here"),
        (merged.completed, "got the volume or open interest that they lacked"),
        (merged.replaced, "replaced"),
        (merged.kept, "differ and were kept as they were here"),
    ):
        if n:
            words.append(f"{n:,} {what}")
    months = len(merged.months)
    return ", ".join(words) + f" ({months} {'month' if months == 1 else 'months'})"


def _import_journal(args: argparse.Namespace, archive: PriceArchive, path: Path) -> None:
    if args.data is None and _is_simulated(path):
        archive = PriceArchive(Path("var") / PAPER_DATA)
    report = import_journal(archive, path, args.symbol, _conflict(args), WallClock().now_ns())
    for series, merged in report.merged.items():
        print(f"{path}: {series} to {archive.root}: {_merge_words(merged)}")
    for note in report.notes:
        print(f"  {note}")


def _is_simulated(path: Path) -> bool:
    return header_of(path).identity.get("mode") != "live"


# -------------------------------------------------------------------------------------------- fetch
def _fetch(args: argparse.Namespace) -> int:
    # A simulated exchange comes with it, which no other command needs.
    from otrade.cli.commands.configured_broker import ask_broker, resolver

    config = manager.load(args.config)
    is_simulated = config.mode != "live"
    root = args.data or Path(config.paths.var) / (PAPER_DATA if is_simulated else DATA)
    archive = PriceArchive(root)
    if not args.since:
        raise ConfigError("say from which day on: --from YYYY-MM-DD")
    first = dt.date.fromisoformat(args.since)

    async def work(adapter: BrokerAdapter, today: dt.date, clock: Clock) -> None:
        last = min(dt.date.fromisoformat(args.until) if args.until else today, today)
        if last < first:
            raise ConfigError(
                f"{first} to {last} is no time: history is asked for to this day ({today})"
            )
        fetcher = HistoryFetcher(
            archive, PastSessions(), clock, adapter.name, _progress, is_simulated=is_simulated
        )
        find = (await resolver(config, adapter, today)).find
        for symbol in args.symbols:
            record = await find(symbol)
            report = await fetcher.fetch(
                record,
                lambda a, b, record=record: adapter.minute_bars(  # type: ignore[misc]
                    record, a, today if b == today else b + DAY, with_today=b == today
                ),
                first,
                last,
                _conflict(args),
            )
            had = f", {report.n_had:,} sessions were here" if report.n_had else ""
            print(f"{report.series} to {root}: {_merge_words(report.merged)}{had}")

    ask_broker(config, args.broker, work)
    return OK


def _progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


# --------------------------------------------------------------------------------------------- list
class _Listed(msgspec.Struct):
    """One series, as the list shows it."""

    symbol: str
    length: str
    first: str
    last: str
    months: int
    rows: int
    missing_months: list[str]
    origins: list[str]
    simulated: bool
    trouble: list[str]
    sources: list[Origin]


def _list(args: argparse.Namespace, archive: PriceArchive) -> int:
    rows = [_listed(archive, series) for series in archive.series()]
    if args.json:
        print(
            orjson.dumps(
                [msgspec.to_builtins(row) for row in rows], option=orjson.OPT_INDENT_2
            ).decode()
        )
        return OK
    if not rows:
        print(f"{archive.root}: nothing is there")
    for row in rows:
        simulated = ", simulated" if row.simulated else ""
        unit = "ticks" if row.length == TICK else "bars"
        print(
            f"{row.symbol:<24} {row.length:<5} {row.first[:10]} to {row.last[:10]}  {row.rows:>11,} {unit}  "
            f"{', '.join(row.origins)}{simulated}"
        )
        if row.missing_months:
            print(f"{'':<31}no file of {month_ranges(row.missing_months)}")
        for words in row.trouble:
            print(f"{'':<31}{words}")
    return OK


def _listed(archive: PriceArchive, series: PriceSeries) -> _Listed:
    found = _Listed(series.symbol, series.length, "", "", 0, 0, [], [], False, [], [])
    months = archive.months(series)
    for month in months:
        try:
            facts = archive.facts_of_month(series, month)
        except HistoryError as error:
            found.trouble.append(str(error))
            continue
        found.first = found.first or facts.first
        found.last = facts.last
        found.months += 1
        found.rows += facts.rows
        found.simulated = facts.series.is_simulated
        found.sources += facts.origins
    found.origins = sorted({one.kind for one in found.sources})
    if months:
        everyone = months_between(months[0], months[-1])
        found.missing_months = [month for month in everyone if month not in months]
    return found


# -------------------------------------------------------------------------------------------- check
def _check(args: argparse.Namespace, archive: PriceArchive) -> int:
    wanted = {symbol.upper() for symbol in args.symbols}
    there = archive.series()
    unknown = sorted(wanted - {series.symbol for series in there})
    if unknown:
        raise HistoryError(
            f"nothing of {', '.join(unknown)} in {archive.root}; otrade data list says what there is"
        )
    code, told = OK, []
    days, said = _sessions(args), _facts(args)
    for series in there:
        if (wanted and series.symbol not in wanted) or args.length not in ("", series.length):
            continue
        findings, n_rows = _findings(archive, series, said, days, args.since, args.until)
        kinds = {finding.kind for finding in findings}
        if kinds:
            code = DAMAGED if kinds & set(DAMAGES) or code == DAMAGED else FOUND
        told.append({"symbol": series.symbol, "length": series.length, "findings": findings})
        if not args.json:
            words = "" if findings else ": nothing to say"
            print(f"{series}, {n_rows:,} {'ticks' if series.length == TICK else 'bars'}{words}")
            _print_findings(findings, sys.maxsize if args.all else SHOWN)
    if args.json:
        print(orjson.dumps(msgspec.to_builtins(told), option=orjson.OPT_INDENT_2).decode())
    return code


def _findings(
    archive: PriceArchive,
    series: PriceSeries,
    said: SeriesFacts,
    days: PastSessions,
    since: str | None,
    until: str | None,
) -> tuple[list[HistoryFinding], int]:
    """What is found, and in how many rows."""
    found = archive.damage(series)
    damaged = {finding.date for finding in found if finding.kind == "damaged"}
    months = [month for month in archive.months(series) if month not in damaged]
    if series.length == TICK:
        times_ns = [
            ts_ns
            for ts_ns in archive.tick_times_ns(series, months)
            if (since or "") <= f"{date_of(ts_ns)}" <= (until or "9999")
        ]
        if months:
            facts = archive.facts_of_month(series, months[-1]).series
            found += examine_ticks(facts, times_ns, days, series.symbol)
            tick_e4 = said.tick_e4 or facts.tick_e4 or least_tick_e4(series)
            tables = (archive.table(series, month) for month in months)
            days_said = (dt.date.fromisoformat(text) if text else None for text in (since, until))
            found += off_tick(tables, tick_e4, *days_said)
        return found, len(times_ns)
    bars = [
        bar
        for bar in archive.bars(series, months)
        if (since or "") <= f"{date_of(bar.ts_ns)}" <= (until or "9999")
    ]
    if months:
        known = archive.facts_of_month(series, months[-1]).series
        facts = SeriesFacts(said.segment or known.segment, said.tick_e4 or known.tick_e4)
        found += examine(series, facts, bars, days)
    return found, len(bars)


def _print_findings(findings: Sequence[HistoryFinding], most: int) -> None:
    """By kind, with what to do."""
    for kind, advice in WHAT_TO_DO.items():
        of_kind = [finding for finding in findings if finding.kind == kind]
        if not of_kind:
            continue
        n = sum(finding.count for finding in of_kind)
        print(f"  {kind} ({n:,}): {advice}")
        for finding in of_kind[:most]:
            print(f"    {finding.date:<10}  {finding.text}")
        if len(of_kind) > most:
            print(f"    and {len(of_kind) - most:,} more (otrade data check --all)")


# ------------------------------------------------------------------------------------------- export
def _export(args: argparse.Namespace, archive: PriceArchive) -> int:
    series = series_of(args.symbol, args.length or "1m")
    first, last = (
        dt.date.fromisoformat(text) if text else None for text in (args.since, args.until)
    )
    table = chosen(archive, series, first, last)
    if args.format == "parquet":
        if args.to is None:
            raise HistoryError(
                "Parquet cannot be written to standard output: name a file with --to"
            )
        write_parquet(table, args.to)
    elif args.to is None:
        write_csv(series, table, sys.stdout)
    else:
        write_csv_file(series, table, args.to)
    print(
        f"{table.num_rows:,} rows of {series} written to {args.to or 'standard output'}",
        file=sys.stderr,
    )
    return OK
