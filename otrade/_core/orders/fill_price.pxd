"""What fills cost, and how well that is known. See `fill_price.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef int64_t substitute_e4(core_t* c, int slot) noexcept nogil
cdef void set_worth(core_t* c, int slot, int worth) noexcept nogil
cdef int64_t correct(core_t* c, int slot, int64_t d_value_e4) noexcept nogil
cdef int64_t price_unpriced(core_t* c, int instrument_id) noexcept nogil
