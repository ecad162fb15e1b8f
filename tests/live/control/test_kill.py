"""`otrade kill` and `otrade rearm` against engines that answer, hang, and are not there."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from otrade.cli.engine import kill as command
from otrade.live.control.kill_switch import kill_file, write_kill_file
from otrade.live.runtime.run_file import RunFile, RunInfo
from tests.harness.realtime_broker import home, on_tick
from tests.harness.waiting import wait_until

TOKEN = "t" * 43


@contextmanager
def page(
    answers: dict[str, tuple[int, dict[str, Any]]],
) -> Iterator[tuple[str, list[tuple[str, Any, str]]]]:
    """A page that answers commands; (url, what it was asked)."""
    asked: list[tuple[str, Any, str]] = []

    class KillHandler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = self.path.rpartition("/")[2]
            asked.append((name, body, self.headers["Authorization"]))
            status, answer = answers[name]
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KillHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def engine(var: Path, url: str, pid: int = 0) -> Iterator[None]:
    with RunFile(var) as run_file:
        run_file.write(RunInfo(pid or os.getpid(), url, TOKEN, "live", 0))
        yield


def test_the_engine_is_asked_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {
        "kill": (200, {"ok": True, "words": "HALTED by command"}),
        "flatten": (200, {"ok": True, "words": "closing 1 position"}),
    }
    with page(answers) as (url, asked), engine(tmp_path, url):
        assert command.kill(tmp_path, flatten=True, direct=False, config=None) == 0
    assert [(name, body) for name, body, _ in asked] == [("kill", {}), ("flatten", {})]
    assert {given for _, _, given in asked} == {f"Bearer {TOKEN}"}
    said = capsys.readouterr()
    assert "HALTED by command" in said.out and "closing 1 position" in said.out
    assert TOKEN not in said.out + said.err and not kill_file(tmp_path).exists()


def test_halted_already_and_nothing_open_is_done(tmp_path: Path) -> None:
    answers = {
        "kill": (409, {"title": "Refused", "detail": "the engine is halted already"}),
        "flatten": (409, {"title": "Refused", "detail": "nothing is open there"}),
    }
    with page(answers) as (url, _), engine(tmp_path, url):
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
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            engine(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", child.pid),
        ):
            assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 4
            assert child.stdout.readline() == "halted\n"
    finally:
        child.kill()
        child.communicate()
    said = capsys.readouterr()
    assert "does not answer" in said.err and "NOT known" in said.out
    assert "otrade kill by" in kill_file(tmp_path).read_text()


def test_a_process_that_only_has_its_number_is_not_signalled(tmp_path: Path) -> None:
    with engine(tmp_path, "", os.getpid()):
        info = (tmp_path / "run" / "engine.json").read_bytes()
    (tmp_path / "run" / "engine.json").write_bytes(info)
    # This very process would die of the signal.
    assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 3


def test_without_an_engine_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.kill(tmp_path, flatten=False, direct=False, config=None) == 3
    assert "no engine runs in" in capsys.readouterr().err


def test_rearm_wants_the_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_kill_file(tmp_path, "a person", 0)
    with (
        page({"rearm": (200, {"ok": True, "words": "re-armed"})}) as (url, asked),
        engine(tmp_path, url),
    ):
        for typed in ("", "\n", "rearm\n", "yes\n"):
            monkeypatch.setattr("sys.stdin", StringIO(typed))
            assert command.rearm(tmp_path, yes=False) == 4
        assert path.exists() and asked == []
        monkeypatch.setattr("sys.stdin", StringIO("REARM\n"))
        assert command.rearm(tmp_path, yes=False) == 0
        assert not path.exists()
    assert [(name, body) for name, body, _ in asked] == [("rearm", {})]


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
