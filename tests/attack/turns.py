"""The longest turn of an event loop, where another process can read it: sixteen bytes in a file.

Two figures: how late a callback ran, which on a busy machine is mostly the machine's, and the most
processor time that the loop's thread used between two looks, which is its own work alone.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from pathlib import Path

EVERY_S = 0.002
BOTH = struct.Struct("dd")


class TurnProbe:
    """Inside the attacked process: what is due is looked at, and how late it was is kept."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(BOTH.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), BOTH.size)
        self._due_s = self._used_s = 0.0

    def start(self) -> None:
        self._arm(time.monotonic(), time.thread_time())

    def _arm(self, now_s: float, used_s: float) -> None:
        self._due_s, self._used_s = now_s + EVERY_S, used_s
        asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _look(self) -> None:
        now_s, used_s = time.monotonic(), time.thread_time()
        late_s, work_s = BOTH.unpack(self._map[: BOTH.size])
        late_s, work_s = max(late_s, now_s - self._due_s), max(work_s, used_s - self._used_s)
        self._map[: BOTH.size] = BOTH.pack(late_s, work_s)
        self._arm(now_s, used_s)


def take_longest_ms(path: Path) -> tuple[float, float]:
    """(how late, how much work), and begin anew."""
    with path.open("r+b") as file:
        late_s, work_s = BOTH.unpack(file.read(BOTH.size))
        file.seek(0)
        file.write(bytes(BOTH.size))
    return late_s * 1000, work_s * 1000
