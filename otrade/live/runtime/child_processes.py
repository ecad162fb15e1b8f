"""The processes that an engine starts beside itself, by name: one place holds their command lines
and what each of them finds in its environment.

A child imports nothing from the working directory (`-P`), where anybody may have left a module by the
name of one of ours, and its environment is a list: what it needs of the system, and the secrets that
are its business. A module that is started by name is imported by nobody, so no tool finds it; whoever
renames one finds it here, and `tests/live/runtime/test_child_processes.py` asks each for its `main`.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otrade.child_environment import SYSTEM, environment_of
from otrade.config.secret import alert_name, secret_name

CLI = "otrade"
JOURNAL_READER = "otrade.journal.peek"
ALERT_SENDER = "otrade.live.alerts.sender_process"
HOOKS = "otrade.hooks.process"
DAY_KEEPER = "otrade.research.days.process"
RESULT_READER = "otrade.research.report.peek"
STARTED_BY_NAME = (CLI, JOURNAL_READER, ALERT_SENDER, HOOKS, DAY_KEEPER, RESULT_READER)

TLS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""For those who talk to somebody outside."""
PROXIES = tuple(
    name
    for one in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in (one, one.lower())
)
"""For alerts: Apprise heeds them, and a broker's client does not."""


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """What is run, and all of its environment."""

    args: list[str]
    env: dict[str, str]

    def __repr__(self) -> str:
        return f"ChildCommand({self.args})"  # the environment may hold secrets


def watchdog_command(config: Path, broker: str, targets: Sequence[str]) -> ChildCommand:
    """What protects open positions when this process cannot, and tells people so."""
    return _python(
        [CLI, "watchdog", "--config", str(config)],
        (*TLS, *PROXIES, *_keys(broker), *map(alert_name, targets)),
    )


def serve_command(
    config: Path, port: int | None, *, shows_code: bool, for_engine: bool = True
) -> ChildCommand:
    """What serves the page, and says once where: to this process, or to a person. No broker's key is
    its business.
    """
    where = [] if port is None else ["--port", str(port)]
    code = ["--shows-code"] if shows_code else []
    whose = ["--for-engine"] if for_engine else []
    return _python([CLI, "serve", "--config", str(config), *whose, *where, *code], ())


def hooks_command() -> ChildCommand:
    """What listens to what brokers post; its settings come by standard input."""
    return _python([HOOKS], ())


def refresh_command(config: Path, broker: str) -> ChildCommand:
    """What turns the broker's file of instruments into today's table."""
    return _python(
        [CLI, "instruments", "refresh", "--config", str(config), "--broker", broker],
        (*TLS, *_keys(broker)),
    )


def journal_command(what: str, journal: Path, question: bytes) -> ChildCommand:
    """What reads a journal for the page; `question` is JSON."""
    return _python([JOURNAL_READER, what, str(journal), question.decode()], ())


def result_command(what: str, results: Path, question: bytes) -> ChildCommand:
    """What reads results for the page; `question` is JSON."""
    return _python([RESULT_READER, what, str(results), question.decode()], ())


def keep_day_command(var: Path, day: str) -> ChildCommand:
    """What makes a result of a day that is over."""
    return _python([DAY_KEEPER, "--var", str(var), day], ())


def backtest_command(words: Sequence[str]) -> ChildCommand:
    """What runs a configuration over the past; `words` are those behind `otrade backtest`."""
    return _python([CLI, "backtest", *words], ())


def alert_command(secrets: str, tries: int, targets: Sequence[str]) -> ChildCommand:
    """What carries alerts to people."""
    return _python(
        [ALERT_SENDER, "--secrets", str(Path(secrets)), "--tries", str(tries), *targets],
        (*TLS, *PROXIES, *map(alert_name, targets)),
    )


def begin_and_leave(command: ChildCommand) -> None:
    """Start what nobody waits for: it outlives this process, and says nothing. OSError when it cannot be
    started.
    """
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    os.posix_spawn(command.args[0], command.args, command.env, file_actions=nowhere, setsid=True)


def _keys(broker: str) -> tuple[str, str]:
    """What a client of that broker needs. Its API secret makes new sessions: no child of ours does."""
    return secret_name(broker, "API_KEY"), secret_name(broker, "ACCESS_TOKEN")


def _python(words: Sequence[str], names: Sequence[str]) -> ChildCommand:
    return ChildCommand(
        [sys.executable, "-P", "-m", *words], environment_of((*SYSTEM, *names), os.environ)
    )
