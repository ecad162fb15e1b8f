"""What the machine is asked for, with the kernel itself as the witness, and what is said where it
refuses.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from otrade._core.types import Severity
from otrade.config.schema import SpeedConfig
from otrade.errors import StartError
from otrade.live.notices.board import NoticeBoard
from otrade.live.runtime.busy_poll import Spinner
from otrade.live.runtime.cpu_tuning import CpuTuning, check
from tests.harness.waiting import PATIENCE_S, wait_until

CORES = sorted(os.sched_getaffinity(0))
two_cores = pytest.mark.skipif(len(CORES) < 2, reason="ONE CORE: taking a core is NOT checked")


def board() -> NoticeBoard:
    return NoticeBoard(lambda: 1)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def guarded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    uvloop.run(guarded())


def test_a_core_that_is_not_there_is_refused_by_name() -> None:
    check(SpeedConfig())
    with pytest.raises(
        StartError, match=rf"speed.core is 1023, and this process may use core {CORES[0]}"
    ):
        check(SpeedConfig(core=1023))


def test_the_only_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    with pytest.raises(StartError, match="one core only"):
        check(SpeedConfig(core=3))


def test_a_system_without_affinity_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    check(SpeedConfig(core=-1))
    with pytest.raises(StartError, match="does not let a process choose"):
        check(SpeedConfig(core=0))


@two_cores
def test_the_loop_has_its_core_and_other_threads_the_rest() -> None:
    mine = CORES[-1]
    rest = set(CORES) - {mine}
    go = threading.Event()
    other = threading.Thread(target=go.wait)
    other.start()

    async def work() -> None:
        assert other.native_id is not None
        with CpuTuning(SpeedConfig(core=mine), board()):
            assert os.sched_getaffinity(0) == {mine}
            assert os.sched_getaffinity(other.native_id) == rest
            assert (
                await asyncio.get_running_loop().run_in_executor(None, os.sched_getaffinity, 0)
                == rest
            ), "started later"
        assert os.sched_getaffinity(0) == os.sched_getaffinity(other.native_id) == set(CORES)

    try:
        run(work)
    finally:
        go.set()
        other.join()


@two_cores
def test_a_core_that_cannot_be_taken_is_said_and_nothing_is_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = board()
    real = os.sched_setaffinity

    def refuses(pid: int, cores: set[int]) -> None:
        if cores == {CORES[0]}:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        real(pid, cores)

    async def work() -> None:
        monkeypatch.setattr(os, "sched_setaffinity", refuses)
        with CpuTuning(SpeedConfig(core=CORES[0]), said):
            assert os.sched_getaffinity(0) == set(CORES)

    run(work)
    (notice,) = said.since(0)
    assert (notice.severity, notice.code) == (Severity.WARN, "CORE_NOT_TAKEN")
    assert "speed.core" in notice.text and "Operation not permitted" in notice.text


@pytest.mark.parametrize("error", [0, errno.EPERM, errno.ENOMEM])
def test_memory_that_may_not_be_locked_is_said(error: int) -> None:
    said = board()
    asked: list[int] = []

    def lock(flags: int) -> int:
        asked.append(flags)
        return error

    async def work() -> None:
        with CpuTuning(SpeedConfig(lock_memory=True), said, lock=lock):
            pass

    run(work)
    assert asked == [7], "what is there, what comes, and only when it is touched"
    notices = said.since(0)
    assert [notice.code for notice in notices] == (["MEMORY_NOT_LOCKED"] if error else [])
    assert not error or (
        os.strerror(error) in notices[0].text and "speed.lock_memory" in notices[0].text
    )


def test_nothing_is_asked_for_unless_configured() -> None:
    async def work() -> None:
        said = board()
        with CpuTuning(SpeedConfig(), said, lock=lambda flags: pytest.fail("locked")):
            assert os.sched_getaffinity(0) == set(CORES)
        assert said.since(0) == []

    run(work)


def test_a_spinning_loop_turns_until_it_is_stopped() -> None:
    async def work() -> None:
        spinner = Spinner(asyncio.get_running_loop())
        spinner.start()
        spinner.start()
        # Nothing else is due in this loop meanwhile: one that slept would not turn again.
        await asyncio.get_running_loop().run_in_executor(
            None, wait_until, "the loop turns by itself", lambda: spinner.n_turns >= 1_000
        )
        spinner.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        after = spinner.n_turns
        for _ in range(10):
            await asyncio.sleep(0)
        assert spinner.n_turns == after
        spinner.start()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert after < spinner.n_turns <= after + 3, "once a turn, however often it was started"
        spinner.stop()

    run(work)
