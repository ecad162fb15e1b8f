# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""A journal's records fed back to a core, and its decisions compared with the recorded ones, bit for bit.

The core writes its own records into scratch memory while it replays. Behind each event stand the decisions that it makes; the
records that follow the event in the journal must be the same ones.
"""
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

from otrade._core.codecs.decoders cimport wire_of
from otrade._core.engine.engine cimport Engine
from otrade._core.journal_writer cimport JournalWriter, inspect
from otrade._core.types cimport REC_COMMAND, REC_DROPPED, REC_HELLO, REC_PAD, REC_REPORT, REC_TIMER, REC_WORDS, report_t

from otrade._core.journal_writer import record_at

cdef enum:
    HEAD = 32
    SCRATCH_BYTES = 2097152

END, HELLO, DROPPED, DIVERGED, BAD = 0, 1, 2, 3, 4


cdef class Folder:
    """Feeds one core. `fold` runs until something needs a person's, or Python's, attention."""

    cdef readonly Engine engine
    cdef JournalWriter scratch
    cdef object memory
    cdef uint8_t* base
    cdef uint8_t* owed  # the next decision that the journal must hold
    cdef readonly int64_t n_events
    cdef readonly int64_t n_decisions
    cdef readonly int64_t last_ts_ns
    cdef readonly int64_t event_seq  # the event replayed last
    cdef readonly int event_kind
    cdef frozenset passed_over

    def __init__(self, Engine engine not None, frozenset passed_over):
        """`passed_over`: CALL records that are not fed, because the core has had them."""
        self.engine = engine
        self.passed_over = passed_over
        self.memory = bytearray(SCRATCH_BYTES)
        self.scratch = JournalWriter(self.memory)
        self.base = self.scratch.at
        engine.open_journal(self.scratch, b"{}", 0)
        self.owed = self.scratch.at

    def forget_owed(self):
        """The process died before it wrote what it had decided: nothing is expected."""
        self.owed = self.scratch.at

    @property
    def owed_decision(self):
        """(kind, ts_ns, payload) that the core decided and the journal does not hold next; None."""
        if self.owed >= self.scratch.at:
            return None
        _, kind, _, _, ts_ns, start, n, _ = record_at(self.memory, self.owed - self.base)
        return kind, ts_ns, bytes(self.memory[start:start + n])

    def fold(self, const uint8_t[::1] window not None, Py_ssize_t at):
        """Feed the records of a window from `at` on. Returns (offset, why it stopped there): END of the window, a HELLO or a
        DROPPED record for the caller to read, DIVERGED, or BAD when no whole record stands there.
        """
        cdef uint32_t length = 0, n = 0
        cdef int64_t seq, ts_ns
        cdef uint16_t kind
        cdef const uint8_t* p
        cdef int verdict
        while at < window.shape[0]:
            p = &window[at]
            verdict = inspect(p, window.shape[0] - at, &length, &n)
            if verdict == 1:
                return at, END
            if verdict != 0:
                return at, BAD
            memcpy(&seq, p + 8, 8)
            memcpy(&ts_ns, p + 16, 8)
            memcpy(&kind, p + 24, 2)
            if kind == REC_HELLO:
                return at, HELLO
            if kind == REC_DROPPED:
                return at, DROPPED
            if kind < REC_COMMAND and kind != REC_PAD:
                if self.owed < self.scratch.at:
                    return at, DIVERGED
                self.event_seq = seq
                self.event_kind = kind
                self._event(kind, ts_ns, p + HEAD, n, window[at + HEAD:at + HEAD + n])
            elif REC_COMMAND <= kind < REC_WORDS:
                if not self._is_owed(p, n):
                    return at, DIVERGED
                self.n_decisions += 1
            at += length
        return at, END

    cdef int _event(self, int kind, int64_t ts_ns, const uint8_t* p, uint32_t n, const uint8_t[::1] payload) except -1:
        cdef report_t r
        cdef uint32_t length
        self.scratch.at = self.base
        self.n_events += 1
        self.last_ts_ns = ts_ns
        if wire_of(kind) != NULL:
            self.engine.pipeline.on_frame(kind, p, n, ts_ns)
        elif kind == REC_TIMER:
            self.engine.pipeline.on_timer(ts_ns)
        elif kind == REC_REPORT and n == sizeof(report_t):
            memcpy(&r, p, sizeof(r))
            self.engine.pipeline.on_report(&r)
        elif not self.passed_over or not self.engine.is_call_of(kind, payload, self.passed_over):
            self.engine.on_record(kind, ts_ns, payload)
        self.engine.discard_commands()
        self.owed = self.base
        if self.scratch.at > self.base:
            memcpy(&length, self.base, 4)  # the event's own record comes first
            self.owed += length
        return 0

    cdef bint _is_owed(self, const uint8_t* p, uint32_t n) noexcept nogil:
        """Is this decision the one that the core made next? Sequence numbers and sections may differ; nothing else."""
        cdef uint32_t length, mine
        if self.owed >= self.scratch.at:
            return False
        memcpy(&mine, self.owed + 28, 4)
        if mine != n or memcmp(self.owed + 16, p + 16, 8) != 0 or memcmp(self.owed + 24, p + 24, 2) != 0:
            return False
        if memcmp(self.owed + HEAD, p + HEAD, n) != 0:
            return False
        memcpy(&length, self.owed, 4)
        self.owed += length
        return True
