# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the broker said by REST of one instrument: price bands, last price, best bid and ask, with its age.

Bands move. Shares with derivatives and their futures flex during the day, both edges slide, and limit orders outside are cancelled by
the exchange (NSE/FAOP/62199 and 64995, BSE 20241112-10). A band is believed while it is *fresh*: read within `BAND_FRESH_NS`, and
no price has been beyond it since. A band that is not fresh clamps nothing and refuses nothing: the exchange knows better.

A quote never overwrites a tick, makes no bar and no signal. It serves the ways out alone: where the feed has been silent for
`TOUCH_OLD_NS`, the newer of tick and quote is the touch. A quote is as old as its question, for it may have waited on its way.
"""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport BR_EXITING, bracket_t, instrument_t, market_t

cdef int64_t BAND_FRESH_NS = 120_000_000_000
cdef int64_t TOUCH_OLD_NS = 3_000_000_000
cdef int64_t STILL_NS = 30_000_000_000  # a feed that lives and says nothing of an instrument for so long is not believed about it
cdef int64_t NEAR_BPS = 150
# How old a quote may be before another is wanted. The minute's budget is in docs/operations.md.
cdef int64_t FLAT_NS = 300_000_000_000
cdef int64_t OPEN_NS = 60_000_000_000
cdef int64_t NEAR_NS = 15_000_000_000
cdef int64_t BEYOND_NS = 10_000_000_000
cdef int64_t EXITING_NS = 2_000_000_000


cdef bint is_outside(const instrument_t* inst, int64_t px_e4) noexcept nogil:
    """Beyond the band that was read last, fresh or not."""
    return inst.band_hi_e4 > 0 and (px_e4 > inst.band_hi_e4 or px_e4 < inst.band_lo_e4)


cdef bint band_is_fresh(const instrument_t* inst, int64_t now_ns) noexcept nogil:
    return (inst.band_hi_e4 > 0 and inst.band_ts_ns > 0 and now_ns - inst.band_ts_ns <= BAND_FRESH_NS
            and not inst.band_doubted)


cdef bint is_newer_than_tick(const core_t* c, int instrument_id) noexcept nogil:
    cdef const instrument_t* inst = &c.instruments[instrument_id]
    return inst.quote_ltp_e4 > 0 and inst.quote_ts_ns > c.markets[instrument_id].ts_recv_ns


cdef bint touch_is_old(const core_t* c, int instrument_id) noexcept nogil:
    """Is neither tick nor quote young enough to price an exit from? A feed that lives says nothing of a market that stands still."""
    cdef const instrument_t* inst = &c.instruments[instrument_id]
    cdef int64_t newest = c.markets[instrument_id].ts_recv_ns
    if is_newer_than_tick(c, instrument_id):
        newest = inst.quote_ts_ns
    if c.now_ns - newest <= TOUCH_OLD_NS:
        return False
    return c.now_ns - newest > STILL_NS or not c.feed_alive or c.now_ns - c.ts_frame_ns > TOUCH_OLD_NS


cdef bint take(
    core_t* c, int instrument_id, int64_t ts_ask_ns, int64_t ltp_e4, int64_t bid_px_e4, int64_t ask_px_e4, int64_t band_lo_e4,
    int64_t band_hi_e4
) noexcept nogil:
    """Keep one answer; 0 is what it did not say. True when the band that may be believed is another one than before."""
    cdef instrument_t* inst = &c.instruments[instrument_id]
    cdef market_t* m = &c.markets[instrument_id]
    cdef bint was_fresh = band_is_fresh(inst, c.now_ns)
    cdef int64_t lo = inst.band_lo_e4, hi = inst.band_hi_e4
    if ts_ask_ns < inst.quote_ts_ns:
        return False
    inst.quote_ts_ns = ts_ask_ns
    inst.quote_wanted = 0
    inst.quote_ltp_e4 = ltp_e4
    inst.quote_bid_e4 = bid_px_e4
    inst.quote_ask_e4 = ask_px_e4
    if 0 < band_lo_e4 < band_hi_e4:
        inst.band_lo_e4 = band_lo_e4
        inst.band_hi_e4 = band_hi_e4
        inst.band_ts_ns = ts_ask_ns
        # A band that the price has left already is no better than the one before; it is read again.
        inst.band_doubted = is_outside(inst, ltp_e4) if ltp_e4 > 0 else False
        if m.ts_recv_ns > ts_ask_ns and is_outside(inst, m.ltp_e4):
            inst.band_doubted = 1
    elif inst.band_hi_e4 == 0:
        inst.band_doubted = 0  # there is none
    if not band_is_fresh(inst, c.now_ns):
        return False
    return not was_fresh or lo != inst.band_lo_e4 or hi != inst.band_hi_e4


cdef bint is_wanted(const core_t* c, int instrument_id, int64_t now_ns) noexcept nogil:
    """Is a quote due? At once where a refusal or a price beyond the band asks for it; otherwise by what hangs on it."""
    cdef const instrument_t* inst = &c.instruments[instrument_id]
    cdef const market_t* m = &c.markets[instrument_id]
    cdef const bracket_t* b
    cdef int64_t age = now_ns - inst.quote_ts_ns
    cdef int64_t due = FLAT_NS
    cdef int64_t edge = m.ltp_e4 // 10_000 * NEAR_BPS
    cdef int id = inst.bracket_head
    if inst.close_ns > 0 and (now_ns < inst.open_ns or now_ns >= inst.close_ns):
        return False
    if inst.quote_wanted:
        return True
    if id >= 0:
        due = OPEN_NS
    if inst.band_hi_e4 > 0 and m.ltp_e4 > 0 and (m.ltp_e4 + edge >= inst.band_hi_e4 or m.ltp_e4 - edge <= inst.band_lo_e4):
        due = NEAR_NS
    if inst.band_doubted:
        due = BEYOND_NS
    while id >= 0:
        b = &c.brackets[id]
        if b.state == BR_EXITING and b.open_qty != 0 and now_ns - m.ts_recv_ns > TOUCH_OLD_NS:
            due = EXITING_NS
        id = b.next
    return age >= due
