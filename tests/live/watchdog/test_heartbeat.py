"""The heartbeat and the protection file, as another process reads them."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

from otrade.live.watchdog.heartbeat import (
    MAGIC,
    EngineState,
    Heartbeat,
    read_heartbeat,
    read_protection,
    start_ticks,
)
from tests.harness.realtime_broker import RUN, SYMBOL, bracket, fake_day
from tests.harness.simulated_day import SimulatedDay, run, simulated_day


def test_a_beat_is_read_as_it_was_written(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path)
    heartbeat.open()
    first = read_heartbeat(tmp_path)
    assert first is not None and (first.pid, first.state, first.n_open) == (
        os.getpid(),
        EngineState.STARTING,
        0,
    )
    heartbeat.on_beat(fake_day([bracket(1500.0), bracket(1400.0, number=2)]), 0)
    second = read_heartbeat(tmp_path)
    assert second is not None and (second.state, second.n_open, second.beat) == (
        EngineState.RUNNING,
        2,
        first.beat + 1,
    )
    assert second.start_ticks == start_ticks(os.getpid()) > 0
    heartbeat.end()
    heartbeat.close()
    last = read_heartbeat(tmp_path)
    assert last is not None and last.state == EngineState.ENDED
    assert stat.S_IMODE((tmp_path / "run" / "heartbeat.bin").stat().st_mode) == 0o600


def test_protection_says_what_is_open_and_is_written_only_when_it_changes(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path)
    heartbeat.open()
    day = fake_day([bracket(1500.0, qty=7, number=3)])
    heartbeat.on_beat(day, 0)
    path = tmp_path / "run" / "protection.json"
    told = read_protection(tmp_path)
    assert told is not None and len(told.brackets) == 1
    row = told.brackets[0]
    assert (row.exchange, row.symbol, row.open_qty, row.side, row.run, row.bracket) == (
        "NSE",
        SYMBOL,
        7,
        1,
        RUN,
        3,
    )
    assert (row.stop_trigger_e4, row.tick_size_e4, row.freeze_qty) == (15_000_000, 1_000, 1_800)
    before = path.stat()
    heartbeat.on_beat(day, 0)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    heartbeat.on_beat(fake_day([bracket(1501.0, qty=7, number=3)]), 0)
    assert path.stat().st_ino != before.st_ino
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    heartbeat.close()


def test_files_that_are_none_of_ours_are_nothing(tmp_path: Path) -> None:
    assert read_heartbeat(tmp_path) is None and read_protection(tmp_path) is None
    (tmp_path / "run").mkdir()
    for data in (b"", b"x" * 100, MAGIC, MAGIC + struct.pack("<QqqqqqQ", 1, 1, 1, 1, 99, 0, 1)):
        (tmp_path / "run" / "heartbeat.bin").write_bytes(data)
        assert read_heartbeat(tmp_path) is None
    for text in ("", "[]", "{}", '{"pid": 1}', "\x00"):
        (tmp_path / "run" / "protection.json").write_text(text)
        assert read_protection(tmp_path) is None


def test_a_beat_that_was_cut_short_still_names_its_process(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    torn = MAGIC + struct.pack("<QqqqqqQ", 8, 4_711, 99, 5, EngineState.RUNNING, 1, 7)
    (tmp_path / "run" / "heartbeat.bin").write_bytes(torn)
    beat = read_heartbeat(tmp_path)
    assert beat is not None and (beat.pid, beat.start_ticks) == (4_711, 99)


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert start_ticks(child.pid) > 0
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(child.pid) == 0
    child.communicate()
    assert start_ticks(child.pid) == 0


def test_a_whole_day_is_told_as_the_core_knows_it(tmp_path: Path) -> None:
    async def work() -> int:
        heartbeat = Heartbeat(tmp_path)
        heartbeat.open()
        n_seen = 0

        def compare(here: SimulatedDay, now_ns: int) -> None:
            nonlocal n_seen
            heartbeat.on_beat(here.day, now_ns)
            told = read_protection(tmp_path)
            assert told is not None
            engine = here.day.engine
            opened = [b for i in engine.live_brackets() if (b := engine.bracket(i))["open_qty"]]
            assert [
                (row.run, row.bracket, row.open_qty, row.stop_trigger_e4) for row in told.brackets
            ] == [(b["tag_run"], b["tag_bracket"], b["open_qty"], b["stop_e4"]) for b in opened]
            n_seen += len(opened)

        async with simulated_day(seed=1, hours=0.4, offsets_bps=(-20, 20)) as here:
            here.day.listen_to_beats(lambda now_ns: compare(here, now_ns))
            await here.open()
            await here.run_to_end()
        heartbeat.close()
        return n_seen

    assert run(work()) > 0
