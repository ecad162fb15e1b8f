# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The journal's records, written into memory that somebody else maps to a file, and read back. docs/journal.md has the format.

A record is a store and a checksum: no system call, no allocation. Where the memory comes from and when it reaches the disk is
not known here; mapped pages belong to the kernel, so what was stored survives the death of the process.

    u32 length (all of it, a multiple of 8) | u32 CRC-32C of bytes 8 to 32 + payload | u64 seq | i64 time, ns
    u16 kind (types.Rec) | u16 section | u32 payload bytes | payload | zeros up to the length

Little-endian. A record never crosses a window's end: PAD fills the rest. Length 0 means that nothing has been written here yet.
"""
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from otrade._core.types cimport LOST_DISK, LOST_FAST, REC_DROPPED, REC_HELLO, REC_PAD

from otrade._core.types import Rec
from otrade.errors import EngineError

cdef extern from * nogil:
    uint8_t __atomic_fetch_or(uint8_t* p, uint8_t value, int order)
    int __ATOMIC_RELAXED
    void __builtin_prefetch(const void* p, int for_writing, int locality)

cdef extern from "otrade/_core/crc32c.h" nogil:
    uint32_t otrade_crc(uint32_t crc, const uint8_t* p, size_t n)
    void otrade_crc_init()

otrade_crc_init()

cdef enum:
    HEAD = 32
    DROPPED_BYTES = HEAD + 24
    PAGE = 4096
    AHEAD_BYTES = 2048  # what a decision writes

cdef uint64_t FRAMES = sum([1 << kind for kind in Rec if kind.name.startswith("FRAME")])  # a bit for each kind

GOOD, END, BAD_LENGTH, BAD_CRC = 0, 1, 2, 3
HEADER_BYTES = HEAD


cdef inline Py_ssize_t _padded(Py_ssize_t n) noexcept nogil:
    return (n + 7) & ~<Py_ssize_t>7


cdef inline bint is_frame(int kind) noexcept nogil:
    """Is a record of this kind a feed's frame?"""
    return 0 <= kind < 64 and FRAMES >> kind & 1


cdef class JournalWriter:
    """Appends records to windows of memory.

    `seq` is the number of the last record written before (0 for a new journal). `used` bytes of the first window are taken
    already. When there is no room and no further window has been offered, records are lost and counted, and the next one that
    fits is preceded by a DROPPED record that says how many.
    """

    def __init__(self, window, *, int64_t seq=0, Py_ssize_t used=0, uint16_t section=0):
        self.current = -1
        self.seq = seq
        self.section = section
        # For drills of sudden death: nothing is written after record `last_seq`, which the next record of `last_kind` sets to so
        # many (`last_more`) behind itself. A negative kind: death comes in that record's place.
        self.last_seq = -1
        self.offer(window)
        self.current = 0
        if not 0 <= used <= self.windows[0].len or used % 8:
            raise EngineError("a journal's window is used up to a multiple of 8 bytes within it")
        self.at = <uint8_t*>self.windows[0].buf + used
        self.end = <uint8_t*>self.windows[0].buf + self.windows[0].len

    def __dealloc__(self):
        while self.released < self.n_offered:
            PyBuffer_Release(&self.windows[self.released % SLOTS])
            self.released += 1

    def offer(self, window):
        """Give the next window: writable, zeroed memory of a multiple of 8 bytes. Held until `retire`."""
        cdef Py_ssize_t payload
        if self.n_offered - self.released >= SLOTS:
            raise EngineError("the journal holds its four windows already; retire the finished ones first")
        PyObject_GetBuffer(window, &self.windows[self.n_offered % SLOTS], PyBUF_WRITABLE)
        if self.windows[self.n_offered % SLOTS].len % 8 or self.windows[self.n_offered % SLOTS].len < PAGE:
            PyBuffer_Release(&self.windows[self.n_offered % SLOTS])
            raise EngineError("a journal's window is a multiple of 8 bytes, at least 4096")
        # A DROPPED record may have to stand before it.
        payload = self.windows[self.n_offered % SLOTS].len - HEAD - DROPPED_BYTES
        self.widest = payload if self.n_offered == 0 else min(self.widest, payload)
        self.n_offered += 1

    def retire(self):
        """Let go of the windows that are written full. Returns how many windows, from the first one on, are let go of."""
        while self.released < self.current:
            PyBuffer_Release(&self.windows[self.released % SLOTS])
            self.released += 1
        return self.released

    def close(self):
        """Let go of all memory. What is put afterwards is lost and counted."""
        self.at = self.end = NULL
        self.current = self.n_offered
        self.retire()

    @property
    def window(self):
        """Which window is being written, counted from 0."""
        return self.current

    def has_room(self, Py_ssize_t n):
        """Is there room for a record of so many bytes, here or in the next window?"""
        return self.end - self.at >= HEAD + _padded(n) or (self.at != NULL and self.current + 1 < self.n_offered)

    @property
    def windows_ahead(self):
        """Windows offered and not begun."""
        return self.n_offered - self.current - 1 if self.at != NULL else 0

    @property
    def used(self):
        """Bytes of the current window that hold records."""
        if self.at == NULL:
            return 0
        return self.at - <uint8_t*>self.windows[self.current % SLOTS].buf

    @property
    def is_dead(self):
        """The drill's record has been written: nothing after it is."""
        return self.has_died()

    def begin_section(self, uint16_t section):
        """Records from now on belong to this section."""
        self.section = section

    def append(self, int kind, int64_t ts_ns, const uint8_t[::1] payload not None):
        """Write one record from Python. False when it was lost."""
        if payload.shape[0] == 0:
            return self.put(kind, ts_ns, NULL, 0, NULL, 0)
        return self.put(kind, ts_ns, &payload[0], payload.shape[0], NULL, 0)

    cdef bint put(self, int kind, int64_t ts_ns, const void* a, Py_ssize_t n_a, const void* b, Py_ssize_t n_b) noexcept nogil:
        """Write one record whose payload is `a` and then `b`. False when there is no room: then it is lost and counted."""
        cdef Py_ssize_t size = HEAD + _padded(n_a + n_b)
        cdef int64_t counts[3]
        if (is_frame(kind) and self.refuses_frames) or self.has_died():
            self._lose(kind)
            return False
        if self.last_kind < 0 and kind == -self.last_kind:
            self.last_seq = self.seq
            self._lose(kind)
            return False
        if self.unsaid > 0 and self._room(DROPPED_BYTES + size):
            counts[0] = self.unsaid
            counts[1] = self.unsaid_frames
            counts[2] = self.unsaid_why
            self.unsaid = self.unsaid_frames = self.unsaid_why = 0
            self._write(REC_DROPPED, ts_ns, counts, sizeof(counts), NULL, 0)
        if self.unsaid > 0 or not self._room(size):
            self._lose(kind)
            return False
        self._write(kind, ts_ns, a, n_a, b, n_b)
        if self.last_kind != 0 and kind == self.last_kind:
            self.last_kind = 0
            self.last_seq = self.seq + self.last_more
        return True

    cdef bint _next_window(self, Py_ssize_t size) noexcept nogil:
        """Move on to the next window, if there is one with room for that many bytes."""
        cdef Py_buffer* following
        if self.at == NULL or self.current + 1 >= self.n_offered:
            return False
        following = &self.windows[(self.current + 1) % SLOTS]
        if following.len < size:
            return False
        if self.end - self.at >= HEAD:
            self._write(REC_PAD, 0, NULL, 0, NULL, self.end - self.at - HEAD)
        self.current += 1
        self.at = <uint8_t*>following.buf
        self.end = self.at + following.len
        return True

    cdef void _write(self, int kind, int64_t ts_ns, const void* a, Py_ssize_t n_a, const void* b, Py_ssize_t n_b) noexcept nogil:
        cdef uint8_t* r = self.at
        cdef Py_ssize_t size = HEAD + _padded(n_a + n_b)
        cdef uint32_t length = <uint32_t>size, n = <uint32_t>(n_a + n_b), crc
        cdef uint16_t what = kind
        if kind == REC_PAD:
            n = 0  # its room counts into the length alone
        self.seq += 1
        memcpy(r + 8, &self.seq, 8)
        memcpy(r + 16, &ts_ns, 8)
        memcpy(r + 24, &what, 2)
        memcpy(r + 26, &self.section, 2)
        memcpy(r + 28, &n, 4)
        if n_a > 0:
            memcpy(r + HEAD, a, n_a)
        if n_b > 0 and b != NULL:
            memcpy(r + HEAD + n_a, b, n_b)
        crc = ~otrade_crc(0xFFFFFFFF, r + 8, HEAD - 8 + n)
        memcpy(r + 4, &crc, 4)
        memcpy(r, &length, 4)
        self.at = r + size

    cdef void fetch_ahead(self) noexcept nogil:
        """Ask for the memory of the next records, without writing to it."""
        cdef uint8_t* p = self.at
        while p < self.end and p < self.at + AHEAD_BYTES:
            __builtin_prefetch(p, 1, 3)
            p += 64

    cdef void _lose(self, int kind) noexcept nogil:
        self.n_lost += 1
        self.unsaid += 1
        self.unsaid_why |= LOST_DISK if self.refuses_frames else LOST_FAST
        if is_frame(kind):
            self.n_lost_frames += 1
            self.unsaid_frames += 1


# ---------------------------------------------------------------------------------------------------------------- reading
cdef int inspect(const uint8_t* p, Py_ssize_t left, uint32_t* length, uint32_t* n) noexcept nogil:
    """0: a whole record stands here. 1: nothing is written here. 2: its length is impossible. 3: its checksum is wrong."""
    cdef uint32_t crc
    cdef uint16_t kind
    if left < HEAD:
        return 1
    memcpy(length, p, 4)
    if length[0] == 0:
        return 1
    memcpy(&kind, p + 24, 2)
    memcpy(n, p + 28, 4)
    # The checksum does not cover the length, so it must follow from what it covers.
    if length[0] > left or length[0] != (left if kind == REC_PAD else HEAD + _padded(n[0])):
        return 2
    memcpy(&crc, p + 4, 4)
    return 0 if ~otrade_crc(0xFFFFFFFF, p + 8, HEAD - 8 + n[0]) == crc else 3


def record_at(const uint8_t[::1] window not None, Py_ssize_t at):
    """The record at this offset of a window: (verdict, kind, section, seq, ts_ns, payload's offset, payload bytes, next offset).

    `verdict` is GOOD, END (nothing is written here: the next window, if any, goes on), BAD_LENGTH or BAD_CRC; but for GOOD the
    rest is 0.
    """
    cdef uint32_t length = 0, n = 0
    cdef uint16_t kind, section
    cdef int64_t seq, ts_ns
    cdef int verdict = inspect(&window[at], window.shape[0] - at, &length, &n) if 0 <= at < window.shape[0] else 1
    if verdict != 0:
        return verdict, 0, 0, 0, 0, 0, 0, 0
    memcpy(&seq, &window[at + 8], 8)
    memcpy(&ts_ns, &window[at + 16], 8)
    memcpy(&kind, &window[at + 24], 2)
    memcpy(&section, &window[at + 26], 2)
    return 0, kind, section, seq, ts_ns, at + HEAD, n, at + length


def find(const uint8_t[::1] window not None, Py_ssize_t at, int64_t kinds):
    """The offset of the first good record from `at` on whose kind is in the bit set `kinds`; -1 when the window has no more."""
    cdef uint32_t length = 0, n = 0
    cdef uint16_t kind
    while at < window.shape[0] and inspect(&window[at], window.shape[0] - at, &length, &n) == 0:
        memcpy(&kind, &window[at + 24], 2)
        if kind < 64 and kinds >> kind & 1:
            return at
        at += length
    return -1


def measure(const uint8_t[::1] window not None, Py_ssize_t at, int64_t seq):
    """Walk good records that follow each other in number, from `at` on, the one before having number `seq` (0: any).

    Returns (offset behind the last one, its number, records that are not PADs, HELLOs, time of the first, time of the last, kind of
    the last, offsets of DROPPED records).
    """
    cdef uint32_t length = 0, n = 0
    cdef uint16_t kind
    cdef int64_t number, ts_ns, first_ns = 0, last_ns = 0
    cdef int64_t records = 0, hellos = 0
    cdef int last_kind = 0
    dropped = []
    while at < window.shape[0] and inspect(&window[at], window.shape[0] - at, &length, &n) == 0:
        memcpy(&number, &window[at + 8], 8)
        if seq != 0 and number != seq + 1:
            break
        seq = number
        memcpy(&ts_ns, &window[at + 16], 8)
        memcpy(&kind, &window[at + 24], 2)
        if kind != REC_PAD:
            records += 1
            hellos += kind == REC_HELLO
            if first_ns == 0:
                first_ns = ts_ns
            last_ns = ts_ns
            last_kind = kind
            if kind == REC_DROPPED:
                dropped.append(at)
        at += length
    return at, seq, records, hellos, first_ns, last_ns, last_kind, dropped


def next_good(const uint8_t[::1] window not None, Py_ssize_t at):
    """The first offset from `at` on, a multiple of 8, where a whole record stands; -1 when there is none."""
    cdef uint32_t length = 0, n = 0
    at = _padded(at)
    while at + HEAD <= window.shape[0]:
        if inspect(&window[at], window.shape[0] - at, &length, &n) == 0:
            return at
        at += 8
    return -1


def crc32c(const uint8_t[::1] data not None, uint32_t before=0):
    """CRC-32C of the data; `before` is that of what went before it."""
    if data.shape[0] == 0:
        return before
    return ~otrade_crc(~before, &data[0], data.shape[0]) & 0xFFFFFFFF


def prefault(uint8_t[::1] window not None):
    """Touch every page of a window that holds nothing yet, so that no later store waits for one. Runs without the GIL."""
    cdef Py_ssize_t at = 0
    with nogil:
        while at < window.shape[0]:
            window[at] = 0
            at += PAGE


def keep_writable(uint8_t[::1] window not None, Py_ssize_t first, Py_ssize_t n):
    """Write to every page of so many bytes what stands there, so that no store waits for the kernel, which takes a page back from its
    writers whenever it has brought it to disk. Harmless beside the writer itself, in another thread: one atomic step a page.
    """
    cdef Py_ssize_t at = max(first, 0), last = min(first + n, window.shape[0])
    with nogil:
        while at < last:
            __atomic_fetch_or(&window[at], 0, __ATOMIC_RELAXED)
            at += PAGE
