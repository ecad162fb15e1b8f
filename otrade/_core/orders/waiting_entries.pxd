"""Decisions that wait for the rate budget. See `waiting_entries.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef void put(core_t* c, int strategy_id, int side, int64_t px_e4, int64_t left, int64_t total, int sent) noexcept nogil
cdef void take(core_t* c, int strategy_id) noexcept nogil
cdef void say(core_t* c, int strategy_id, int reason) noexcept nogil
cdef void drop(core_t* c, int strategy_id, int reason) noexcept nogil
cdef void clear(core_t* c, int instrument_id, int reason) noexcept nogil
