# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""6 encode, and the journal: every event is written before it is acted on, every decision before it can leave.

A command's record has its fields and the request's first line and body. The headers between them are the same for all requests
and hold the access token, which no journal may.
"""
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp, memcpy

import orjson

from otrade._core.journal_writer cimport JournalWriter
from otrade._core.state cimport core_t
from otrade._core.types cimport (
    ACTION_NONE, MAX_REQUEST_BYTES, REC_CALL, REC_COMMAND, REC_DECISION, REC_HELLO, REC_NOTICE, REC_SIGNAL, command_t, decision_rec_t,
    notice_t, signal_rec_t,
)

from otrade._core.journal_writer import crc32c

cdef extern from *:
    """
    #include "otrade/_core/types.h"
    enum { COMMAND_HEAD = offsetof(command_t, n_bytes) };
    """
    enum:
        COMMAND_HEAD


cdef Py_ssize_t _line_and_body(const char* request, int n, char* out) noexcept nogil:
    """Copy a request without its headers: first line, newline, body. Returns the bytes."""
    cdef const char* end = request + n
    cdef const char* at = <const char*>memchr(request, c"\r", n)
    cdef Py_ssize_t size, body
    if at == NULL:
        return 0
    size = at - request
    memcpy(out, request, size)
    out[size] = c"\n"
    size += 1
    # From line's end to line's end: the first empty line ends the headers.
    while at != NULL and end - at >= 4:
        if memcmp(at, b"\r\n\r\n", 4) == 0:
            body = end - at - 4
            memcpy(out + size, at + 4, body)
            return size + body
        at = <const char*>memchr(at + 1, c"\r", end - at - 1)
    return size


cdef class Recorder:
    """One engine's journal, and the encoder of its requests. `sizes` begin the digest of the set-up."""

    def __cinit__(self, dict sizes):
        self.told = []
        self.digest = crc32c(orjson.dumps({name: n for name, n in sizes.items() if name != "run_id"}))

    cdef tell(self, str method, dict given, int64_t now_ns, bint is_setup=False):
        """Keep a rare call for the journal: its name and all its arguments by name."""
        payload = orjson.dumps({"m": method, "k": given})
        if is_setup:
            self.digest = crc32c(payload, self.digest)
        if self.journaling:
            self.journal.append(REC_CALL, given.get("ts_ns", now_ns), payload)
        elif self.told is not None:
            self.told.append(payload)

    cdef open(self, core_t* c, JournalWriter journal, bytes hello, int64_t ts_ns, make_room):
        """Write every further event and decision into `journal`, after a HELLO record and the set-up so far."""
        for kind, payload in [(REC_HELLO, hello), *((REC_CALL, payload) for payload in self.told or ())]:
            if make_room is not None and not journal.has_room(len(payload)):
                make_room()
            journal.append(kind, ts_ns, payload)
        self.told = None
        self.notice_told = c.notice_tail
        self.signal_told = c.signal_tail
        self.journal = journal
        self.journaling = True

    cdef void event(self, int kind, int64_t ts_ns, const void* payload, Py_ssize_t n) noexcept nogil:
        """Journal one event, before the core acts on it."""
        if self.journaling:
            self.journal.put(kind, ts_ns, payload, n, NULL, 0)

    cdef void decided(self, core_t* c) noexcept nogil:
        """6 encode: give every new request its bytes. Then journal what was decided since the last time."""
        cdef command_t* cmd
        cdef const decision_rec_t* said
        while c.command_encoded < c.command_tail:
            cmd = &c.commands[c.command_encoded % c.cap_commands]
            if cmd.order_slot >= 0:
                cmd.n_bytes = self.encoder.encode(cmd, cmd.request, sizeof(cmd.request))
            if self.journaling:
                self._command(c, c.command_encoded)
            c.command_encoded += 1
        if not self.journaling:
            return
        if self.signal_told < c.signal_tail - c.cap_signals:
            self.signal_told = c.signal_tail - c.cap_signals
        while self.signal_told < c.signal_tail:
            self.journal.put(
                REC_SIGNAL, c.now_ns, &c.signals[self.signal_told % c.cap_signals], sizeof(signal_rec_t), NULL, 0)
            said = &c.decisions[self.signal_told % c.cap_signals]
            if said.decision.action != ACTION_NONE:
                self.journal.put(REC_DECISION, c.now_ns, said, sizeof(decision_rec_t), NULL, 0)
            self.signal_told += 1
        if self.notice_told < c.notice_tail - c.cap_notices:
            self.notice_told = c.notice_tail - c.cap_notices
        while self.notice_told < c.notice_tail:
            self.journal.put(REC_NOTICE, c.now_ns, &c.notices[self.notice_told % c.cap_notices], sizeof(notice_t), NULL, 0)
            self.notice_told += 1

    cdef void _command(self, core_t* c, int64_t at) noexcept nogil:
        cdef command_t* cmd = &c.commands[at % c.cap_commands]
        cdef char shown[MAX_REQUEST_BYTES]
        cdef Py_ssize_t n = 0
        if cmd.order_slot >= 0 and cmd.n_bytes > 0:
            n = _line_and_body(cmd.request, cmd.n_bytes, shown)
        if not self.journal.put(REC_COMMAND, c.now_ns, cmd, COMMAND_HEAD, shown, n) and not self.journal.has_died():
            cmd.unrecorded = 1
