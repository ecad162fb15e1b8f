"""From a decision to its entry orders. See `entry.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef void take_decision(core_t* c, int strategy_id) noexcept nogil
cdef void tell(core_t* c, int strategy_id, bint taken, int reason) noexcept nogil
cdef void work(core_t* c) noexcept nogil
cdef int64_t next_ns(const core_t* c) noexcept nogil
