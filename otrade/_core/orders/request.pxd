"""The only place where an order request is made. See `request.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef int place(core_t* c, int bracket_id, int leg, int side, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int lane) noexcept nogil
cdef int replace(core_t* c, int slot, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int lane) noexcept nogil
cdef int cancel(core_t* c, int slot, int lane) noexcept nogil
cdef void poll_book(core_t* c) noexcept nogil
