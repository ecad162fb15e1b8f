"""A pipe in the place of a file: nobody waits on it, whoever reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.token_store import last_user, load_session
from otrade.calendar import Calendar
from otrade.charges import ChargeTable
from otrade.config import manager
from otrade.config.schema import JournalConfig, LogConfig
from otrade.config.secret import read_secrets
from otrade.errors import CalendarError, ConfigError, InstrumentError, OTradeError, TokenError
from otrade.instruments.table import SortedTable
from otrade.live.control.kill_switch import KillSwitch, kill_file
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.json_log import open_log
from otrade.live.persistence.day_journal import open_journal
from otrade.live.runtime.run_file import read_run_info
from otrade.live.startup.access_tokens import RefusedTokens
from otrade.live.watchdog.heartbeat import read_heartbeat, read_protection
from otrade.plain_file import read_plain
from otrade.square_off import SquareOffs


def pipe_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path, 0o600)
    return path


def test_a_file_is_read_and_what_is_none_is_not(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"0123456789")
    assert read_plain(plain) == b"0123456789" and read_plain(plain, 4) == b"0123"
    for other in (pipe_at(tmp_path / "pipe"), tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="no ordinary file"):
            read_plain(other)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none")


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda path: load_session(path, "key", 0), TokenError),
        (manager.load, ConfigError),
        (read_secrets, ConfigError),
        (Calendar.load, CalendarError),
        (ChargeTable.load, OTradeError),
        (lambda path: SquareOffs.load(str(path)), OTradeError),
        (SortedTable, InstrumentError),
    ],
)
def test_what_a_start_needs_is_refused_by_name(
    tmp_path: Path, read: Callable[[Path], Any], error: type[Exception]
) -> None:
    path = pipe_at(tmp_path / "pipe.json")
    with pytest.raises(error, match=rf"{path}.*no ordinary file"):
        read(path)


def test_what_it_can_do_without_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    for name in ("engine.json", "heartbeat.bin", "protection.json"):
        pipe_at(tmp_path / "run" / name)
    assert read_run_info(tmp_path) is None
    assert read_heartbeat(tmp_path) is None
    assert read_protection(tmp_path) is None
    assert last_user(tmp_path / "run" / "engine.json", "key") == ""
    assert "token" not in RefusedTokens(pipe_at(tmp_path / "refused.json"), "salt")


def test_the_kill_file_halts_whatever_it_is(tmp_path: Path) -> None:
    pipe_at(kill_file(tmp_path))
    assert "it does not say by whom" in KillSwitch(tmp_path).blocks_rearm()


def test_a_journal_that_is_a_pipe_is_set_aside(tmp_path: Path) -> None:
    pipe_at(tmp_path / "2026-11-20.otj")
    board = NoticeBoard(lambda: 0)
    identity = {"day": "2026-11-20", "account": "a", "engine": "e", "mode": "paper"}
    journal = open_journal(tmp_path, identity, JournalConfig(), board, 0, n_instruments=1)
    journal.close(0)
    (said,) = [notice for notice in board.since(0) if notice.code == "JOURNAL_ASIDE"]
    assert "no ordinary file" in said.text
    assert (tmp_path / "2026-11-20.otj").is_file()


def test_a_log_that_is_a_pipe_nobody_reads_is_said_and_trading_goes_on(tmp_path: Path) -> None:
    failures: list[str] = []
    log = open_log(tmp_path, LogConfig(path=str(pipe_at(tmp_path / "log"))), failures.append)
    assert log is not None
    import logging

    log.emit(logging.LogRecord("otrade", logging.INFO, "", 0, "words", (), None))
    assert failures and "cannot be written" in failures[0]
    log.close()
