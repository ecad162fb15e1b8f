"""A day with its journal's file: a full disk, a damaged file, somebody else's file, another build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

import otrade
from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import Halt, Reason, Rec, Severity, Source
from otrade.brokers.kite.reports import report_of
from otrade.config.schema import JournalConfig
from otrade.errors import JournalError
from otrade.journal import layout
from otrade.journal.file import JournalBusy
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.journal.scan import check, records, salvage, windows
from otrade.live.control.commands import Commands
from otrade.live.notices.board import NoticeBoard
from otrade.live.persistence import day_journal as live_journal
from otrade.live.persistence.actor import Actor
from otrade.live.persistence.day_journal import DayJournal, open_journal
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import EngineSpec, build_plan
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day, specs

IDENTITY = {"day": "2026-11-23", "account": "a", "engine": "otrade", "mode": "live"}
CONFIG = JournalConfig(max_mb=32, reserve_mb=1)


def opened(directory: Path, board: NoticeBoard, **identity: str) -> DayJournal:
    return open_journal(directory, {**IDENTITY, **identity}, CONFIG, board, 7, n_instruments=2)


def a_run(
    here: SimulatedDay, journal: DayJournal, board: NoticeBoard, *, halt: bool = False
) -> DayJournal:
    """One short run of an engine that writes into this journal."""

    def make_plan() -> DayPlan:
        plan = build_plan(
            "2026-11-23",
            specs(here.sim, here.date, ("NSE:INFY",), (10,), 1.0, {}),
            EngineSpec(run_id=5),
        )
        plan.engine.set_encoder(KiteEncoder(b"h", b"", b"token k:t"))
        return plan

    plan = journal.recover(make_plan)
    journal.begin(plan, {"encoder": {"kind": "kite", "host": "h", "prefix": ""}}, 5, here.now_ns)
    if not journal.is_resumed:
        plan.engine.start(here.now_ns)
    if halt:
        plan.engine.on_halt(Halt.HALTED, Reason.OK, here.now_ns)
    for i in range(50):
        plan.engine.on_timer(here.now_ns + i * SECOND)
    here.settings.plan["halt"] = plan.engine.risk()["halt"]
    journal.close(here.now_ns)
    return journal


def in_world(work: Any) -> None:
    async def body() -> None:
        async with simulated_day(hours=0.4, journal=MemoryJournal()) as here:
            await work(here)

    run(body())


def test_a_full_disk_reduces_shouts_and_trading_of_exits_goes_on() -> None:
    async def work(here: SimulatedDay) -> None:
        assert here.journal is not None
        await here.open()
        await here.run_until(lambda: here.day.engine.n_live > 0)
        here.journal.trouble = "no room on the disk (No space left on device)"
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        risk = here.day.engine.risk()
        assert (risk["halt"], risk["halt_reason"]) == (Halt.REDUCING, Reason.JOURNAL)
        alarms = [n.text for n in here.notices if n.severity == Severity.ALARM]
        assert any(
            "No space left on device" in text and "No new entries" in text for text in alarms
        )
        n_entries = here.day.engine.n_brackets
        here.journal.trouble = ""
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        assert "JOURNAL_BACK" in here.codes()
        assert here.day.engine.risk()["halt"] == Halt.REDUCING, "a halt is latched"
        await here.run_to_end()
        assert here.day.engine.n_brackets == n_entries and here.sim.exchange.net_qty() == {}

    in_world(work)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_an_entry_without_a_record_never_leaves_and_what_is_open_is_protected(broker: Any) -> None:
    """The journal takes nothing more from one moment on, between two beats: frames may still
    decide, and nothing new may leave.

    A stop leaves all the same: a position without one is worse than a decision without a record.
    """

    async def body() -> None:
        async with simulated_day(hours=0.7, journal=MemoryJournal(), broker=broker) as here:
            assert here.journal is not None
            await here.open()
            await here.run_until(lambda: here.sim.exchange.net_qty() != {})
            await here.sim.run_until(here.now_ns + SECOND)
            writer, n_before = here.journal.writer, len(here.sim.exchange.orders())
            writer.close()  # no room for anything from now on
            here.day.journal = (
                None  # nobody looks on the beat: it is always the moment before somebody does
            )
            await here.run_to_end()
            later = [order.tag or "" for order in here.sim.exchange.orders()[n_before:]]
            refused = [n.text for n in here.notices if n.code == "REQUEST_REFUSED"]
            assert refused and all("journal has no room" in text for text in refused)
            assert not [tag for tag in later if tag[12] == "E"], "an entry without a record"
            assert here.sim.exchange.net_qty() == {} and here.worst_naked_ns <= 5 * SECOND
            assert here.day.engine.n_live == 0, "what did not leave is not waited for"

    run(body())


def test_a_day_without_any_journal_takes_no_entries() -> None:
    async def work(here: SimulatedDay) -> None:
        here.day.journal = None
        here.day.options = msgspec.structs.replace(here.day.options, needs_journal=True)
        await here.open()
        await here.sim.run_until(here.now_ns + 400 * SECOND)
        assert (
            here.day.engine.risk()["halt_reason"] == Reason.JOURNAL
            and here.sim.exchange.orders() == []
        )

    in_world(work)


def test_a_damaged_journal_is_kept_aside_and_its_halt_holds(tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        a_run(here, opened(tmp_path, board), board, halt=True)
        path = tmp_path / "2026-11-23.otj"
        raw = bytearray(path.read_bytes())
        last = list(salvage(path))[-3]
        raw[last.offset + 33] ^= 4
        path.write_bytes(raw)
        journal = opened(tmp_path, board)
        words = [n for n in board.since(0) if n.code == "JOURNAL_ASIDE"]
        assert (
            len(words) == 1
            and "damaged at offset" in words[0].text
            and "2026-11-23.1.otj" in words[0].text
        )
        a_run(here, journal, board)
        assert not journal.is_resumed
        assert here.settings.plan["halt"] == Halt.HALTED
        assert (tmp_path / "2026-11-23.1.otj").read_bytes() == bytes(raw), "nothing of it is lost"

    in_world(work)


@pytest.mark.parametrize("changed", [{"account": "b"}, {"engine": "other"}, {"mode": "paper"}])
def test_somebody_elses_journal_is_kept_aside_and_brings_nothing(
    tmp_path: Path, changed: dict[str, str]
) -> None:
    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        a_run(here, opened(tmp_path, board, **changed), board, halt=True)
        journal = opened(tmp_path, board)
        (words,) = [n.text for n in board.since(0) if n.code == "JOURNAL_ASIDE"]
        assert next(iter(changed.values())) in words
        a_run(here, journal, board)
        assert not journal.is_resumed and here.settings.plan["halt"] == Halt.ACTIVE

    in_world(work)


def test_a_journal_of_an_earlier_format_is_kept_aside_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        with monkeypatch.context() as before:
            before.setattr(layout, "FORMAT", layout.FORMAT - 1)
            a_run(here, opened(tmp_path, board), board, halt=True)
        journal = a_run(here, opened(tmp_path, board), board)
        (words,) = [n.text for n in board.since(0) if n.code == "JOURNAL_ASIDE"]
        assert f"has format {layout.FORMAT - 1}" in words and "2026-11-23.1.otj" in words
        assert not journal.is_resumed and not journal.runs, (
            "whether a person had halted it is not known"
        )

    in_world(work)


def test_another_builds_core_is_not_used_but_its_halt_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        a_run(here, opened(tmp_path, board), board, halt=True)
        monkeypatch.setattr(live_journal, "BUILD", f"{otrade.__version__}+another")
        journal = a_run(here, opened(tmp_path, board), board)
        assert not journal.is_resumed and here.settings.plan["halt"] == Halt.HALTED
        assert any("written by OTrade" in n.text for n in board.since(0))
        monkeypatch.undo()
        assert check(tmp_path / "2026-11-23.otj").n_sections == 2

    in_world(work)


def test_a_second_engine_on_the_file_is_refused_and_a_directory_that_cannot_be_made_is_named(
    tmp_path: Path,
) -> None:
    board = NoticeBoard(lambda: 1)
    journal = opened(tmp_path, board)
    with pytest.raises(JournalBusy, match="another engine"):
        opened(tmp_path, board)
    journal.close(1)
    with pytest.raises(JournalError, match="cannot be written"):
        opened(Path("/proc/nowhere"), board)


def test_what_is_said_and_what_people_do_is_in_the_journal(tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        assert here.journal is not None
        await here.open()
        control = Commands()
        control.set_day(here.day)
        control.command("pause", {}, Actor("person anand (trader)", "10.0.0.7", "key-of-anand"))
        control.command("pause", {}, Actor("script robot", "127.0.0.1"))
        control.record(Actor("whoever began it"), "login finished", {}, (True, "logged in"))
        control.command("stop-engine", {}, Actor("local user", "the command line"))
        found = [orjson.loads(r.payload) for r in here.journal.records() if r.kind == Rec.PERSON]
        assert [(row["who"], row["command"], row["ok"]) for row in found] == [
            ("person anand (trader) at 10.0.0.7", "pause", True),
            ("script robot at 127.0.0.1", "pause", False),
            ("whoever began it", "login finished", True),
            ("local user at the command line", "stop-engine", True),
        ]
        assert (found[0]["actor"], found[0]["key"]) == ("person anand (trader)", "key-of-anand")
        assert "key" not in found[1]
        assert found[0]["words"].startswith("paused") and found[0]["args"] == {}
        assert any(
            b"paused by command" in bytes(r.payload)
            for r in here.journal.records()
            if r.kind == Rec.WORDS
        )

    in_world(work)


def test_a_frame_that_no_window_could_hold_is_refused_and_the_journal_is_fine(
    tmp_path: Path,
) -> None:
    """The writer lost it, said that the disk was failing, and entries stayed off until a person
    came. The largest one that fits is taken.
    """

    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        journal = opened(tmp_path, board)
        plan = build_plan(
            "2026-11-23",
            specs(here.sim, here.date, ("NSE:INFY",), (10,), 1.0, {}),
            EngineSpec(run_id=5),
        )
        engine = plan.engine
        engine.set_encoder(KiteEncoder(b"h", b"", b"token k:t"))
        journal.recover(lambda: plan)
        journal.begin(plan, {"encoder": {"kind": "kite", "host": "h", "prefix": ""}}, 5, 7)
        engine.start(here.now_ns)
        engine.on_feed(True, here.now_ns)
        window = live_journal.SMALL_WINDOW_BYTES
        before = journal.n_records
        for n in (window, window - 32 - 56 + 1, 4 * window):
            engine.on_frame_bytes(bytes(n), here.now_ns)
        journal.poll(engine, here.now_ns)
        assert engine.counters()["refused"][Reason.FRAME_LARGE - 100] == 3
        assert engine.counters()["frames"] == 0 and journal.n_records == before
        engine.on_frame_bytes(bytes(window - 32 - 56), here.now_ns)
        journal.poll(engine, here.now_ns)
        assert engine.counters()["frames"] == 1 and journal.n_lost == 0
        assert engine.risk()["halt"] == Halt.ACTIVE
        assert "JOURNAL_FULL" not in [notice.code for notice in board.since(0)]
        journal.close(here.now_ns)
        done = replay(windows(tmp_path / "2026-11-23.otj"))
        assert done.divergence is None, "what was refused decides nothing"

    in_world(work)


@pytest.mark.parametrize(("n", "is_kept"), [(100, True), (live_journal.SMALL_WINDOW_BYTES, False)])
def test_a_configuration_that_no_window_could_hold_is_told_by_its_hash(
    tmp_path: Path, n: int, is_kept: bool
) -> None:
    async def work(here: SimulatedDay) -> None:
        journal = opened(tmp_path, NoticeBoard(lambda: here.now_ns))
        plan = build_plan(
            "2026-11-23",
            specs(here.sim, here.date, ("NSE:INFY",), (10,), 1.0, {}),
            EngineSpec(run_id=5),
        )
        plan.engine.set_encoder(KiteEncoder(b"h", b"", b"token k:t"))
        journal.recover(lambda: plan)
        encoder = {"kind": "kite", "host": "h", "prefix": ""}
        about = {"encoder": encoder, "config_hash": "abc", "configuration": {"words": "x" * n}}
        journal.begin(plan, about, 5, 7)
        plan.engine.start(here.now_ns)
        journal.close(here.now_ns)
        assert journal.n_lost == 0
        done = replay(windows(tmp_path / "2026-11-23.otj"))
        assert done.divergence is None
        first = next(iter(records(tmp_path / "2026-11-23.otj")))
        hello = orjson.loads(bytes(first.payload))
        assert hello["config_hash"] == "abc" and bool(hello["configuration"]) == is_kept

    in_world(work)


def test_a_journal_made_for_few_instruments_is_not_gone_on_with_for_many(tmp_path: Path) -> None:
    """Its windows may not hold their frames; what a person had halted stays halted."""

    async def work(here: SimulatedDay) -> None:
        board = NoticeBoard(lambda: here.now_ns)
        a_run(here, opened(tmp_path, board), board, halt=True)
        journal = open_journal(tmp_path, IDENTITY, CONFIG, board, 7, n_instruments=1_000)
        (words,) = [n.text for n in board.since(0) if n.code == "JOURNAL_ASIDE"]
        assert "fewer instruments" in words and "2026-11-23.1.otj" in words
        a_run(here, journal, board)
        assert here.settings.plan["halt"] == Halt.HALTED

    in_world(work)


def test_what_a_broker_says_of_an_order_is_bounded(tmp_path: Path) -> None:
    board = NoticeBoard(lambda: 1)
    journal = opened(tmp_path, board)
    huge = {"order_id": "1", "status": "OPEN", "status_message": "x" * 1_000_000}
    journal.raw(report_of(huge, Source.BOOK, 1))
    board.say(Severity.INFO, "SAID", "y" * 1_000_000)
    assert journal.n_lost == 0
    journal.close(1)
    kept = [r for r in records(tmp_path / "2026-11-23.otj") if r.kind in (Rec.RAW, Rec.WORDS)]
    assert len(kept) == 2
