"""What comes later. See `event_queue.pyx`."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from otrade.research.backtest.market_types cimport due_t


cdef class EventQueue:
    cdef due_t* pool
    cdef int32_t* heap
    cdef int32_t* unused
    cdef int n_heap, n_unused, cap_heap
    cdef int64_t seq
    cdef bint is_full  # of events, or of what else a day has room for
    cdef due_t* later(self, int64_t ts_ns, int kind, uint32_t token, const char* name, int what, int order) noexcept nogil
    cdef bint before(self, int32_t a, int32_t b) noexcept nogil
    cdef int pop(self) noexcept nogil
    cdef void free_due(self, int at) noexcept nogil
    cdef void forget_events(self) noexcept nogil
