"""The journal's record format: a writer into borrowed memory. See `journal_writer.pyx`."""
from cpython.buffer cimport Py_buffer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    SLOTS = 4  # windows that may be held at once

# 0: a whole record stands here. 1: nothing is written here. 2: its length is impossible. 3: its checksum is wrong.
cdef int inspect(const uint8_t* p, Py_ssize_t left, uint32_t* length, uint32_t* n) noexcept nogil


cdef class JournalWriter:
    cdef Py_buffer windows[SLOTS]
    cdef uint8_t* at
    cdef uint8_t* end
    cdef int64_t n_offered  # windows given so far
    cdef int64_t current  # which of them is being written, counted from 0
    cdef int64_t released  # windows given back so far
    cdef readonly int64_t seq  # of the record written last
    cdef readonly int64_t n_lost
    cdef readonly int64_t n_lost_frames
    cdef int64_t unsaid, unsaid_frames, unsaid_why
    cdef public int64_t last_seq
    cdef public int last_kind
    cdef public int64_t last_more
    cdef public bint refuses_frames
    cdef uint16_t section
    cdef Py_ssize_t widest  # record that the smallest window offered so far could hold

    cdef bint put(self, int kind, int64_t ts_ns, const void* a, Py_ssize_t n_a, const void* b, Py_ssize_t n_b) noexcept nogil
    cdef bint _next_window(self, Py_ssize_t size) noexcept nogil
    cdef void _write(self, int kind, int64_t ts_ns, const void* a, Py_ssize_t n_a, const void* b, Py_ssize_t n_b) noexcept nogil
    cdef void _lose(self, int kind) noexcept nogil
    cdef void fetch_ahead(self) noexcept nogil
    cdef inline bint _room(self, Py_ssize_t size) noexcept nogil:
        """Is there room for that many bytes, here or in the next window? Moves on to the next one when there is only there."""
        return self.end - self.at >= size or self._next_window(size)

    cdef inline bint can_hold(self, Py_ssize_t n) noexcept nogil:
        """Could a payload of so many bytes ever be written, in a window of its own?"""
        return n <= self.widest

    cdef inline bint has_died(self) noexcept nogil:
        """`is_dead`, for compiled code."""
        return self.last_seq >= 0 and self.seq >= self.last_seq
