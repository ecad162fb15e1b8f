"""A hung process is gone when nothing of it holds anything any more, and not before."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from otrade.errors import StartError
from otrade.live.runtime.run_file import RunFile
from otrade.live.watchdog import process_kill
from otrade.live.watchdog.heartbeat import start_ticks
from tests.harness.realtime_broker import ROOT, bracket, home, on_tick
from tests.harness.waiting import wait_until

HOLDER = """
import ctypes, sys, threading, time
from pathlib import Path
from otrade.live.runtime.run_file import RunFile
def hold():
    with RunFile(Path(sys.argv[1])):
        print("held", flush=True)
        threading.Event().wait()
threading.Thread(target=hold).start()
if sys.argv[2] == "headless":
    ctypes.CDLL(None).syscall(60, 0)  # the first thread alone: /proc shows the process as dead
threading.Event().wait()
"""
WITH_AND_WITHOUT_HANDLES = pytest.mark.parametrize("has_handles", [True, False])


@contextmanager
def holder(var: Path, kind: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(var), kind], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def without_handles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")


@WITH_AND_WITHOUT_HANDLES
@pytest.mark.parametrize("kind", ["whole", "headless"])
def test_the_lock_is_free_the_moment_it_is_over(
    kind: str, has_handles: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said to be held, and the rescue waited for its next turn, three seconds later."""
    if not has_handles:
        without_handles(monkeypatch)
    for number in range(5):
        var = tmp_path / str(number)
        with holder(var, kind) as child:
            began = start_ticks(child.pid, dead_too=True)
            if kind == "headless":
                wait_until("its first thread is gone", lambda pid=child.pid: start_ticks(pid) == 0)
            assert asyncio.run(process_kill.end_process(child.pid, began))
            with RunFile(var):
                pass


def has_ended(child: subprocess.Popen[str]) -> bool:
    """With its last thread; its parent has not asked yet."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@WITH_AND_WITHOUT_HANDLES
def test_what_is_gone_or_another_is_left_alone(
    has_handles: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_handles:
        without_handles(monkeypatch)
    with holder(tmp_path, "whole") as child:
        began = start_ticks(child.pid)
        assert not asyncio.run(process_kill.end_process(child.pid, began - 1)), (
            "a later process with its number"
        )
        assert child.poll() is None
        child.kill()
        wait_until("it is dead, and not buried", lambda: has_ended(child))
        assert not asyncio.run(process_kill.end_process(child.pid, began))
        child.wait()
        assert not asyncio.run(process_kill.end_process(child.pid, began))


def test_one_that_does_not_die_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *args: None)
    with holder(tmp_path, "whole") as child, pytest.raises(StartError, match="does not die"):
        asyncio.run(process_kill.end_process(child.pid, start_ticks(child.pid), patience_s=0.05))


def test_an_engine_without_its_first_thread_is_fenced_and_its_position_covered(
    tmp_path: Path,
) -> None:
    """The heartbeat's process shows as dead, and holds the directory."""
    with home(tmp_path) as place:
        ltp = place.here.enter()
        code = (
            "import sys, threading; from tests.harness import realtime_broker; import ctypes; import signal\n"
            "signal.signal = lambda *args: None\n"
            "threading.Thread(target=realtime_broker.beat, args=sys.argv[1:3]).start()\n"
            "ctypes.CDLL(None).syscall(60, 0)"
        )
        engine = place.spawn(code, str(place.var), json.dumps([bracket(ltp * 0.97)]))
        assert engine.stdout is not None and engine.stdout.readline() == "beating\n"
        wait_until("its first thread is gone", lambda: start_ticks(engine.pid) == 0)
        code_out, said = place.once()
        assert code_out == 0 and "is killed" in said and "already runs" not in said, said
        assert [
            (int(row["pending_quantity"]), float(row["trigger_price"])) for row in place.here.live()
        ] == [(10, on_tick(ltp * 0.97))]
        assert engine.wait(60) == -signal.SIGKILL
