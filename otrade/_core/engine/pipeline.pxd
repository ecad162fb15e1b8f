"""Door of the engine: the whole pipeline behind one object. See `engine.pyx`."""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.engine.record cimport EngineRecord
from otrade._core.types cimport report_t, tick_t

cdef class Engine(EngineRecord):
    cdef void _advance(self, int64_t ts_ns) noexcept nogil
    cdef int _kite(self, const uint8_t* buf, Py_ssize_t n, int feed) noexcept nogil
    cdef int _upstox(self, const uint8_t* buf, Py_ssize_t n, int feed) noexcept nogil
    cdef void _part(self, int id, const tick_t* tick, int feed) noexcept nogil
    cdef void _tick(self, int id, int reason, const tick_t* tick, int feed) noexcept nogil
    cdef void _bar(self, int series_id) noexcept nogil
    cdef int _timer(self, int64_t ts_ns) noexcept nogil
    cdef int _report(self, const report_t* r) noexcept nogil
    cdef void _done(self) noexcept nogil
    cdef int _waiting(self) noexcept nogil
    cdef int _frame(self, int kind, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept nogil
    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept
    cdef int only_request(self, const char** out, uint32_t* seq) noexcept
