"""The pipeline: an engine's memory and every step of its events. See `pipeline.pyx`."""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.codecs.decoders cimport wire_t
from otrade._core.engine.record cimport Recorder
from otrade._core.state cimport core_t
from otrade._core.types cimport answer_t, history_t, report_t, tick_t


cdef class Pipeline:
    cdef core_t c
    cdef Recorder recorder
    cdef void advance(self, int64_t ts_ns) noexcept nogil
    cdef void done(self) noexcept nogil
    cdef int n_waiting(self) noexcept nogil
    cdef int on_frame(self, int kind, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept nogil
    cdef int on_tick(self, int id, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil
    cdef int on_timer(self, int64_t ts_ns) noexcept nogil
    cdef void on_history(self, const history_t* h, int64_t ts_ns) noexcept nogil
    cdef int on_report(self, const report_t* r) noexcept nogil
    cdef int on_answer(self, const answer_t* a, int64_t ts_ns) noexcept nogil
    cdef int64_t next_timer_ns(self) noexcept nogil
    cdef int64_t next_beat_ns(self, int64_t now_ns) noexcept nogil
    cdef int only_request(self, const char** out, uint32_t* seq) noexcept
    cdef int _packets(self, const wire_t* wire, const uint8_t* buf, Py_ssize_t n) noexcept nogil
    cdef void _part(self, int id, const tick_t* tick, int feed) noexcept nogil
    cdef void _tick(self, int id, int reason, const tick_t* tick, int feed) noexcept nogil
    cdef void _bar_closed(self, int series_id) noexcept nogil
    cdef void _strategies(self, int instrument_id, bint has_traded) noexcept nogil
