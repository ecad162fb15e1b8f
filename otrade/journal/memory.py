"""A journal in memory, for drills, replays and tests: the same records, no file."""

from collections.abc import Iterator

from otrade._core.journal_writer import JournalWriter
from otrade._core.types import Rec
from otrade.journal.record import WINDOW_BYTES, BadRecord, Record, walk


class MemoryJournal:
    """Keeps every window. `poll` belongs after events: it keeps one window ahead."""

    def __init__(self, window_bytes: int = WINDOW_BYTES) -> None:
        self.window_bytes = window_bytes
        self._windows = [bytearray(window_bytes)]
        self._n_sections = 0
        self.trouble = ""
        self.writer = JournalWriter(self._windows[0])
        self.poll()

    def poll(self) -> None:
        """Let finished windows go and offer a further one."""
        self.writer.retire()
        while self.writer.windows_ahead < 1:
            self._windows.append(bytearray(self.window_bytes))
            self.writer.offer(self._windows[-1])

    def make_room(self) -> None:
        """A further window, at once."""
        self.poll()

    @property
    def n_bytes(self) -> int:
        """What the windows hold."""
        return int(self.writer.window) * self.window_bytes + int(self.writer.used)

    def begin_section(self) -> int:
        """A further run of an engine writes here: its section's number, counted from 0."""
        section = self._n_sections
        self.writer.begin_section(section)
        self._n_sections += 1
        return section

    def revive(self) -> None:
        """After the drill's sudden death: go on behind the last whole record, as a new process
        does.
        """
        at, used, seq = 0, 0, 0
        for index, window in enumerate(self._windows):
            for record in walk(window):
                assert isinstance(record, Record)
                at, used, seq = index, record.offset + _padded(len(record.payload)), record.seq
        self._windows = self._windows[: at + 1]
        self.writer = JournalWriter(self._windows[at], seq=seq, used=used)
        self.poll()

    def close(self) -> None:
        """Nothing more is written; `records` goes on telling."""
        self.writer.close()

    def windows(self) -> Iterator[bytearray]:
        """What is written, window by window."""
        yield from list(self._windows)

    def records(self) -> Iterator[Record]:
        """All records so far but PADs, oldest first."""
        for window in list(self._windows):
            for record in walk(window):
                if isinstance(record, BadRecord):
                    raise AssertionError(
                        f"a journal in memory has a bad record at {record.offset}: {record.why}"
                    )
                if record.kind != Rec.PAD:
                    yield record


def _padded(n: int) -> int:
    return 32 + (n + 7) // 8 * 8
