"""Door of the wire base: what the engine needs of any broker's wire, and what any feed needs of an
engine. See `wire.pyx`.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.types cimport command_t


cdef class OrderEncoder:
    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil


cdef class FrameSink:
    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept
    cdef int only_request(self, const char** out, uint32_t* seq) noexcept
    cdef void get_ready(self) noexcept
