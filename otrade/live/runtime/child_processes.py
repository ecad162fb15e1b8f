"""The processes that an engine starts beside itself, by name: one place holds their command lines.

A module that is started by name is imported by nobody, so no tool finds it; whoever renames one
finds it here, and `tests/live/runtime/test_child_processes.py` asks each for its `main`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

CLI = "otrade"
JOURNAL_READER = "otrade.journal.peek"
ALERT_SENDER = "otrade.live.alerts.sender_process"
HOOKS = "otrade.hooks.process"
STARTED_BY_NAME = (CLI, JOURNAL_READER, ALERT_SENDER, HOOKS)


def watchdog_command(config: Path) -> list[str]:
    """What protects open positions when this process cannot."""
    return _python(CLI, "watchdog", "--config", str(config))


def serve_command(config: Path, port: int | None, *, shows_code: bool) -> list[str]:
    """What serves the page, to be heard by this process."""
    where = [] if port is None else ["--port", str(port)]
    code = ["--shows-code"] if shows_code else []
    return _python(CLI, "serve", "--config", str(config), "--for-engine", *where, *code)


def hooks_command() -> list[str]:
    """What listens to what brokers post; its settings come by standard input."""
    return _python(HOOKS)


def refresh_command(config: Path, broker: str) -> list[str]:
    """What turns the broker's file of instruments into today's table."""
    return _python(CLI, "instruments", "refresh", "--config", str(config), "--broker", broker)


def journal_command(what: str, journal: Path, question: bytes) -> list[str]:
    """What reads a journal for the page; `question` is JSON."""
    return _python(JOURNAL_READER, what, str(journal), question.decode())


def alert_command(secrets: str, tries: int, targets: Sequence[str]) -> list[str]:
    """What carries alerts to people."""
    return _python(ALERT_SENDER, "--secrets", str(Path(secrets)), "--tries", str(tries), *targets)


def _python(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]
