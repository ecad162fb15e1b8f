# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Charges in integers, owed from the fill on: the same to the paisa as `otrade.charges` counts them in decimals, which reports use.

Each line of an order is a share of its value, rounded half up to the paisa; GST is taken from the unrounded brokerage, exchange, SEBI
and protection fund. All of a bracket's orders are counted anew at each of its fills: an order that fills in parts pays one
brokerage, and shares for delivery that are sold on the same day are intraday.
"""
from libc.stdint cimport int32_t, int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport (
    EXIT_BROKER, LEG_ENTRY, SIDE_BUY, bracket_t, charge_rates_t, order_t, position_t, segment_rates_t, side_rates_t,
)

cdef extern from *:
    """
    typedef __int128 wide_t;  /* value (e4) times two rates (1e-12 each): up to 1e36 */
    """
    ctypedef long long wide_t

cdef int64_t UNIT = 1_000_000_000_000  # what the rates are parts of
cdef int64_t PAISA_E4 = 100


cdef inline int64_t _paise(wide_t amount, wide_t unit) noexcept nogil:
    """`amount` e4 rupees in parts of `unit`, half up to the paisa, in e4 rupees."""
    cdef wide_t paisa = unit * PAISA_E4
    return <int64_t>((2 * amount + paisa) // (2 * paisa)) * PAISA_E4


cdef int64_t _of_order(const segment_rates_t* rates, int side, int64_t value_e4, bint with_brokerage) noexcept nogil:
    """One order's charges without fees."""
    cdef const side_rates_t* share = &rates.buy if side == SIDE_BUY else &rates.sell
    cdef wide_t value = value_e4
    cdef wide_t brokerage = 0
    cdef wide_t taxed
    if with_brokerage:
        if rates.brokerage_flat_e4 >= 0:
            brokerage = <wide_t>rates.brokerage_flat_e4 * UNIT
        else:
            brokerage = value * rates.brokerage
            if brokerage > <wide_t>rates.brokerage_most_e4 * UNIT:
                brokerage = <wide_t>rates.brokerage_most_e4 * UNIT
    taxed = brokerage + value * (share.exchange + share.sebi + share.ipft)
    return (
        _paise(brokerage, UNIT) + _paise(value * share.stt, UNIT) + _paise(value * share.exchange, UNIT)
        + _paise(value * share.ipft, UNIT) + _paise(value * share.sebi, UNIT) + _paise(value * share.stamp, UNIT)
        + _paise(taxed * rates.gst, <wide_t>UNIT * UNIT)
    )


cdef inline bint _costs_brokerage(const segment_rates_t* rates) noexcept nogil:
    return rates.brokerage_flat_e4 > 0 or (rates.brokerage_flat_e4 < 0 and rates.brokerage > 0)


cdef int64_t _owed(core_t* c, int bracket_id) noexcept nogil:
    """All that the bracket's orders have cost by what they have traded."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef const charge_rates_t* rates = &c.charge_rates[b.instrument_id]
    cdef int64_t multiplier = c.instruments[b.instrument_id].multiplier
    cdef const order_t* o
    cdef int64_t bought = 0, sold = 0, left_bought, left_sold, both, value_e4, part_e4, sum_e4 = 0
    cdef int32_t* dp_bracket
    cdef bint squared_off
    cdef int slot
    if rates.is_delivery:
        slot = b.order_head
        while slot >= 0:
            o = &c.orders[slot]
            if o.side == SIDE_BUY:
                bought += o.cum_qty
            else:
                sold += o.cum_qty
            slot = o.next
    left_bought = left_sold = bought if bought < sold else sold
    slot = b.order_head
    while slot >= 0:
        o = &c.orders[slot]
        slot = o.next
        if o.cum_qty <= 0:
            continue
        value_e4 = o.cum_value_e4 * multiplier
        squared_off = b.exit_reason == EXIT_BROKER and o.cl_ord_id[0] == 0 and o.leg != LEG_ENTRY
        if squared_off:
            sum_e4 += rates.square_off_e4
        if not rates.is_delivery:
            sum_e4 += _of_order(&rates.own, o.side, value_e4, True)
            continue
        both = left_bought if o.side == SIDE_BUY else left_sold
        if both > o.cum_qty:
            both = o.cum_qty
        if o.side == SIDE_BUY:
            left_bought -= both
        else:
            left_sold -= both
        part_e4 = value_e4 * both // o.cum_qty
        if both > 0:
            # One order pays one brokerage, though it is charged in two parts.
            sum_e4 += _of_order(
                &rates.same_day, o.side, part_e4, both == o.cum_qty or not _costs_brokerage(&rates.own))
        if both < o.cum_qty:
            sum_e4 += _of_order(&rates.own, o.side, value_e4 - part_e4, True)
    if sold > bought:
        dp_bracket = &c.positions[rates.dp_at].dp_bracket
        if dp_bracket[0] == 0 or dp_bracket[0] == bracket_id + 1:
            dp_bracket[0] = bracket_id + 1
            sum_e4 += rates.dp_e4
    return sum_e4


cdef void refresh(core_t* c, int bracket_id) noexcept nogil:
    """One of the bracket's orders has traded, or is known to have traded at another price: bring the charges of bracket, position and
    day to what is owed now.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef position_t* p = &c.positions[b.instrument_id]
    cdef int64_t owed_e4 = _owed(c, bracket_id)
    cdef int64_t more_e4 = owed_e4 - b.charges_e4
    b.charges_e4 = owed_e4
    p.charges_e4 += more_e4
    c.risk.charges_e4 += more_e4
    if not c.charge_rates[b.instrument_id].known:
        p.uncharged = 1
        c.risk.uncharged = 1
