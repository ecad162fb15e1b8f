# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What refusals teach: a pause for the leg that was refused, a poll of the order book where the broker says "not now", a brake for entries.

Each leg of a bracket has its own count and pause: a target that the broker does not want says nothing about the stop. A count is
of refusals in a row, and a request that is carried out ends it: three refusals in a day are not three in a row.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from otrade._core cimport notes
from otrade._core.state cimport core_t, strategy_t
from otrade._core.types cimport (
    LEG_FIX, LEG_TARGET, REASON_BROKER_PERMISSION, REASON_BROKER_RATE, REASON_BROKER_TOKEN,
    SEV_ALARM, SEV_WARN, bracket_t, order_t,
)

cdef int64_t FIRST_NS = 1_000_000_000
cdef int64_t MAX_NS = 4_000_000_000  # open and uncovered: nobody waits long for the next try
cdef int64_t SLOW_NS = 30_000_000_000
cdef int64_t BUSY_NS = 2_500_000_000  # for so long a book is waited for; longer than the gap between two polls
cdef int QUICK = 20
cdef int BRAKE_AFTER = 3  # entries of a strategy rejected in a row
cdef int64_t BRAKE_FIRST_NS = 60_000_000_000
cdef int64_t BRAKE_MAX_NS = 1_920_000_000_000


cdef int64_t* pause_until(bracket_t* b, int leg) noexcept nogil:
    """Nothing is asked for this leg before that time. The stop's is the way out's too: they are one order."""
    if leg == LEG_TARGET:
        return &b.target_retry_ns
    return &b.fix_retry_ns if leg == LEG_FIX else &b.retry_ns


cdef int32_t* in_a_row(bracket_t* b, int leg) noexcept nogil:
    """Refusals of this leg since the last request of it that was carried out."""
    if leg == LEG_TARGET:
        return &b.n_target_rejects
    return &b.n_fix_rejects if leg == LEG_FIX else &b.n_rejects


cdef uint32_t* _refused_seq(bracket_t* b, int leg) noexcept nogil:
    if leg == LEG_TARGET:
        return &b.target_refused_seq
    return &b.fix_refused_seq if leg == LEG_FIX else &b.refused_seq


cdef void count(core_t* c, int slot, int reason) noexcept nogil:
    """A placement or modification of an exit was refused: pause its leg, longer each time."""
    cdef order_t* o = &c.orders[slot]
    cdef bracket_t* b = &c.brackets[o.bracket_id]
    cdef int32_t* n = in_a_row(b, o.leg)
    # A target that is refused leaves the stop standing: it can wait, and must not eat the day's orders.
    cdef int64_t longest = SLOW_NS if o.leg == LEG_TARGET else MAX_NS
    cdef int64_t pause = FIRST_NS
    cdef int _
    n[0] += 1
    _refused_seq(b, o.leg)[0] = o.request_seq
    if n[0] > QUICK or reason == REASON_BROKER_PERMISSION:
        pause = SLOW_NS  # somebody has to look; we must not eat the day's orders meanwhile
    else:
        for _ in range(n[0] - 1):
            if pause < longest:
                pause *= 2
    pause_until(b, o.leg)[0] = c.now_ns + (pause if pause < SLOW_NS else SLOW_NS)


cdef void pause_for_range(core_t* c, int slot) noexcept nogil:
    """The price of a way out was refused for its range. The next price is another one, so nothing is gained by waiting long, and it is no
    fault of the order's. Once the steps have found no range, each try costs one of the day's orders: slower, as with any refusal.
    """
    cdef order_t* o = &c.orders[slot]
    cdef bracket_t* b = &c.brackets[o.bracket_id]
    cdef int64_t pause = FIRST_NS
    if b.refused_px_e4 == 0:
        pause = MAX_NS if b.n_px_refused <= QUICK else SLOW_NS
    pause_until(b, o.leg)[0] = c.now_ns + pause


cdef void forget(bracket_t* b, const order_t* o) noexcept nogil:
    """The order stands at the exchange as it was last asked for, and that request was not the refused one: a success."""
    if in_a_row(b, o.leg)[0] == 0 or o.request_seq == _refused_seq(b, o.leg)[0]:
        return
    if o.order_qty == o.req_qty and o.ord_type == o.req_type and o.price_e4 == o.req_price_e4 and (
            o.trigger_e4 == o.req_trigger_e4 or o.req_trigger_e4 == 0):
        in_a_row(b, o.leg)[0] = 0


cdef void await_book(core_t* c, int slot) noexcept nogil:
    """The broker changes or cancels this order not now: it is being processed, or it has ended. The book knows which."""
    c.orders[slot].ts_busy_ns = c.now_ns
    c.poll_wanted = 1


cdef bint is_waiting(const core_t* c, const order_t* o) noexcept nogil:
    """Neither the book nor a report has told of the order since then. When nobody does for too long it is asked again."""
    return (o.ts_busy_ns != 0 and c.book_request_ns <= o.ts_busy_ns and o.ts_report_ns <= o.ts_busy_ns
            and c.now_ns < o.ts_busy_ns + BUSY_NS)


cdef void entry_rejected(core_t* c, int slot, int reason) noexcept nogil:
    """An entry was rejected. Some in a row mean that the next will be too (a ban, a product that is off): entries pause, longer each time.

    What the broker says about rate, session and permission has brakes of its own.
    """
    cdef order_t* o = &c.orders[slot]
    cdef strategy_t* s = &c.strategies[c.brackets[o.bracket_id].strategy_id]
    cdef bint is_first = s.brake_ns == 0
    if reason == REASON_BROKER_RATE or reason == REASON_BROKER_TOKEN or reason == REASON_BROKER_PERMISSION:
        return
    s.n_entry_rejects += 1
    if s.n_entry_rejects < BRAKE_AFTER or c.now_ns < s.brake_until_ns:
        return  # the slices of one decision are one step of the brake
    if is_first:
        s.brake_ns = BRAKE_FIRST_NS
    elif s.brake_ns < BRAKE_MAX_NS:
        s.brake_ns *= 2
    s.brake_until_ns = c.now_ns + s.brake_ns
    notes.entry_brake(
        c, SEV_ALARM if is_first else SEV_WARN, o.instrument_id, o.bracket_id, slot, reason,
        n_rejected=s.n_entry_rejects, pause_ns=s.brake_ns)


cdef void entry_accepted(strategy_t* s) noexcept nogil:
    """The exchange has taken an entry: what was refused before it counts no more."""
    s.n_entry_rejects = 0
    s.brake_ns = 0
    s.brake_until_ns = 0


cdef bint is_braked(const core_t* c, const strategy_t* s) noexcept nogil:
    return c.now_ns < s.brake_until_ns
