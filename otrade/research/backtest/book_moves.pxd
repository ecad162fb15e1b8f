"""How a book moves between two trades. See `book_moves.pyx`."""
from libc.stdint cimport int64_t

from otrade.research.backtest.market_types cimport screen_t


cdef bint can_move(const screen_t* s, int64_t last) noexcept nogil
cdef int slot_at(const screen_t* s, int64_t last, int64_t at_ns) noexcept nogil
cdef int64_t moved_ticks(const screen_t* s, int64_t last, int slot) noexcept nogil
cdef int first_slot(const screen_t* s, int64_t last, int after, int64_t ticks, bint is_up) noexcept nogil
