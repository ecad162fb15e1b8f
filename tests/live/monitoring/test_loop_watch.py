"""The loop watches itself: how late what was due runs, and how long one turn lasts. The loop of these
tests is a list and its time a number, so that every figure can be said beforehand; one test stalls
a real loop.
"""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from otrade._core.types import Severity
from otrade.clock import WallClock
from otrade.config import ConfigManager, RunOptions
from otrade.contract.views import Mode
from otrade.live.alerts.rules import AlertLevel, level_of
from otrade.live.monitoring.loop_watch import PERIOD_NS, RECENT_NS, SAY_NS, TIMED_EVERY, LoopWatch
from otrade.live.notices.board import NoticeBoard
from otrade.live.runner import Runner
from tests.harness.paper_run import write

MS = 1_000_000
SECOND = 1_000 * MS


class ScriptedLoop:
    """Runs timers at the beginning of a turn, then what was ready when that began, as libuv does."""

    def __init__(self) -> None:
        self.ts_ns = 5 * SECOND
        self.timers: list[tuple[int, Callable[[], None]]] = []
        self.ready: list[Callable[[], None]] = []

    def elapsed_ns(self) -> int:
        return self.ts_ns

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        entry = (self.ts_ns + round(delay * SECOND), callback)
        self.timers.append(entry)

        class Handle:
            @staticmethod
            def cancel() -> None:
                self.timers.remove(entry)

        return Handle()

    def call_soon(self, callback: Callable[[], None]) -> Any:
        self.ready.append(callback)

    def turn(self, work_ns: int = 0) -> None:
        """One turn: what is due, what is ready, then `work_ns` of somebody's work."""
        due = [one for one in self.timers if one[0] <= self.ts_ns]
        self.timers = [one for one in self.timers if one[0] > self.ts_ns]
        for _, callback in due:
            callback()
        ready, self.ready = self.ready, []
        for callback in ready:
            callback()
        self.ts_ns += work_ns

    def idle_until_due(self) -> None:
        if not self.ready:
            self.ts_ns = max(self.ts_ns, self.timers[0][0])

    def quiet(self, for_ns: int) -> None:
        end_ns = self.ts_ns + for_ns
        while self.ts_ns < end_ns:
            self.idle_until_due()
            self.turn()


def watch_of(loop: ScriptedLoop, board: NoticeBoard | None, stall_ms: int = 500) -> LoopWatch:
    watch = LoopWatch(
        loop,
        stall_ns=stall_ms * MS,
        now_ns=lambda: 1_000 * SECOND + loop.ts_ns,
        board=board,
        elapsed_ns=loop.elapsed_ns,
    )
    watch.start()
    return watch


def test_a_quiet_loop_is_not_late_and_nothing_piles_up() -> None:
    loop = ScriptedLoop()
    watch = watch_of(loop, NoticeBoard(lambda: 0))
    loop.quiet(10 * SECOND)
    assert (watch.lag_ns, watch.longest_turn_ns, watch.n_stalls) == (0, 0, 0)
    assert len(loop.timers) == 1 and len(loop.ready) <= 2, (
        "one callback waits, whatever came before"
    )
    watch.stop()
    assert not loop.timers
    watch.stop()


@pytest.mark.parametrize("work_ms", [25, 51, 499, 500, 7_900, 13_300])
def test_a_long_turn_is_seen_to_within_the_period(work_ms: int) -> None:
    loop = ScriptedLoop()
    board = NoticeBoard(lambda: 0)
    watch = watch_of(loop, board)
    loop.quiet(SECOND)
    loop.turn(work_ms * MS)
    at_ns = loop.ts_ns
    loop.turn()
    assert work_ms * MS - PERIOD_NS <= watch.lag_ns <= work_ms * MS
    assert work_ms * MS - PERIOD_NS <= watch.longest_turn_ns <= work_ms * MS
    assert watch.ts_longest_ns == 1_000 * SECOND + at_ns
    assert watch.n_stalls == (watch.lag_ns >= 500 * MS) == len(board.since(0))
    assert watch.stalled_ns == (watch.lag_ns if watch.n_stalls else 0)


def test_a_turn_shorter_than_the_period_is_timed_too() -> None:
    loop = ScriptedLoop()
    watch = watch_of(loop, None)
    for _ in range(20 * TIMED_EVERY):
        loop.idle_until_due()
        loop.turn(3 * MS)
    assert watch.longest_turn_ns == 3 * MS and watch.lag_ns == 0


def test_a_lag_is_recent_for_a_minute_or_two_and_the_longest_turn_for_ever() -> None:
    loop = ScriptedLoop()
    watch = watch_of(loop, None)
    loop.quiet(SECOND)
    loop.turn(2 * SECOND)
    loop.quiet(RECENT_NS)
    assert watch.lag_ns > SECOND
    loop.quiet(RECENT_NS + SECOND)
    assert watch.lag_ns == 0 and watch.longest_turn_ns > SECOND


def test_stalls_are_said_at_once_then_added_up_and_are_an_alert() -> None:
    loop = ScriptedLoop()
    board = NoticeBoard(lambda: 0)
    watch = watch_of(loop, board)
    for work_ms in (1_000, 3_000, 2_000):
        loop.quiet(SECOND)
        loop.turn(work_ms * MS)
        loop.turn()
    (first,) = board.since(0)
    assert (first.severity, first.code) == (Severity.ERROR, "LOOP_STALLED")
    assert re.search(r"stood still: (9[89]\d|1,000) ms", first.text)
    assert level_of(first) == AlertLevel.ERROR
    loop.quiet(SAY_NS)
    (second,) = board.since(1)
    assert re.search(r"2 times, the longest (2,9[89]\d|3,000) ms", second.text)
    loop.quiet(3 * SAY_NS)
    assert not board.since(2), "what is over is not said again"
    assert watch.n_stalls == 3


def test_without_a_board_stalls_are_counted() -> None:
    loop = ScriptedLoop()
    watch = watch_of(loop, None)
    loop.quiet(SECOND)
    loop.turn(SECOND)
    loop.turn()
    assert watch.n_stalls == 1


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_real_loop_that_is_kept_busy(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """What is asserted is what must hold on any machine: a turn cannot be shorter than the work
    that was done in it.
    """
    work_ns = 80 * MS

    async def body() -> LoopWatch:
        loop = asyncio.get_running_loop()
        watch = LoopWatch(loop, stall_ns=50 * MS, now_ns=time.time_ns, board=None)
        watch.start()
        seen = asyncio.Event()

        def work() -> None:
            end_ns = time.perf_counter_ns() + work_ns
            while time.perf_counter_ns() < end_ns:
                pass
            loop.call_later(2 * PERIOD_NS / SECOND, seen.set)

        loop.call_later(3 * PERIOD_NS / SECOND, work)
        await seen.wait()
        watch.stop()
        return watch

    with asyncio.Runner(loop_factory=factory) as runner:
        watch = runner.run(body())
    assert watch.n_stalls >= 1
    assert watch.longest_turn_ns >= work_ns - PERIOD_NS - MS
    assert watch.lag_ns >= work_ns - PERIOD_NS - MS


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_every_run_has_one_and_a_live_one_says_what_it_finds(mode: Mode, tmp_path: Path) -> None:
    """On paper it only counts: a journal must not depend on how busy the machine is."""
    manager = ConfigManager(write(tmp_path, paths={"var": str(tmp_path / "var")}))

    async def body() -> None:
        loop = asyncio.get_running_loop()
        runner = Runner(
            manager, RunOptions(page=False), WallClock(), mode=mode, broker_kind="sim", speed=1.0
        )
        with runner:
            seen = asyncio.Event()
            end_ns = time.perf_counter_ns() + 600 * MS
            while time.perf_counter_ns() < end_ns:
                pass
            loop.call_later(2 * PERIOD_NS / SECOND, seen.set)
            await seen.wait()
            told = runner.source.status().loop
            assert told.stalls >= 1 and told.stalled_ms >= 500 and told.longest_turn_at_ms
            assert told.lag_ms >= 500 and told.longest_turn_ms >= told.lag_ms
            codes = [one.code for one in runner.board.since(0)]
            assert ("LOOP_STALLED" in codes) == (mode == "live")
            await runner.close()
        assert runner.source.loop_watch is not None and runner.source.loop_watch._timer is None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loops:
        loops.run(body())
