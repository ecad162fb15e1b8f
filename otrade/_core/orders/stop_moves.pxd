"""Where a strategy wants its stop. See `stop_moves.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t

cdef int wish(core_t* c, int bracket_id, int64_t stop_e4) noexcept nogil
cdef bint apply(core_t* c, int bracket_id) noexcept nogil
