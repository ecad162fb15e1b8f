"""The compiled exchange: markets, orders, and what is still on its way. See `exchange.pyx`."""
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from otrade._core.types cimport report_t

cdef enum:
    LEVELS = 5
    LIVE_MAX = 512  # orders of one instrument that may trade at one time

# Where the order book of an instrument comes from.
cdef enum:
    BOOK_PATH = 0  # made of a path's spread and noise, as the simulator makes it
    BOOK_LAST = 1  # there is none: the last price is all that is known
    BOOK_RECORDED = 2  # as the wire brought it

# What a resting order gets where the market trades at its own price.
cdef enum:
    QUEUE_DRAWN = 0  # a random part, as the simulator draws it
    QUEUE_THROUGH = 1  # nothing: the market must trade through it
    QUEUE_TOUCH = 2  # all that trades there
    QUEUE_AHEAD = 3  # what trades there beyond the quantity that stood before it

# In the order in which events of one instant happen.
cdef enum:
    KIND_TRADES = 0
    KIND_SESSION = 1
    KIND_EXCHANGE = 2
    KIND_REQUEST = 3
    KIND_ANSWER = 4
    KIND_CLIENT = 6

cdef enum:
    DO_ARRIVE = 0
    DO_MODIFY = 1
    DO_CANCEL = 2
    DO_END_SESSION = 3
    DO_SQUARE_OFF = 4
    DO_REQUEST = 5
    DO_ANSWER = 6
    DO_REPORT = 7
    DO_BOOK = 8

cdef struct level_t:
    int64_t price_e4
    int64_t qty

cdef struct order_terms_t:
    int32_t ord_type
    int32_t tif
    int32_t protection_e2
    int32_t _pad
    int64_t qty
    int64_t price_e4
    int64_t trigger_e4

# One instrument: its rules, its market of the day, and the orders that may still trade.
cdef struct screen_t:
    uint32_t token
    int32_t book
    int32_t lpp  # 0: no limit price protection; 1 of a future, 2 of an option
    int32_t is_derivative
    char key[48]
    int64_t tick_e4, lot, freeze_qty, depth_lots
    int64_t open_ns, close_ns
    int64_t square_off_ns  # the broker's own; 0: none
    int64_t taken_from_ns, taken_until_ns  # when the broker takes orders at all
    int64_t low_band_e4, high_band_e4
    const int64_t* ts_ns
    const int64_t* px_e4
    const int64_t* qty
    const uint64_t* noise
    const uint16_t* spread  # NULL: one tick
    int64_t n  # of the path
    int64_t next
    int64_t ltp_e4, last_qty, volume
    int64_t available  # what an order may take of what is not displayed; of a book of last prices
    int32_t rising
    int32_t has_depth
    int32_t slot
    int32_t n_bids
    int32_t n_asks
    int32_t n_live
    int32_t is_mis_closed
    level_t bids[5]
    level_t asks[5]
    int64_t cross_ns
    int64_t held[3]  # net quantity, by product
    int32_t live[512]

cdef struct exch_order_t:
    char cl_ord_id[24]
    char name[24]  # its ClOrdID, or the broker's id
    char broker_order_id[32]
    int32_t screen
    int32_t side
    int32_t state
    int32_t is_at_exchange
    int32_t is_busy
    int32_t triggered
    int32_t has_met
    int32_t is_due  # its price is the next that the book comes to
    int32_t product
    int32_t by_broker
    order_terms_t terms
    int64_t filled_qty, filled_value_e4
    int64_t sequence
    int64_t ahead
    int64_t ts_update_ns
    int64_t ts_asked_ns  # when its client asked for it
    int32_t reason
    int32_t way_drawn
    uint64_t draw_key
    uint64_t way_at
    uint64_t queue_at

cdef struct fill_t:
    int64_t ts_ns
    int32_t order
    int32_t side
    int64_t qty
    int64_t price_e4

# One event to come.
cdef struct due_t:
    int64_t ts_ns
    int64_t seq
    int32_t kind
    uint32_t token
    int32_t what
    int32_t order
    char name[24]
    order_terms_t terms
    int64_t a
    int64_t b
    report_t report


cdef class Exchange:
    cdef screen_t* screens
    cdef int n_screens, cap_screens
    cdef exch_order_t* orders
    cdef int n_orders, cap_orders
    cdef fill_t* fills
    cdef int64_t n_fills, cap_fills
    cdef due_t* pool
    cdef int32_t* heap
    cdef int32_t* unused
    cdef int n_heap, n_unused, cap_heap
    cdef report_t* told  # states that are pushed, until their taker has taken them
    cdef int32_t* told_of
    cdef int n_told, cap_told
    cdef int64_t now_ns, seq, sequence
    cdef uint64_t seed, day, way_purpose, queue_purpose
    cdef int64_t way_low_ns, way_high_ns
    cdef int32_t queue, slip_ticks, share_e2
    cdef int64_t slip_bps_e2
    cdef bint is_full
    cdef object funds  # the account's money; None: without end
    cdef bint has_funds, short_in_book
    cdef int64_t n_booked  # fills that the funds have had
    cdef int32_t order_prefix
    cdef list keep  # what the pointers of the paths point into
    cdef due_t* later(self, int64_t ts_ns, int kind, uint32_t token, const char* name, int what, int order) noexcept nogil
    cdef bint before(self, int32_t a, int32_t b) noexcept nogil
    cdef int pop(self) noexcept nogil
    cdef void free_due(self, int at) noexcept nogil
    cdef bint is_final(self, int order) noexcept nogil
    cdef bint waits(self, int order) noexcept nogil
    cdef bint _is_anyone_met(self, screen_t* s) noexcept nogil
    cdef int check_terms(self, screen_t* s, int side, const order_terms_t* terms, bint still_stop) noexcept nogil
    cdef int rms_reason(self, screen_t* s, int side, const order_terms_t* terms) noexcept nogil
    cdef int place(
        self, int screen, int side, int product, const order_terms_t* terms, const char* cl_ord_id, bint by_broker, int* order
    ) noexcept nogil
    cdef int modify(self, int order, const order_terms_t* terms) noexcept nogil
    cdef int cancel(self, int order) noexcept nogil
    cdef int find(self, const char* cl_ord_id, const char* broker_order_id) noexcept nogil
    cdef void step(self, const due_t* due) noexcept nogil
    cdef void on_trade(self, int screen) noexcept nogil
    cdef void on_book(self, int screen) noexcept nogil
    cdef void advance_path(self, int screen) noexcept nogil
    cdef void report_of(self, int order, int ev, report_t* r) noexcept nogil
    cdef void reset_day(self) noexcept nogil
    cdef int64_t _way_ns(self, int order) noexcept nogil
    cdef void _make_depth(self, screen_t* s, int slot) noexcept nogil
    cdef void _depth(self, screen_t* s) noexcept nogil
    cdef void _best(self, screen_t* s, int slot, int64_t* bid, int64_t* ask) noexcept nogil
    cdef int64_t _crossing_ns(self, screen_t* s, int side, int64_t price_e4) noexcept nogil
    cdef bint _lpp_range(self, screen_t* s, int64_t* low, int64_t* high) noexcept nogil
    cdef bint _is_outside(self, screen_t* s, int side, int64_t price_e4) noexcept nogil
    cdef int64_t _slipped_e4(self, screen_t* s, int side) noexcept nogil
    cdef void _arrive(self, int order) noexcept nogil
    cdef void _apply_modify(self, int order, const order_terms_t* terms) noexcept nogil
    cdef void _apply_cancel(self, int order) noexcept nogil
    cdef void _to_book(self, int order) noexcept nogil
    cdef void _convert(self, int order) noexcept nogil
    cdef void _trigger(self, int order) noexcept nogil
    cdef int _resting(self, screen_t* s, int32_t* found) noexcept nogil
    cdef void _watch_book(self, int screen) noexcept nogil
    cdef int64_t _take(self, int order) noexcept nogil
    cdef int64_t _meet(self, int order) noexcept nogil
    cdef int64_t _rest(self, int order) noexcept nogil
    cdef void _stand(self, int order) noexcept nogil
    cdef void _book_fill(self, int order, int64_t qty, int64_t price_e4) noexcept nogil
    cdef void _filled(self, int order, int64_t got) noexcept nogil
    cdef void _end(self, int order, int state, int reason) noexcept nogil
    cdef void _push(self, int order, int ev) noexcept nogil
    cdef void _square_off(self, int screen) noexcept nogil
    cdef bint _lacks_holdings(self, screen_t* s, int order, int64_t qty) noexcept nogil
    cdef bint _is_short(self, int screen, int side, int product, const order_terms_t* t, int64_t filled_qty, int own) noexcept with gil
    cdef int64_t _margin_px_e4(self, int screen, const order_terms_t* t) noexcept nogil
    cdef bint _is_open(self, screen_t* s) noexcept nogil
    cdef void _end_session(self, int64_t close_ns) noexcept nogil
