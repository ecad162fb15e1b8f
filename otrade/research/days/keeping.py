"""A day's journal kept as a result: `RESULTS/2026-11-20-live`. Made once, and anew where the journal has
grown since; a journal that is gone leaves the result that was made of it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import otrade
from otrade._core.types import Rec
from otrade.charges import ChargeTable
from otrade.errors import JournalError, OTradeError, ResultError
from otrade.journal.day_names import read_names
from otrade.journal.replay import read_hello
from otrade.journal.scan import check, header_of, is_being_written, salvage
from otrade.journal.strategies import find_kept
from otrade.plain_file import is_own
from otrade.research.days.day_reader import JournalDay
from otrade.research.results.facts import ResultData, ResultFacts, ResultStrategy
from otrade.research.results.reader import read_facts_of
from otrade.research.results.writer import ResultWriter, sha256_of

PAISE_A_RUPEE = 100
KINDS: dict[str, Literal["paper", "live", "dry"]] = {"paper": "paper", "live": "live", "dry": "dry"}


def journal_of(journals: Path, day: dt.date) -> Path | None:
    """The day's journal, compressed or not."""
    for name in (f"{day}.otj", f"{day}.otj.gz"):
        if is_own(journals / name):
            return journals / name
    return None


def kept_of(results: Path, day: dt.date) -> list[Path]:
    """Results of that day that are there; what was traded on a market first."""
    return [
        results / f"{day}-{kind}"
        for kind in ("live", "dry", "paper")
        if is_own(results / f"{day}-{kind}" / "result.json")
    ]


def keep_day(journal: Path, results: Path, now: dt.datetime) -> Path:
    """The result of a journal, made where there is none, or an older one; one that is whole is not given
    up for a reading that ended early (a journal that was damaged since, another build). OTradeError when
    the journal cannot be read at all.
    """
    identity = header_of(journal).identity
    mode = identity.get("mode", "")
    if mode not in KINDS:
        raise JournalError(f"{journal}: a journal of mode {mode!r}, of which nobody makes results")
    folder = results / f"{identity['day']}-{mode}"
    n_records = check(journal).n_records
    if _is_of(folder, n_records):
        return folder
    day = JournalDay(journal, _charges_of(journal))
    day.read()
    if day.trouble and _is_good(folder):
        return folder
    # Two may do it at once (the process at the day's end, a person): both write the same rows.
    with ResultWriter(folder, replace=True) as writer:
        writer.add_day(
            day.day,
            trades=day.trades,
            orders=day.orders,
            fills=day.fills,
            equity=day.equity,
            note=_note(day, journal),
        )
        return writer.finish(_facts(day, mode, n_records, now))


def _is_of(folder: Path, n_records: int) -> bool:
    """A result of so many records, by this build of OTrade or another one; what cannot be read is none."""
    try:
        told = read_facts_of(folder)
    except ResultError:
        return False
    return bool(told.configuration.get("journal_records") == n_records)


def _is_good(folder: Path) -> bool:
    """A result that was read without trouble: a reading that ended early does not take its place."""
    try:
        return read_facts_of(folder).configuration.get("trouble") == ""
    except ResultError:
        return False


def _charges_of(journal: Path) -> ChargeTable:
    """By the last section's word."""
    file = ""
    for record in salvage(journal):
        if record.kind == Rec.HELLO:
            file = read_names(read_hello(record.payload)).charges
    return ChargeTable.load(Path(file) if file else None)


def _note(day: JournalDay, journal: Path) -> str | None:
    said = []
    if day.trouble:
        said.append(day.trouble)
    if is_being_written(journal):
        said.append("an engine is writing this day's journal: it goes on")
    elif not day.found.has_ended:
        said.append("its last run did not end in order")
    if day.n_open:
        said.append(f"{day.n_open} trades were open at the end, and are not among the trades")
    if day.found.n_lost:
        said.append(f"{day.found.n_lost} records could not be written that day")
    return "; ".join(said) or None


def _facts(day: JournalDay, mode: str, n_records: int, now: dt.datetime) -> ResultFacts:
    return ResultFacts(
        kind=KINDS[mode],
        name=f"{day.day} {day.identity.get('engine', '')} {mode}".replace("  ", " "),
        first=day.day,
        last=day.day,
        created=now,
        engine_version=day.build or otrade.__version__,
        broker=day.names.broker or "not known",
        configuration={
            **day.configuration,
            "config_hash": day.config_hash,
            "journal_records": n_records,
            "trouble": day.trouble,
        },
        strategies=[
            ResultStrategy(id=one.id, kind=one.kind, sha256=one.sha256)
            for one in day.names.strategies
        ],
        capital_paise=_capital_paise(day, mode),
        data=[
            ResultData(
                symbol=one.symbol,
                interval="tick",
                first=day.day,
                last=day.day,
                origin=f"journal {day.path.name}",
                sha256=sha256_of(day.path),
            )
            for one in day.names.instruments
        ],
    )


def _capital_paise(day: JournalDay, mode: str) -> int | None:
    """Of a paper day the funds that its configuration gave it; what a real account held nobody wrote down."""
    if mode != "paper":
        return None
    funds = day.configuration.get("sim", {}).get("funds_rupees")
    return None if funds is None else round(funds * PAISE_A_RUPEE)


def keep_days(journals: Path, results: Path, days: list[dt.date], now: dt.datetime) -> list[str]:
    """What could not be kept, in words."""
    troubles = []
    for day in days:
        journal = journal_of(journals, day)
        try:
            if journal is None:
                raise JournalError(f"{journals}: there is no journal of {day}")
            find_kept(journal, may_compile=False)
            keep_day(journal, results, now)
        except (OTradeError, OSError, EOFError) as error:
            troubles.append(f"{day}: {error}")
    return troubles
