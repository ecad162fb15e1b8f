"""What the broker said by REST of one instrument, and how far it may be believed. See `quote.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport instrument_t

cdef bint band_is_fresh(const instrument_t* inst, int64_t now_ns) noexcept nogil
cdef bint is_outside(const instrument_t* inst, int64_t px_e4) noexcept nogil
cdef bint touch_is_old(const core_t* c, int instrument_id) noexcept nogil
cdef bint is_newer_than_tick(const core_t* c, int instrument_id) noexcept nogil
cdef bint take(
    core_t* c, int instrument_id, int64_t ts_ask_ns, int64_t ltp_e4, int64_t bid_px_e4, int64_t ask_px_e4, int64_t band_lo_e4,
    int64_t band_hi_e4
) noexcept nogil
cdef bint is_wanted(const core_t* c, int instrument_id, int64_t now_ns) noexcept nogil
