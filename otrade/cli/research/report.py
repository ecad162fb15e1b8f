"""`otrade report RESULT|DAY...`: what a backtest, or days of trading, earned, and how."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from otrade.errors import JournalError, ResultError, StrategyError
from otrade.journal.strategies import find_kept
from otrade.plain_file import write_whole
from otrade.research.days.keeping import journal_of, keep_day, kept_of
from otrade.research.report.charted_bars import ChartedBars, other_series
from otrade.research.report.page import html_page
from otrade.research.report.report import Report, report_of
from otrade.research.report.source import ReportSource
from otrade.research.report.tables import csv_of, json_of
from otrade.research.report.words import screen
from otrade.research.results.reader import Result

OK = 0
DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
"""A day, or from one to another."""


def run(args: argparse.Namespace) -> int:
    """Print the figures, and write the files."""
    results = [Result.open(folder) for folder in _folders(args.results, args.var)]
    capital = None if args.capital is None else args.capital * 100
    report = report_of(ReportSource(results), capital)
    print(screen(report))
    page = args.html or _beside(results, report)
    bars_of = ChartedBars(args.data or _archive(args.var, report), other_series(report.facts))
    _write(page, html_page(report, bars_of, args.charts).encode())
    for trouble in bars_of.troubles:
        print(f"! no chart of it: {trouble}", file=sys.stderr)
    if args.csv:
        _write(args.csv, csv_of(report).encode())
    if args.json:
        _write(args.json, json_of(report))
    return OK


def _folders(names: Sequence[str], var: Path) -> list[Path]:
    """Result folders, of days among them: kept first, where they are not or their journal has grown."""
    found = []
    for name in names:
        days = DAYS.fullmatch(name)
        found += [Path(name)] if days is None else _days(days[1], days[2] or days[1], var)
    return found


def _days(first: str, last: str, var: Path) -> list[Path]:
    results, journals = var / "results", var / "journal"
    try:
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        raise ResultError(f"{first}, {last}: there is no such day") from None
    found = []
    for n in range((end - start).days + 1):
        day = start + dt.timedelta(days=n)
        journal = journal_of(journals, day)
        kept = kept_of(results, day)[:1]
        if journal is None:
            found += kept
            continue
        try:
            find_kept(journal, may_compile=True)
            found.append(keep_day(journal, results, dt.datetime.now(dt.UTC)))
        except (JournalError, StrategyError) as error:
            if not kept:
                raise
            print(f"! {day}: as it was kept before: {error}", file=sys.stderr)
            found += kept
    if not found:
        raise ResultError(
            f"{first}{'' if first == last else f' to {last}'}: neither a journal in {journals} nor a result in {results}"
        )
    return found


def _archive(var: Path, report: Report) -> Path:
    """Simulated prices are kept apart from a market's."""
    simulated = all(facts.kind == "paper" for facts in report.facts)
    return var / ("paper-data" if simulated else "data")


def _beside(results: Sequence[Result], report: Report) -> Path:
    """Where the page lies unless told: beside the first result."""
    first = results[0].folder.resolve()
    name = first.name if len(results) == 1 else f"{report.first}_{report.last}"
    return first.parent / f"{name}.html"


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from None
    print(f"wrote {path}")
