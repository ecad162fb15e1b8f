"""The longest turn of an event loop, where another process can read it: eight bytes in a file."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from pathlib import Path

EVERY_S = 0.002


class TurnProbe:
    """Inside the attacked process: what is due is looked at, and how late it was is kept."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self._due_s = 0.0

    def start(self) -> None:
        self._due_s = time.monotonic() + EVERY_S
        asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _look(self) -> None:
        now_s = time.monotonic()
        late_s = now_s - self._due_s
        if late_s > struct.unpack("d", self._map[:8])[0]:
            self._map[:8] = struct.pack("d", late_s)
        self._due_s = now_s + EVERY_S
        asyncio.get_running_loop().call_later(EVERY_S, self._look)


def take_longest_ms(path: Path) -> float:
    """Read it, and begin anew."""
    with path.open("r+b") as file:
        longest: float = struct.unpack("d", file.read(8))[0]
        file.seek(0)
        file.write(bytes(8))
    return longest * 1000
