"""What the program keeps for itself is its owner's alone, whatever the umask, and is believed and
written only where it is an ordinary file of ours: no link, no pipe, nobody else's.
"""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from otrade._core.histogram import LatencyHistogram
from otrade._core.types import Severity
from otrade.brokers.token_store import AccessSession, last_user, load_session, save_session
from otrade.cli.engine.client import running
from otrade.config.schema import Config, InstrumentConfig, JournalConfig, LogConfig, PathsConfig
from otrade.errors import ConfigError, OTradeError, StartError, TokenError
from otrade.file_lock import lock_file
from otrade.instruments.table import SortedTable, write_table
from otrade.journal.archive import compress, tidy
from otrade.live.control.kill_switch import write_kill_file
from otrade.live.history.latency import keep, path_of, read
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.json_log import close_log, open_log
from otrade.live.persistence.day_journal import open_journal
from otrade.live.runtime.run_file import RunFile, RunInfo, read_run_info
from otrade.live.runtime.server_file import ServerFile, ServerInfo, read_server_info
from otrade.live.startup.access_tokens import RefusedTokens
from otrade.live.watchdog.heartbeat import (
    Heartbeat,
    ProtectionFile,
    read_heartbeat,
    read_protection,
    write_protection,
)
from otrade.live.watchdog.process import WatchdogLog
from otrade.plain_file import NotOursError, own_file, own_folder, read_own, write_whole
from otrade.server.engine_gone import last_line
from otrade.server.journal_queries import JournalQueries
from otrade.web.auth.device_cookies import DeviceCookies
from otrade.web.auth.users import FILE_NAME, User, UsersFile
from tests.harness.paper_run import write

ROOT = Path(__file__).parents[1]
SESSION = AccessSession("key", "token", "user", 0, 2**62)
INFO = RunInfo(os.getpid(), "paper", 0)
PAGE = ServerInfo(os.getpid(), "http://127.0.0.1:1/", "t" * 43, "0.2.0")
NOBODY = 65_534


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Of the folder and everything in it."""
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in found}


def require_private(folder: Path) -> None:
    for name, mode in modes(folder).items():
        assert mode == (0o700 if (folder / name).is_dir() else 0o600), (name, oct(mode))


# ------------------------------------------------------------------------------------ whole runs
def test_a_paper_day_under_umask_000_leaves_everything_to_its_owner_alone(tmp_path: Path) -> None:
    config = write(tmp_path, paths={"var": str(tmp_path / "deep" / "var")})
    command = [sys.executable, "-m", "otrade", "run", "--config", str(config)]
    options = ["--speed", "max", "--date", "2026-11-20", "--port", "0"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, env=env, capture_output=True, umask=0, timeout=280
    )
    assert done.returncode in (0, 6), done.stderr.decode()[-2000:]
    var = tmp_path / "deep" / "var"
    require_private(var)
    assert {"journal", "latency", "log", "paper", "run"} <= set(os.listdir(var))
    assert (var / "run" / "server.lock").exists(), "the page's server was there"
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def everything(var: Path) -> None:
    """One of each file that is kept beside those of a paper day."""
    save_session(var / "session" / "kite.json", SESSION)
    RefusedTokens(var / "session" / "kite.refused.json", "salt").add("token")
    UsersFile(var / "access").change(lambda users: users.with_user(User("a", "viewer", "h")))
    DeviceCookies(var / "access").new("a")
    keep(var, "2026-11-20", "live", {"frame": LatencyHistogram()})
    WatchdogLog(var, lambda: 0).say(Severity.WARN, "TROUBLE", "words")
    log = open_log(var, LogConfig(), lambda words: None)
    logging.getLogger("otrade").warning("words")
    close_log(log)
    heartbeat = Heartbeat(var)
    heartbeat.open()
    heartbeat.close()
    write_protection(var / "run", ProtectionFile(1, "2026-11-20", []))
    write_kill_file(var, "who", 0)
    os.close(lock_file(var / "run" / "watchdog.lock"))
    write_table(var / "instruments" / "kite-2026-11-20.table", "about", [("a", "b")])
    with RunFile(var) as run_file, ServerFile(var) as server_file:
        run_file.write(INFO)
        server_file.write(PAGE)
        require_private(var)
    (var / "journal").mkdir(mode=0o700)
    (var / "journal" / "2026-11-19.otj").write_bytes(b"x")
    (var / "journal" / "2026-11-19.otj").chmod(0o600)
    compress(var / "journal" / "2026-11-19.otj")


def test_every_file_under_umask_000(tmp_path: Path) -> None:
    with umask(0):
        own_folder(tmp_path / "var")
        everything(tmp_path / "var")
    require_private(tmp_path / "var")


def test_what_a_version_before_has_left_open_is_closed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    everything(var)
    (var / "journal").chmod(0o777)
    for path in [var, *var.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o066)
    (var / "access" / FILE_NAME).chmod(0o600)  # refused in words, see tests/web/auth/test_users.py
    with RunFile(var):
        pass
    for path in var.rglob("*"):
        if path.is_file() and path.name not in (FILE_NAME, "watchdog.jsonl", "otrade.jsonl"):
            path.unlink(missing_ok=True)
    (var / "journal").rmdir()
    everything(var)
    require_private(var)


# ------------------------------------------------------------------------------- what is no file
def config_of(var: Path) -> Config:
    return Config(
        mode="paper",
        instruments=[InstrumentConfig(symbol="NSE:INFY")],
        paths=PathsConfig(var=str(var)),
    )


READERS: dict[str, Callable[[Path], Any]] = {
    "session/kite.json": lambda path: load_session(path, "key", 0),
    "session/user": lambda path: last_user(path, "key"),
    "session/refused": lambda path: "token" in RefusedTokens(path, "salt"),
    "run/engine.json": lambda path: read_run_info(path.parents[1]),
    "run/server.json": lambda path: read_server_info(path.parents[1]),
    "log/watchdog.jsonl": last_line,
    "run/heartbeat.bin": lambda path: read_heartbeat(path.parents[1]),
    "run/protection.json": lambda path: read_protection(path.parents[1]),
    "latency/2026-11-20.json": read,
    "instruments/t.table": lambda path: SortedTable(path),
    "access/people.json": lambda path: UsersFile(path.parent).read().users,
}
GOOD: dict[str, Callable[[Path], Any]] = {
    "session/kite.json": lambda path: save_session(path, SESSION),
    "session/user": lambda path: save_session(path, SESSION),
    "session/refused": lambda path: RefusedTokens(path, "salt").add("token"),
    "run/engine.json": lambda path: write_whole(path, msgspec.json.encode(INFO)),
    "run/server.json": lambda path: write_whole(path, msgspec.json.encode(PAGE)),
    "log/watchdog.jsonl": lambda path: WatchdogLog(path.parents[1], lambda: 0).say(
        Severity.WARN, "TROUBLE", "words"
    ),
    "run/heartbeat.bin": lambda path: Heartbeat(path.parents[1]).open(),
    "run/protection.json": lambda path: write_protection(path.parent, ProtectionFile(1, "d", [])),
    "latency/2026-11-20.json": lambda path: keep(
        path.parents[1], "2026-11-20", "live", {"frame": LatencyHistogram()}
    ),
    "instruments/t.table": lambda path: write_table(path, "about", [("a", "b")]),
    "access/people.json": lambda path: UsersFile(path.parent).change(
        lambda users: users.with_user(User("a", "viewer", "h"))
    ),
}


def asked(read_it: Callable[[Path], Any], path: Path) -> Any:
    """The answer; None when it is refused in words."""
    try:
        return read_it(path) or None
    except (StartError, TokenError, ConfigError, OTradeError):
        return None


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["good", "link", "pipe", "anybody's", "another's"])
def test_what_is_kept_is_believed_only_when_it_is_ours(
    name: str, kind: str, tmp_path: Path
) -> None:
    """A link to a good file of ours, even: whoever put it there chooses what is read."""
    path = tmp_path / "var" / name
    own_folder(path.parent)
    GOOD[name](path)
    if kind == "link":
        kept = path.rename(tmp_path / "kept")
        path.symlink_to(kept)
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path, 0o600)
    elif kind == "anybody's":
        path.chmod(0o666)
    elif kind == "another's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(path, NOBODY, NOBODY)
    assert (asked(READERS[name], path) is not None) == (kind == "good")


def test_whose_run_file_it_is_is_said(tmp_path: Path) -> None:
    """`otrade status` of root, of an engine that another user runs: it could name any process."""
    write_whole(tmp_path / "run" / "engine.json", msgspec.json.encode(INFO))
    assert running(tmp_path) == INFO
    (tmp_path / "run" / "engine.json").chmod(0o622)
    with pytest.raises(StartError, match="not believed: others may write it.*the user who runs"):
        running(tmp_path)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "run/heartbeat.bin": lambda path: Heartbeat(path.parents[1]).open(),
    "run/engine.lock": lambda path: RunFile(path.parents[1]).__enter__(),
    "run/watchdog.lock": lambda path: lock_file(path),
    "run/server.lock": lambda path: ServerFile(path.parents[1]).__enter__(),
    "access/people.lock": lambda path: UsersFile(path.parent).change(lambda users: users),
    "log/watchdog.jsonl": lambda path: WatchdogLog(path.parents[1], lambda: 0).say(
        Severity.WARN, "T", "words"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("to", ["a file", "nowhere"])
def test_nothing_is_written_through_a_link(name: str, to: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    if to == "a file":
        other.write_bytes(b"precious")
    path = tmp_path / "var" / name
    own_folder(path.parent)
    path.symlink_to(other)
    try:
        WRITERS[name](path)
    except (OSError, OTradeError) as error:
        assert "link" in str(error)
    assert other.exists() == (to == "a file")
    assert not other.exists() or other.read_bytes() == b"precious"


REPLACED: dict[str, Callable[[Path], Any]] = {
    "run/protection.json": GOOD["run/protection.json"],
    "run/protection.tmp": lambda path: GOOD["run/protection.json"](path.with_suffix(".json")),
    "latency/2026-11-20.json": GOOD["latency/2026-11-20.json"],
    "latency/2026-11-20.tmp": lambda path: GOOD["latency/2026-11-20.json"](path),
    "session/kite.json": GOOD["session/kite.json"],
    "access/people.json": lambda path: None,
    "access/people.tmp": GOOD["access/people.json"],
    "instruments/t.table": GOOD["instruments/t.table"],
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_whole_is_not_written_through_a_link(name: str, tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "var" / name
    other.write_bytes(b"precious")
    own_folder(path.parent)
    path.symlink_to(other)
    REPLACED[name](path)
    assert other.read_bytes() == b"precious"


def test_a_journal_that_is_a_link_is_set_aside(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / "2026-11-20.otj"
    path.symlink_to(other)
    board = NoticeBoard(lambda: 0)
    identity = {"day": "2026-11-20", "account": "a", "engine": "e", "mode": "paper"}
    journal = open_journal(path.parent, identity, JournalConfig(), board, 0, n_instruments=1)
    journal.close(0)
    (said,) = [notice for notice in board.since(0) if notice.code == "JOURNAL_ASIDE"]
    assert "it is a link" in said.text
    assert not path.is_symlink() and other.read_bytes() == b"precious"


def test_what_is_no_journal_of_ours_is_neither_listed_nor_tidied(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    good = folder / "2026-11-16.otj"
    good.write_bytes(b"x")
    good.chmod(0o600)
    (folder / "2026-11-17.otj").symlink_to(tmp_path / "nowhere")
    (folder / "2026-11-18.otj").symlink_to("/etc/passwd")
    os.mkfifo(folder / "2026-11-19.otj")
    (folder / "2026-11-15.otj").mkdir()
    assert [row.name for row in JournalQueries(folder).files()] == [good.name]
    done = tidy(folder, "2026-11-20", keep_days=1, keep_mb=1)
    assert (done.compressed, done.failed, done.deleted) == ([good.name], [], [])


def test_the_log_is_no_link(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "otrade.jsonl").symlink_to(tmp_path / "elsewhere")
    log = open_log(tmp_path, LogConfig(), told.append)
    logging.getLogger("otrade").warning("words")
    close_log(log)
    assert len(told) == 1 and "it is a link" in told[0] and not (tmp_path / "elsewhere").exists()


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    own_folder(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777, "/tmp stays what it is"
    own_folder(shared / "a" / "b")
    require_private(shared / "a")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        own_folder(tmp_path / "file")
    status = (shared / "a").stat()
    monkeypatch.setattr(
        os, "stat", lambda path: SimpleNamespace(st_uid=NOBODY, st_mode=status.st_mode)
    )
    with pytest.raises(NotOursError, match="another user"):
        own_folder(shared / "a")


def test_truncation_waits_until_it_is_known_whose_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError):
        own_file(pipe, os.O_WRONLY | os.O_TRUNC)
    write_whole(tmp_path / "a", b"longer than that")
    os.close(own_file(tmp_path / "a", os.O_WRONLY | os.O_TRUNC))
    assert read_own(tmp_path / "a") == b""


def test_the_latency_file_s_name(tmp_path: Path) -> None:
    """What these tests call it is what the engine calls it."""
    assert path_of(tmp_path, "2026-11-20", "live") == tmp_path / "latency" / "2026-11-20.json"
