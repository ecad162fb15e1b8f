"""Declarations of the way past Python. See `fast_path.pyx`."""
from libc.stdint cimport int64_t, uint32_t

from otrade._core.codecs.interface cimport FrameSink


cdef class FastPath:
    cdef object _idle
    cdef object _connection  # that has the request `_seq`, and is not claimed yet
    cdef uint32_t _seq
    cdef readonly int64_t n_written
    cdef bint write(self, FrameSink sink) except -1
    cdef bint get_ready(self) except -1
