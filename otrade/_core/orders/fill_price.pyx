# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What fills cost, and how well that is known.

Brokers document an average price for complete orders only: for a partial fill it may be 0, null or nothing, and it may be rounded or
revised. A value that is not known is not 0: a substitute is booked, so that stop, target and limits on loss work at once, and
the order, its bracket, its position and the day say so until the value comes. The day's trades are the truth.
"""
from libc.stdint cimport int64_t

from otrade._core cimport notes
from otrade._core.orders cimport charges, exits, position
from otrade._core.state cimport core_t
from otrade._core.types cimport (
    BR_CLOSED, LEG_ENTRY, LEG_FIX, SEV_INFO, SEV_WARN, SIDE_BUY, TYPE_LIMIT, TYPE_SL,
    WORTH_AVERAGE, WORTH_UNKNOWN, WORTH_UNPRICED, bracket_t, order_t, position_t,
)

cdef int64_t ROUNDING_E4 = 100  # a paisa: an average may differ by less from rounding alone, and no level follows that


cdef inline bint _is_unknown(int worth) noexcept nogil:
    return worth == WORTH_UNKNOWN or worth == WORTH_UNPRICED


cdef int64_t substitute_e4(core_t* c, int slot) noexcept nogil:
    """The price that stands for one that the broker does not tell: the last one, but never worse than the order's own limit. 0: none."""
    cdef order_t* o = &c.orders[slot]
    cdef int64_t px = c.markets[o.instrument_id].ltp_e4
    if (o.ord_type == TYPE_LIMIT or o.ord_type == TYPE_SL) and o.price_e4 > 0:
        if px <= 0 or (px > o.price_e4 if o.side == SIDE_BUY else px < o.price_e4):
            px = o.price_e4
    return px if px > 0 else o.trigger_e4


cdef void set_worth(core_t* c, int slot, int worth) noexcept nogil:
    """Keep what is known of an order's value, and the counts of what is not."""
    cdef order_t* o = &c.orders[slot]
    cdef int unknown = <int>_is_unknown(worth) - <int>_is_unknown(o.worth)
    c.brackets[o.bracket_id].n_unvalued += unknown
    c.positions[o.instrument_id].n_unvalued += unknown
    c.positions[o.instrument_id].n_unpriced += <int>(worth == WORTH_UNPRICED) - <int>(o.worth == WORTH_UNPRICED)
    c.risk.n_unvalued += unknown
    c.risk.n_rounded += <int>(worth == WORTH_AVERAGE) - <int>(o.worth == WORTH_AVERAGE)
    o.worth = worth
    if unknown > 0:
        notes.value_unknown(
            c, SEV_WARN, o.instrument_id, o.bracket_id, slot, 0,
            qty=o.cum_qty, price_e4=o.cum_value_e4 // o.cum_qty if o.cum_qty > 0 else 0)


cdef int64_t correct(core_t* c, int slot, int64_t d_value_e4) noexcept nogil:
    """Book what an order's fills cost beyond what was booked, at an unchanged quantity; its levels follow. Returns the change of
    profit. The order itself has the new value already.
    """
    cdef order_t* o = &c.orders[slot]
    cdef bracket_t* b = &c.brackets[o.bracket_id]
    cdef position_t* p = &c.positions[o.instrument_id]
    cdef int64_t multiplier = c.instruments[o.instrument_id].multiplier
    cdef int64_t last_e4 = c.markets[o.instrument_id].ltp_e4
    cdef int64_t was, entry, delta = position.correct(p, o.side, d_value_e4, multiplier)
    cdef bint is_beyond_rounding = d_value_e4 > ROUNDING_E4 * o.cum_qty or -d_value_e4 > ROUNDING_E4 * o.cum_qty
    if is_beyond_rounding and p.net_qty != 0 and last_e4 > 0:
        delta += position.mark(p, last_e4, multiplier)  # it may still be marked at the value that was wrong
    if o.leg == LEG_ENTRY:
        was = (b.entry_value_e4 + b.entry_qty // 2) // b.entry_qty
        b.entry_value_e4 += d_value_e4
        entry = (b.entry_value_e4 + b.entry_qty // 2) // b.entry_qty
        if entry - was > ROUNDING_E4 or was - entry > ROUNDING_E4:
            if b.best_e4 == was:
                b.best_e4 = 0  # it was the entry's own: nothing better has traded
            exits.set_levels(c, o.bracket_id)
    elif o.leg == LEG_FIX:
        b.exit_value_e4 -= d_value_e4
    else:
        b.exit_value_e4 += d_value_e4
    charges.refresh(c, o.bracket_id)
    cdef bint is_news = _is_unknown(o.worth) or is_beyond_rounding
    if is_news or b.state == BR_CLOSED:
        notes.value_taken(
            c, SEV_INFO, o.instrument_id, o.bracket_id, slot, 0, change_e4=delta, value_e4=o.cum_value_e4, is_news=is_news)
    return delta


cdef int64_t price_unpriced(core_t* c, int instrument_id) noexcept nogil:
    """The first price of an instrument stands for that of its fills of which nothing at all was known. Returns the change of profit."""
    cdef order_t* o
    cdef int64_t px, d_value_e4, delta = 0
    cdef int slot
    for slot in range(c.n_orders):
        o = &c.orders[slot]
        if o.instrument_id != instrument_id or o.worth != WORTH_UNPRICED:
            continue
        px = substitute_e4(c, slot)
        if px > 0:
            d_value_e4 = px * o.cum_qty - o.cum_value_e4
            o.cum_value_e4 += d_value_e4
            delta += correct(c, slot, d_value_e4)
            set_worth(c, slot, WORTH_UNKNOWN)
    return delta
