"""What a strategy is told, and what comes of what it says. See `decision.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport bar_t

cdef void on_bar(core_t* c, int strategy_id, const bar_t* bar) noexcept nogil
cdef void on_further_bar(core_t* c, int instrument_id, int64_t interval_ns, const bar_t* bar) noexcept nogil
cdef void on_tick(core_t* c, int strategy_id) noexcept nogil
cdef void on_time(core_t* c) noexcept nogil
cdef void on_fills(core_t* c) noexcept nogil
cdef int64_t next_ns(const core_t* c) noexcept nogil
