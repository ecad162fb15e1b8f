# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What an engine writes into its journal: every event before it is acted on, every decision before it can leave.

A command's record has its fields and the request's first line and body. The headers between them are the same for all requests
and hold the access token, which no journal may.
"""
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp, memcpy

from otrade._core.journal_writer cimport JournalWriter
from otrade._core.state cimport core_t, touch_ahead
from otrade._core.types cimport (
    MAX_REQUEST_BYTES, REC_CALL, REC_COMMAND, REC_HELLO, REC_NOTICE, REC_SIGNAL, command_t, notice_t, signal_rec_t,
)
from otrade._core.engine.views cimport EngineViews

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


cdef class EngineRecord(EngineViews):
    """The recording half of an engine."""

    def open_journal(self, JournalWriter journal not None, bytes hello not None, int64_t ts_ns, make_room=None):
        """Write every further event and decision into `journal`, after a HELLO record and the set-up so far. That is written at once,
        however much it is: `make_room` is called whenever there is no room for the next record.
        """
        for kind, payload in [(REC_HELLO, hello), *((REC_CALL, payload) for payload in self.told or ())]:
            if make_room is not None and not journal.has_room(len(payload)):
                make_room()
            journal.append(kind, ts_ns, payload)
        self.told = None
        self.notice_told = self.c.notice_tail
        self.signal_told = self.c.signal_tail
        self.journal = journal
        self.journaling = True

    cdef void _event(self, int kind, int64_t ts_ns, const void* payload, Py_ssize_t n) noexcept nogil:
        """Journal one event, before the core acts on it."""
        if self.journaling:
            self.journal.put(kind, ts_ns, payload, n, NULL, 0)

    def touch_ahead(self):
        """Have the memory of the next decisions in place. Belongs on the beat; changes nothing."""
        touch_ahead(&self.c)

    cdef void _decided(self) noexcept nogil:
        """6 encode: give every new request its bytes. Then journal what was decided since the last time."""
        cdef core_t* c = &self.c
        cdef command_t* cmd
        while c.command_encoded < c.command_tail:
            cmd = &c.commands[c.command_encoded % c.cap_commands]
            if cmd.order_slot >= 0:
                cmd.n_bytes = self.encoder.encode(cmd, cmd.request, sizeof(cmd.request))
            if self.journaling:
                self._command(c.command_encoded)
            c.command_encoded += 1
        if not self.journaling:
            return
        if self.signal_told < c.signal_tail - c.cap_signals:
            self.signal_told = c.signal_tail - c.cap_signals
        while self.signal_told < c.signal_tail:
            self.journal.put(
                REC_SIGNAL, c.now_ns, &c.signals[self.signal_told % c.cap_signals], sizeof(signal_rec_t), NULL, 0)
            self.signal_told += 1
        if self.notice_told < c.notice_tail - c.cap_notices:
            self.notice_told = c.notice_tail - c.cap_notices
        while self.notice_told < c.notice_tail:
            self.journal.put(REC_NOTICE, c.now_ns, &c.notices[self.notice_told % c.cap_notices], sizeof(notice_t), NULL, 0)
            self.notice_told += 1

    cdef void _command(self, int64_t at) noexcept nogil:
        cdef command_t* cmd = &self.c.commands[at % self.c.cap_commands]
        cdef char shown[MAX_REQUEST_BYTES]
        cdef Py_ssize_t n = 0
        if cmd.order_slot >= 0 and cmd.n_bytes > 0:
            n = _line_and_body(cmd.request, cmd.n_bytes, shown)
        if not self.journal.put(REC_COMMAND, self.c.now_ns, cmd, COMMAND_HEAD, shown, n) and not self.journal.has_died():
            cmd.unrecorded = 1
