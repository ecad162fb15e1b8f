"""The server starts an engine that the machine's owner has written down, tells how it ended, and holds
nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from otrade.config.manager import load
from otrade.engine_link.link import EngineLink
from otrade.errors import StartError
from otrade.file_lock import lock_file
from otrade.server import engine_starter, starter_process
from otrade.server.engine_gone import GoneWords
from otrade.server.engine_starter import EngineStarter
from otrade.server.start_file import NAME, EngineStart, read_engine_start
from tests.harness.waiting import until
from tests.server.test_process import SECRET, config_in

TOKEN = "the-token-of-the-day-which-nobody-sees"
WHO = "person trader (trader)"


def written(folder: Path, mode: int = 0o600, **fields: Any) -> Path:
    path = folder / "var" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))
    path.chmod(mode)
    return path


def script(folder: Path, text: str) -> dict[str, Any]:
    """A command that is no engine, as far as it goes."""
    return {"command": [sys.executable, "-c", text], "directory": str(folder)}


def with_starter(folder: Path, work: Callable[[EngineStarter], Awaitable[None]]) -> None:
    config = load(config_in(folder))

    async def go() -> None:
        link = EngineLink(folder / "var" / "run" / "engine.sock")
        async with EngineStarter(link, config) as starter:
            async with asyncio.timeout(60):
                await work(starter)

    asyncio.run(go())


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_starter, "UP_WITHIN_S", 0.2)


# ------------------------------------------------------------------------------ the owner's file
def test_without_a_file_nothing_can_be_started(tmp_path: Path) -> None:
    async def work(starter: EngineStarter) -> None:
        assert starter.how()[0] == "" and NAME in starter.how()[1]
        assert not (await starter.start(WHO)).ok
        written(tmp_path, **script(tmp_path, ""))
        assert "start the page's server anew" in (await starter.start(WHO)).words

    with_starter(tmp_path, work)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o640, 0o606])
def test_a_file_that_others_may_read_or_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    written(tmp_path, mode, **script(tmp_path, ""))
    with pytest.raises(StartError, match="not believed"):
        read_engine_start(tmp_path / "var")


def test_a_link_is_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path, **script(tmp_path, ""))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="it is a link"):
        read_engine_start(tmp_path / "var")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_user_s_file_is_not_believed(tmp_path: Path) -> None:
    os.chown(written(tmp_path, **script(tmp_path, "")), 12_345, 12_345)
    with pytest.raises(StartError, match="another user"):
        read_engine_start(tmp_path / "var")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "either"),
        ({"command": ["/bin/true"], "manager": "systemd", "unit": "x", "directory": "/"}, "either"),
        ({"command": ["otrade", "run"], "directory": "/"}, "whole path"),
        ({"command": ["/bin/true"]}, "`directory`"),
        ({"command": ["/bin/true"], "directory": "srv"}, "`directory`"),
        ({"command": ["/bin/true"], "directory": "/", "unit": "x"}, "manager"),
        ({"manager": "systemd"}, "no name of a unit"),
        ({"manager": "systemd", "unit": "--now"}, "no name of a unit"),
        ({"manager": "systemd", "unit": "a b"}, "no name of a unit"),
        ({"manager": "systemd", "unit": "x", "directory": "/"}, "its own directory"),
        ({"manager": "init.d", "unit": "x"}, "init.d"),
        ({"command": "/bin/true", "directory": "/"}, "array"),
        ({"command": ["/bin/true"], "directory": "/", "shell": True}, "shell"),
        (
            {"command": ["/x"], "directory": "/", "environment": {"OTRADE_KITE_API_KEY": "k"}},
            "does not belong here",
        ),
        ({"command": ["/x"], "directory": "/", "environment": {"a=b": "k"}}, "no name of a var"),
    ],
)
def test_a_wrong_file_is_refused_in_words(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    written(tmp_path, **fields)
    with pytest.raises(StartError, match=words):
        read_engine_start(tmp_path / "var")


# ----------------------------------------------------------------------------------- a command
def test_it_is_started_as_itself_and_outlives_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the server's low priority, limits or environment; in a session of its own."""
    monkeypatch.setenv("OTRADE_KITE_ACCESS_TOKEN", SECRET)
    monkeypatch.setenv("SOMETHING", "else")
    told = tmp_path / "told.json"
    text = f"""
import json, os, resource, signal, pathlib
was = [os.environ.copy(), os.getpriority(0, 0), resource.getrlimit(resource.RLIMIT_DATA), os.getsid(0) == os.getpid(), os.getcwd(),
       int(pathlib.Path("/proc/self/oom_score_adj").read_text()), os.getpid()]
pathlib.Path({str(told)!r} + "x").write_text(json.dumps([dict(was[0]), *was[1:]]))
os.rename({str(told)!r} + "x", {str(told)!r})
signal.pause()
"""
    written(tmp_path, **script(tmp_path, text), environment={"XDG_STATE_HOME": "/elsewhere"})
    before = os.getpriority(os.PRIO_PROCESS, 0)
    data = resource.getrlimit(resource.RLIMIT_DATA)
    score = int(Path("/proc/self/oom_score_adj").read_text())

    async def work(starter: EngineStarter) -> None:
        result = await starter.start(WHO)
        assert result.ok and "has not begun to trade yet" in result.words
        await until(told.exists)

    with_starter(tmp_path, work)
    env, nice, limit, is_alone, folder, oom, pid = json.loads(told.read_text())
    try:
        assert Path(f"/proc/{pid}").exists(), "it goes on without the server"
        assert env["XDG_STATE_HOME"] == "/elsewhere"
        assert "SOMETHING" not in env and not [name for name in env if name.startswith("OTRADE_")]
        assert (nice, tuple(limit), oom) == (before, data, score)
        assert is_alone and folder == str(tmp_path)
        log = tmp_path / "var" / starter_process.LOG
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    finally:
        os.kill(pid, signal.SIGKILL)


def test_one_that_dies_at_once_says_why_and_keeps_its_secrets(tmp_path: Path) -> None:
    """Both of the secrets file and of the day's login, however they are said."""
    session = tmp_path / "var" / "session" / "kite.json"
    session.parent.mkdir(parents=True)
    session.write_text(json.dumps({"access_token": TOKEN}))
    session.chmod(0o600)
    text = f"""
import sys
print("the last but one")
print("it holds", {SECRET!r}, {TOKEN!r}, "and password=hunter22222", file=sys.stderr)
print("no \\x1b[31m colour")
raise SystemExit(4)
"""
    written(tmp_path, **script(tmp_path, text))

    async def work(starter: EngineStarter) -> None:
        assert starter.how() == (read_engine_start(tmp_path / "var").words(), "")  # type: ignore[union-attr]
        result = await starter.start(WHO)
        assert not result.ok and f"by {WHO}" in result.words
        for words in ("exit code 4", "the last but one", "it holds *** *** and"):
            assert words in result.words, result.words
        for secret in (SECRET, TOKEN, "hunter22222", "\x1b"):
            assert secret not in result.words
        assert starter.last_words == result.words
        link = EngineLink(tmp_path / "none")
        gone = GoneWords(link, tmp_path / "var", "paper", starter).now(0)
        assert result.words in gone.words
        link.heard_ms = (starter.ended_ms or 0) + 60_000
        assert result.words not in GoneWords(link, tmp_path / "var", "paper", starter).now(0).words

    with_starter(tmp_path, work)


def test_one_that_dies_later_is_told_of_too(tmp_path: Path) -> None:
    written(tmp_path, **script(tmp_path, "import signal; print('so far'); signal.pause()"))

    async def work(starter: EngineStarter) -> None:
        begun = await starter.start(WHO)
        pid = int(begun.words.partition("process ")[2].partition(")")[0])
        assert starter.last_words == ""
        os.kill(pid, signal.SIGKILL)
        await until(lambda: starter.last_words)
        assert "signal 9" in starter.last_words

    with_starter(tmp_path, work)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, command=[str(tmp_path / "none")], directory=str(tmp_path))

    async def work(starter: EngineStarter) -> None:
        result = await starter.start(WHO)
        assert not result.ok and "cannot be started: No such file" in result.words
        assert not (await starter.start(WHO)).ok, "and may be asked again"

    with_starter(tmp_path, work)


def test_none_is_started_twice(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    written(tmp_path, **script(tmp_path, f"import os; os.mkdir({str(mark)!r})"))

    async def work(starter: EngineStarter) -> None:
        held = lock_file(tmp_path / "var" / "run" / "engine.lock")
        result = await starter.start(WHO)
        assert not result.ok and "runs here already" in result.words and not mark.exists()
        os.close(held)
        first, second = await asyncio.gather(starter.start(WHO), starter.start(WHO))
        assert "exit code 0" in first.words
        assert second.words == "an engine is being started already"

    with_starter(tmp_path, work)


def test_the_file_is_read_anew_each_time(tmp_path: Path) -> None:
    written(tmp_path, **script(tmp_path, "raise SystemExit(3)"))

    async def work(starter: EngineStarter) -> None:
        assert "exit code 3" in (await starter.start(WHO)).words
        written(tmp_path, **script(tmp_path, "raise SystemExit(5)"))
        assert "exit code 5" in (await starter.start(WHO)).words
        written(tmp_path, 0o644, **script(tmp_path, ""))
        assert "not believed" in (await starter.start(WHO)).words

    with_starter(tmp_path, work)


def test_a_dead_starter_is_said(tmp_path: Path) -> None:
    written(tmp_path, **script(tmp_path, ""))

    async def work(starter: EngineStarter) -> None:
        assert starter._process is not None
        starter._process.kill()
        await starter._process.wait()
        assert "start the page's server anew" in (await starter.start(WHO)).words

    with_starter(tmp_path, work)


# --------------------------------------------------------------------------------------- a unit
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> {told}
case "$*" in
*is-active*) cat {state} ;;
*status*) echo "otrade.service - failed"; echo "it had {secret} in its hands" ;;
*) exit {code} ;;
esac
"""


def managed(folder: Path, monkeypatch: pytest.MonkeyPatch, state: str, code: int = 0) -> Path:
    """Service managers that only write down what they are told."""
    programs, told = folder / "bin", folder / "told"
    programs.mkdir()
    (folder / "state").write_text(state)
    for name in ("systemctl", "launchctl"):
        path = programs / name
        path.write_text(FAKE.format(told=told, state=folder / "state", secret=SECRET, code=code))
        path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return told


@pytest.mark.parametrize(
    ("manager", "unit", "asked"),
    [
        ("systemd", "otrade.service", "systemctl --no-ask-password start otrade.service"),
        ("systemd-user", "otrade@live.service", "systemctl --user --no-ask-password start otrade@live.service"),
        ("launchd", "gui/501/com.example.otrade", "launchctl kickstart gui/501/com.example.otrade"),
    ],
)  # fmt: skip
def test_a_unit_is_started_by_its_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str, unit: str, asked: str
) -> None:
    told = managed(tmp_path, monkeypatch, "active")
    written(tmp_path, manager=manager, unit=unit)

    async def work(starter: EngineStarter) -> None:
        result = await starter.start(WHO)
        assert result.ok and unit in result.words

    with_starter(tmp_path, work)
    assert told.read_text().splitlines()[0] == asked


def test_a_unit_that_fails_says_what_its_manager_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed(tmp_path, monkeypatch, "failed")
    monkeypatch.setattr(engine_starter, "UP_WITHIN_S", 30.0)
    written(tmp_path, manager="systemd", unit="otrade.service")

    async def work(starter: EngineStarter) -> None:
        result = await starter.start(WHO)
        assert not result.ok and "it had *** in its hands" in result.words

    with_starter(tmp_path, work)


def test_a_manager_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    managed(tmp_path, monkeypatch, "inactive", code=5)
    written(tmp_path, manager="systemd", unit="otrade.service")

    async def work(starter: EngineStarter) -> None:
        result = await starter.start(WHO)
        assert not result.ok and "cannot be started" in result.words

    with_starter(tmp_path, work)


def test_what_is_shown_of_it() -> None:
    start = EngineStart(command=("/bin/otrade", "run"), directory="/srv")
    assert start.words() == "the command /bin/otrade run, in /srv"
