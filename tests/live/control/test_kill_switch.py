"""The kill file and the kill signal on a whole simulated day."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from otrade._core.types import Halt, Reason
from otrade.live.control.commands import Commands
from otrade.live.control.kill_switch import KILL_SIGNAL, KillSwitch, kill_file, write_kill_file
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day
from tests.harness.waiting import turns, until


def kills(here: SimulatedDay) -> list[str]:
    return [notice.text for notice in here.notices if notice.code == "KILLED"]


def switch_of(here: SimulatedDay, var: Path) -> tuple[KillSwitch, Commands]:
    switch = KillSwitch(var)
    control = Commands(blocks_rearm=switch.blocks_rearm)
    control.set_day(here.day)
    here.day.listen_to_beats(lambda now_ns: switch.on_beat(here.day, now_ns))
    return switch, control


def test_the_file_halts_once_and_bars_rearming_while_it_is_there(tmp_path: Path) -> None:
    async def work() -> None:
        async with simulated_day(seed=1, hours=0.4) as here:
            switch, control = switch_of(here, tmp_path)
            await here.open()
            assert switch.blocks_rearm() == ""
            path = write_kill_file(tmp_path, "a person", 1_700_000_000 * SECOND)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            await here.run_until(lambda: here.day.engine.risk()["halt"] == Halt.HALTED)
            assert here.day.engine.risk()["halt_reason"] == Reason.KILL_FILE
            await here.sim.run_until(here.now_ns + 20 * SECOND)
            assert len(kills(here)) == 1 and "a person, 2023-11-15 03:43:20 IST" in kills(here)[0]
            ok, words = control.command("rearm", {})
            assert not ok and str(path) in words
            path.unlink()
            await here.sim.run_until(here.now_ns + 5 * SECOND)
            assert here.day.engine.risk()["halt"] == Halt.HALTED, "latched"
            ok, _ = control.command("rearm", {})
            assert ok and here.day.engine.risk()["halt"] == Halt.ACTIVE
            write_kill_file(tmp_path, "another", 0)
            await here.run_until(lambda: here.day.engine.risk()["halt"] == Halt.HALTED)
            assert len(kills(here)) == 2
            here.day.shutdown.insist("the test is over")
            await here.sim.during(here.day.close())

    run(work())


def test_a_file_of_any_kind_halts_from_the_first_beat(tmp_path: Path) -> None:
    async def work() -> None:
        kill_file(tmp_path).parent.mkdir()
        kill_file(tmp_path).symlink_to("nowhere")
        async with simulated_day(seed=1, hours=0.4) as here:
            switch_of(here, tmp_path)
            await here.open()
            assert here.day.engine.risk()["halt"] == Halt.HALTED
            assert here.sim.exchange.orders() == []
            here.day.shutdown.insist("the test is over")
            await here.sim.during(here.day.close())

    run(work())


def test_the_signal_halts_at_once_and_between_days_it_waits(tmp_path: Path) -> None:
    async def work() -> None:
        async with simulated_day(seed=1, hours=0.4) as here:
            switch, _ = switch_of(here, tmp_path)
            switch.install(asyncio.get_running_loop())
            os.kill(os.getpid(), KILL_SIGNAL)
            await turns(100)
            await here.open()
            assert here.day.engine.risk()["halt"] == Halt.HALTED, "pressed before the day"
            here.day.engine.on_halt(Halt.ACTIVE, Reason.OK, here.now_ns)
            os.kill(os.getpid(), KILL_SIGNAL)
            await until(lambda: len(kills(here)) == 2)
            assert here.day.engine.risk()["halt"] == Halt.HALTED
            switch.remove()
            here.day.shutdown.insist("the test is over")
            await here.sim.during(here.day.close())

    run(work())


def test_a_kill_file_that_is_there_keeps_its_first_words(tmp_path: Path) -> None:
    path = write_kill_file(tmp_path, "the first", 0)
    before = path.read_text()
    assert write_kill_file(tmp_path, "the second", 1) == path
    assert path.read_text() == before and "the first" in KillSwitch(tmp_path).blocks_rearm()
