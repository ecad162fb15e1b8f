# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One day of a backtest: the core, the compiled exchange, and time between them. No Python object a tick or an order.

What a live day does around the core is done here by the same rules: commands leave by lane (`live/oms/order_router.py`), an answer and
reports come back, the order book is read when the core asks for it, and time passes in beats by the core's own rule
(`Pipeline.next_beat_ns`). A beat at which `on_timer` would change nothing is passed over. What is left out stands in docs/backtest.md.

**The path inside a bar.** Open, the extreme that is nearer to the open, the other one, close, at the bar's start, a third, two thirds and
a second before its end. Between two of them the price runs straight: where a stop, a target or a resting order's price lies on the way, the
market trades there, and a tick beyond it. Where stop and target of an open position lie in the same bar, the extreme on the stop's side comes first,
unless the better one has been asked for.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset, strncpy

from otrade._core.codecs.interface cimport OrderEncoder
from otrade._core.engine.engine cimport Engine
from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.orders cimport bracket, order, report
from otrade._core.state cimport core_t
from otrade._core.types cimport (
    BR_OPEN, CMD_LOOK, CMD_NEW, CMD_REPLACE, EV_ACCEPTED, EV_ACK, EV_CANCELED, EV_FILL_FULL, EV_REFUSED, EV_REJECTED, EV_WORKING,
    EXIT_NONE, HAS_DEPTH, HAS_TRADE, HAS_VOLUME, LEG_TARGET, ORD_PENDING_NEW, ORD_UNKNOWN, PENDING_NONE, REASON_BROKER_ORDER, REASON_OK,
    SOURCE_BOOK, TYPE_LIMIT, TYPE_SL, TYPE_SL_M, WORTH_EXACT,
    answer_t, bracket_t, command_t, order_t, report_t, tick_t,
)
from otrade.research.backtest.draws cimport keyed_fold, keyed_integer, text_number
from otrade.research.backtest.exchange cimport Exchange
from otrade.research.backtest.market_types cimport (
    BOOK_LAST, BOOK_PATH, BOOK_RECORDED, DO_ANSWER, DO_REPORT, DO_REQUEST, KIND_ANSWER, KIND_REQUEST, KIND_TRADES, LEVELS,
    due_t, exch_order_t, order_terms_t, screen_t,
)

from otrade.errors import EngineError

cdef enum:
    FEED_NONE, FEED_BARS, FEED_TRADES, FEED_TICKS, FEED_PATH
    FEED_MARKET  # packets that the exchange has; the core hears of them by frames
    LATENCY_NONE = 0
    LATENCY_CONSTANT = 1
    LATENCY_DRAWN = 2
    LATENCY_PAPER = 3  # as the simulated broker draws it
    BOOK_PERCENT_OF = 100
    COMPLETE = 2
    CANCELLED = 3
    REJECTED = 4
    DO_READ_BOOK = 20
    PATH_NEARER = 0  # the extreme that is nearer to the open
    PATH_HIGH = 1
    PATH_LOW = 2
    DO_BOOK_FRAME = 21

cdef int64_t SECOND_NS = 1_000_000_000
cdef int64_t MINUTE_NS = 60_000_000_000
cdef int64_t BEAT_FLAT_NS = 500_000_000
cdef int64_t BEAT_OPEN_NS = 100_000_000
cdef int64_t BOOK_GAP_NS = 1_000_000_000
cdef int64_t NEVER = (<int64_t>1 << 63) - 1

# One instrument's prices of the day, and how far they have come.
cdef struct feed_t:
    int32_t kind
    int32_t point  # of the bar: 0 open, 1 and 2 the extremes, 3 close
    int32_t is_high_first
    int32_t has_volume
    int64_t n, i
    int64_t length_ns
    const int64_t* ts_ns
    const int64_t* open_e4
    const int64_t* high_e4
    const int64_t* low_e4
    const int64_t* close_e4
    const int64_t* volume
    const tick_t* ticks
    int64_t next_ns  # of what comes next; NEVER: nothing
    int64_t next_e4
    int64_t from_ns, from_e4  # where the price was last
    int64_t to_ns, to_e4  # the point that it runs to
    int64_t total  # of the day
    tick_t tick  # what the core is told of a price; all else in it stays zero

cdef struct equity_t:
    int64_t ts_ns
    int64_t gross_e4
    int64_t charges_e4
    int64_t open_e4


# Delays of a simulated broker, from and to, and what its draws are keyed by.
cdef struct paper_t:
    int64_t request_low_ns, request_high_ns
    int64_t ack_low_ns, ack_high_ns
    int64_t push_low_ns, push_high_ns
    int64_t tick_low_ns, tick_high_ns
    uint64_t request_purpose, ack_purpose, push_purpose, tick_purpose
    int64_t book_percent
    int64_t sent_ns  # the feed's last frame: none overtakes another
    int64_t told_ns  # the same of order updates, where they have a stream of their own
    int32_t one_stream  # order updates come with the prices


cdef class NoEncoder(OrderEncoder):
    """Orders of a backtest become no bytes."""

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil:
        return 1


cdef class DayLoop:
    """Drives one engine through one day. `engine` is set up, its instruments in the exchange's order."""

    cdef Engine engine
    cdef Pipeline core
    cdef core_t* c
    cdef Exchange exchange
    cdef feed_t* feeds
    cdef int n
    cdef list keep
    cdef set by_broker  # orders of the broker's own that are booked
    cdef list squared_off
    cdef int64_t now_ns, beat_ns, book_next_ns, equity_next_ns
    cdef int64_t out_ns, back_ns
    cdef int latency
    cdef const int64_t* samples
    cdef int64_t n_samples
    cdef uint64_t seed_key
    cdef bint stop_first, every_beat
    cdef int path
    cdef equity_t* equity
    cdef int64_t n_equity, cap_equity
    cdef int64_t* worst
    cdef int64_t* best
    cdef int64_t* left  # the last price when a bracket began to leave
    cdef int32_t* due_ids
    cdef readonly int64_t n_ticks, n_beats, n_beats_run
    cdef int64_t n_fills_seen
    cdef paper_t paper
    cdef uint64_t* drawn  # of each order: requests, answers, pushes
    cdef const int64_t* frame_ns
    cdef const int64_t* frame_kind
    cdef const int64_t* frame_at
    cdef const uint8_t* frame_bytes
    cdef int64_t n_frames, frame

    def __init__(self, Engine engine not None, Exchange exchange not None, int equity=8192):
        self.engine, self.core, self.exchange = engine, engine.pipeline, exchange
        self.c = &engine.pipeline.c
        self.n = self.c.n_instruments
        if exchange.n_screens != self.n:
            raise EngineError("the exchange has other instruments than the engine")
        self.cap_equity = equity
        self.feeds = <feed_t*>calloc(self.n, sizeof(feed_t))
        self.equity = <equity_t*>calloc(equity, sizeof(equity_t))
        self.worst = <int64_t*>calloc(self.c.cap_brackets, sizeof(int64_t))
        self.best = <int64_t*>calloc(self.c.cap_brackets, sizeof(int64_t))
        self.left = <int64_t*>calloc(self.c.cap_brackets, sizeof(int64_t))
        self.due_ids = <int32_t*>calloc(self.n, sizeof(int32_t))
        self.drawn = <uint64_t*>calloc(3 * exchange.cap_orders, sizeof(uint64_t))
        if self.feeds == NULL or self.equity == NULL or self.worst == NULL or self.best == NULL or self.left == NULL or (
                self.due_ids == NULL or self.drawn == NULL):
            raise MemoryError()
        self.keep = []
        self.by_broker, self.squared_off = set(), []
        self.stop_first = True
        for i in range(self.n):
            self.feeds[i].next_ns = NEVER

    def __dealloc__(self):
        free(self.feeds)
        free(self.equity)
        free(self.worst)
        free(self.best)
        free(self.left)
        free(self.due_ids)
        free(self.drawn)

    # ------------------------------------------------------------------------------------------------------ set-up
    def set_bars(
        self, int i, const int64_t[::1] ts_ns, const int64_t[::1] open_e4, const int64_t[::1] high_e4, const int64_t[::1] low_e4,
        const int64_t[::1] close_e4, const int64_t[::1] volume, int64_t length_ns,
    ):
        """An instrument's bars of the day. An empty `volume`: nobody knows it."""
        cdef feed_t* f = &self.feeds[i]
        self.keep.append((ts_ns, open_e4, high_e4, low_e4, close_e4, volume))
        f.kind, f.n, f.length_ns = FEED_BARS, ts_ns.shape[0], length_ns
        if f.n:
            f.ts_ns, f.open_e4, f.high_e4 = &ts_ns[0], &open_e4[0], &high_e4[0]
            f.low_e4, f.close_e4 = &low_e4[0], &close_e4[0]
        f.has_volume = volume.shape[0] > 0
        if f.has_volume:
            f.volume = &volume[0]

    def set_trades(self, int i, const int64_t[::1] ts_ns, const int64_t[::1] px_e4, const int64_t[::1] qty):
        """An instrument's trades of the day, without order books."""
        cdef feed_t* f = &self.feeds[i]
        self.keep.append((ts_ns, px_e4, qty))
        f.kind, f.n, f.has_volume = FEED_TRADES, ts_ns.shape[0], qty.shape[0] > 0
        if f.n:
            f.ts_ns, f.close_e4 = &ts_ns[0], &px_e4[0]
        if f.has_volume:
            f.volume = &qty[0]

    def set_ticks(self, int i, const int64_t[::1] ts_ns, const uint8_t[::1] ticks, bint in_frames=False):
        """An instrument's packets of the day as they were recorded: an array of `tick_t`, and when each was received. `in_frames`: the core
        hears of them by frames (`set_frames`).
        """
        cdef feed_t* f = &self.feeds[i]
        if ticks.shape[0] != ts_ns.shape[0] * <Py_ssize_t>sizeof(tick_t):
            raise EngineError("ticks have another size than this build's")
        self.keep.append((ts_ns, ticks))
        f.kind, f.n = FEED_MARKET if in_frames else FEED_TICKS, ts_ns.shape[0]
        if f.n:
            f.ts_ns, f.ticks = &ts_ns[0], <const tick_t*>&ticks[0]

    def set_latency(self, int64_t out_ns, int64_t back_ns, const int64_t[::1] samples, int64_t seed, int64_t day):
        """Constant ways there and back; with `samples` of whole round trips each request's is one of them, half of it there."""
        self.out_ns, self.back_ns, self.n_samples = out_ns, back_ns, samples.shape[0]
        self.latency = LATENCY_CONSTANT
        if self.n_samples:
            self.keep.append(samples)
            self.samples = &samples[0]
            self.latency = LATENCY_DRAWN
        self.seed_key = keyed_fold(keyed_fold(0, <uint64_t>seed), <uint64_t>day)

    def set_path(self, int i):
        """An instrument's trades are those of its path at the exchange; the core hears of them by frames (`set_frames`)."""
        self.feeds[i].kind = FEED_PATH

    def set_frames(self, const int64_t[::1] ts_ns, const int64_t[::1] kinds, const int64_t[::1] at, const uint8_t[::1] data):
        """A feed's frames as they were recorded: when, of which wire, and where each begins in `data`, whose end is the last of `at`."""
        self.keep.append((ts_ns, kinds, at, data))
        self.n_frames = ts_ns.shape[0]
        if self.n_frames:
            self.frame_ns, self.frame_kind, self.frame_at, self.frame_bytes = &ts_ns[0], &kinds[0], &at[0], &data[0]

    def set_paper(self, str broker, dict spans_ns, int64_t seed, int64_t day, int64_t book_percent, bint one_stream):
        """Delays as the simulated broker draws them (docs/simulator.md, "Draws")."""
        cdef paper_t* p = &self.paper
        self.latency = LATENCY_PAPER
        self.seed_key = keyed_fold(keyed_fold(0, <uint64_t>seed), <uint64_t>day)
        p.request_low_ns, p.request_high_ns = spans_ns["request"]
        p.ack_low_ns, p.ack_high_ns = spans_ns["order_ack"]
        p.push_low_ns, p.push_high_ns = spans_ns["push"]
        p.tick_low_ns, p.tick_high_ns = spans_ns["tick"]
        purposes = [f"{broker} {leg}".encode() for leg in ("request", "order_ack", "push", "tick")]
        p.request_purpose, p.ack_purpose = text_number(purposes[0]), text_number(purposes[1])
        p.push_purpose, p.tick_purpose = text_number(purposes[2]), text_number(purposes[3])
        p.book_percent, p.one_stream, p.sent_ns = book_percent, one_stream, 0

    def set_rules(self, *, bint stop_first=True, bint every_beat=False, int path=PATH_NEARER):
        """`every_beat`: pass over none, for whoever wants to see that it makes no difference. `path`: which extreme of a bar comes first."""
        self.stop_first, self.every_beat, self.path = stop_first, every_beat, path

    # ------------------------------------------------------------------------------------------------------ prices
    cdef void _begin_bar(self, int id) noexcept nogil:
        """Where the price runs to after what has just come."""
        cdef feed_t* f = &self.feeds[id]
        cdef int64_t i = f.i, begins_ns
        if i >= f.n:
            f.next_ns = NEVER
            return
        begins_ns = f.ts_ns[i]
        if f.point == 0:
            f.to_ns, f.to_e4 = begins_ns, f.open_e4[i]
            f.from_e4, f.from_ns = f.to_e4, begins_ns  # a night, or a hole, is a jump
            f.is_high_first = self.path == PATH_HIGH or (
                self.path == PATH_NEARER and f.high_e4[i] - f.open_e4[i] < f.open_e4[i] - f.low_e4[i])
        elif f.point == 1:
            if self.stop_first:
                self._put_stop_first(id)
            f.to_ns, f.to_e4 = begins_ns + f.length_ns // 3, f.high_e4[i] if f.is_high_first else f.low_e4[i]
        elif f.point == 2:
            f.to_ns, f.to_e4 = begins_ns + 2 * f.length_ns // 3, f.low_e4[i] if f.is_high_first else f.high_e4[i]
        else:
            f.to_ns, f.to_e4 = begins_ns + f.length_ns - SECOND_NS, f.close_e4[i]
        f.next_ns, f.next_e4 = f.to_ns, f.to_e4

    cdef void _put_stop_first(self, int id) noexcept nogil:
        """Of an open position whose stop and target both lie in this bar, the stop's side comes first; the largest position decides."""
        cdef feed_t* f = &self.feeds[id]
        cdef int at = self.c.instruments[id].bracket_head
        cdef const bracket_t* b
        cdef int64_t most = 0, low = f.low_e4[f.i], high = f.high_e4[f.i]
        while at >= 0:
            b = &self.c.brackets[at]
            if b.open_qty > most and b.stop_e4 > 0 and b.target_e4 > 0 and low <= b.stop_e4 <= high and low <= b.target_e4 <= high:
                most = b.open_qty
                f.is_high_first = b.side < 0
            at = b.next

    cdef inline void _consider(self, feed_t* f, int64_t level_e4) noexcept nogil:
        if f.to_e4 > f.from_e4:
            if f.from_e4 < level_e4 < f.next_e4:
                f.next_e4 = level_e4
        elif f.next_e4 < level_e4 < f.from_e4:
            f.next_e4 = level_e4

    cdef void _aim(self, int id) noexcept nogil:
        """The next price on the straight way to the next point: that point, or a level before it that somebody waits for."""
        cdef feed_t* f = &self.feeds[id]
        cdef screen_t* s = &self.exchange.screens[id]
        cdef const bracket_t* b
        cdef const exch_order_t* o
        cdef int64_t tick, level
        cdef int i, at
        if f.point == 0 or f.to_e4 == f.from_e4 or f.next_ns == NEVER:
            return
        f.next_e4 = f.to_e4
        tick = s.tick_e4 if f.to_e4 > f.from_e4 else -s.tick_e4
        at = self.c.instruments[id].bracket_head
        while at >= 0:
            b = &self.c.brackets[at]
            at = b.next
            if b.open_qty > 0:
                if b.target_e4 > 0:
                    self._consider(f, b.target_e4)
                    self._consider(f, b.target_e4 + tick)
                if b.stop_e4 > 0:
                    self._consider(f, b.stop_e4)
        for i in range(s.n_live):
            o = &self.exchange.orders[s.live[i]]
            level = o.terms.price_e4
            if (o.terms.ord_type == TYPE_SL or o.terms.ord_type == TYPE_SL_M) and not o.triggered:
                level = o.terms.trigger_e4
            self._consider(f, level)
            self._consider(f, level + tick)
        if f.next_e4 == f.to_e4:
            f.next_ns = f.to_ns
            return
        f.next_ns = f.from_ns + <int64_t>(<double>(f.to_ns - f.from_ns) * (<double>(f.next_e4 - f.from_e4) / <double>(f.to_e4 - f.from_e4)))
        if f.next_ns <= self.now_ns:
            f.next_ns = self.now_ns + 1
        if f.next_ns > f.to_ns:
            f.next_ns = f.to_ns

    cdef void _trade(self, int id) noexcept nogil:
        """What is due of an instrument happens at the exchange."""
        cdef feed_t* f = &self.feeds[id]
        cdef screen_t* s = &self.exchange.screens[id]
        cdef const tick_t* t
        cdef int64_t qty
        cdef int i
        self.n_ticks += 1
        if f.kind == FEED_PATH:
            self.exchange.advance_path(id)
            self.exchange.on_trade(id)
            f.next_ns = s.ts_ns[s.next] if s.next < s.n else NEVER
            return
        if f.kind == FEED_TICKS or f.kind == FEED_MARKET:
            t = &f.ticks[f.i]
            if t.has & HAS_TRADE:
                qty = t.volume - s.volume if t.volume > 0 else 0
                s.last_qty = qty if qty > 0 else 0
                s.volume = t.volume if t.volume > s.volume else s.volume
                s.ltp_e4 = t.ltp_e4
            if t.has & HAS_DEPTH:
                s.n_bids = s.n_asks = 0
                for i in range(LEVELS):
                    if t.bid_px_e4[i] > 0:
                        s.bids[s.n_bids].price_e4, s.bids[s.n_bids].qty = t.bid_px_e4[i], t.bid_qty[i]
                        s.n_bids += 1
                    if t.ask_px_e4[i] > 0:
                        s.asks[s.n_asks].price_e4, s.asks[s.n_asks].qty = t.ask_px_e4[i], t.ask_qty[i]
                        s.n_asks += 1
            if s.ltp_e4 > 0:
                self.exchange.on_trade(id)
            return
        if f.kind == FEED_TRADES:
            qty = f.volume[f.i] if f.has_volume else 0
        elif f.next_e4 != f.to_e4:
            qty = 0  # on its way through a level: the quantity is the point's
        else:
            qty = f.volume[f.i] // 4 + (f.point < f.volume[f.i] % 4) if f.has_volume else 0
        s.ltp_e4 = f.next_e4
        if f.kind == FEED_TRADES or f.next_e4 == f.to_e4:
            s.last_qty = qty
            if self.exchange.share_e2 > 0 and f.has_volume:
                s.available = qty * self.exchange.share_e2 // 10_000
        s.volume += qty
        if s.n_live:
            self.exchange.on_trade(id)

    cdef void _paper_frames(self, int n_due) noexcept nogil:
        """When the simulated feed sends a frame of what has just traded, and one of order books alone before the next trade."""
        cdef screen_t* s
        cdef uint64_t state = keyed_fold(keyed_fold(self.seed_key, <uint64_t>self.now_ns), self.paper.tick_purpose)
        cdef int64_t next_ns = 0
        cdef int i
        self._sends(self._drawn_ns(&state, self.paper.tick_low_ns, self.paper.tick_high_ns))
        for i in range(n_due):
            s = &self.exchange.screens[self.due_ids[i]]
            if s.next < s.n and <int64_t>(s.noise[s.next - 1] % BOOK_PERCENT_OF) < self.paper.book_percent and (
                    next_ns == 0 or s.ts_ns[s.next] < next_ns):
                next_ns = s.ts_ns[s.next]
        if next_ns > 0:
            self.exchange.later((self.now_ns + next_ns) // 2, KIND_TRADES, 0, NULL, DO_BOOK_FRAME, 0)

    cdef inline int64_t _sends(self, int64_t delay_ns) noexcept nogil:
        """When a frame that is ready after a delay leaves the one stream."""
        if self.now_ns + delay_ns > self.paper.sent_ns:
            self.paper.sent_ns = self.now_ns + delay_ns
        return self.paper.sent_ns

    cdef inline int64_t _drawn_ns(self, uint64_t* state, int64_t low, int64_t high) noexcept nogil:
        return low + <int64_t>keyed_integer(state, <uint64_t>(high - low + 1))

    cdef void _frame(self, int id) noexcept nogil:
        """The core is told of it, and the prices go on."""
        cdef feed_t* f = &self.feeds[id]
        cdef screen_t* s = &self.exchange.screens[id]
        cdef tick_t* tick = &f.tick
        if f.kind == FEED_PATH:
            return
        if f.kind == FEED_TICKS or f.kind == FEED_MARKET:
            if f.kind == FEED_TICKS:
                self.core.on_tick(id, &f.ticks[f.i], self.now_ns)
            f.i += 1
            f.next_ns = f.ts_ns[f.i] if f.i < f.n else NEVER
            return
        tick.has = HAS_TRADE
        if f.has_volume:
            tick.has |= HAS_VOLUME
            tick.volume = s.volume
            tick.ltq = s.last_qty
        tick.tradable = 1
        tick.ltp_e4 = s.ltp_e4
        tick.ts_trade_ns = tick.ts_exch_ns = self.now_ns
        if f.kind == FEED_TRADES:
            f.i += 1
            f.next_ns = f.ts_ns[f.i] if f.i < f.n else NEVER
            f.next_e4 = f.close_e4[f.i] if f.i < f.n else 0
        else:
            f.from_e4, f.from_ns = s.ltp_e4, self.now_ns
            if f.next_e4 == f.to_e4:
                f.point += 1
                if f.point == 4:
                    f.point = 0
                    f.i += 1
                self.core.on_tick(id, tick, self.now_ns)
                self._begin_bar(id)
                return
            f.next_e4, f.next_ns = f.to_e4, f.to_ns
        self.core.on_tick(id, tick, self.now_ns)

    cdef void _mark(self, int id) noexcept nogil:
        """How far each open position of an instrument has gone, for better and for worse."""
        cdef int at = self.c.instruments[id].bracket_head
        cdef int64_t pnl
        while at >= 0:
            if self.c.brackets[at].open_qty > 0:
                pnl = bracket.pnl_e4(self.c, at)
                if pnl < self.worst[at]:
                    self.worst[at] = pnl
                if pnl > self.best[at]:
                    self.best[at] = pnl
            at = self.c.brackets[at].next

    # ------------------------------------------------------------------------------------------------ orders and words
    cdef void _ways(self, const char* name, uint32_t seq, int64_t* out, int64_t* back) noexcept nogil:
        cdef uint64_t state
        cdef int64_t whole
        out[0], back[0] = self.out_ns, self.back_ns
        if self.latency == LATENCY_DRAWN:
            state = keyed_fold(keyed_fold(self.seed_key, text_number(name)), seq)
            whole = self.samples[keyed_integer(&state, <uint64_t>self.n_samples)]
            out[0] = whole // 2
            back[0] = whole - whole // 2

    cdef void _paper_ways(self, const command_t* cmd, int64_t* out, int64_t* back) noexcept nogil:
        cdef paper_t* p = &self.paper
        cdef uint64_t key, request, ack
        cdef int number
        if cmd.kind == CMD_NEW:
            key = keyed_fold(self.seed_key, text_number(cmd.cl_ord_id))
            request, ack = keyed_fold(key, p.request_purpose), keyed_fold(key, p.ack_purpose)
            out[0] = self._drawn_ns(&request, p.request_low_ns, p.request_high_ns)
            back[0] = self._drawn_ns(&ack, p.ack_low_ns, p.ack_high_ns)
            return
        number = self.exchange.find(cmd.cl_ord_id, cmd.broker_order_id)
        if number < 0:
            out[0], back[0] = p.request_low_ns, p.ack_low_ns
            return
        out[0] = self._drawn_ns(&self.drawn[3 * number], p.request_low_ns, p.request_high_ns)
        back[0] = self._drawn_ns(&self.drawn[3 * number + 1], p.ack_low_ns, p.ack_high_ns)

    cdef void _begin_draws(self, int number) noexcept nogil:
        """A new order's own draws."""
        cdef uint64_t key = keyed_fold(self.seed_key, self.exchange.orders[number].draw_key)
        self.drawn[3 * number] = keyed_fold(key, self.paper.request_purpose)
        self.drawn[3 * number + 1] = keyed_fold(key, self.paper.ack_purpose)
        self.drawn[3 * number + 2] = keyed_fold(key, self.paper.push_purpose)

    cdef void _send(self) noexcept nogil:
        """All commands that wait, protection first."""
        cdef core_t* c = self.c
        cdef command_t* cmd
        cdef due_t* due
        cdef int lane
        cdef int64_t i, out = 0, back = 0
        if c.command_head == c.command_tail:
            return
        self._note_leaving()
        for lane in range(3):
            for i in range(c.command_head, c.command_tail):
                cmd = &c.commands[i % c.cap_commands]
                if cmd.lane != lane:
                    continue
                if cmd.kind == CMD_LOOK:
                    if self.book_next_ns < self.now_ns:
                        self.book_next_ns = self.now_ns
                    due = self.exchange.later(
                        self.book_next_ns + self.out_ns + self.back_ns, KIND_ANSWER, 0, NULL, DO_READ_BOOK, 0)
                    due.a = self.book_next_ns
                    self.book_next_ns += BOOK_GAP_NS
                    continue
                report.on_sent(c, cmd.seq)
                if self.latency == LATENCY_PAPER:
                    self._paper_ways(cmd, &out, &back)
                else:
                    self._ways(cmd.cl_ord_id, cmd.seq, &out, &back)
                due = self.exchange.later(
                    self.now_ns + out, KIND_REQUEST, self.exchange.screens[cmd.instrument_id].token, NULL, DO_REQUEST,
                    cmd.instrument_id)
                due.a, due.b = cmd.seq, back
                due.terms = order_terms_t(cmd.ord_type, cmd.tif, cmd.protection_e2, cmd.kind, cmd.qty, cmd.price_e4, cmd.trigger_e4)
                due.report.side, due.report.reason, due.report.ts_recv_ns = cmd.side, cmd.product, self.now_ns
                memcpy(due.report.cl_ord_id, cmd.cl_ord_id, sizeof(due.report.cl_ord_id))
                memcpy(due.report.broker_order_id, cmd.broker_order_id, sizeof(due.report.broker_order_id))
        c.command_head = c.command_tail

    cdef void _note_leaving(self) noexcept nogil:
        """The last price at which a bracket was told to leave: what its exit's price is held against."""
        cdef core_t* c = self.c
        cdef int i
        for i in range(c.n_live):
            if c.brackets[c.live[i]].leave_reason != EXIT_NONE and self.left[c.live[i]] == 0:
                self.left[c.live[i]] = c.markets[c.brackets[c.live[i]].instrument_id].ltp_e4

    cdef void _request(self, const due_t* due) noexcept nogil:
        """A request is at the broker's order system."""
        cdef int number = -1, reason = REASON_BROKER_ORDER
        cdef due_t* answer
        if due.terms._pad == CMD_NEW:
            reason = self.exchange.place(
                due.order, due.report.side, due.report.reason, &due.terms, due.report.cl_ord_id, False, &number)
            if number >= 0:
                self.exchange.orders[number].ts_asked_ns = due.report.ts_recv_ns
                self._begin_draws(number)
        else:
            number = self.exchange.find(due.report.cl_ord_id, due.report.broker_order_id)
            if number >= 0 and due.terms._pad == CMD_REPLACE:
                reason = self.exchange.modify(number, &due.terms)
            elif number >= 0:
                reason = self.exchange.cancel(number)
        answer = self.exchange.later(self.now_ns + due.b, KIND_ANSWER, 0, NULL, DO_ANSWER, number)
        answer.a, answer.b = due.a, reason

    cdef void _told(self) noexcept nogil:
        """States that the exchange has pushed are on their way to us."""
        cdef due_t* due
        cdef exch_order_t* o
        cdef int64_t out = 0, back = 0
        cdef int i
        for i in range(self.exchange.n_told):
            o = &self.exchange.orders[self.exchange.told_of[i]]
            if self.latency == LATENCY_PAPER:
                back = self._drawn_ns(
                    &self.drawn[3 * self.exchange.told_of[i] + 2], self.paper.push_low_ns, self.paper.push_high_ns)
                if self.paper.one_stream:
                    back = self._sends(back) - self.now_ns
                else:
                    if self.now_ns + back > self.paper.told_ns:
                        self.paper.told_ns = self.now_ns + back
                    back = self.paper.told_ns - self.now_ns
            else:
                self._ways(o.cl_ord_id, 0, &out, &back)
            due = self.exchange.later(self.now_ns + back, KIND_ANSWER, 0, NULL, DO_REPORT, self.exchange.told_of[i])
            due.report = self.exchange.told[i]
        self.exchange.n_told = 0

    cdef void _read_book(self, int64_t ts_request_ns) noexcept nogil:
        """The order book, whole."""
        cdef report_t r
        cdef int i, ev, state
        report.on_book_begin(self.c, ts_request_ns)
        for i in range(self.exchange.n_orders):
            state = self.exchange.orders[i].state
            ev = EV_WORKING if self.exchange.orders[i].is_at_exchange else EV_ACCEPTED
            if state == COMPLETE:
                ev = EV_FILL_FULL
            elif state == CANCELLED:
                ev = EV_CANCELED
            elif state == REJECTED:
                ev = EV_REJECTED
            self.exchange.report_of(i, ev, &r)
            r.source = SOURCE_BOOK
            r.ts_recv_ns = self.now_ns
            self.core.on_report(&r)
        self.core.advance(self.now_ns)
        report.on_book_end(self.c, True)
        self.core.done()

    cdef void _squared_off(self, const due_t* due) noexcept with gil:
        """The broker has closed something by itself: it is booked on the positions that it closed, the oldest first, as a live day's
        reconciliation does (`live/reconciliation/bracket_recovery.py`). Once the order has ended, so that it is one order of each
        position: brokerage and the broker's fee are by order, in however many parts it traded.
        """
        cdef core_t* c = self.c
        cdef report_t r
        cdef int at, side = due.report.side, instrument_id = self.exchange.orders[due.order].screen
        cdef int64_t qty, value_e4, part, worth_e4
        if due.report.ev not in (EV_FILL_FULL, EV_CANCELED, EV_REJECTED) or due.order in self.by_broker:
            return
        self.by_broker.add(due.order)
        qty, value_e4 = due.report.cum_qty, due.report.cum_value_e4
        for at in [c.live[i] for i in range(c.n_live)]:
            if qty <= 0:
                break
            if c.brackets[at].instrument_id != instrument_id or c.brackets[at].side == side or c.brackets[at].open_qty <= 0:
                continue
            part = c.brackets[at].open_qty if c.brackets[at].open_qty < qty else qty
            worth_e4 = value_e4 * part // qty
            name = f"SQUARED-OFF-{c.n_orders}"
            self.engine.adopt_order(
                at, LEG_TARGET, 0, ORD_PENDING_NEW, cl_ord_id="", broker_order_id=name, side=side, order_qty=part,
                price_e4=worth_e4 // part, trigger_e4=0, ord_type=TYPE_LIMIT, ts_ns=self.now_ns, by_broker=True)
            memset(&r, 0, sizeof(r))
            encoded = name.encode()
            strncpy(r.broker_order_id, encoded, sizeof(r.broker_order_id) - 1)
            r.ev, r.source, r.ord_type, r.side, r.worth = EV_FILL_FULL, SOURCE_BOOK, TYPE_LIMIT, side, WORTH_EXACT
            r.order_qty = r.cum_qty = part
            r.cum_value_e4, r.price_e4 = worth_e4, worth_e4 // part
            r.ts_update_ns, r.ts_recv_ns = due.report.ts_update_ns, self.now_ns
            self.core.on_report(&r)
            self.squared_off.append((due.report.ts_update_ns, instrument_id, name, side, part, worth_e4))
            qty -= part
            value_e4 -= worth_e4

    cdef void _event(self) noexcept nogil:
        """The first event of the heap."""
        cdef int at = self.exchange.pop()
        cdef due_t due = self.exchange.pool[at]
        cdef answer_t answer
        self.exchange.free_due(at)
        self.now_ns = self.exchange.now_ns = due.ts_ns
        if due.what == DO_REQUEST:
            self._request(&due)
        elif due.what == DO_ANSWER:
            memset(&answer, 0, sizeof(answer))
            answer.seq = <uint32_t>due.a
            answer.outcome = EV_ACK if due.b == REASON_OK else EV_REFUSED
            answer.reason = <int32_t>due.b
            if due.b == REASON_OK:
                memcpy(answer.broker_order_id, self.exchange.orders[due.order].broker_order_id, sizeof(answer.broker_order_id))
            self.core.on_answer(&answer, self.now_ns)
            self._send()
        elif due.what == DO_REPORT:
            due.report.ts_recv_ns = self.now_ns
            if self.exchange.orders[due.order].by_broker:
                self._squared_off(&due)
            else:
                self.core.on_report(&due.report)
            self._send()
        elif due.what == DO_BOOK_FRAME:
            self._sends((self.paper.tick_low_ns + self.paper.tick_high_ns) // 2)
        elif due.what == DO_READ_BOOK:
            self._read_book(due.a)
            self._send()
        else:
            self.exchange.step(&due)
        if self.exchange.n_told:
            self._told()

    # ------------------------------------------------------------------------------------------------------------ time
    cdef bint _is_quiet(self, int64_t* until_ns) noexcept nogil:
        """Would beats change nothing until then, unless one of the core's own times is due? Nothing is asked for or in doubt, and every
        open position is covered and waits for the market alone. `until_ns` is brought forward to the end of a holding time.
        """
        cdef core_t* c = self.c
        cdef const bracket_t* b
        cdef const order_t* o
        cdef int i, slot
        if c.poll_wanted or c.n_in_doubt > 0 or c.n_waiting > 0 or c.n_filled > 0:
            return False
        for i in range(c.n_live):
            b = &c.brackets[c.live[i]]
            if (b.state != BR_OPEN or b.open_qty <= 0 or b.protected_qty != b.open_qty or b.target_armed or b.stop_crossed_ns != 0
                    or b.move_e4 != 0 or b.retry_ns != 0 or b.target_retry_ns != 0 or b.fix_retry_ns != 0 or b.renew_ns != 0
                    or b.trail_waits_ns != 0 or b.ladder_next_ns != 0 or b.naked_since_ns != 0
                    or b.target_since_ns != 0 or b.entry_slot < 0 or not order.is_final(&c.orders[b.entry_slot])):
                return False
            if 0 < c.instruments[b.instrument_id].square_off_ns <= self.now_ns:
                return False  # at its very nanosecond the core no longer names it as a time to come
            if b.time_exit_ns > 0:
                if self.now_ns >= b.ts_entry_ns + b.time_exit_ns:
                    return False
                if b.ts_entry_ns + b.time_exit_ns < until_ns[0]:
                    until_ns[0] = b.ts_entry_ns + b.time_exit_ns
            slot = b.order_head
            while slot >= 0:
                o = &c.orders[slot]
                if o.pending != PENDING_NONE or o.ord_status == ORD_UNKNOWN or o.ord_status == ORD_PENDING_NEW:
                    return False
                slot = o.next
        return True

    cdef void _beat(self, int64_t until_ns) noexcept nogil:
        """Time passes in the core. `until_ns`: nothing else happens before then, so beats that would change nothing are passed over, and
        the next one is where it would be.
        """
        cdef int64_t due_ns, step_ns
        self.n_beats += 1
        if not self.every_beat and self._is_quiet(&until_ns):
            due_ns = self.core.next_timer_ns()
            if due_ns == 0 or due_ns > self.now_ns:
                step_ns = BEAT_OPEN_NS if self.c.n_live > 0 else BEAT_FLAT_NS
                self.beat_ns = self.now_ns + step_ns
                if until_ns > self.beat_ns:
                    self.beat_ns = self.now_ns + (until_ns - self.now_ns + step_ns - 1) // step_ns * step_ns
                if 0 < due_ns < self.beat_ns:
                    self.beat_ns = due_ns
                return
        self.n_beats_run += 1
        self.core.on_timer(self.now_ns)
        self._send()
        self.beat_ns = self.core.next_beat_ns(self.now_ns)

    cdef void _note_equity(self) noexcept nogil:
        """A point of the equity curve."""
        cdef core_t* c = self.c
        cdef const bracket_t* b
        cdef equity_t* e
        cdef int i
        cdef int64_t value
        if self.n_equity == self.cap_equity:
            self.exchange.is_full = True
            return
        e = &self.equity[self.n_equity]
        self.n_equity += 1
        e.ts_ns, e.gross_e4, e.charges_e4, e.open_e4 = self.now_ns, c.risk.pnl_e4, c.risk.charges_e4, 0
        for i in range(c.n_live):
            b = &c.brackets[c.live[i]]
            if b.open_qty > 0 and b.entry_qty > 0:
                value = b.open_qty * c.markets[b.instrument_id].ltp_e4 - b.entry_value_e4 * b.open_qty // b.entry_qty
                e.open_e4 += b.side * value * c.instruments[b.instrument_id].multiplier

    cdef void _after(self) noexcept nogil:
        """What is kept beside the core, after each thing that happened."""
        if self.exchange.n_fills != self.n_fills_seen or (self.c.n_live > 0 and self.now_ns >= self.equity_next_ns):
            self.n_fills_seen = self.exchange.n_fills
            self.equity_next_ns = self.now_ns // MINUTE_NS * MINUTE_NS + MINUTE_NS
            self._note_equity()

    cdef int _run(self, int64_t until_ns) noexcept nogil:
        cdef core_t* c = self.c
        cdef int64_t first_ns, heap_ns, frame_ns
        cdef int i, n_due
        while not self.exchange.is_full:
            first_ns = NEVER
            for i in range(self.n):
                if self.feeds[i].kind == FEED_BARS and (c.instruments[i].bracket_head >= 0 or self.exchange.screens[i].n_live > 0):
                    self._aim(i)
                if self.feeds[i].next_ns < first_ns:
                    first_ns = self.feeds[i].next_ns
            heap_ns = self.exchange.pool[self.exchange.heap[0]].ts_ns if self.exchange.n_heap > 0 else NEVER
            frame_ns = self.frame_ns[self.frame] if self.frame < self.n_frames else NEVER
            if frame_ns < first_ns and frame_ns < heap_ns and frame_ns <= self.beat_ns:
                if frame_ns >= until_ns:
                    break
                self.now_ns = self.exchange.now_ns = frame_ns
                self.core.on_frame(
                    <int>self.frame_kind[self.frame], self.frame_bytes + self.frame_at[self.frame],
                    self.frame_at[self.frame + 1] - self.frame_at[self.frame], frame_ns)
                self.frame += 1
                self._send()
            elif first_ns <= heap_ns and first_ns <= self.beat_ns:
                if first_ns >= until_ns:
                    break
                self.now_ns = self.exchange.now_ns = first_ns
                n_due = 0
                for i in range(self.n):
                    if self.feeds[i].next_ns == first_ns:
                        self.due_ids[n_due] = i
                        n_due += 1
                        self._trade(i)
                if self.exchange.n_told:
                    self._told()
                if self.latency == LATENCY_PAPER:
                    self._paper_frames(n_due)
                while self.exchange.n_heap > 0 and self.exchange.pool[self.exchange.heap[0]].ts_ns <= first_ns:
                    self._event()
                for i in range(n_due):
                    self._frame(self.due_ids[i])
                    if c.instruments[self.due_ids[i]].bracket_head >= 0:
                        self._mark(self.due_ids[i])
                self._send()
            elif heap_ns <= self.beat_ns:
                if heap_ns >= until_ns:
                    break
                self._event()
            else:
                if self.beat_ns >= until_ns:
                    break
                self.now_ns = self.exchange.now_ns = self.beat_ns
                if heap_ns < first_ns:
                    first_ns = heap_ns
                if frame_ns < first_ns:
                    first_ns = frame_ns
                self._beat(first_ns if first_ns < until_ns else until_ns)
            self._after()
        return self.exchange.is_full

    def begin(self, int64_t start_ns):
        """The day begins: its first beat, and its prices from then on."""
        cdef feed_t* f
        cdef int i
        self.exchange.arm()
        self.by_broker.clear()
        self.squared_off.clear()
        self.now_ns = self.beat_ns = start_ns
        self.book_next_ns = self.equity_next_ns = 0
        self.n_equity = self.n_fills_seen = 0
        self.n_ticks = self.n_beats = self.n_beats_run = self.frame = 0
        self.paper.sent_ns = self.paper.told_ns = 0
        for i in range(self.c.cap_brackets):
            self.worst[i] = self.best[i] = self.left[i] = 0
        for i in range(self.n):
            f = &self.feeds[i]
            f.i = f.point = 0
            f.next_ns = NEVER
            memset(&f.tick, 0, sizeof(tick_t))
            if f.kind == FEED_PATH:
                self.exchange.screens[i].book = BOOK_PATH
                while self.exchange.screens[i].next < self.exchange.screens[i].n and (
                        self.exchange.screens[i].ts_ns[self.exchange.screens[i].next] < start_ns):
                    self.exchange.advance_path(i)
                if self.exchange.screens[i].next < self.exchange.screens[i].n:
                    f.next_ns = self.exchange.screens[i].ts_ns[self.exchange.screens[i].next]
                continue
            while f.i < f.n and f.ts_ns[f.i] < start_ns:
                f.i += 1
            self.exchange.screens[i].book = BOOK_RECORDED if f.kind == FEED_TICKS or f.kind == FEED_MARKET else BOOK_LAST
            if f.i >= f.n:
                continue
            if f.kind == FEED_BARS:
                self._begin_bar(i)
            else:
                f.next_ns = f.ts_ns[f.i]
                f.next_e4 = f.close_e4[f.i] if f.kind == FEED_TRADES else 0

    def run(self, int64_t until_ns):
        """Everything before that time."""
        cdef int full
        with nogil:
            full = self._run(until_ns)
        if full:
            raise EngineError("the day has more orders, fills or points than there is room for")
        self.now_ns = until_ns
        self._note_equity()

    def run_before(self, int64_t ts_ns):
        """Everything before that time, at which somebody says something to the engine; then what that leads to leaves."""
        if self._run(ts_ns):
            raise EngineError("the day has more orders, fills or points than there is room for")
        self.now_ns = self.exchange.now_ns = ts_ns

    def send(self):
        """What the engine has decided outside of this loop leaves."""
        self._send()

    # ------------------------------------------------------------------------------------------------------------ views
    def equity_rows(self):
        """(time, profit before charges, charges, open part of the profit), in e4."""
        return [
            (self.equity[i].ts_ns, self.equity[i].gross_e4, self.equity[i].charges_e4, self.equity[i].open_e4) for i in range(self.n_equity)
        ]

    def excursion_e4(self, int bracket_id):
        """The worst and the best profit of a bracket while it was open."""
        return self.worst[bracket_id], self.best[bracket_id]

    def square_off_rows(self):
        """(time, instrument, broker's order id, side, quantity, value) of what the broker has closed by itself, by position."""
        return list(self.squared_off)

    def left_e4(self, int bracket_id):
        """The last price when a bracket began to leave; 0: it did not, or the order itself was its exit."""
        return self.left[bracket_id]

    def last_e4(self, int instrument_id):
        return self.exchange.screens[instrument_id].ltp_e4
