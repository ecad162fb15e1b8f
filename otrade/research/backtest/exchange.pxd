"""The compiled exchange. See `exchange.pyx`; what it is made of is in `market_types.pxd`."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from otrade._core.types cimport report_t
from otrade.research.backtest.event_queue cimport EventQueue
from otrade.research.backtest.market_types cimport due_t, exch_order_t, fill_t, order_terms_t, screen_t


cdef class Exchange(EventQueue):
    cdef screen_t* screens
    cdef int n_screens, cap_screens
    cdef exch_order_t* orders
    cdef int n_orders, cap_orders
    cdef fill_t* fills
    cdef int64_t n_fills, cap_fills
    cdef report_t* told  # states that are pushed, until their taker has taken them
    cdef int32_t* told_of
    cdef int n_told, cap_told
    cdef int64_t now_ns, sequence
    cdef uint64_t seed, day, way_purpose, queue_purpose
    cdef int64_t way_low_ns, way_high_ns
    cdef int32_t queue, slip_ticks, share_e2
    cdef int64_t slip_bps_e2
    cdef object funds  # the account's money; None: without end
    cdef bint has_funds, short_in_book
    cdef int64_t n_booked  # fills that the funds have had
    cdef int32_t order_prefix
    cdef list keep  # what the pointers of the paths point into
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
