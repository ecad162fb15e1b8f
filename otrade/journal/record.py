"""One record of a journal, and the walk over the records of a window."""

from collections.abc import Iterator

import msgspec

from otrade._core.journal_writer import BAD_CRC, END, GOOD, record_at

WINDOW_BYTES = 1 << 20

EVENTS = range(1, 32)
"""Kinds of what the core was told."""
DECISIONS = range(32, 48)
"""Kinds of what the core decided."""


class Record(msgspec.Struct, frozen=True):
    """`payload` is borrowed from the window that was walked: copy it to keep it."""

    kind: int
    section: int
    seq: int
    ts_ns: int
    payload: memoryview
    offset: int
    """Of the record's first byte, within its window or, where a reader says so, its file."""


class BadRecord(msgspec.Struct, frozen=True):
    """Where a walk had to stop."""

    offset: int
    why: str


def walk(window: memoryview | bytearray | bytes, at: int = 0) -> Iterator[Record | BadRecord]:
    """Records from offset `at` on, PADs included; a BadRecord, if any, is the last."""
    view = memoryview(window)
    while True:
        verdict, kind, section, seq, ts_ns, start, n, following = record_at(window, at)
        if verdict == END:
            return
        if verdict != GOOD:
            yield BadRecord(
                at, "its checksum is wrong" if verdict == BAD_CRC else "its length is impossible"
            )
            return
        yield Record(kind, section, seq, ts_ns, view[start : start + n], at)
        at = following
