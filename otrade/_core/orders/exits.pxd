"""Keeps protected quantity equal to open quantity. See `exits.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport bracket_t, order_t

cdef int64_t held_qty(const bracket_t* b) noexcept nogil
cdef int64_t protected_qty(core_t* c, int bracket_id) noexcept nogil
cdef int64_t standing_qty(core_t* c, int bracket_id) noexcept nogil
cdef bint spare_changes(const core_t* c, const order_t* o) noexcept nogil
cdef void account_naked(core_t* c, int bracket_id) noexcept nogil
cdef int64_t touch_px(core_t* c, int bracket_id, bint entering) noexcept nogil
cdef bint stop_crossed(core_t* c, int bracket_id) noexcept nogil
cdef void set_levels(core_t* c, int bracket_id) noexcept nogil
cdef void begin_exit(core_t* c, int bracket_id, int reason) noexcept nogil
cdef void price_refused(core_t* c, int bracket_id, int slot) noexcept nogil
cdef void on_quote(core_t* c, int bracket_id, bint is_other_band) noexcept nogil
cdef void climb(core_t* c, int bracket_id) noexcept nogil
cdef void work(core_t* c, int bracket_id) noexcept nogil
cdef int64_t clamp_to_band(core_t* c, int instrument_id, int64_t px_e4) noexcept nogil
