"""Days of a live wiring (the broker's real protocol over loopback) with troubles in them, beside the backtest of their own
packets: what differs has its reason, and money adds up to what the exchange itself says.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from otrade._core.types import Halt, Reason
from otrade.charges import ChargeTable
from otrade.cli.main import main
from otrade.drill.process import BrokerKind
from otrade.journal.layout import Header
from otrade.journal.memory import MemoryJournal
from otrade.journal.scan import salvage
from otrade.live.day.opening_funds import note_opening_funds
from otrade.research.days.day_reader import JournalDay
from otrade.research.days.keeping import keep_day
from otrade.research.parity.comparison import BOOK, BROKER, FAULT, LATENCY, PERSON
from otrade.research.parity.parity import PACKETS, ParityReport, parity
from otrade.research.results.reader import read_facts_of
from otrade.units import NS_PER_S
from tests.harness.simulated_day import SimulatedDay, run, simulated_day

DAY = "2026-11-23"
INFY, SBIN = "NSE:INFY", "NSE:SBIN"
SMALL: dict[str, Any] = {"first_minutes": 45}


def journal_of(
    path: Path,
    trouble: Callable[[SimulatedDay], Awaitable[None]],
    broker: BrokerKind = "kite",
    mode: str = "live",
) -> int:
    """Trade 40 minutes with a trouble in them; the journal is at `path`. What the exchange's own books say of the profit."""
    kept = MemoryJournal()
    profit = 0

    async def trade() -> None:
        nonlocal profit
        async with simulated_day(
            seed=4, hours=0.75, journal=kept, broker=broker, config=SMALL
        ) as here:
            await here.open()
            await trouble(here)
            await here.run_to_end()
            profit = here.true_pnl_e4()

    run(trade())
    identity = {"day": DAY, "account": "X", "engine": "otrade", "mode": mode}
    path.write_bytes(Header(identity, 1).to_bytes() + b"".join(map(bytes, kept.windows())))
    return profit


async def none(here: SimulatedDay) -> None:
    """A day as it is."""
    await here.sim.during(note_opening_funds(here.day, here.broker))


async def several(here: SimulatedDay) -> None:
    """SBIN is banned for minutes, answers are lost, and a person pauses and halts."""
    faults, engine = here.sim.faults, here.day.engine
    faults.fail_next(500, "general", "Something went wrong.", count=9, path_prefix="/user/margins")
    await none(here)
    await here.run_until(lambda: here.now_ns > here.at("09:18"))
    faults.ban(SBIN)
    await here.run_until(lambda: faults.seen["reject_entries"] > 0)
    faults.unban(SBIN)
    faults.lose_request("reset", method="POST", path_prefix="/orders/regular")
    await here.run_until(lambda: here.now_ns > here.at("09:30"))
    engine.on_pause(True, here.now_ns)
    await here.run_until(lambda: here.now_ns > here.at("09:34"))
    engine.on_pause(False, here.now_ns)
    await here.run_until(lambda: here.now_ns > here.at("09:38"))
    engine.on_halt(Halt.HALTED, Reason.OK, here.now_ns)
    engine.on_flatten(-1, here.now_ns)


def adds_up(report: ParityReport, profit_e4: int) -> None:
    assert report.gross_e4[0] == profit_e4, "the journal's side is what the exchange says"
    known = [one.better_e4 for one in report.sums]
    assert None not in known
    assert sum(filter(None, known)) == report.gross_e4[0] - report.gross_e4[1]
    assert sum(one.orders for one in report.sums) == len(report.differences)
    for one in report.differences:
        both = one.first is not None and one.second is not None
        assert (one.what == "order") != both
        if both and one.first is not None and one.second is not None:
            assert (one.better_e4 is None) == (one.first.qty != one.second.qty)


def test_a_day_without_troubles_differs_by_the_way_and_the_book(tmp_path: Path) -> None:
    path = tmp_path / f"{DAY}.otj"
    profit_e4 = journal_of(path, none, "upstox")
    report = parity(path, None)
    adds_up(report, profit_e4)
    assert report.prices == PACKETS and report.mode == "live" and report.broker == "upstox"
    assert report.trades[0] == report.trades[1] > 10
    assert report.n_same > len(report.differences) > 0
    assert {one.why for one in report.differences} <= {LATENCY, BOOK}
    assert {one.what for one in report.differences} <= {"price", "time"}
    assert 15 < report.way_ns / 1e6 < 30  # half of 30 to 60 ms
    # Kept as a result, it has the account's money as the broker told it.
    now = dt.datetime(2026, 11, 23, 16, tzinfo=dt.UTC)
    facts = read_facts_of(keep_day(path, tmp_path / "results", now))
    assert (facts.kind, facts.capital_paise) == ("live", 250_000_000)
    assert facts.days[0].gross_paise * 100 == profit_e4


def test_troubles_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"{DAY}.otj"
    profit_e4 = journal_of(path, several, mode="dry")
    report = parity(path, None)
    adds_up(report, profit_e4)
    assert report.is_explained
    day = JournalDay(path, ChargeTable.load())
    day.read()
    assert day.opening_e4 is None, "a broker that did not say it"
    by_why = {one.why: one for one in report.sums}
    assert {BROKER, FAULT, PERSON} <= set(by_why)
    banned = next(one for one in report.differences if one.why == BROKER)
    assert "rejected" in banned.words and banned.symbol == SBIN and banned.first is None
    lost = next(one for one in report.differences if one.why == FAULT)
    assert "in doubt" in lost.words
    halted = [one for one in report.differences if one.why == PERSON]
    assert all(clock(one.at_ns) >= "09:30" for one in halted)
    assert any(one.first is None for one in halted), "what the strategies would have done"
    capsys.readouterr()
    assert main(["parity", str(path), "--json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert row["mode"] == "dry" and len(row["differences"]) == len(report.differences)
    assert "person" in {one["why"] for one in row["troubles"]}
    assert main(["parity", str(path), "--all"]) == 1
    said = capsys.readouterr().out
    assert "by reason" in said and "a pause (09:30:0" in said


def test_a_journal_that_ends_before_its_day(tmp_path: Path) -> None:
    """The engine died, or still runs: what the backtest goes on to do is no matter of the way or of the book."""
    path = tmp_path / f"{DAY}.otj"
    journal_of(path, none)
    whole = parity(path, None)
    open_ns = max(pair.first.open_ns for pair in whole.pairs if pair.first is not None)
    cut = next(record.offset for record in salvage(path) if record.ts_ns > open_ns + NS_PER_S)
    path.write_bytes(path.read_bytes()[:cut])
    report = parity(path, None)
    later = [one for one in report.differences if one.first is None]
    assert later and {one.why for one in later} == {FAULT}
    assert all("the journal ends before" in one.words for one in later)
    assert any("the journal ends at" in note for note in report.notes)


def clock(at_ns: int) -> str:
    minutes = at_ns // 60_000_000_000 + 330
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
