"""What is remembered of refusals, by leg and by strategy. See `refusal.pyx`."""
from libc.stdint cimport int32_t, int64_t

from otrade._core.state cimport core_t, strategy_t
from otrade._core.types cimport bracket_t, order_t

cdef int64_t* pause_until(bracket_t* b, int leg) noexcept nogil
cdef int32_t* in_a_row(bracket_t* b, int leg) noexcept nogil
cdef void count(core_t* c, int slot, int reason) noexcept nogil
cdef void pause_for_range(core_t* c, int slot) noexcept nogil
cdef void forget(bracket_t* b, const order_t* o) noexcept nogil
cdef void await_book(core_t* c, int slot) noexcept nogil
cdef bint is_waiting(const core_t* c, const order_t* o) noexcept nogil
cdef void entry_rejected(core_t* c, int slot, int reason) noexcept nogil
cdef void entry_accepted(strategy_t* s) noexcept nogil
cdef bint is_braked(const core_t* c, const strategy_t* s) noexcept nogil
