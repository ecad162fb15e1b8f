"""Door of the recording half of an engine: events in, decisions out, as journal records. See `record.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.engine.views cimport EngineViews

cdef class EngineRecord(EngineViews):
    cdef int64_t notice_told  # notices and signals that the journal has
    cdef int64_t signal_told
    cdef void _event(self, int kind, int64_t ts_ns, const void* payload, Py_ssize_t n) noexcept nogil
    cdef void _decided(self) noexcept nogil
    cdef void _command(self, int64_t at) noexcept nogil
