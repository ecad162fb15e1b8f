"""`otrade kill` and `otrade rearm` against engines that answer, hang, and are not there."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from otrade.cli.engine import kill as command
from otrade.contract.messages import SOCKET
from otrade.live.control.kill_switch import kill_file, write_kill_file
from otrade.live.runtime.run_file import RunFile, RunInfo
from tests.harness.linked_engine import acted, engine_stub
from tests.harness.realtime_broker import home, on_tick
from tests.harness.waiting import wait_until


@contextmanager
def engine(var: Path, pid: int = 0) -> Iterator[None]:
    with RunFile(var) as run_file:
        run_file.write(RunInfo(pid or os.getpid(), "live", 0))
        yield


def given(asked: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(act["name"], act["args"]) for act in asked]


def test_the_engine_is_asked_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"kill": (True, "HALTED by command"), "flatten": (True, "closing 1 position")}
    with engine_stub(tmp_path, acted(answers)) as asked, engine(tmp_path):
        assert command.kill(tmp_path, flatten=True, direct=False, config=None) == 0
    assert given(asked) == [("kill", {}), ("flatten", {})]
    assert {act["actor"] for act in asked} == {f"local user {getpass.getuser()}"}
    assert len({act["key"] for act in asked}) == 2
    said = capsys.readouterr()
    assert "HALTED by command" in said.out and "closing 1 position" in said.out
    assert not kill_file(tmp_path).exists()


def test_halted_already_and_nothing_open_is_done(tmp_path: Path) -> None:
    answers = {
        "kill": (False, "the engine is halted already"),
        "flatten": (False, "nothing is open there"),
    }
    with engine_stub(tmp_path, acted(answers)), engine(tmp_path):
        assert command.kill(tmp_path, flatten=True, direct=False, config=None) == 0


def test_an_engine_that_does_not_answer_gets_the_file_and_the_signal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ANSWER_S_MAX", 0.2)
    code = (
        "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('halted', flush=True)); "
        "print('up', flush=True); signal.pause(); signal.pause()"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "up\n"
    try:
        # A door that nobody opens: the connection is taken by the kernel, and never answered.
        with engine(tmp_path, child.pid), socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / "run" / SOCKET))
            silent.listen()
            assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 4
            assert child.stdout.readline() == "halted\n"
    finally:
        child.kill()
        child.communicate()
    said = capsys.readouterr()
    assert "does not answer" in said.err and "NOT known" in said.out
    assert "otrade kill by" in kill_file(tmp_path).read_text()


def test_a_process_that_only_has_its_number_is_not_signalled(tmp_path: Path) -> None:
    with engine(tmp_path, os.getpid()):
        info = (tmp_path / "run" / "engine.json").read_bytes()
    (tmp_path / "run" / "engine.json").write_bytes(info)
    # This very process would die of the signal.
    assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 3


@pytest.mark.parametrize("answers", [True, False])
def test_a_run_file_that_is_not_believed_signals_nobody_and_halts_all_the_same(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
) -> None:
    """Somebody else could have written it, and it could name any process."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    with engine(tmp_path):
        (tmp_path / "run" / "engine.json").chmod(0o666)
        if answers:
            with engine_stub(tmp_path, acted({"kill": (True, "HALTED by command")})) as asked:
                assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 0
            assert given(asked) == [("kill", {})] and not kill_file(tmp_path).exists()
        else:
            assert command.kill(tmp_path, flatten=True, direct=False, config=None) == 4
            assert kill_file(tmp_path).exists()
    assert sent == [] and "is not believed" in capsys.readouterr().err


def test_without_an_engine_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 3
    assert "no engine runs in" in capsys.readouterr().err


def test_rearm_wants_the_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_kill_file(tmp_path, "a person", 0)
    with (
        engine_stub(tmp_path, acted({"rearm": (True, "re-armed")})) as asked,
        engine(tmp_path),
    ):
        for typed in ("", "\n", "rearm\n", "yes\n"):
            monkeypatch.setattr("sys.stdin", StringIO(typed))
            assert command.rearm(tmp_path, yes=False) == 4
        assert path.exists() and asked == []
        monkeypatch.setattr("sys.stdin", StringIO("REARM\n"))
        assert command.rearm(tmp_path, yes=False) == 0
        assert not path.exists()
    assert given(asked) == [("rearm", {})]


def test_rearm_without_an_engine_takes_the_file_away(tmp_path: Path) -> None:
    path = write_kill_file(tmp_path, "a person", 0)
    assert command.rearm(tmp_path, yes=True) == 3
    assert not path.exists()


def test_kill_direct_ends_the_engine_and_closes_at_the_broker(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        here = place.here
        ltp = here.enter(10)
        here.stop(10, on_tick(ltp * 0.97))
        child = place.engine()
        code = (
            "import sys; from pathlib import Path; from otrade.cli.engine.kill import kill; "
            "sys.exit(kill(Path(sys.argv[1]), flatten=True, direct=True, config=Path(sys.argv[2])))"
        )
        done = place.spawn(code, str(place.var), str(place.config))
        out, err = done.communicate(timeout=120)
        assert done.returncode == 0, out + err
        wait_until("the engine is gone", lambda: child.poll() is not None)
        assert here.net() == 0 and here.live() == []
        assert kill_file(place.var).exists(), "nothing trades there until somebody re-arms"
