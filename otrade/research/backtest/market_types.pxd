"""What the compiled exchange is made of: instruments with their markets, orders, executions, events to come."""
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
