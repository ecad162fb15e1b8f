"""What an engine leaves for others to see: that it lives, and how each open bracket is to be
protected without it.

`var/run/heartbeat.bin` is a small mapped file, written in place on every beat.
`var/run/protection.json` is replaced as a whole, and only when what it says has changed. Neither is
synced to the disk: they serve another process of this machine, and a machine that lost its power
has no other process.
"""

import mmap
import os
import struct
import time
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from otrade.plain_file import own_file, own_folder, read_own, write_whole

if TYPE_CHECKING:
    from otrade.live.day.trading_day import TradingDay

MAGIC = b"OTHB0001"
_LAYOUT = struct.Struct("<8sQqqqqqQ")
"""Magic, beat, process, its start, wall time, state, open brackets, beat again: a reader that finds
two beats saw half a write.
"""
READ_TRIES = 8


class EngineState(IntEnum):
    """How far an engine has come."""

    STARTING = 0
    RUNNING = 1
    ENDED = 2
    """Cleanly, by somebody's wish or the day's end: nobody needs to step in."""


class HeartbeatReading(msgspec.Struct, frozen=True):
    """One reading of the heartbeat. `start_ticks` tells a process from a later one with its number."""

    pid: int
    start_ticks: int
    ts_ns: int
    beat: int
    state: EngineState
    n_open: int


class ProtectedBracket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One open bracket. `side` is 1 long, -1 short; `open_qty` in units; `run` and `bracket` as in
    its orders' tags.
    """

    exchange: str
    symbol: str
    token: int
    product: str
    side: int
    open_qty: int
    stop_trigger_e4: int
    stop_limit_e4: int
    tick_size_e4: int
    run: int
    bracket: int
    freeze_qty: int = 0
    """The exchange takes no larger order; 0: not known."""


class ProtectionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is open, as the engine `pid` knew it."""

    pid: int
    day: str
    brackets: list[ProtectedBracket]


def start_ticks(pid: int, *, dead_too: bool = False) -> int:
    """When that process began, in clock ticks since the machine did; 0 when it is not there, or is
    dead and not yet buried, unless `dead_too`. One whose first thread has ended is shown as dead
    while the others live, and hold its locks.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in (b"Z", b"X") and not dead_too else int(fields[19])


class Heartbeat:
    """Written by the engine. `open` before the first beat, `on_beat` on each, `end` after a clean end,
    `close` always.
    """

    def __init__(self, var_dir: Path) -> None:
        self._run_dir = var_dir / "run"
        self._map: mmap.mmap | None = None
        self._pid = os.getpid()
        self._start_ticks = start_ticks(self._pid, dead_too=True)
        self._beat = 0
        self._said: ProtectionFile | None = None

    def open(self) -> None:
        """OSError when the directory cannot be written."""
        own_folder(self._run_dir)
        fd = own_file(self._run_dir / "heartbeat.bin", os.O_RDWR)
        try:
            os.ftruncate(fd, mmap.PAGESIZE)
            self._map = mmap.mmap(fd, mmap.PAGESIZE)
        finally:
            os.close(fd)
        self._write(EngineState.STARTING, 0)

    def on_beat(self, day: "TradingDay", now_ns: int) -> None:
        """One beat of a running day. OSError when the protection file cannot be written."""
        open_brackets = protected_of(day)
        self._write(EngineState.RUNNING, len(open_brackets))
        found = ProtectionFile(self._pid, day.plan.day, open_brackets)
        if found != self._said:
            write_protection(self._run_dir, found)
            self._said = found

    def end(self) -> None:
        """The engine ends cleanly: whatever is open stays so on purpose."""
        self._write(EngineState.ENDED, 0)

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def _write(self, state: EngineState, n_open: int) -> None:
        if self._map is None:
            return
        self._beat += 1
        # The wall's own time, not the engine's: a reader compares it with its own wall.
        now_ns = time.time_ns()
        _LAYOUT.pack_into(
            self._map,
            0,
            MAGIC,
            self._beat,
            self._pid,
            self._start_ticks,
            now_ns,
            state,
            n_open,
            self._beat,
        )


def protected_of(day: "TradingDay") -> list[ProtectedBracket]:
    """Every bracket of the day with open quantity."""
    engine, found = day.engine, []
    for bracket_id in engine.live_brackets():
        bracket = engine.bracket(bracket_id)
        if bracket["open_qty"] == 0:
            continue
        instrument_id = bracket["instrument_id"]
        planned = day.plan.instruments[instrument_id]
        found.append(
            ProtectedBracket(
                exchange=planned.exchange,
                symbol=planned.symbol,
                token=planned.token,
                product=planned.product,
                side=int(bracket["side"]),
                open_qty=bracket["open_qty"],
                stop_trigger_e4=bracket["stop_e4"],
                stop_limit_e4=bracket["stop_limit_e4"],
                tick_size_e4=engine.instrument(instrument_id)["tick_size_e4"],
                run=bracket["tag_run"],
                bracket=bracket["tag_bracket"],
                freeze_qty=planned.freeze_qty,
            )
        )
    return found


def write_protection(run_dir: Path, protection: ProtectionFile) -> None:
    """Replace the file in one step; its mode is 0600."""
    write_whole(run_dir / "protection.json", msgspec.json.encode(protection))


def read_heartbeat(var_dir: Path) -> HeartbeatReading | None:
    """The last beat; None when no engine has ever written one there, or the file is none of ours."""
    path = var_dir / "run" / "heartbeat.bin"
    for _ in range(READ_TRIES):
        try:
            raw = read_own(path, _LAYOUT.size)
            magic, first, pid, ticks, ts_ns, state, n_open, last = _LAYOUT.unpack(raw)
            beat = HeartbeatReading(pid, ticks, ts_ns, last, EngineState(state), n_open)
        except (OSError, struct.error, ValueError):
            return None
        if magic != MAGIC:
            return None
        if first == last:
            return beat
    # It died inside a write: who it was is written only once, and holds.
    return beat


def read_protection(var_dir: Path) -> ProtectionFile | None:
    """What was open last; None when there is no such file, or none that can be read."""
    try:
        return msgspec.json.decode(
            read_own(var_dir / "run" / "protection.json"), type=ProtectionFile
        )
    except (OSError, msgspec.DecodeError):
        return None
