# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What is known of each instrument: the last trade, the order book, and bars aligned to the session's open.

**Packets.** A packet whose time goes back, whose time is ahead of ours, or whose price cannot be is refused, counted, and changes
nothing. A packet may bring parts (Upstox) or kinds (Kite): what did not come is kept. One without a last trade says that the feed and
the instrument live and what the book is; it is no price. The last trade's time and the packet's own are two clocks, and each is
compared with itself alone: more volume is news whatever they say, and a later trade is never late because some frame was earlier.

**Trades make bars, and signals.** A packet brings a trade when the day's volume or the last trade's time is higher than any seen.
Whatever else comes (the order book moved, a packet sent twice, a block of them told again, the cached one after subscribing) makes no
bar, moves none, and is not shown to a tick strategy, because its averages would count packets and not trades. That is one rule for
both brokers. A last price that is ahead of its volume counts at once for stops, targets and profit, and for bars and strategies with
the packet that has the volume. Where the wire has neither volume nor trade time (Kite's ltp mode, an index in quote mode) another
price is a trade; an index that says its own time is new with each second of it. A trade belongs to the bar of its own time, or of
its packet's where the wire has none, or else of its arrival.

Bars: the bar of a price is floor((t - open) / length), so every length starts at the opening bell. An interval
without a trade makes no bar (the next bar says how many were skipped in `gap`); indicators therefore see trades only, as the
usual charting packages do. A bar is closed by the first price after its end or, when none comes, by the timer.

A day that begins while a bar runs takes that bar from history (`join_bar`), or leaves it out: half a bar is none.

**The order book.** A bid or ask of 0 is unknown or nobody's. A book without any price, or whose bid is above its ask, tells nothing:
the one before stands for two seconds, and then the book is unknown. A book with one side is a locked circuit, and is taken.

**Prices that cannot be.** `px_jump_bps_max` is how far one packet may move the price without more evidence; 0 turns the test off.
A farther move is believed at once
 - when it is of a few ticks: an option at 1.00 moves by 5 % a tick;
 - when the time since the last trade allows it: the limit grows by itself every five seconds;
 - when the order book agrees: bid and ask around the new price, in the packet or newer than the last trade, and close together;
but never beyond four times, or a quarter, of the last price (one and a half times for shares and indices, which do not move like
options): a wrong decimal point can take its book with it. What is not believed at once is refused until it is confirmed: by a second
packet near it, with a book that agrees or a second later; by a third; or because five packets in a row were refused, whatever they
said. A packet sent twice confirms nothing. So a single bad packet moves nothing, and a true price is refused five times at most.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from otrade._core.types cimport (
    HAS_AVERAGE, HAS_DEPTH, HAS_OFFERED, HAS_OI, HAS_QUOTE, HAS_TRADE, HAS_VOLUME, HAS_WANTED, REASON_OK, REASON_PRICE_ABSURD,
    REASON_PRICE_ZERO, REASON_TIME_AHEAD, REASON_TIME_BACK, bar_t, instrument_t, market_t, series_t, tick_t,
)

cdef enum:
    FEW_TICKS = 10
    AGREE_MAX = 3  # packets that agree with one another are believed
    REFUSED_MAX = 5  # and so is the next one after that many, whatever they said
    ALL_PARTS = HAS_TRADE | HAS_QUOTE | HAS_DEPTH | HAS_VOLUME | HAS_OI | HAS_AVERAGE | HAS_WANTED | HAS_OFFERED
    # Segments in which options trade, as bits: NFO, CDS, BFO, BCD, MCX, MCXSX, NCO.
    DERIVATIVES = 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 12

cdef int64_t VOLUME_WRAP = 1 << 31
cdef int64_t SECOND_NS = 1_000_000_000
cdef int64_t AHEAD_MAX_NS = 60_000_000_000
cdef int64_t GROWTH_NS = 5_000_000_000  # the jump that is allowed grows by itself in this time
cdef int64_t GROWTH_MAX_NS = 3_600_000_000_000
cdef int64_t BOOK_KEPT_NS = 2_000_000_000  # how long a book outlives packets with none


cdef inline int64_t _distance(int64_t a, int64_t b) noexcept nogil:
    return a - b if a > b else b - a


cdef inline int64_t _share(int64_t px, int64_t bps) noexcept nogil:
    """`bps` of a price, without overflow."""
    return px // 10_000 * bps + px % 10_000 * bps // 10_000


cdef bint _means_it(int64_t bid, int64_t ask, int64_t few) noexcept nogil:
    return bid > 0 and 0 <= ask - bid <= (few if few > bid // 4 else bid // 4)


cdef bint _book_agrees(int64_t bid, int64_t ask, int64_t px, int64_t few) noexcept nogil:
    """Bid and ask stand around this price, and are near enough to each other to mean it."""
    cdef int64_t width = ask - bid
    if not _means_it(bid, ask, few):
        return False
    if width < few:
        width = few  # the trade took the touch, and the next level is a little away
    return bid - width <= px <= ask + width


cdef bint _book_denies(int64_t bid, int64_t ask, int64_t px, int64_t few) noexcept nogil:
    """They stand near each other, and nowhere near this price: not within twice of it."""
    return _means_it(bid, ask, few) and (px > 2 * ask or 2 * px < bid)


cdef bint _is_confirmed(
    market_t* market, const instrument_t* inst, const tick_t* tick, int64_t ref, int64_t ts_recv_ns, int64_t jump_bps
) noexcept nogil:
    """Is a price beyond the limit to be believed all the same? Keeps the account of the run of refused ones."""
    cdef int64_t px = tick.ltp_e4
    cdef int64_t few = FEW_TICKS * inst.tick_size_e4
    cdef int64_t low = px if px < ref else ref
    cdef int64_t high = ref if px < ref else px
    cdef int64_t elapsed = ts_recv_ns - market.ts_price_ns
    cdef int64_t bid = 0, ask = 0
    cdef bint agrees
    if high - low <= few:
        return True
    if tick.has & HAS_DEPTH:
        bid, ask = tick.bid_px_e4[0], tick.ask_px_e4[0]
    elif market.has_depth and market.ts_book_ns > market.ts_price_ns:
        bid, ask = market.bid_px_e4, market.ask_px_e4
    agrees = _book_agrees(bid, ask, px, few)
    if high // 2 <= (low * 2 if inst.segment < 32 and DERIVATIVES >> inst.segment & 1 else low * 3 // 4):
        elapsed = 0 if elapsed < 0 else (GROWTH_MAX_NS if elapsed > GROWTH_MAX_NS else elapsed)
        if agrees or not _book_denies(bid, ask, px, few) and high - low <= _share(
                low, jump_bps + jump_bps * (elapsed // 1_000_000) // (GROWTH_NS // 1_000_000)):
            return True
    # A packet that is sent twice is one packet.
    if market.n_absurd > 0 and px == market.absurd_px_e4 and tick.ts_exch_ns > 0 and (
            tick.ts_exch_ns == market.absurd_ts_ns and tick.volume == market.absurd_volume):
        return False
    if market.n_absurd == 0:
        market.absurd_since_ns = ts_recv_ns
        market.n_agree = 1
    else:
        low = _share(market.absurd_px_e4, jump_bps)
        market.n_agree = market.n_agree + 1 if _distance(px, market.absurd_px_e4) <= (low if low > few else few) else 1
    market.n_absurd += 1
    market.absurd_px_e4 = px
    market.absurd_ts_ns = tick.ts_exch_ns
    market.absurd_volume = tick.volume
    return (
        market.n_agree >= AGREE_MAX
        or (market.n_agree == 2 and (agrees or ts_recv_ns - market.absurd_since_ns >= SECOND_NS))
        or market.n_absurd > REFUSED_MAX
    )


cdef inline bint _is_absurd(
    market_t* market, const instrument_t* inst, const tick_t* tick, int64_t ts_recv_ns, int64_t jump_bps
) noexcept nogil:
    """A jump that nothing confirms (of the former close at first). No price is refused for its band: bands move."""
    cdef int64_t px = tick.ltp_e4
    cdef int64_t ref = market.ltp_e4 if market.ltp_e4 > 0 else tick.close_e4
    if ref > 0 and jump_bps > 0 and _distance(px, ref) * 10_000 > ref * jump_bps and not _is_confirmed(
            market, inst, tick, ref, ts_recv_ns, jump_bps):
        return True
    market.n_absurd = 0
    return False


cdef void _miss_book(market_t* market, int64_t ts_recv_ns) noexcept nogil:
    """A packet whose book tells nothing: the one before is unknown once it is old."""
    if market.has_depth and ts_recv_ns - market.ts_book_ns <= BOOK_KEPT_NS:
        return
    market.has_depth = 0
    market.bid_px_e4 = market.ask_px_e4 = market.bid_qty = market.ask_qty = 0
    memset(market.depth_bid_px_e4, 0, sizeof(market.depth_bid_px_e4))
    memset(market.depth_ask_px_e4, 0, sizeof(market.depth_ask_px_e4))
    memset(market.depth_bid_qty, 0, sizeof(market.depth_bid_qty))
    memset(market.depth_ask_qty, 0, sizeof(market.depth_ask_qty))


cdef inline void _take_book(market_t* market, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil:
    """`take_depth`, compiled into what takes the whole packet."""
    # Both sides and not crossed, or one side alone.
    if tick.bid_px_e4[0] > tick.ask_px_e4[0] > 0 or tick.bid_px_e4[0] | tick.ask_px_e4[0] == 0:
        _miss_book(market, ts_recv_ns)
        return
    market.has_depth = 1
    market.ts_book_ns = ts_recv_ns
    memcpy(market.depth_bid_px_e4, tick.bid_px_e4, sizeof(market.depth_bid_px_e4))
    memcpy(market.depth_ask_px_e4, tick.ask_px_e4, sizeof(market.depth_ask_px_e4))
    memcpy(market.depth_bid_qty, tick.bid_qty, sizeof(market.depth_bid_qty))
    memcpy(market.depth_ask_qty, tick.ask_qty, sizeof(market.depth_ask_qty))
    market.bid_px_e4 = tick.bid_px_e4[0]
    market.ask_px_e4 = tick.ask_px_e4[0]
    market.bid_qty = tick.bid_qty[0]
    market.ask_qty = tick.ask_qty[0]


cdef void take_depth(market_t* market, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil:
    """Take the order book's five levels and nothing else."""
    _take_book(market, tick, ts_recv_ns)


cdef int arbitrate(
    market_t* market, const tick_t* tick, int feed, int alive, int64_t ts_recv_ns, int64_t failover_ns
) noexcept nogil:
    """Which of two feeds to believe: TAKE, DROP, or DEPTH (the same trades again, perhaps with a newer order book).

    The day's volume is the exchange's own count and orders what the feeds say, whatever their clocks: more of it is news from
    whichever feed brings it, less is old, and the same from the other feed has been seen. Where there is no volume (an index, a
    feed of prices alone) one feed is believed, until it is down (`alive` has a bit for each feed) or silent for `failover_ns`.

    A volume that was wrong once, and too high, would make all that follows old, of both feeds and for the day: where no trade has been
    taken for `failover_ns`, a later trade by the exchange's own time (a second at least: one broker says whole ones) is believed with
    the lower volume it has.
    """
    if market.n_ticks == 0:
        market.feed = feed
    elif tick.volume > 0 and market.volume > 0:
        # A counter of 32 bits starts again at 0; nothing else ever loses half of its range.
        if tick.volume < market.volume and market.volume - tick.volume < VOLUME_WRAP and (
                tick.ts_trade_ns < market.ts_trade_ns + SECOND_NS or ts_recv_ns - market.ts_price_ns <= failover_ns):
            return DROP
        if tick.volume == market.volume and feed != market.feed_last:
            return DEPTH
    elif feed != market.feed:
        if alive >> market.feed & 1 and ts_recv_ns - market.ts_recv_ns <= failover_ns:
            return DROP
        market.feed = feed
    if feed != market.feed_last:
        _follow(market, feed)
    return TAKE


cdef void _follow(market_t* market, int feed) noexcept nogil:
    """From now on the other feed's packets are compared with each other: their own clock is another, and one of the two brokers says
    the last trade's time in whole seconds.
    """
    market.ts_exch_ns = 0
    market.ts_trade_ns -= market.ts_trade_ns % SECOND_NS
    market.feed_last = feed


cdef bint is_believed(const market_t* market, int feed, int alive, int64_t ts_recv_ns, int64_t failover_ns) noexcept nogil:
    """Of two feeds: is a message without a last trade, which nothing orders, taken from this one? It is from the one that brought the
    last news, and from the other when that one is down or silent.
    """
    return (
        market.n_ticks == 0 or feed == market.feed_last
        or not alive >> market.feed_last & 1 or ts_recv_ns - market.ts_recv_ns > failover_ns
    )


cdef inline void _take_known(market_t* market, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil:
    """The parts that came, beside the last trade."""
    if tick.close_e4 > 0:
        market.close_e4 = tick.close_e4
    if tick.has & HAS_QUOTE:
        market.open_e4 = tick.open_e4
        market.high_e4 = tick.high_e4
        market.low_e4 = tick.low_e4
    if tick.has & HAS_AVERAGE:
        market.avg_px_e4 = tick.avg_px_e4
    if tick.has & HAS_WANTED:
        market.buy_qty = tick.buy_qty
    if tick.has & HAS_OFFERED:
        market.sell_qty = tick.sell_qty
    if tick.has & HAS_OI:
        market.oi = tick.oi
    if tick.has & HAS_DEPTH:
        _take_book(market, tick, ts_recv_ns)


cdef int take_part(market_t* market, const tick_t* tick, int feed, int64_t ts_recv_ns) noexcept nogil:
    """Take a message without a last trade: life, and what came of the book and the day. REASON_OK, or a 1xx reason."""
    if tick.has == 0:
        return REASON_OK  # greeks, or nothing at all: no word about price or book
    if tick.ts_exch_ns > ts_recv_ns + AHEAD_MAX_NS:
        market.n_refused += 1
        return REASON_TIME_AHEAD
    if feed != market.feed_last:
        _follow(market, feed)
    market.kind = tick.kind
    if tick.ts_exch_ns > 0:
        market.ts_exch_ns = tick.ts_exch_ns
    if market.n_absurd == 0:
        market.ts_recv_ns = ts_recv_ns  # a price in doubt grows old until it is settled
    _take_known(market, tick, ts_recv_ns)
    return REASON_OK


cdef int take_tick(market_t* market, const instrument_t* inst, const tick_t* tick, int64_t ts_recv_ns, int64_t jump_bps) noexcept nogil:
    """Take one decoded packet with a last trade. REASON_OK, or the 1xx reason for which it was refused."""
    cdef int64_t latest, more = 0, volume = tick.volume
    cdef bint traded
    if tick.ltp_e4 <= 0:
        market.n_refused += 1
        return REASON_PRICE_ZERO
    if market.bare and tick.ts_trade_ns == market.ts_trade_ns:
        volume = 0  # of a trade that came without it: the next trade brings both
    if tick.ts_trade_ns <= 0 and tick.ts_exch_ns <= 0 and (
            market.feeds_timed >> market.feed_last & 1 or not market.feeds_heard >> market.feed_last & 1):
        # Right after subscribing, and after each reconnect, Kite sends the last packet in a mode without times: its trade may be old.
        # The next packet in full brings its volume and its time. Who never tells a time (quote mode) is not waited for, whatever another
        # feed has told.
        volume = 0
    if volume > 0:
        more = volume - market.volume
        if more < -VOLUME_WRAP:
            more += 2 * VOLUME_WRAP
    traded = more > 0 or tick.ts_trade_ns > market.ts_trade_ns
    if tick.ts_exch_ns > 0:
        # Older than what is known: it tells of no new trade, and one of its clocks, or the volume, is behind.
        if not traded and (
                tick.ts_exch_ns < market.ts_exch_ns or (
                    tick.ts_trade_ns > 0 and (tick.ts_trade_ns < market.ts_trade_ns or more < 0))):
            market.n_refused += 1
            return REASON_TIME_BACK
        latest = ts_recv_ns + AHEAD_MAX_NS
        if tick.ts_exch_ns > latest or tick.ts_trade_ns > latest:
            market.n_refused += 1
            return REASON_TIME_AHEAD
    if _is_absurd(market, inst, tick, ts_recv_ns, jump_bps):
        market.n_refused += 1
        return REASON_PRICE_ABSURD
    market.feeds_heard |= 1 << market.feed_last
    if tick.ts_trade_ns > 0:
        market.feeds_timed |= 1 << market.feed_last
    market.ts_bar_ns = tick.ts_trade_ns
    if not traded and tick.volume <= 0 and tick.ts_trade_ns <= 0:
        # Nothing but the price, or an index's own time, can tell of a trade.
        traded = tick.ltp_e4 != market.ltp_e4 or (not tick.tradable and tick.ts_exch_ns > market.ts_exch_ns)
        market.ts_bar_ns = tick.ts_exch_ns
    market.traded = traded
    market.prev_ltp_e4 = market.ltp_e4 if market.ltp_e4 > 0 else tick.ltp_e4
    market.ltp_e4 = tick.ltp_e4
    market.ts_recv_ns = ts_recv_ns
    market.kind = tick.kind
    market.n_ticks += 1
    market.d_volume = 0
    if traded:
        market.ts_price_ns = ts_recv_ns
        market.bare = not tick.has & HAS_VOLUME
    if tick.ts_exch_ns > 0:
        market.ts_exch_ns = tick.ts_exch_ns
    if tick.ts_trade_ns > market.ts_trade_ns:
        market.ts_trade_ns = tick.ts_trade_ns
    elif traded and market.ts_bar_ns > 0 and market.ts_bar_ns < market.ts_trade_ns:
        market.ts_bar_ns = market.ts_trade_ns  # more volume: a later trade, whatever its time says
    # The day's volume only rises; the first packet's volume was traded before we listened and belongs to no bar.
    if volume > 0:
        if more > 0 and market.volume > 0:
            market.d_volume = more
        market.volume = volume
    if tick.ltq > 0:
        market.ltq = tick.ltq
    if tick.has != ALL_PARTS:
        _take_known(market, tick, ts_recv_ns)
        return REASON_OK
    market.open_e4 = tick.open_e4
    market.high_e4 = tick.high_e4
    market.low_e4 = tick.low_e4
    market.close_e4 = tick.close_e4
    market.avg_px_e4 = tick.avg_px_e4
    market.buy_qty = tick.buy_qty
    market.sell_qty = tick.sell_qty
    market.oi = tick.oi
    _take_book(market, tick, ts_recv_ns)
    return REASON_OK


cdef inline void _start_bar(
    series_t* s, const instrument_t* inst, int64_t ts_open_ns, int64_t px_e4, int64_t d_volume
) noexcept nogil:
    s.bar.ts_open_ns = ts_open_ns
    s.bar.ts_end_ns = ts_open_ns + s.interval_ns
    if s.bar.ts_end_ns > inst.close_ns:
        s.bar.ts_end_ns = inst.close_ns
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


cdef int begin_bar(series_t* s, const instrument_t* inst, int64_t px_e4, int64_t d_volume, int64_t ts_ns) noexcept nogil:
    """A price of the session that is not in the running bar: the rest of `take_price`."""
    cdef int64_t since, start = inst.open_ns + (ts_ns - inst.open_ns) // s.interval_ns * s.interval_ns
    cdef int closed = 0
    if start < s.from_ns:
        return 0  # its beginning was not seen
    since = s.bar.ts_open_ns if s.n_closed or s.has_bar else start
    if start < since or (not s.has_bar and s.n_closed and start <= since):
        s.n_late += 1  # belongs to a bar that was closed already; the closed bar stands
        return 0
    if s.has_bar:
        _close_bar(s)
        closed = 1
    _start_bar(s, inst, start, px_e4, d_volume)
    if s.n_closed:
        s.bar.gap = (start - s.last.ts_open_ns) // s.interval_ns - 1
        s.n_gaps += s.bar.gap
    return closed


cdef void join_bar(series_t* s, const bar_t* bar, int64_t from_ns) noexcept nogil:
    """A day begins while a bar runs: that bar as history has it so far (NULL: it is left out), none before it."""
    s.from_ns = from_ns
    if bar != NULL:
        s.bar = bar[0]
        s.bar.gap = 0
        s.bar.n_ticks = 0
        s.has_bar = 1


cdef int64_t due_ns(const series_t* s, int64_t grace_ns) noexcept nogil:
    """When the timer must close the running bar; 0 when none runs. The last bar ends with the session."""
    return s.bar.ts_end_ns + grace_ns if s.has_bar else 0


cdef int close_due(series_t* s, int64_t ts_ns, int64_t grace_ns) noexcept nogil:
    """Close the running bar if its time is over. The grace lets the bar's last packet arrive."""
    cdef int64_t due = due_ns(s, grace_ns)
    if due == 0 or ts_ns < due:
        return 0
    _close_bar(s)
    return 1
