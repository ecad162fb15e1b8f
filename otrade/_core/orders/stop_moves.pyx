# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The stop that a strategy asks for while it holds something: kept as a wish, and done when it may be.

A stop moves only towards the price, by a tick at least; so of strategy and trail the tighter one wins, and what was asked for once is not
taken back. Wishes are a while apart: what comes sooner waits, the tightest of them alone. How far the exchange's order follows is the
exits' to say (`exits._ensure`): the modifications that are kept for protection are not spent on it, and beyond them the engine leaves
by itself where the stop should stand.
"""
from libc.stdint cimport int64_t

from otrade._core cimport otk
from otrade._core.market cimport quote
from otrade._core.orders cimport exits
from otrade._core.state cimport core_t
from otrade._core.types cimport (
    BR_OPEN, EXIT_STOP, REASON_LEVEL_ABSURD, REASON_NOTHING_HELD, REASON_OK, REASON_STOP_LOOSER, REASON_STOP_SIDE, bracket_t, instrument_t,
)

cdef int64_t APART_NS = 1_000_000_000  # between two moves of one stop that its strategy asks for


cdef int wish(core_t* c, int bracket_id, int64_t stop_e4) noexcept nogil:
    """Keep where the strategy wants the stop. REASON_OK, or why nothing comes of it."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef int64_t px = otk.otk_round_tick(stop_e4, inst.tick_size_e4, b.side)
    if b.state != BR_OPEN or exits.held_qty(b) <= 0:
        return REASON_NOTHING_HELD
    if (c.markets[b.instrument_id].ltp_e4 - px) * b.side <= 0:
        return REASON_STOP_SIDE
    if quote.band_is_fresh(inst, c.now_ns) and quote.is_outside(inst, px):
        return REASON_LEVEL_ABSURD
    if (px - b.stop_e4) * b.side < inst.tick_size_e4:
        return REASON_STOP_LOOSER
    if b.move_e4 == 0 or (px - b.move_e4) * b.side > 0:
        b.move_e4 = px
    return REASON_OK


cdef bint apply(core_t* c, int bracket_id) noexcept nogil:
    """Do what is wished, if its time has come. True when the level has changed: the caller has the exits look at it."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    if b.move_e4 == 0 or b.target_armed or c.now_ns < b.move_next_ns:
        return False
    if b.state != BR_OPEN or (b.move_e4 - b.stop_e4) * b.side < inst.tick_size_e4:
        b.move_e4 = 0  # it is being left, or the trail has gone as far
        return False
    b.stop_e4 = b.move_e4
    b.move_e4 = 0
    b.move_next_ns = c.now_ns + APART_NS
    b.n_stop_moves += 1
    b.stop_limit_e4 = exits.clamp_to_band(c, b.instrument_id, otk.otk_limit_through(
        b.stop_e4, -b.side, c.strategies[b.strategy_id].plan.stop_limit_bps, inst.tick_size_e4))
    if exits.stop_crossed(c, bracket_id):
        exits.begin_exit(c, bracket_id, EXIT_STOP)  # price came to it while it waited: no stop could be placed there
    return True
