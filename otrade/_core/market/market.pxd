"""Last tick, depth, bars. See `market.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.types cimport bar_t, instrument_t, market_t, series_t, tick_t

cdef enum:
    DROP = 0
    TAKE = 1
    DEPTH = 2

cdef int arbitrate(
    market_t* market, const tick_t* tick, int feed, int alive, int64_t ts_recv_ns, int64_t failover_ns
) noexcept nogil
cdef bint is_believed(const market_t* market, int feed, int alive, int64_t ts_recv_ns, int64_t failover_ns) noexcept nogil
cdef void take_depth(market_t* market, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil
cdef int take_part(market_t* market, const tick_t* tick, int feed, int64_t ts_recv_ns) noexcept nogil
cdef int take_tick(market_t* market, const instrument_t* inst, const tick_t* tick, int64_t ts_recv_ns, int64_t jump_bps) noexcept nogil
cdef int begin_bar(series_t* series, const instrument_t* inst, int64_t px_e4, int64_t d_volume, int64_t ts_ns) noexcept nogil
cdef void join_bar(series_t* series, const bar_t* bar, int64_t from_ns) noexcept nogil
cdef int close_due(series_t* series, int64_t ts_ns, int64_t grace_ns) noexcept nogil
cdef int64_t due_ns(const series_t* series, int64_t grace_ns) noexcept nogil


cdef inline int take_price(series_t* s, const instrument_t* inst, int64_t px_e4, int64_t d_volume, int64_t ts_ns) noexcept nogil:
    """Put a price into its bar. 1 when that closed a bar (now in `last`), else 0. Outside the session there are no bars."""
    if ts_ns < inst.open_ns or ts_ns >= inst.close_ns:
        return 0
    if not s.has_bar or ts_ns < s.bar.ts_open_ns or ts_ns >= s.bar.ts_open_ns + s.interval_ns:
        return begin_bar(s, inst, px_e4, d_volume, ts_ns)
    if px_e4 > s.bar.high_e4:
        s.bar.high_e4 = px_e4
    elif px_e4 < s.bar.low_e4:
        s.bar.low_e4 = px_e4
    s.bar.close_e4 = px_e4
    s.bar.volume += d_volume
    s.bar.n_ticks += 1
    return 0
