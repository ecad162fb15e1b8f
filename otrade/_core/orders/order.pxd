"""The order state machine: two axes, one table. See `order.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.types cimport order_t

cdef int apply(order_t* order, int ev, int64_t ts_ns) noexcept nogil
cdef int take_fill(
    order_t* order, int64_t cum_qty, int64_t cum_value_e4, int worth, bint fresh, int64_t* d_qty, int64_t* d_value_e4
) noexcept nogil
cdef bint is_better(const order_t* order, int worth, bint fresh) noexcept nogil
cdef bint is_final(const order_t* order) noexcept nogil
cdef bint is_working(const order_t* order) noexcept nogil
cdef bint may_request(const order_t* order) noexcept nogil
cdef int64_t leaves(const order_t* order) noexcept nogil
