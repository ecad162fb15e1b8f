# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The simulated exchange and its broker's order system, compiled: rules of `otrade/simulator/exchange`, which stays the oracle.

One account, one day, no faults. What comes later (an order on its way, a session's end) stands in a heap whose order is that of the
simulator's events: time, kind, token, ClOrdID, and then as they were made. Whoever drives it (`day_loop.pyx`, tests) takes the market's
trades one after another, and due events between them.

An instrument's order book is one of three. Of a *path* (a simulated day) it is made of the path's noise and spread and moves between trades,
to the bit as the simulator does it. *Recorded*: five levels as the wire brought them. Of a *last price* alone (bars): an order that
takes gets it, worse by the slippage, and one that rests trades when the market trades through its price; what a touch gives is the queue's rule.
"""
from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset, strcmp, strncpy

from otrade._core.types cimport (
    EV_CANCELED, EV_FILL_FULL, EV_FILL_PART, EV_REJECTED, EV_WORKING, PRODUCT_CNC, PRODUCT_MIS, REASON_BROKER_BUSY, REASON_BROKER_INPUT,
    REASON_BROKER_MARGIN, REASON_EXCHANGE_REJECT, REASON_MARKET_HALTED, REASON_OK, REASON_PRICE_RANGE, SOURCE_PUSH, TIF_IOC, TYPE_LIMIT,
    TYPE_MARKET, TYPE_SL, TYPE_SL_M, WORTH_EXACT, WORTH_NONE,
    report_t,
)
from otrade.research.backtest.draws cimport floor_div, keyed_bits, keyed_fold, keyed_integer, text_number

from otrade.errors import EngineError
from otrade.simulator.prices.fixed_tables import NORMAL as _NORMAL

cdef enum:
    ON_ITS_WAY, OPEN, COMPLETE, CANCELLED, REJECTED
    SLOTS = 256
    NEIGHBOURS = 4
    HALF_TICK = 256
    SHARES = 16
    OF_SHARES = 30
    AUTO_PROTECTION_E2 = 300
    FUTURES_BPS = 300
    OPTIONS_BPS = 4000
    SHARES_MAX = 30_000  # of one order of a square-off
    EVENTS = 8192  # that are still to come

cdef int64_t LPP_NS = 30_000_000_000
cdef int64_t SECOND_NS = 1_000_000_000
cdef int64_t CHEAP_OPTION_E4 = 500_000
cdef int64_t CHEAP_RANGE_E4 = 200_000
cdef int64_t WITHOUT_BAND_E4 = <int64_t>1 << 60
cdef int64_t NORMAL[1024]
cdef int64_t MOST = max(map(abs, _NORMAL))
for _i in range(1024):
    NORMAL[_i] = _NORMAL[_i]

STATE_WORDS = ("on its way", "open", "complete", "cancelled", "rejected")


cdef inline int64_t _isqrt(int64_t v) noexcept nogil:
    cdef int64_t r = <int64_t>sqrt(<double>v)
    while r * r > v:
        r -= 1
    while (r + 1) * (r + 1) <= v:
        r += 1
    return r


# ------------------------------------------------------------------- the book between two trades (simulator/prices/book_moves.py)
cdef inline int64_t _middle(const screen_t* s, int64_t i) noexcept nogil:
    cdef int64_t half = s.spread[i] if s.noise[i] & 1 else -<int64_t>s.spread[i]
    return (2 * s.px_e4[i] // s.tick_e4 - half) * HALF_TICK


cdef void _bridge(const screen_t* s, int64_t last, int64_t* start, int64_t* then, int64_t* variance) noexcept nogil:
    cdef int64_t first = last - NEIGHBOURS if last > NEIGHBOURS else 0
    cdef int64_t after = last + NEIGHBOURS if last + NEIGHBOURS < s.n - 1 else s.n - 1
    cdef int64_t i, before, here, total = 0
    before = _middle(s, first)
    start[0] = before
    for i in range(first, after + 1):
        here = _middle(s, i)
        total += (here - before) * (here - before)
        before = here
        if i == last:
            start[0] = here
        elif i == last + 1:
            then[0] = here
    variance[0] = total // (after - first if after > first else 1)


cdef inline int64_t _between(uint64_t noise, int64_t slot, int64_t at, int64_t then, int64_t variance) noexcept nogil:
    cdef uint64_t state = keyed_fold(keyed_fold(0, noise), <uint64_t>slot)
    cdef uint64_t bits = keyed_bits(&state)
    return ((at + then) >> 1) + (((_isqrt(variance) >> 1) * NORMAL[bits & 1023]) >> 12)


cdef inline bint _can_move(const screen_t* s, int64_t last) noexcept nogil:
    return s.spread != NULL and last >= 0 and last + 1 < s.n


cdef int _slot_at(const screen_t* s, int64_t last, int64_t at_ns) noexcept nogil:
    cdef int64_t slot
    if not _can_move(s, last):
        return 0
    slot = floor_div((at_ns - s.ts_ns[last]) * SLOTS, s.ts_ns[last + 1] - s.ts_ns[last])
    return 0 if slot < 0 else (SLOTS - 1 if slot >= SLOTS else <int>slot)


cdef int64_t _moved_ticks(const screen_t* s, int64_t last, int slot) noexcept nogil:
    cdef int64_t start = 0, then = 0, variance = 0, at, middle
    cdef int low = 0, high = SLOTS, between
    if slot == 0:
        return 0
    _bridge(s, last, &start, &then, &variance)
    at = start
    while low != slot:
        between = (low + high) // 2
        middle = _between(s.noise[last], between, at, then, variance)
        variance >>= 1
        if slot < between:
            high, then = between, middle
        else:
            low, at = between, middle
    return (at - start + HALF_TICK) >> 9


cdef int _find_slot(
    uint64_t noise, int low, int high, int64_t at, int64_t then, int64_t variance, int after, int64_t level, int sign
) noexcept nogil:
    cdef int64_t reach, middle, most = sign * at
    cdef int between, found
    if high - low < 2 or high - 1 <= after:
        return -1
    reach = (_isqrt(variance) * MOST >> 11) + 16
    if sign * then > most:
        most = sign * then
    if most + reach < level:
        return -1
    between = (low + high) // 2
    middle = _between(noise, between, at, then, variance)
    found = _find_slot(noise, low, between, at, middle, variance >> 1, after, level, sign)
    if found < 0 and between > after and sign * middle >= level:
        found = between
    return found if found >= 0 else _find_slot(noise, between, high, middle, then, variance >> 1, after, level, sign)


cdef int _first_slot(const screen_t* s, int64_t last, int after, int64_t ticks, bint is_up) noexcept nogil:
    cdef int64_t start = 0, then = 0, whole = 0, level
    cdef int sign = 1 if is_up else -1
    if not _can_move(s, last):
        return -1
    _bridge(s, last, &start, &then, &whole)
    level = sign * (start + 2 * HALF_TICK * ticks) - (HALF_TICK if is_up else HALF_TICK - 1)
    return _find_slot(s.noise[last], 0, SLOTS, start, then, whole, after, level, sign)


cdef inline int64_t _lots(int64_t qty, int64_t lot) noexcept nogil:
    return qty // lot * lot


cdef class Exchange:
    """One account's orders of one day. `add_instrument`, then `open_day`; memory is taken once."""

    def __cinit__(self, int instruments, int orders=4096, int fills=65_536):
        self.cap_screens, self.cap_orders, self.cap_fills = instruments, orders, fills
        self.cap_heap = EVENTS
        self.cap_told = 1024
        self.screens = <screen_t*>calloc(instruments, sizeof(screen_t))
        self.orders = <exch_order_t*>calloc(orders, sizeof(exch_order_t))
        self.fills = <fill_t*>calloc(fills, sizeof(fill_t))
        self.pool = <due_t*>calloc(self.cap_heap, sizeof(due_t))
        self.heap = <int32_t*>calloc(self.cap_heap, sizeof(int32_t))
        self.unused = <int32_t*>calloc(self.cap_heap, sizeof(int32_t))
        self.told = <report_t*>calloc(self.cap_told, sizeof(report_t))
        self.told_of = <int32_t*>calloc(self.cap_told, sizeof(int32_t))
        if (self.screens == NULL or self.orders == NULL or self.fills == NULL or self.pool == NULL or self.heap == NULL
                or self.unused == NULL or self.told == NULL or self.told_of == NULL):
            raise MemoryError()
        self.keep = []
        self.reset_day()

    def __dealloc__(self):
        free(self.screens)
        free(self.orders)
        free(self.fills)
        free(self.pool)
        free(self.heap)
        free(self.unused)
        free(self.told)
        free(self.told_of)

    # ------------------------------------------------------------------------------------------------------ set-up
    def add_instrument(
        self, *, str key, int64_t token, int64_t tick_e4, int64_t lot, int64_t freeze_qty, int64_t open_ns, int64_t close_ns,
        int64_t low_band_e4=0, int64_t high_band_e4=0, int64_t depth_lots=1, int book=BOOK_LAST, int lpp=0, bint is_derivative=False,
        int64_t taken_from_ns=0, int64_t taken_until_ns=0,
    ):
        """Add an instrument; its place is its id."""
        cdef screen_t* s
        if self.n_screens == self.cap_screens:
            raise EngineError("no place for another instrument")
        s = &self.screens[self.n_screens]
        memset(s, 0, sizeof(screen_t))
        encoded = key.encode()
        strncpy(s.key, encoded, sizeof(s.key) - 1)
        s.token, s.tick_e4, s.lot, s.freeze_qty = <uint32_t>token, tick_e4, lot, freeze_qty
        s.open_ns, s.close_ns, s.depth_lots, s.book, s.lpp, s.is_derivative = open_ns, close_ns, depth_lots, book, lpp, is_derivative
        s.taken_from_ns = taken_from_ns if taken_from_ns > 0 else open_ns
        s.taken_until_ns = taken_until_ns if taken_until_ns > 0 else close_ns
        s.low_band_e4 = low_band_e4
        s.high_band_e4 = high_band_e4 if high_band_e4 > 0 else WITHOUT_BAND_E4
        s.available = WITHOUT_BAND_E4
        self.n_screens += 1
        return self.n_screens - 1

    def set_path(
        self, int screen, const int64_t[::1] ts_ns, const int64_t[::1] px_e4, const int64_t[::1] qty, const uint64_t[::1] noise,
        const uint16_t[::1] spread,
    ):
        """The trades of a simulated day. An empty `spread` is one tick, and a book that stands still."""
        cdef screen_t* s = &self.screens[screen]
        self.keep.append((ts_ns, px_e4, qty, noise, spread))
        s.n = ts_ns.shape[0]
        if s.n:
            s.ts_ns, s.px_e4, s.qty, s.noise = &ts_ns[0], &px_e4[0], &qty[0], &noise[0]
            s.spread = &spread[0] if spread.shape[0] else NULL

    def set_before(self, int screen, int64_t close_e4):
        """The close of the day before."""
        self.screens[screen].ltp_e4 = close_e4

    def open_day(self, int64_t seed, int64_t day, int64_t way_low_ns, int64_t way_high_ns):
        """`day` is yyyymmdd: it keys the draws. The way to the exchange is drawn between two lengths."""
        self.seed, self.day = <uint64_t>seed, <uint64_t>day
        self.way_purpose, self.queue_purpose = text_number(b"exchange way"), text_number(b"exchange queue")
        self.way_low_ns, self.way_high_ns = way_low_ns, way_high_ns
        self.order_prefix = <int32_t>(day % 1_000_000)

    def set_models(self, *, int queue, int slip_ticks, int64_t slip_bps_e2, int share_e2):
        """Of a book of last prices: `queue` says what a touch gives; slippage in ticks and hundredths of a basis point; an order gets at
        most `share_e2` hundredths of a per cent of what trades, 0 without end.
        """
        self.queue, self.slip_ticks, self.slip_bps_e2, self.share_e2 = queue, slip_ticks, slip_bps_e2, share_e2

    def set_funds(self, funds, *, bint in_book):
        """The account's money (`funds.py`), asked for each order and each change; None: without end. `in_book`: an order that it does not
        cover gets into the book and is rejected there, else the request is refused.
        """
        self.funds, self.has_funds, self.short_in_book = funds, funds is not None, in_book

    def set_square_off(self, int screen, int64_t at_ns):
        """When the broker closes what is open intraday there; 0: never."""
        self.screens[screen].square_off_ns = at_ns

    cdef bint _is_short(self, int screen, int side, int product, const order_terms_t* t, int64_t filled_qty, int own) noexcept with gil:
        """Does the account not have the money for such an order beside those that work? `own`: it is this one, with other terms."""
        cdef exch_order_t* o
        cdef fill_t* f
        cdef int i, n
        while self.n_booked < self.n_fills:
            f = &self.fills[self.n_booked]
            o = &self.orders[f.order]
            self.funds.book(o.screen, o.product, f.side, f.qty, f.price_e4)
            self.n_booked += 1
        working = []
        for i in range(self.n_screens):
            for n in range(self.screens[i].n_live):
                o = &self.orders[self.screens[i].live[n]]
                if self.screens[i].live[n] != own:
                    working.append((i, o.product, o.side, o.terms.qty - o.filled_qty, self._margin_px_e4(i, &o.terms), o.sequence))
        wanted = (screen, product, side, t.qty - filled_qty, self._margin_px_e4(screen, t), self.sequence + 1)
        return self.funds.is_short(working, wanted)

    cdef int64_t _margin_px_e4(self, int screen, const order_terms_t* t) noexcept nogil:
        """At which price an order blocks money."""
        if t.price_e4 > 0:
            return t.price_e4
        return t.trigger_e4 if t.trigger_e4 > 0 else self.screens[screen].ltp_e4

    cdef void reset_day(self) noexcept nogil:
        """As if no day had been. Instruments stay, with no market yet."""
        cdef screen_t* s
        cdef int i
        self.n_orders = self.n_heap = self.n_told = 0
        self.n_fills = self.seq = self.sequence = self.now_ns = self.n_booked = 0
        self.is_full = False
        self.n_unused = self.cap_heap
        for i in range(self.cap_heap):
            self.unused[i] = self.cap_heap - 1 - i
        for i in range(self.n_screens):
            s = &self.screens[i]
            s.next = s.ltp_e4 = s.last_qty = s.volume = s.cross_ns = s.held[0] = s.held[1] = s.held[2] = 0
            s.rising = 1
            s.has_depth = s.slot = s.n_bids = s.n_asks = s.n_live = s.is_mis_closed = 0
            s.available = WITHOUT_BAND_E4

    def clear_day(self):
        """For the same day again: nothing is allocated."""
        self.reset_day()

    # ------------------------------------------------------------------------------------------------ what comes later
    cdef bint before(self, int32_t a, int32_t b) noexcept nogil:
        cdef due_t* x = &self.pool[a]
        cdef due_t* y = &self.pool[b]
        cdef int order
        if x.ts_ns != y.ts_ns:
            return x.ts_ns < y.ts_ns
        if x.kind != y.kind:
            return x.kind < y.kind
        if x.token != y.token:
            return x.token < y.token
        order = strcmp(x.name, y.name)
        return order < 0 if order != 0 else x.seq < y.seq

    cdef due_t* later(self, int64_t ts_ns, int kind, uint32_t token, const char* name, int what, int order) noexcept nogil:
        """A new event, in its place. It holds until the next one is asked for; its order in time does not depend on the rest of it."""
        cdef due_t* due
        cdef int32_t at, parent, here
        if self.n_unused == 0:
            self.is_full = True
            return &self.pool[0]
        self.n_unused -= 1
        here = self.unused[self.n_unused]
        due = &self.pool[here]
        due.ts_ns, due.kind, due.token, due.what, due.order = ts_ns, kind, token, what, order
        due.seq = self.seq
        self.seq += 1
        if name != NULL:
            memcpy(due.name, name, sizeof(due.name))
        else:
            due.name[0] = 0
        at = self.n_heap
        self.n_heap += 1
        while at > 0:
            parent = (at - 1) // 2
            if not self.before(here, self.heap[parent]):
                break
            self.heap[at] = self.heap[parent]
            at = parent
        self.heap[at] = here
        return due

    cdef int pop(self) noexcept nogil:
        """Take the first event out of the heap: its place in the pool, which `free_due` gives back."""
        cdef int32_t first = self.heap[0], moved, at = 0, child
        self.n_heap -= 1
        moved = self.heap[self.n_heap]
        while True:
            child = 2 * at + 1
            if child >= self.n_heap:
                break
            if child + 1 < self.n_heap and self.before(self.heap[child + 1], self.heap[child]):
                child += 1
            if not self.before(self.heap[child], moved):
                break
            self.heap[at] = self.heap[child]
            at = child
        self.heap[at] = moved
        return first

    cdef void free_due(self, int at) noexcept nogil:
        self.unused[self.n_unused] = at
        self.n_unused += 1

    cdef void step(self, const due_t* due) noexcept nogil:
        """One of the exchange's own events."""
        if due.what == DO_ARRIVE:
            self._arrive(due.order)
        elif due.what == DO_MODIFY:
            self._apply_modify(due.order, &due.terms)
        elif due.what == DO_CANCEL:
            self._apply_cancel(due.order)
        elif due.what == DO_END_SESSION:
            self._end_session(due.a)
        elif due.what == DO_SQUARE_OFF:
            self._square_off(<int>due.a)
        elif due.what == DO_BOOK and self.screens[<int>due.a].cross_ns == due.ts_ns:
            self.on_book(<int>due.a)

    # ------------------------------------------------------------------------------------------------------ markets
    cdef void advance_path(self, int screen) noexcept nogil:
        """The path's next trade."""
        cdef screen_t* s = &self.screens[screen]
        cdef int64_t px = s.px_e4[s.next]
        if px != s.ltp_e4 or s.volume == 0:
            s.rising = px >= s.ltp_e4
        s.ltp_e4 = px
        s.last_qty = s.qty[s.next]
        s.volume += s.last_qty
        s.next += 1
        s.has_depth = 0

    cdef void _best(self, screen_t* s, int slot, int64_t* bid, int64_t* ask) noexcept nogil:
        cdef int64_t last = s.next - 1, spread = s.tick_e4, px = s.ltp_e4
        cdef bint is_buy = s.rising
        if s.spread != NULL:
            spread = s.spread[last] * s.tick_e4
            is_buy = s.noise[last] & 1
            px = s.px_e4[last] + _moved_ticks(s, last, slot) * s.tick_e4
        bid[0] = px - spread if is_buy else px
        ask[0] = bid[0] + spread

    cdef void _make_depth(self, screen_t* s, int slot) noexcept nogil:
        cdef uint64_t noise, bits
        cdef int64_t bid = 0, ask = 0, px, lots
        cdef double part
        cdef int i
        s.n_bids = s.n_asks = 0
        if s.next == 0:
            return
        noise = (s.noise[s.next - 1] + <uint64_t>slot) * <uint64_t>0x9E3779B97F4A7C15U
        self._best(s, slot, &bid, &ask)
        for i in range(LEVELS):
            px = bid - i * s.tick_e4
            if s.low_band_e4 <= px <= s.high_band_e4:
                bits = noise >> (6 * i)
                part = 0.4 + <double>(bits & 63) / 64.0 * 1.2 + 0.25 * i
                lots = <int64_t>(s.depth_lots * part)
                s.bids[s.n_bids].price_e4 = px
                s.bids[s.n_bids].qty = (lots if lots > 1 else 1) * s.lot
                s.n_bids += 1
            px = ask + i * s.tick_e4
            if s.low_band_e4 <= px <= s.high_band_e4:
                bits = noise >> (30 + 6 * i)
                part = 0.4 + <double>(bits & 63) / 64.0 * 1.2 + 0.25 * i
                lots = <int64_t>(s.depth_lots * part)
                s.asks[s.n_asks].price_e4 = px
                s.asks[s.n_asks].qty = (lots if lots > 1 else 1) * s.lot
                s.n_asks += 1

    cdef void _depth(self, screen_t* s) noexcept nogil:
        """Have the levels of this moment in place."""
        cdef int slot
        if s.book != BOOK_PATH:
            return
        slot = _slot_at(s, s.next - 1, self.now_ns)
        if not s.has_depth or slot != s.slot:
            s.slot = slot
            s.has_depth = 1
            self._make_depth(s, slot)

    cdef int64_t _crossing_ns(self, screen_t* s, int side, int64_t price_e4) noexcept nogil:
        cdef int64_t last = s.next - 1, bid = 0, ask = 0, away
        cdef int slot
        if last < 0 or not _can_move(s, last):
            return 0
        self._best(s, 0, &bid, &ask)
        away = price_e4 - ask if side > 0 else bid - price_e4
        slot = _first_slot(s, last, _slot_at(s, last, self.now_ns), side * floor_div(away, s.tick_e4), side < 0)
        if slot < 0:
            return 0
        return s.ts_ns[last] - (((s.ts_ns[last] - s.ts_ns[last + 1]) * slot) >> 8)

    cdef bint _lpp_range(self, screen_t* s, int64_t* low, int64_t* high) noexcept nogil:
        cdef int64_t start, first, value = 0, volume = 0, reference, half
        if s.lpp == 0 or s.book != BOOK_PATH:
            return False
        start = s.open_ns + floor_div(self.now_ns - s.open_ns, LPP_NS) * LPP_NS
        first = s.next
        while first > 0 and s.ts_ns[first - 1] >= start - LPP_NS:
            first -= 1
            if s.ts_ns[first] < start and s.qty[first] > 0:
                volume += s.qty[first]
                value += s.px_e4[first] * s.qty[first]
        reference = value // volume if volume else s.ltp_e4
        if s.lpp == 1:
            half = reference * FUTURES_BPS // 10_000
        elif reference <= CHEAP_OPTION_E4:
            half = CHEAP_RANGE_E4
        else:
            half = reference * OPTIONS_BPS // 10_000
        low[0] = reference - half
        high[0] = reference + half
        return True

    cdef bint _is_outside(self, screen_t* s, int side, int64_t price_e4) noexcept nogil:
        cdef int64_t low = 0, high = 0
        return self._lpp_range(s, &low, &high) and (price_e4 > high if side > 0 else price_e4 < low)

    cdef int64_t _slipped_e4(self, screen_t* s, int side) noexcept nogil:
        """What an order that takes pays where only the last price is known: worse by the slippage, to the next tick outwards."""
        cdef int64_t px = s.ltp_e4 + side * (self.slip_ticks * s.tick_e4 + s.ltp_e4 // 10_000 * self.slip_bps_e2 // 100)
        if side > 0:
            px = -floor_div(-px, s.tick_e4) * s.tick_e4
        else:
            px = floor_div(px, s.tick_e4) * s.tick_e4
        return px if px > s.tick_e4 else s.tick_e4

    # ------------------------------------------------------------------------------------------------ the order system
    cdef bint is_final(self, int order) noexcept nogil:
        return self.orders[order].state >= COMPLETE

    cdef bint waits(self, int order) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        return (o.terms.ord_type == TYPE_SL or o.terms.ord_type == TYPE_SL_M) and not o.triggered

    cdef int check_terms(self, screen_t* s, int side, const order_terms_t* t, bint still_stop) noexcept nogil:
        """Before the order system: 0, or the Reason of the refusal. `still_stop`: it has been triggered and stays a stop."""
        cdef int kind = TYPE_LIMIT if still_stop else t.ord_type
        if t.qty <= 0 or t.qty % s.lot != 0:
            return REASON_BROKER_INPUT
        if kind == TYPE_MARKET or kind == TYPE_SL_M:
            if t.protection_e2 == 0 or t.protection_e2 < -1 or t.protection_e2 > 10_000:
                return REASON_BROKER_INPUT
        elif t.price_e4 <= 0:
            return REASON_BROKER_INPUT
        if kind == TYPE_SL or kind == TYPE_SL_M:
            if t.trigger_e4 <= 0 or (kind == TYPE_SL and (t.price_e4 - t.trigger_e4) * side < 0):
                return REASON_BROKER_INPUT
            if s.volume > 0 and (s.ltp_e4 - t.trigger_e4) * side >= 0:
                return REASON_BROKER_INPUT
        return REASON_OK

    cdef int rms_reason(self, screen_t* s, int side, const order_terms_t* t) noexcept nogil:
        """After it has its id: 0, or the Reason for which it is rejected."""
        cdef bint has_price = t.ord_type == TYPE_LIMIT or t.ord_type == TYPE_SL
        cdef bint has_trigger = t.ord_type == TYPE_SL or t.ord_type == TYPE_SL_M
        if s.freeze_qty > 0 and t.qty > s.freeze_qty:
            return REASON_EXCHANGE_REJECT
        if has_price:
            if t.price_e4 % s.tick_e4:
                return REASON_EXCHANGE_REJECT
            if not s.low_band_e4 <= t.price_e4 <= s.high_band_e4:
                return REASON_PRICE_RANGE
        if has_trigger:
            if t.trigger_e4 % s.tick_e4:
                return REASON_EXCHANGE_REJECT
            if not s.low_band_e4 <= t.trigger_e4 <= s.high_band_e4:
                return REASON_PRICE_RANGE
        if t.ord_type == TYPE_LIMIT and self._is_outside(s, side, t.price_e4):
            return REASON_PRICE_RANGE
        return REASON_OK

    cdef int place(
        self, int screen, int side, int product, const order_terms_t* terms, const char* cl_ord_id, bint by_broker, int* order
    ) noexcept nogil:
        """A placement at the order system. 0 and its number, or the Reason why there is no such order."""
        cdef screen_t* s = &self.screens[screen]
        cdef exch_order_t* o
        cdef char name[128]
        cdef uint64_t key
        cdef int i, same = 1
        cdef bint is_short = False
        cdef int reason = self.check_terms(s, side, terms, False)
        if reason == REASON_OK and not s.taken_from_ns <= self.now_ns < s.taken_until_ns:
            reason = REASON_MARKET_HALTED
        if reason != REASON_OK:
            return reason
        if self.has_funds and not by_broker:
            is_short = self._is_short(screen, side, product, terms, 0, -1)
            if is_short and not self.short_in_book:
                return REASON_BROKER_MARGIN
        if self.n_orders == self.cap_orders or s.n_live == LIVE_MAX:
            self.is_full = True
            return REASON_BROKER_INPUT
        order[0] = self.n_orders
        o = &self.orders[self.n_orders]
        memset(o, 0, sizeof(exch_order_t))
        self.sequence += 1
        o.sequence = self.sequence
        snprintf(o.broker_order_id, sizeof(o.broker_order_id), "%06d%09lld", self.order_prefix, <long long>(o.sequence + 100_000_000))
        strncpy(o.cl_ord_id, cl_ord_id, sizeof(o.cl_ord_id) - 1)
        strncpy(o.name, &o.cl_ord_id[0] if o.cl_ord_id[0] else &o.broker_order_id[0], sizeof(o.name) - 1)
        o.screen, o.side, o.product, o.by_broker = screen, side, product, by_broker
        o.ts_asked_ns = self.now_ns
        o.terms = terms[0]
        for i in range(self.n_orders):
            if self.orders[i].screen == screen and strcmp(self.orders[i].cl_ord_id, o.cl_ord_id) == 0:
                same += 1
        self.n_orders += 1
        snprintf(name, sizeof(name), "%s/%s/%d", o.cl_ord_id, s.key, same)
        o.draw_key = text_number(name)
        key = keyed_fold(keyed_fold(keyed_fold(0, self.seed), self.day), o.draw_key)
        o.way_at = keyed_fold(key, self.way_purpose)
        o.queue_at = keyed_fold(key, self.queue_purpose)
        reason = REASON_BROKER_MARGIN if is_short else self.rms_reason(s, side, terms)
        if reason == REASON_OK and not by_broker and product == PRODUCT_MIS and s.is_mis_closed:
            reason = REASON_EXCHANGE_REJECT
        if reason == REASON_OK and self._lacks_holdings(s, order[0], terms.qty):
            reason = REASON_EXCHANGE_REJECT
        if reason != REASON_OK:
            self._end(order[0], REJECTED, reason)
            return REASON_OK
        s.live[s.n_live] = order[0]
        s.n_live += 1
        self.later(self.now_ns + self._way_ns(order[0]), KIND_EXCHANGE, s.token, o.name, DO_ARRIVE, order[0])
        return REASON_OK

    cdef bint _lacks_holdings(self, screen_t* s, int order, int64_t qty) noexcept nogil:
        """A sale for delivery of shares that are not there, or are on sale already."""
        cdef exch_order_t* own = &self.orders[order]
        cdef int64_t on_sale = 0
        cdef exch_order_t* o
        cdef int i
        if own.product != PRODUCT_CNC or own.side > 0:
            return False
        for i in range(s.n_live):
            o = &self.orders[s.live[i]]
            if s.live[i] != order and o.product == PRODUCT_CNC and o.side < 0:
                on_sale += o.terms.qty - o.filled_qty
        return qty - own.filled_qty > s.held[PRODUCT_CNC] - on_sale

    cdef int64_t _way_ns(self, int order) noexcept nogil:
        return self.way_low_ns + <int64_t>keyed_integer(
            &self.orders[order].way_at, <uint64_t>(self.way_high_ns - self.way_low_ns + 1))

    cdef int modify(self, int order, const order_terms_t* terms) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef due_t* due
        cdef int reason
        if self.is_final(order) or not o.is_at_exchange or o.is_busy:
            return REASON_BROKER_BUSY
        reason = self.check_terms(s, o.side, terms, o.triggered and o.terms.ord_type == terms.ord_type)
        if reason == REASON_OK and (
                terms.qty <= o.filled_qty or (terms.qty > o.terms.qty and self._lacks_holdings(s, order, terms.qty))):
            reason = REASON_BROKER_INPUT
        if reason == REASON_OK and self.has_funds and self._is_short(o.screen, o.side, o.product, terms, o.filled_qty, order):
            reason = REASON_BROKER_MARGIN
        if reason != REASON_OK:
            return reason
        o.is_busy = 1
        due = self.later(self.now_ns + self._way_ns(order), KIND_EXCHANGE, s.token, o.name, DO_MODIFY, order)
        due.terms = terms[0]
        return REASON_OK

    cdef int cancel(self, int order) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        if self.is_final(order) or not o.is_at_exchange or o.is_busy:
            return REASON_BROKER_BUSY
        o.is_busy = 1
        self.later(self.now_ns + self._way_ns(order), KIND_EXCHANGE, self.screens[o.screen].token, o.name, DO_CANCEL, order)
        return REASON_OK

    cdef int find(self, const char* cl_ord_id, const char* broker_order_id) noexcept nogil:
        cdef int i
        for i in range(self.n_orders - 1, -1, -1):
            if (strcmp(self.orders[i].cl_ord_id, cl_ord_id) == 0 if cl_ord_id[0]
                    else strcmp(self.orders[i].broker_order_id, broker_order_id) == 0):
                return i
        return -1

    # -------------------------------------------------------------------------------------------------- at the exchange
    cdef inline bint _is_open(self, screen_t* s) noexcept nogil:
        return s.open_ns <= self.now_ns < s.close_ns

    cdef void _arrive(self, int order) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        if self.is_final(order):
            return
        if not self._is_open(s):
            self._end(order, REJECTED, REASON_MARKET_HALTED)
            return
        o.is_at_exchange = 1
        o.state = OPEN
        o.ts_update_ns = self.now_ns
        self._to_book(order)
        if not self.is_final(order) and o.filled_qty == 0:
            self._push(order, EV_WORKING)

    cdef void _apply_modify(self, int order, const order_terms_t* terms) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef int reason
        o.is_busy = 0
        if self.is_final(order):
            return
        reason = self.rms_reason(s, o.side, terms)
        if reason == REASON_OK and terms.qty <= o.filled_qty:
            reason = REASON_EXCHANGE_REJECT
        if reason == REASON_OK and not self._is_open(s):
            reason = REASON_MARKET_HALTED
        o.reason = reason
        if reason != REASON_OK:
            self._push(order, EV_WORKING)
            return
        if terms.price_e4 != o.terms.price_e4 or terms.qty > o.terms.qty or terms.ord_type != o.terms.ord_type:
            self.sequence += 1
            o.sequence = self.sequence
        if terms.ord_type != o.terms.ord_type:
            o.triggered = 0
        o.terms = terms[0]
        o.ts_update_ns = self.now_ns
        self._push(order, EV_WORKING)
        self._to_book(order)

    cdef void _apply_cancel(self, int order) noexcept nogil:
        self.orders[order].is_busy = 0
        if not self.is_final(order):
            self._end(order, CANCELLED, REASON_OK)

    cdef void _to_book(self, int order) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        if self.waits(order):
            if (s.ltp_e4 - o.terms.trigger_e4) * o.side >= 0:
                self._trigger(order)
                self._watch_book(o.screen)
            return
        if o.terms.ord_type == TYPE_MARKET:
            self._convert(order)
        self._filled(order, self._take(order))
        if o.terms.tif == TIF_IOC and not self.is_final(order):
            self._end(order, CANCELLED, REASON_OK)
        self._stand(order)
        self._watch_book(o.screen)

    cdef void _convert(self, int order) noexcept nogil:
        """A market order becomes a limit order so many per cent through the last price, inside the band."""
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef int64_t pct = o.terms.protection_e2 if o.terms.protection_e2 >= 0 else AUTO_PROTECTION_E2
        cdef int64_t shift = (s.ltp_e4 * (pct * 10_000) + 50_000_000) // 100_000_000
        cdef int64_t px
        if o.side > 0:
            px = -floor_div(-(s.ltp_e4 + shift), s.tick_e4) * s.tick_e4
        else:
            px = floor_div(s.ltp_e4 - shift, s.tick_e4) * s.tick_e4
        px = px if px > s.low_band_e4 else s.low_band_e4
        o.terms.price_e4 = px if px < s.high_band_e4 else s.high_band_e4
        o.terms.ord_type = TYPE_LIMIT

    cdef void _trigger(self, int order) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef int64_t got
        o.triggered = 1
        if o.terms.ord_type == TYPE_SL_M:
            self._convert(order)
        elif self._is_outside(s, o.side, o.terms.price_e4):
            self._end(order, CANCELLED, REASON_PRICE_RANGE)
            return
        got = self._take(order)
        if got == 0:
            self._push(order, EV_WORKING)
        self._filled(order, got)
        if o.terms.tif == TIF_IOC and not self.is_final(order):
            self._end(order, CANCELLED, REASON_OK)
        self._stand(order)

    cdef int _resting(self, screen_t* s, int32_t* found) noexcept nogil:
        """Limit orders of an instrument, who trades first first."""
        cdef exch_order_t* o
        cdef exch_order_t* p
        cdef int i, at, n = 0
        for i in range(s.n_live):
            o = &self.orders[s.live[i]]
            if not o.is_at_exchange or self.waits(s.live[i]):
                continue
            at = n
            while at > 0:
                p = &self.orders[found[at - 1]]
                if (-p.side * p.terms.price_e4 < -o.side * o.terms.price_e4 or (
                        p.side * p.terms.price_e4 == o.side * o.terms.price_e4 and p.sequence <= o.sequence)):
                    break
                found[at] = found[at - 1]
                at -= 1
            found[at] = s.live[i]
            n += 1
        return n

    cdef bint _is_anyone_met(self, screen_t* s) noexcept nogil:
        """Does the last price come to the price or the trigger of an order that rests? All that can happen to one where nothing but that price
        is known.
        """
        cdef exch_order_t* o
        cdef int i
        for i in range(s.n_live):
            o = &self.orders[s.live[i]]
            if not o.is_at_exchange:
                continue
            if (o.terms.ord_type == TYPE_SL or o.terms.ord_type == TYPE_SL_M) and not o.triggered:
                if (s.ltp_e4 - o.terms.trigger_e4) * o.side >= 0:
                    return True
            elif (s.ltp_e4 - o.terms.price_e4) * o.side <= 0:
                return True
        return False

    cdef void on_trade(self, int screen) noexcept nogil:
        """The market has traded: the screen has it. Resting orders first, then stops."""
        cdef screen_t* s = &self.screens[screen]
        cdef int32_t found[LIVE_MAX]
        cdef int32_t stops[LIVE_MAX]
        cdef int i, at, n, n_stops = 0
        if s.n_live == 0 or not self._is_open(s):
            return
        if s.book == BOOK_LAST and not self._is_anyone_met(s):
            return
        for i in range(s.n_live):
            self.orders[s.live[i]].has_met = 0
            if self.waits(s.live[i]) and self.orders[s.live[i]].is_at_exchange:
                at = n_stops
                while at > 0 and self.orders[stops[at - 1]].sequence > self.orders[s.live[i]].sequence:
                    stops[at] = stops[at - 1]
                    at -= 1
                stops[at] = s.live[i]
                n_stops += 1
        n = self._resting(s, found)
        for i in range(n):
            self._filled(found[i], self._rest(found[i]))
        for i in range(n_stops):
            if not self.is_final(stops[i]) and (s.ltp_e4 - self.orders[stops[i]].terms.trigger_e4) * self.orders[stops[i]].side >= 0:
                self._trigger(stops[i])
        self._watch_book(screen)

    cdef void _watch_book(self, int screen) noexcept nogil:
        """An event for when the book next comes to a resting order's price, between two trades."""
        cdef screen_t* s = &self.screens[screen]
        cdef int32_t found[LIVE_MAX]
        cdef int64_t due_ns, first_ns = 0
        cdef int64_t times[LIVE_MAX]
        cdef int i, n
        cdef due_t* due
        if s.book != BOOK_PATH:
            return
        s.cross_ns = 0
        n = self._resting(s, found)
        for i in range(n):
            times[i] = 0
            if not self.orders[found[i]].has_met:
                due_ns = self._crossing_ns(s, self.orders[found[i]].side, self.orders[found[i]].terms.price_e4)
                times[i] = due_ns
                if due_ns > 0 and (first_ns == 0 or due_ns < first_ns):
                    first_ns = due_ns
        if first_ns == 0:
            return
        for i in range(n):
            self.orders[found[i]].is_due = times[i] == first_ns
        s.cross_ns = first_ns
        due = self.later(first_ns, KIND_TRADES, s.token, NULL, DO_BOOK, 0)
        due.a = screen

    cdef void on_book(self, int screen) noexcept nogil:
        """The book is at the price of some orders. Each has that once until the market's next trade."""
        cdef screen_t* s = &self.screens[screen]
        cdef int32_t found[LIVE_MAX]
        cdef int i, n
        if not self._is_open(s):
            return
        n = self._resting(s, found)
        for i in range(n):
            if self.orders[found[i]].is_due:
                self.orders[found[i]].has_met = 1
        for i in range(n):
            if self.orders[found[i]].is_due:
                self.orders[found[i]].is_due = 0
                self._filled(found[i], self._meet(found[i]))
        self._watch_book(screen)

    # --------------------------------------------------------------------------------------------------------- fills
    cdef int64_t _take(self, int order) noexcept nogil:
        """An order that arrives takes the other side, level by level."""
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef level_t* levels
        cdef int64_t left = o.terms.qty - o.filled_qty, qty, px, got = 0
        cdef int i, n
        if self.is_final(order):
            return 0
        if s.book == BOOK_LAST:
            px = self._slipped_e4(s, o.side)
            if s.ltp_e4 <= 0 or (px - o.terms.price_e4) * o.side > 0:
                return 0
            qty = _lots(s.available, s.lot)
            qty = qty if qty < left else left
            if qty > 0:
                s.available -= qty
                self._book_fill(order, qty, px)
            return qty
        self._depth(s)
        levels = &s.asks[0] if o.side > 0 else &s.bids[0]
        n = s.n_asks if o.side > 0 else s.n_bids
        for i in range(n):
            if left <= 0 or (levels[i].price_e4 - o.terms.price_e4) * o.side > 0:
                break
            qty = _lots(levels[i].qty, s.lot)
            qty = qty if qty < left else left
            if qty > 0:
                levels[i].qty -= qty
                left -= qty
                got += qty
                self._book_fill(order, qty, levels[i].price_e4)
        return got

    cdef int64_t _meet(self, int order) noexcept nogil:
        """A resting order at or through whose price the other side stands: it trades at its own price."""
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef level_t* levels
        cdef int64_t left = o.terms.qty - o.filled_qty, got = 0, qty
        cdef int i, n
        if self.is_final(order):
            return 0
        if s.book == BOOK_LAST:
            if (s.ltp_e4 - o.terms.price_e4) * o.side < 0:
                got = _lots(s.available, s.lot)
                got = got if got < left else left
                s.available -= got
        else:
            self._depth(s)
            levels = &s.asks[0] if o.side > 0 else &s.bids[0]
            n = s.n_asks if o.side > 0 else s.n_bids
            for i in range(n):
                if got >= left or (levels[i].price_e4 - o.terms.price_e4) * o.side > 0:
                    break
                qty = _lots(levels[i].qty, s.lot)
                qty = qty if qty < left - got else left - got
                levels[i].qty -= qty
                got += qty
            if s.book == BOOK_RECORDED and got < left and (s.ltp_e4 - o.terms.price_e4) * o.side < 0:
                got = left  # the market has traded through it
        if got > 0:
            self._book_fill(order, got, o.terms.price_e4)
        return got

    cdef int64_t _rest(self, int order) noexcept nogil:
        """A resting order after a new trade of the market."""
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef int64_t got = self._meet(order), left = o.terms.qty - o.filled_qty
        if got > 0 or self.is_final(order) or s.ltp_e4 != o.terms.price_e4:
            return got
        if self.queue == QUEUE_DRAWN:
            got = s.last_qty * <int64_t>keyed_integer(&o.queue_at, SHARES) // OF_SHARES
        elif self.queue == QUEUE_TOUCH:
            got = s.last_qty if s.volume > 0 else left
        elif self.queue == QUEUE_AHEAD:
            o.ahead -= s.last_qty
            got = -o.ahead if o.ahead < 0 else 0
            o.ahead = o.ahead if o.ahead > 0 else 0
        got = _lots(got, s.lot)
        got = got if got < left else left
        if got > 0:
            self._book_fill(order, got, o.terms.price_e4)
        return got

    cdef void _stand(self, int order) noexcept nogil:
        """It rests from now on: what stands at its price stands before it."""
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef level_t* levels
        cdef int i, n
        if self.queue != QUEUE_AHEAD or self.is_final(order) or self.waits(order):
            return
        o.ahead = 0
        if s.book == BOOK_LAST:
            return
        self._depth(s)
        levels = &s.bids[0] if o.side > 0 else &s.asks[0]
        n = s.n_bids if o.side > 0 else s.n_asks
        for i in range(n):
            if levels[i].price_e4 == o.terms.price_e4 or (i == n - 1 and (levels[i].price_e4 - o.terms.price_e4) * o.side > 0):
                o.ahead = levels[i].qty

    cdef void _book_fill(self, int order, int64_t qty, int64_t price_e4) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef fill_t* f
        o.filled_qty += qty
        o.filled_value_e4 += qty * price_e4
        self.screens[o.screen].held[o.product] += o.side * qty
        if self.n_fills == self.cap_fills:
            self.is_full = True
            return
        f = &self.fills[self.n_fills]
        self.n_fills += 1
        f.ts_ns, f.order, f.side, f.qty, f.price_e4 = self.now_ns, order, o.side, qty, price_e4

    cdef void _filled(self, int order, int64_t got) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        if got == 0:
            return
        o.has_met = 1
        o.ts_update_ns = self.now_ns
        if o.filled_qty == o.terms.qty:
            self._end(order, COMPLETE, REASON_OK)
        else:
            self._push(order, EV_FILL_PART)

    cdef void _end(self, int order, int state, int reason) noexcept nogil:
        cdef exch_order_t* o = &self.orders[order]
        cdef screen_t* s = &self.screens[o.screen]
        cdef int i, kept = 0
        o.state = state
        if reason != REASON_OK or state != COMPLETE:
            o.reason = reason
        o.ts_update_ns = self.now_ns
        for i in range(s.n_live):
            if s.live[i] != order:
                s.live[kept] = s.live[i]
                kept += 1
        s.n_live = kept
        self._push(order, EV_FILL_FULL if state == COMPLETE else (EV_CANCELED if state == CANCELLED else EV_REJECTED))

    cdef void report_of(self, int order, int ev, report_t* r) noexcept nogil:
        """An order as it is now, under an event."""
        cdef exch_order_t* o = &self.orders[order]
        memset(r, 0, sizeof(report_t))
        r.ev = EV_FILL_PART if ev == EV_WORKING and o.filled_qty > 0 else ev
        r.source = SOURCE_PUSH
        r.ord_type = o.terms.ord_type
        r.side = o.side
        r.order_qty = o.terms.qty
        r.cum_qty = o.filled_qty
        r.cum_value_e4 = o.filled_value_e4
        r.price_e4 = o.terms.price_e4 if o.terms.ord_type == TYPE_LIMIT or o.terms.ord_type == TYPE_SL else 0
        r.trigger_e4 = o.terms.trigger_e4 if o.terms.ord_type == TYPE_SL or o.terms.ord_type == TYPE_SL_M else 0
        r.triggered = o.triggered and (o.terms.ord_type == TYPE_SL or o.terms.ord_type == TYPE_SL_M)
        r.ts_update_ns = o.ts_update_ns
        r.reason = o.reason if ev != EV_FILL_FULL else 0
        r.worth = WORTH_EXACT if o.filled_qty > 0 else WORTH_NONE
        memcpy(r.cl_ord_id, o.cl_ord_id, sizeof(r.cl_ord_id))
        memcpy(r.broker_order_id, o.broker_order_id, sizeof(r.broker_order_id))

    cdef void _push(self, int order, int ev) noexcept nogil:
        if self.n_told == self.cap_told:
            self.is_full = True
            return
        self.report_of(order, ev, &self.told[self.n_told])
        self.told_of[self.n_told] = order
        self.n_told += 1

    # ------------------------------------------------------------------------------------------------ ends of the day
    cdef void _end_session(self, int64_t close_ns) noexcept nogil:
        """Working orders end shortly after the end of their instrument's session."""
        cdef int i
        for i in range(self.n_screens):
            if self.screens[i].close_ns <= close_ns:
                while self.screens[i].n_live > 0:
                    self._end(self.screens[i].live[0], CANCELLED, REASON_OK)

    cdef void _square_off(self, int screen) noexcept nogil:
        """The broker closes what is open intraday by itself, and takes no new such orders."""
        cdef screen_t* s = &self.screens[screen]
        cdef order_terms_t terms
        cdef int64_t most, left, held
        cdef int i = 0, order = 0
        s.is_mis_closed = 1
        while i < s.n_live:
            if self.orders[s.live[i]].product == PRODUCT_MIS:
                self.orders[s.live[i]].is_busy = 0
                self._end(s.live[i], CANCELLED, REASON_OK)
            else:
                i += 1
        held = s.held[PRODUCT_MIS]
        left = held if held > 0 else -held
        most = s.freeze_qty // s.lot * s.lot
        most = most if most > 0 else left
        if not s.is_derivative and most > SHARES_MAX:
            most = SHARES_MAX
        memset(&terms, 0, sizeof(terms))
        terms.ord_type, terms.protection_e2 = TYPE_MARKET, -1
        i = -1 if held > 0 else 1
        while left > 0:
            terms.qty = left if left < most else most
            if self.place(screen, i, PRODUCT_MIS, &terms, b"", True, &order) != REASON_OK:
                break
            if self.has_funds:
                with gil:
                    self.funds.take_fee()
            left -= terms.qty

    def arm(self):
        """The broker's square-offs, and the ends of sessions: one event for each time."""
        cdef int i, before
        for i in range(self.n_screens):
            if self.screens[i].square_off_ns > 0:
                self.later(self.screens[i].square_off_ns, KIND_SESSION, 0, NULL, DO_SQUARE_OFF, 0).a = i
        for i in range(self.n_screens):
            for before in range(i):
                if self.screens[before].close_ns == self.screens[i].close_ns:
                    break
            else:
                self.later(self.screens[i].close_ns + SECOND_NS, KIND_SESSION, 0, NULL, DO_END_SESSION, 0).a = self.screens[i].close_ns

    # ------------------------------------------------------------------------------------------------------ for tests
    def run_paths_until(self, int64_t ts_ns):
        """Every trade of the paths and every event before that time; then it is that time."""
        cdef int64_t first_ns
        cdef int i, at, first
        while True:
            first, first_ns = -1, ts_ns
            for i in range(self.n_screens):
                if self.screens[i].next < self.screens[i].n and self.screens[i].ts_ns[self.screens[i].next] < first_ns:
                    first, first_ns = i, self.screens[i].ts_ns[self.screens[i].next]
            if self.n_heap and self.pool[self.heap[0]].ts_ns < first_ns:
                at = self.pop()
                self.now_ns = self.pool[at].ts_ns
                self.step(&self.pool[at])
                self.free_due(at)
            elif first < 0:
                break
            else:
                self.now_ns = first_ns
                for i in range(self.n_screens):
                    if self.screens[i].next < self.screens[i].n and self.screens[i].ts_ns[self.screens[i].next] == first_ns:
                        self.advance_path(i)
                        self.on_trade(i)
            self.n_told = 0
        self.now_ns = ts_ns

    def try_place(
        self, int screen, int side, int product, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int protection_e2,
        str tag, int tif=0,
    ):
        """A placement now: its number, or minus the Reason of the refusal."""
        cdef order_terms_t terms = order_terms_t(ord_type, tif, protection_e2, 0, qty, price_e4, trigger_e4)
        cdef int order = -1
        encoded = tag.encode()
        cdef const char* text = encoded
        cdef int reason = self.place(screen, side, product, &terms, text, False, &order)
        return order if reason == REASON_OK else -reason

    def try_modify(self, int order, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int protection_e2, int tif=0):
        cdef order_terms_t terms = order_terms_t(ord_type, tif, protection_e2, 0, qty, price_e4, trigger_e4)
        return self.modify(order, &terms)

    def try_cancel(self, int order):
        return self.cancel(order)

    def fill_rows(self):
        """(time, instrument, ClOrdID, side, quantity, price) of each execution, oldest first."""
        rows = []
        for i in range(self.n_fills):
            f = self.fills[i]
            o = self.orders[f.order]
            rows.append((f.ts_ns, o.screen, (<bytes>o.cl_ord_id).decode(), f.side, f.qty, f.price_e4))
        return rows

    def asked_ns(self):
        """When each order was asked for, by ClOrdID."""
        return {(<bytes>self.orders[i].cl_ord_id).decode(): self.orders[i].ts_asked_ns for i in range(self.n_orders)}

    def order_rows(self):
        """(ClOrdID, state, filled quantity) of each order, oldest first."""
        return [
            ((<bytes>self.orders[i].cl_ord_id).decode(), STATE_WORDS[self.orders[i].state], self.orders[i].filled_qty)
            for i in range(self.n_orders)
        ]
