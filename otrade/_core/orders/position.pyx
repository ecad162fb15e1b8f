# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Positions and exact profit, from fills only. Profit = (sold - bought) + net * mark, in integers: nothing is ever rounded."""
from libc.stdint cimport int64_t

from otrade._core cimport otk
from otrade._core.types cimport SIDE_BUY, position_t


cdef inline int64_t _revalue(position_t* p, int64_t multiplier) noexcept nogil:
    cdef int64_t before = p.pnl_e4
    p.pnl_e4 = otk.otk_pnl_e4(p.sell_value_e4, p.buy_value_e4, p.net_qty, p.mark_e4, multiplier)
    return p.pnl_e4 - before


cdef int64_t fill(position_t* p, int side, int64_t qty, int64_t value_e4, int64_t multiplier) noexcept nogil:
    """Take a fill of `qty` units worth `value_e4` (price times units, before the multiplier); returns the change of profit."""
    cdef bint was_flat = p.net_qty == 0
    if side == SIDE_BUY:
        p.net_qty += qty
        p.buy_qty += qty
        p.buy_value_e4 += value_e4
    else:
        p.net_qty -= qty
        p.sell_qty += qty
        p.sell_value_e4 += value_e4
    if (was_flat or p.mark_e4 == 0) and qty > 0:
        p.mark_e4 = value_e4 // qty  # until the next price; ticks mark what is held, so a flat position's mark is an old one
    return _revalue(p, multiplier)


cdef int64_t correct(position_t* p, int side, int64_t d_value_e4, int64_t multiplier) noexcept nogil:
    """What was bought or sold already cost that much more than was booked; returns the change of profit."""
    if side == SIDE_BUY:
        p.buy_value_e4 += d_value_e4
    else:
        p.sell_value_e4 += d_value_e4
    cdef int64_t qty = p.buy_qty if side == SIDE_BUY else p.sell_qty
    if p.mark_e4 == 0 and qty > 0:
        p.mark_e4 = (p.buy_value_e4 if side == SIDE_BUY else p.sell_value_e4) // qty  # as at a fill: no price has come yet
    return _revalue(p, multiplier)


cdef int64_t mark(position_t* p, int64_t px_e4, int64_t multiplier) noexcept nogil:
    """Value the open quantity at `px_e4`; returns the change of profit."""
    p.mark_e4 = px_e4
    return _revalue(p, multiplier)
