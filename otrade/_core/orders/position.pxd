"""What is held of an instrument, and what it has made. See `position.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.types cimport position_t

cdef int64_t fill(position_t* position, int side, int64_t qty, int64_t value_e4, int64_t multiplier) noexcept nogil
cdef int64_t correct(position_t* position, int side, int64_t d_value_e4, int64_t multiplier) noexcept nogil
cdef int64_t mark(position_t* position, int64_t px_e4, int64_t multiplier) noexcept nogil
