"""Memory for one record between two pages that may not be touched: a byte beyond it is a fault at once."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

PAGE = mmap.PAGESIZE
NO_ACCESS, READ_ONLY, READ_WRITE = 0, 1, 3
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class GuardedRecord:
    """`at_end`: the record's last byte is its page's last; else its first byte is the first."""

    def __init__(self, kind: Any, at_end: bool) -> None:
        size = ctypes.sizeof(kind)
        self.room = -(-size // PAGE) * PAGE
        self.memory = mmap.mmap(-1, self.room + 2 * PAGE)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self._protect(self.base, PAGE, NO_ACCESS)
        self._protect(self.base + PAGE + self.room, PAGE, NO_ACCESS)
        self.address = self.base + PAGE + (self.room - size if at_end else 0)
        self.record = kind.from_address(self.address)

    def allow(self, how: int) -> None:
        self._protect(self.base + PAGE, self.room, how)

    def _protect(self, address: int, size: int, how: int) -> None:
        if _LIBC.mprotect(address, size, how):
            raise OSError(ctypes.get_errno(), "mprotect")
