"""Gates, rate budget, halts. See `risk.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport instrument_t

cdef int phase(const instrument_t* inst, int64_t now_ns) noexcept nogil
cdef int gate_entry(core_t* c, int strategy_id, int64_t qty, int64_t slice_qty, int64_t price_e4) noexcept nogil
cdef int gate_rate(core_t* c, int wanted, int* sendable) noexcept nogil
cdef int obligations(const core_t* c) noexcept nogil
cdef int64_t most_an_order(const instrument_t* inst) noexcept nogil
cdef int gate_shape(const instrument_t* inst, int64_t qty, int64_t price_e4, int64_t now_ns) noexcept nogil
cdef int budget_left(core_t* c, int lane, bint is_placement) noexcept nogil
cdef void budget_used(core_t* c, int64_t* second, int64_t* minute, int64_t* half_hour) noexcept nogil
cdef void tighten(core_t* c) noexcept nogil
cdef void spend(core_t* c, bint is_placement) noexcept nogil
cdef void count_earlier(core_t* c, int64_t half_hour_used) noexcept nogil
cdef void hold(core_t* c, int bracket_id) noexcept nogil
cdef void release_hold(core_t* c, int bracket_id) noexcept nogil
cdef void count_trade(core_t* c, int bracket_id) noexcept nogil
cdef bint change_pnl(core_t* c, int64_t delta_e4) noexcept nogil
cdef void note_quarantine(core_t* c, int instrument_id, bint quarantined) noexcept nogil
cdef void set_halt(core_t* c, int halt, int reason) noexcept nogil
