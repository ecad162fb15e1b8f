"""The kill file and the kill signal: two ways to halt an engine that need neither its page nor its
answer.

`var/run/KILL` halts as soon as it is there, and for as long as it is there nobody can re-arm:
whoever put it there must take it away, or run `otrade rearm`. SIGUSR1 does the same once, without a
file.
"""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from otrade._core.types import Halt, Reason, Severity
from otrade.live.day.trading_day import TradingDay
from otrade.live.plan.open_exposure import what_is_open
from otrade.plain_file import read_plain

KILL_SIGNAL = signal.SIGUSR1
WHO_BYTES_MAX = 200
IST = timezone(timedelta(hours=5, minutes=30))


def kill_file(var_dir: Path) -> Path:
    """Where the file is looked for."""
    return var_dir / "run" / "KILL"


def write_kill_file(var_dir: Path, who: str, now_ns: int) -> Path:
    """Touch the kill file, with who did it and when. One that is there already is left as it is.
    OSError when it cannot be made.
    """
    path = kill_file(var_dir)
    # Whosever folder it is: root halts the engine of another user too.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    when = (
        datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
        .astimezone(IST)
        .strftime("%Y-%m-%d %H:%M:%S IST")
    )
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(fd, "w") as out:
        out.write(f"{who}, {when}\n")
    return path


class KillSwitch:
    """Looks for the file on every beat, and listens for the signal."""

    def __init__(self, var_dir: Path) -> None:
        self._path = kill_file(var_dir)
        self._is_there = False
        self._signalled = False
        self._day: TradingDay | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear SIGUSR1; without this it would end the process."""
        loop.add_signal_handler(KILL_SIGNAL, self.press)
        self._loop = loop

    def remove(self) -> None:
        if self._loop is not None:
            self._loop.remove_signal_handler(KILL_SIGNAL)
            self._loop = None

    def press(self) -> None:
        """The signal came. Between days it waits for the next one."""
        day = self._day
        if day is None or day.ended.is_set():
            self._signalled = True
        else:
            self._halt(day, Reason.OK, f"signal {KILL_SIGNAL.name}", day.clock.now_ns())

    def on_beat(self, day: TradingDay, now_ns: int) -> None:
        """On every beat. The file halts once when it appears; the halt stays when the file goes."""
        self._day = day
        if self._signalled:
            self._signalled = False
            self._halt(day, Reason.OK, f"signal {KILL_SIGNAL.name}", now_ns)
        is_there = os.path.lexists(self._path)
        if is_there and not self._is_there:
            self._halt(day, Reason.KILL_FILE, f"kill file {self._path} ({self._who()})", now_ns)
        self._is_there = is_there

    def blocks_rearm(self) -> str:
        """Why nobody may re-arm now; empty when nothing here forbids it."""
        if not os.path.lexists(self._path):
            return ""
        return f"the kill file is there ({self._who()}): remove {self._path} first, or run otrade rearm"

    def _halt(self, day: TradingDay, reason: Reason, by: str, now_ns: int) -> None:
        if day.engine.risk()["halt"] != Halt.HALTED:
            day.engine.on_halt(Halt.HALTED, reason, now_ns)
            day.router.drain()
        words = f"HALTED by {by}: no entries, every stop stays at the exchange. {what_is_open(day.plan)}"
        day.board.say(Severity.ALARM, "KILLED", words)

    def _who(self) -> str:
        try:
            text = read_plain(self._path, WHO_BYTES_MAX).decode(errors="replace")
        except OSError:
            text = ""
        words = "".join(c if c.isprintable() else " " for c in text).strip()
        return words or "it does not say by whom"
