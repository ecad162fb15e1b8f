"""A bracket's life from signal to flat. See `bracket.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef int new_bracket(core_t* c, int strategy_id, int side) noexcept nogil
cdef void on_fill(core_t* c, int slot, int64_t d_qty, int64_t d_value_e4) noexcept nogil
cdef void on_refusal(core_t* c, int slot, int ev, int reason) noexcept nogil
cdef void settle(core_t* c, int bracket_id) noexcept nogil
cdef void on_price(core_t* c, int instrument_id) noexcept nogil
cdef void on_quote(core_t* c, int instrument_id, bint is_other_band) noexcept nogil
cdef void on_reopen(core_t* c, int instrument_id) noexcept nogil
cdef void on_time(core_t* c, int bracket_id) noexcept nogil
cdef void flatten(core_t* c, int instrument_id, int reason) noexcept nogil
cdef void cancel_entries(core_t* c, int instrument_id, int reason) noexcept nogil
cdef int64_t pnl_e4(const core_t* c, int bracket_id) noexcept nogil
cdef void on_pnl(core_t* c, int64_t delta_e4) noexcept nogil
cdef void reopen(core_t* c, int bracket_id) noexcept nogil
