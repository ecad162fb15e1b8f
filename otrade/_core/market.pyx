# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What is known of each instrument: the last tick, its depth, and bars aligned to the session's open.

A packet whose time goes back, whose time is ahead of ours, or whose price cannot be is refused, counted, and changes
nothing. Bars: the bar of a price is floor((t - open) / length), so every length starts at the opening bell. An interval
without a trade makes no bar (the next bar says how many were skipped in `gap`); indicators therefore see trades only, as the
usual charting packages do. A bar is closed by the first price after its end or, when none comes, by the timer.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from otrade._core.types cimport (
    HAS_DEPTH, HAS_QUOTE, REASON_OK, REASON_PRICE_ABSURD, REASON_PRICE_ZERO, REASON_TIME_AHEAD, REASON_TIME_BACK,
    instrument_t, market_t, series_t, tick_t,
)

cdef enum:
    ABSURD_REPEATS = 3

cdef int64_t VOLUME_WRAP = 1 << 31
cdef int64_t AHEAD_MAX_NS = 60_000_000_000


cdef inline int64_t _distance(int64_t a, int64_t b) noexcept nogil:
    return a - b if a > b else b - a


cdef bint _is_absurd(market_t* market, const instrument_t* inst, const tick_t* tick, int64_t jump_bps) noexcept nogil:
    """A price outside the day's band, or a jump beyond `jump_bps` of the last one (of the former close at first).

    A jump that three packets in a row agree on within 1 % is believed: real markets gap, one bad packet does not repeat.
    """
    cdef int64_t px = tick.ltp_e4
    cdef int64_t ref = market.ltp_e4 if market.ltp_e4 > 0 else tick.close_e4
    if inst.band_hi_e4 > 0 and (px > inst.band_hi_e4 or px < inst.band_lo_e4):
        return True
    if ref <= 0 or jump_bps <= 0 or _distance(px, ref) <= ref // 10_000 * jump_bps + ref % 10_000 * jump_bps // 10_000:
        market.n_absurd = 0
        return False
    if market.n_absurd > 0 and _distance(px, market.absurd_px_e4) <= market.absurd_px_e4 // 100:
        market.n_absurd += 1
    else:
        market.n_absurd = 1
    market.absurd_px_e4 = px
    if market.n_absurd < ABSURD_REPEATS:
        return True
    market.n_absurd = 0
    return False


cdef void take_depth(market_t* market, const tick_t* tick) noexcept nogil:
    """Take the order book's five levels and nothing else."""
    market.has_depth = 1
    memcpy(market.depth_bid_px_e4, tick.bid_px_e4, sizeof(market.depth_bid_px_e4))
    memcpy(market.depth_ask_px_e4, tick.ask_px_e4, sizeof(market.depth_ask_px_e4))
    memcpy(market.depth_bid_qty, tick.bid_qty, sizeof(market.depth_bid_qty))
    memcpy(market.depth_ask_qty, tick.ask_qty, sizeof(market.depth_ask_qty))
    market.bid_px_e4 = tick.bid_px_e4[0]
    market.ask_px_e4 = tick.ask_px_e4[0]
    market.bid_qty = tick.bid_qty[0]
    market.ask_qty = tick.ask_qty[0]


cdef int arbitrate(
    market_t* market, const tick_t* tick, int feed, int alive, int64_t ts_recv_ns, int64_t failover_ns
) noexcept nogil:
    """Which of two feeds to believe: TAKE, DROP, or DEPTH (the same trades again, perhaps with a newer order book).

    The day's volume is the exchange's own count and orders what the feeds say, whatever their clocks: more of it is news from
    whichever feed brings it, less is old, and the same from the other feed has been seen. Where there is no volume (an index, a
    feed of prices alone) one feed is believed, until it is down (`alive` has a bit for each feed) or silent for `failover_ns`.
    """
    if market.n_ticks == 0:
        market.feed = feed
    elif tick.volume > 0 and market.volume > 0:
        # A counter of 32 bits starts again at 0; nothing else ever loses half of its range.
        if tick.volume < market.volume and market.volume - tick.volume < VOLUME_WRAP:
            return DROP
        if tick.volume == market.volume and feed != market.feed_last:
            return DEPTH
    elif feed != market.feed:
        if alive >> market.feed & 1 and ts_recv_ns - market.ts_recv_ns <= failover_ns:
            return DROP
        market.feed = feed
    if feed != market.feed_last:
        market.ts_exch_ns = 0  # the other feed's clock says nothing about this one's
        market.feed_last = feed
    return TAKE


cdef int take_tick(market_t* market, const instrument_t* inst, const tick_t* tick, int64_t ts_recv_ns, int64_t jump_bps) noexcept nogil:
    """Take one decoded packet. REASON_OK, or the 1xx reason for which it was refused."""
    if tick.ltp_e4 <= 0:
        market.n_refused += 1
        return REASON_PRICE_ZERO
    if tick.ts_exch_ns > 0:
        if tick.ts_exch_ns < market.ts_exch_ns:
            market.n_refused += 1
            return REASON_TIME_BACK
        if tick.ts_exch_ns > ts_recv_ns + AHEAD_MAX_NS:
            market.n_refused += 1
            return REASON_TIME_AHEAD
    if _is_absurd(market, inst, tick, jump_bps):
        market.n_refused += 1
        return REASON_PRICE_ABSURD
    market.prev_ltp_e4 = market.ltp_e4 if market.ltp_e4 > 0 else tick.ltp_e4
    market.ltp_e4 = tick.ltp_e4
    market.ts_recv_ns = ts_recv_ns
    market.kind = tick.kind
    market.n_ticks += 1
    market.d_volume = 0
    if tick.ts_exch_ns > 0:
        market.ts_exch_ns = tick.ts_exch_ns
        market.ts_trade_ns = tick.ts_trade_ns
    # The day's volume only rises; the first packet's volume was traded before we listened and belongs to no bar.
    if tick.volume > market.volume:
        market.d_volume = tick.volume - market.volume if market.volume > 0 else 0
        market.volume = tick.volume
    if not tick.has & HAS_QUOTE:
        if tick.close_e4 > 0:
            market.close_e4 = tick.close_e4
        return REASON_OK
    market.open_e4 = tick.open_e4
    market.high_e4 = tick.high_e4
    market.low_e4 = tick.low_e4
    market.close_e4 = tick.close_e4
    market.ltq = tick.ltq
    market.avg_px_e4 = tick.avg_px_e4
    market.buy_qty = tick.buy_qty
    market.sell_qty = tick.sell_qty
    if tick.has & HAS_DEPTH:
        market.oi = tick.oi
        take_depth(market, tick)
    return REASON_OK


cdef inline void _start_bar(series_t* s, int64_t ts_open_ns, int64_t px_e4, int64_t d_volume) noexcept nogil:
    s.bar.ts_open_ns = ts_open_ns
    s.bar.open_e4 = px_e4
    s.bar.high_e4 = px_e4
    s.bar.low_e4 = px_e4
    s.bar.close_e4 = px_e4
    s.bar.volume = d_volume
    s.bar.n_ticks = 1
    s.bar.gap = 0
    s.has_bar = 1


cdef inline void _close_bar(series_t* s) noexcept nogil:
    s.last = s.bar
    s.n_closed += 1
    s.has_bar = 0


cdef int take_price(series_t* s, const instrument_t* inst, int64_t px_e4, int64_t d_volume, int64_t ts_ns) noexcept nogil:
    """Put a price into its bar. 1 when that closed a bar (now in `last`), else 0. Outside the session there are no bars."""
    cdef int64_t start, since
    cdef int closed = 0
    if ts_ns < inst.open_ns or ts_ns >= inst.close_ns:
        return 0
    if s.has_bar and ts_ns >= s.bar.ts_open_ns and ts_ns < s.bar.ts_open_ns + s.interval_ns:
        if px_e4 > s.bar.high_e4:
            s.bar.high_e4 = px_e4
        elif px_e4 < s.bar.low_e4:
            s.bar.low_e4 = px_e4
        s.bar.close_e4 = px_e4
        s.bar.volume += d_volume
        s.bar.n_ticks += 1
        return 0
    start = inst.open_ns + (ts_ns - inst.open_ns) // s.interval_ns * s.interval_ns
    since = s.bar.ts_open_ns if s.n_closed or s.has_bar else start
    if start < since or (not s.has_bar and s.n_closed and start <= since):
        s.n_late += 1  # belongs to a bar that was closed already; the closed bar stands
        return 0
    if s.has_bar:
        _close_bar(s)
        closed = 1
    _start_bar(s, start, px_e4, d_volume)
    if s.n_closed:
        s.bar.gap = (start - s.last.ts_open_ns) // s.interval_ns - 1
        s.n_gaps += s.bar.gap
    return closed


cdef int64_t due_ns(const series_t* s, const instrument_t* inst, int64_t grace_ns) noexcept nogil:
    """When the timer must close the running bar; 0 when none runs. The last bar ends with the session."""
    cdef int64_t end
    if not s.has_bar:
        return 0
    end = s.bar.ts_open_ns + s.interval_ns
    if end > inst.close_ns:
        end = inst.close_ns
    return end + grace_ns


cdef int close_due(series_t* s, const instrument_t* inst, int64_t ts_ns, int64_t grace_ns) noexcept nogil:
    """Close the running bar if its time is over. The grace lets the bar's last packet arrive."""
    cdef int64_t due = due_ns(s, inst, grace_ns)
    if due == 0 or ts_ns < due:
        return 0
    _close_bar(s)
    return 1
