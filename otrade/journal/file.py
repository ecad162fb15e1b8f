"""One day's journal file, open for writing: windows of it are mapped, records are stored into them,
a thread brings them to disk.

What is stored survives the death of the process at once; `fdatasync` runs every `sync_ms` in the
thread and bounds what a power cut can take. The thread also allocates and maps the next window
ahead, so that writing never waits for the disk.

A full disk or the size limit is met in two steps. A reserve, allocated with the file, is kept for
what is about orders: market frames are refused first. When the reserve is used up too, records are
lost, counted, and the count is written once there is room.
"""

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from otrade._core.journal_writer import JournalWriter, keep_writable, prefault
from otrade.errors import JournalError
from otrade.file_lock import lock_file
from otrade.journal.layout import HEADER_BYTES, Header
from otrade.journal.record import WINDOW_BYTES
from otrade.journal.scan import ScanResult, check, windows
from otrade.ordinary_rank import take_ordinary_rank

AHEAD = 1
AHEAD_BUSY = 2
"""Windows kept ready when one has been used up since the last look."""
WRITABLE_BYTES = 64 << 10
"""At least so much behind the last record is kept ready for the next ones."""
Allocate = Callable[[int, int, int], None]


class JournalBusy(JournalError):
    """Another process writes this file."""


class JournalFile:
    """Opens or creates the file. JournalError when it is another engine's, another day's, damaged,
    or not writable.

    `poll` belongs on the beat. `trouble` says in words why frames or records are being lost; empty
    when all is well.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, str],
        now_ns: int,
        *,
        max_mb: int = 2048,
        reserve_mb: int = 16,
        sync_ms: int = 1000,
        window_bytes: int = WINDOW_BYTES,
        allocate: Allocate = os.posix_fallocate,
    ) -> None:
        """`window_bytes`: of a new file; one that exists keeps its own. A frame of the feed must
        fit.
        """
        self.path = path
        self.trouble = ""
        self._allocate = allocate
        self._sync_s = sync_ms / 1000
        self._maps: dict[int, mmap.mmap] = {}
        """Mapped windows, by their number in the file."""
        self._ready: mmap.mmap | None = None
        """The thread's next window, waiting for `poll`."""
        self._lock = threading.Lock()
        self._preparation = threading.Lock()
        """Held by whoever prepares a window: the thread or, at the start, `make_room`."""
        self._wake = threading.Event()
        self._is_closing = False
        self._is_dirty = False
        self._error = ""
        self._window_seen = 0
        self._written_seen = 0
        self._end = 0
        self.found = self._open(identity, now_ns, window_bytes)
        self.window_bytes = self.found.header.window_bytes
        self._max_windows = max((max_mb << 20) // self.window_bytes, 2)
        self._reserve_windows = min(
            max((reserve_mb << 20) // self.window_bytes, 1), self._max_windows - 1
        )
        self._n_sections = self.found.n_sections
        self._first = (self.found.end - HEADER_BYTES) // self.window_bytes
        used = (self.found.end - HEADER_BYTES) % self.window_bytes
        self._n_allocated = max((os.fstat(self._fd).st_size - HEADER_BYTES) // self.window_bytes, 0)
        try:
            self._grow(self._first + 1)
        except OSError as error:
            self._close_fd()
            raise JournalError(
                f"{path}: there is no room for a journal ({error.strerror}); make room, or set paths.var"
            ) from None
        self._next = self._first
        window = self._map_next()
        if used:
            window[used:] = bytes(len(window) - used)  # what is left of a torn record
        self.writer = JournalWriter(window, seq=self.found.end_seq, used=used)
        self._prepare()
        self.poll()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    # -------------------------------------------------------------------------------------- opening
    def _open(self, identity: dict[str, str], now_ns: int, window_bytes: int) -> ScanResult:
        try:
            self._fd = lock_file(self.path)
        except BlockingIOError:
            raise JournalBusy(
                f"{self.path} is being written by another engine: stop it first"
            ) from None
        except OSError as error:
            raise JournalError(
                f"{self.path} cannot be written ({error.strerror}): make it writable, or set paths.var"
            ) from None
        try:
            if os.fstat(self._fd).st_size == 0:
                self._create(Header(identity, now_ns, window_bytes))
            verdict = check(self.path)
            if verdict.header.identity != identity:
                mine, its = (
                    ", ".join(f"{k} {v}" for k, v in each.items())
                    for each in (identity, verdict.header.identity)
                )
                raise JournalError(f"{self.path} is the journal of {its}, not of {mine}")
            if verdict.damages:
                damage = verdict.damages[0]
                raise JournalError(
                    f"{self.path} is damaged at offset {damage.offset}: {damage.why}"
                )
        except (JournalError, OSError) as error:
            self._close_fd()
            if isinstance(error, JournalError):
                raise
            raise JournalError(
                f"{self.path} cannot be written ({error.strerror}): make room, or set paths.var"
            ) from None
        return verdict

    def _create(self, header: Header) -> None:
        os.pwrite(self._fd, header.to_bytes(), 0)
        os.fsync(self._fd)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _close_fd(self) -> None:
        os.close(self._fd)

    # -------------------------------------------------------------------------------------- windows
    def _grow(self, n_windows: int) -> None:
        """Have disk for so many windows and the reserve behind them. OSError when there is not even
        for the windows.
        """
        wanted = min(n_windows + self._reserve_windows, self._max_windows)
        if wanted > self._n_allocated:
            try:
                self._allocate(self._fd, HEADER_BYTES, wanted * self.window_bytes)
                self._n_allocated = wanted
                self._error = ""
            except OSError as error:
                self._error = f"no room on the disk ({error.strerror})"
                if n_windows > self._n_allocated:
                    raise
        elif n_windows + self._reserve_windows > self._max_windows:
            self._error = f"the journal has reached its size limit of {self._max_windows * self.window_bytes >> 20} MB (journal.max_mb)"
        else:
            self._error = ""

    def _map_next(self) -> mmap.mmap:
        offset = HEADER_BYTES + self._next * self.window_bytes
        window = mmap.mmap(
            self._fd,
            self.window_bytes,
            mmap.MAP_SHARED,
            mmap.PROT_READ | mmap.PROT_WRITE,
            offset=offset,
        )
        self._maps[self._next] = window
        self._next += 1
        return window

    def make_room(self) -> None:
        """For what is written at once at the start of a run: a window more without waiting for the
        thread. It may wait for the disk.
        """
        self._prepare()
        self.poll()

    def _prepare(self) -> None:
        """Allocate, map and touch the next window, if it is wanted. Runs in the thread."""
        with self._preparation:
            self._prepare_alone()

    def _prepare_alone(self) -> None:
        with self._lock:
            try:
                self._grow(self._next + 1)
                if self._ready is not None or self._next >= self._n_allocated:
                    return
                window = self._map_next()
            except OSError as error:
                self._error = self._error or f"no further window can be mapped ({error.strerror})"
                return
        prefault(window)  # before anybody may write into it
        with self._lock:
            self._ready = window

    def poll(self) -> None:
        """Give back full windows, take the prepared one, and say what is wrong."""
        writer = self.writer
        self._is_dirty = True
        kept = writer.retire() + self._first
        busy = writer.window > self._window_seen
        self._window_seen = writer.window
        with self._lock:
            for number in [number for number in self._maps if number < kept]:
                self._give_back(number)
            if writer.windows_ahead < (AHEAD_BUSY if busy else AHEAD) and self._ready is not None:
                writer.offer(self._ready)
                self._ready = None
            self.trouble = self._error
        writer.refuses_frames = bool(self.trouble)
        if self._ready is None or self.trouble:
            self._wake.set()

    def _give_back(self, number: int) -> None:
        try:
            self._maps[number].close()
        except BufferError:  # the thread has it in its hands: on the next beat
            return
        del self._maps[number]

    def _keep_writable(self) -> None:
        """After a sync: what is expected until the next one, twice over. Runs in the thread."""
        written = self.writer.window * self.window_bytes + self.writer.used
        expected, self._written_seen = (
            max(2 * (written - self._written_seen), WRITABLE_BYTES),
            written,
        )
        number, used = divmod(written, self.window_bytes)
        while expected > 0 and (window := self._maps.get(self._first + number)) is not None:
            keep_writable(window, used, expected)
            expected -= self.window_bytes - used
            number, used = number + 1, 0

    def _work(self) -> None:
        take_ordinary_rank()  # the loop must not wait on its core for a disk
        while not self._is_closing:
            self._wake.wait(self._sync_s)
            self._wake.clear()
            if self._is_closing:
                return
            self._prepare()
            if self._is_dirty:
                self._is_dirty = False
                try:
                    os.fdatasync(self._fd)
                except OSError as error:
                    self._error = f"the disk refuses the journal ({error.strerror})"
                self._keep_writable()

    # --------------------------------------------------------------------------------- a run's room
    def begin_section(self) -> int:
        """The number of the next section, counted from 0."""
        section = self._n_sections
        self._n_sections += 1
        return section

    def windows(self) -> Iterator[memoryview]:
        """What the file held when it was opened, window by window."""
        return windows(self.path, self.found.end)

    @property
    def n_bytes(self) -> int:
        """Bytes of the file that hold records, its header included; what it was closed with once it
        is.
        """
        return (
            self._end
            or HEADER_BYTES
            + (self._first + self.writer.window) * self.window_bytes
            + self.writer.used
        )

    def close(self) -> None:
        """Cut the file to what was written, bring it to disk, and let go of it."""
        if self._is_closing:
            return
        self._is_closing = True
        self._wake.set()
        self._thread.join()
        end = self._end = self.n_bytes
        self.writer.close()
        for window in self._maps.values():
            window.close()
        self._maps.clear()
        self._ready = None
        try:
            os.ftruncate(self._fd, end)
            os.fdatasync(self._fd)
        except OSError as error:
            self.trouble = f"the disk refuses the journal ({error.strerror})"
        finally:
            self._close_fd()
