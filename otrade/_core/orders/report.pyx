# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What brokers say, turned into order events: answers to requests, pushes, and rows of the order book, all by one road.

Reports are facts about the exchange that may come twice, late or out of order. Filled quantity only rises; terms (quantity,
price, trigger) are taken from the newest report, so what the broker stored is what we know, not what we asked for.

In doubt (a timeout, a 5xx, a lost connection): nothing is sent again. The order is looked for in pushes and in the book;
only two polls of it, `look_gap_ns` apart and both asked after the doubt began, prove that a placement never arrived. If it turns
up after that proof all the same, it is taken out or exited, loudly.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from otrade._core cimport notes
from otrade._core.orders cimport bracket, exits, fill_price as value, order, request, risk
from otrade._core.state cimport core_t, find_order
from otrade._core.types cimport (
    BR_CLOSED, EV_ABSENT, EV_ACCEPTED, EV_ACK, EV_CANCELED, EV_CANCEL_REJECTED, EV_EXPIRED, EV_FILL_FULL, EV_FILL_PART,
    EV_REFUSED, EV_REJECTED, EV_REPLACED, EV_REPLACE_REJECTED, EV_TIMEOUT, EV_UNKNOWN, EV_WORKING,
    EXIT_STOP, LEG_ENTRY, LEG_STOP,
    ORD_ABSENT, ORD_PENDING_NEW, ORD_UNKNOWN, PENDING_CANCEL, PENDING_NEW, PENDING_NONE,
    PENDING_REPLACE, REASON_BROKER_RATE, REASON_EXCHANGE_REJECT, REASON_ILLEGAL_EVENT, REASON_LATE_ACCEPT, REASON_OK, REASON_OVER_FILL,
    REASON_PRICE_RANGE, REASON_PROVEN_ABSENT, REASON_READ_BACK, REASON_TIMED_OUT, REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_STATUS, REASON_VANISHED, SEV_ALARM, SEV_INFO, SEV_WARN, SOURCE_BOOK, TYPE_LIMIT, TYPE_MARKET, TYPE_SL,
    TYPE_SL_M, WORTH_EXACT, WORTH_UNKNOWN, WORTH_UNPRICED,
    command_t, order_t, report_t,
)

cdef int64_t SECOND_NS = 1_000_000_000


cdef int _apply(core_t* c, int slot, int ev) noexcept nogil:
    """Move an order, keep the count of doubts, and count what is illegal."""
    cdef order_t* o = &c.orders[slot]
    cdef int doubt = o.in_doubt
    cdef bint was_absent = o.ord_status == ORD_ABSENT
    cdef int reason = order.apply(o, ev, c.now_ns)
    if reason != REASON_OK:
        c.counters.illegal_events += 1
        notes.illegal_event(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason, ord_status=o.ord_status, ev=ev)
        return reason
    if o.in_doubt != doubt:
        c.n_in_doubt += o.in_doubt - doubt
        c.instruments[o.instrument_id].n_in_doubt += o.in_doubt - doubt
        if doubt:
            notes.doubt_resolved(c, SEV_INFO, o.instrument_id, o.bracket_id, slot, 0, ev=ev)
    if was_absent and not order.is_final(o):
        notes.late_fill(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, REASON_LATE_ACCEPT)
        if c.brackets[o.bracket_id].state == BR_CLOSED:
            bracket.reopen(c, o.bracket_id)
    return REASON_OK


cdef bint _as_requested(const order_t* o, const report_t* r) noexcept nogil:
    """Does the report show the terms that we last asked for?"""
    if o.req_type == TYPE_MARKET and r.ord_type == TYPE_LIMIT:
        # Brokers keep a market order as a limit at its protection; one that shows the price of before has not been changed yet.
        return r.order_qty == o.req_qty and r.price_e4 != o.price_e4
    if r.order_qty != o.req_qty or (r.ord_type != 0 and r.ord_type != o.req_type):
        return False
    if (o.req_type == TYPE_LIMIT or o.req_type == TYPE_SL) and r.price_e4 != o.req_price_e4:
        return False
    return not ((o.req_type == TYPE_SL or o.req_type == TYPE_SL_M) and r.trigger_e4 != o.req_trigger_e4)


cdef void _take_terms(core_t* c, int slot, const report_t* r, bint as_requested) noexcept nogil:
    """Keep what the broker stored. A change that we did not ask for is shown: a read-back check, or someone's hand."""
    cdef order_t* o = &c.orders[slot]
    cdef bint limit = o.ord_type == TYPE_LIMIT or o.ord_type == TYPE_SL
    cdef bint stop = o.ord_type == TYPE_SL or o.ord_type == TYPE_SL_M
    if r.order_qty <= 0:
        return
    if not as_requested and (r.order_qty != o.order_qty or (limit and r.price_e4 > 0 and r.price_e4 != o.price_e4) or (
            stop and r.trigger_e4 > 0 and r.trigger_e4 != o.trigger_e4)):
        notes.read_back(
            c, SEV_WARN, o.instrument_id, o.bracket_id, slot, REASON_READ_BACK,
            qty=r.order_qty, price_e4=r.price_e4, trigger_e4=r.trigger_e4)
    o.order_qty = r.order_qty
    if r.ord_type != 0:
        o.ord_type = r.ord_type
    if r.price_e4 > 0:
        o.price_e4 = r.price_e4
    if r.trigger_e4 > 0:
        o.trigger_e4 = r.trigger_e4


cdef bint _is_ending(int ev) noexcept nogil:
    return ev == EV_CANCELED or ev == EV_REJECTED or ev == EV_EXPIRED


cdef int _state_event(const order_t* o, const report_t* r, bint as_requested) noexcept nogil:
    """The event that a report stands for, beyond its fills."""
    if _is_ending(r.ev) or r.ev == EV_UNKNOWN or r.ev == EV_REPLACE_REJECTED or r.ev == EV_CANCEL_REJECTED:
        return r.ev
    if r.ev == EV_FILL_FULL:
        return EV_FILL_FULL if o.cum_qty >= o.order_qty else EV_UNKNOWN
    if r.ev == EV_ACCEPTED:
        return EV_ACCEPTED
    if o.pending == PENDING_REPLACE and as_requested:
        return EV_REPLACED
    return EV_FILL_PART if o.cum_qty > 0 else EV_WORKING


cdef void _count_poll(core_t* c, int slot) noexcept nogil:
    """The book still shows the order as it was: after two such polls the change or cancel did not happen."""
    cdef order_t* o = &c.orders[slot]
    if c.book_request_ns < o.ts_intent_ns + c.look_gap_ns:
        return
    if o.looks == 0:
        o.looks = 1
        o.ts_look_ns = c.book_request_ns
    elif c.book_request_ns >= o.ts_look_ns + c.look_gap_ns:
        _apply(c, slot, EV_REPLACE_REJECTED if o.pending == PENDING_REPLACE else EV_CANCEL_REJECTED)


cdef int _take_fill(core_t* c, int slot, const report_t* r, bint fresh, int64_t* d_qty, int64_t* d_value) noexcept nogil:
    """Take what a report says of fills. Where it tells no price, a substitute is booked for what is new."""
    cdef order_t* o = &c.orders[slot]
    cdef int64_t px, cum_value_e4 = r.cum_value_e4
    cdef int reason, worth = r.worth
    cdef bint better = r.cum_qty == o.cum_qty and order.is_better(o, worth, fresh)
    if worth == WORTH_UNKNOWN:
        px = value.substitute_e4(c, slot)
        cum_value_e4 = o.cum_value_e4 + (r.cum_qty - o.cum_qty) * px
        if px <= 0:
            worth = WORTH_UNPRICED
    reason = order.take_fill(o, r.cum_qty, cum_value_e4, worth, fresh, d_qty, d_value)
    if reason == REASON_OVER_FILL:
        # More has traded than we think was ordered: what traded is ours. Take it, and show it.
        notes.read_back(
            c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, REASON_OVER_FILL, qty=r.cum_qty, price_e4=0, trigger_e4=0)
        o.order_qty = r.cum_qty
        reason = order.take_fill(o, r.cum_qty, cum_value_e4, worth, fresh, d_qty, d_value)
    if d_qty[0] == 0:
        c.counters.duplicate_reports += 1
    if better and d_value[0] != 0:
        bracket.on_pnl(c, value.correct(c, slot, d_value[0]))
    if (better or d_qty[0] > 0) and o.worth != worth:
        value.set_worth(c, slot, worth)
    return reason


cdef int on_traded(core_t* c, const char* broker_order_id, int64_t qty, int64_t value_e4) noexcept nogil:
    """What an order has traded by the broker's list of trades: its exact value. The list may be behind, and is then no news."""
    cdef int slot = find_order(c, b"", broker_order_id)
    cdef int64_t d_qty = 0, d_value = 0
    if slot < 0:
        return REASON_UNKNOWN_ORDER
    cdef order_t* o = &c.orders[slot]
    if qty > o.cum_qty:
        c.poll_wanted = 1  # a fill of which no push has told: the book knows
        return REASON_OK
    if qty < o.cum_qty or qty <= 0 or value_e4 <= 0:
        return REASON_OK
    order.take_fill(o, qty, value_e4, WORTH_EXACT, True, &d_qty, &d_value)
    if d_value != 0:
        bracket.on_pnl(c, value.correct(c, slot, d_value))
    if o.worth != WORTH_EXACT:
        value.set_worth(c, slot, WORTH_EXACT)
    bracket.settle(c, o.bracket_id)
    return REASON_OK


cdef int on_missing(core_t* c, const char* broker_order_id, bint proven) noexcept nogil:
    """Whole books no longer show an order that stood. Until `proven` (the broker knows no such order either) nobody knows what it does:
    it covers nothing, and nothing takes its place. If it turns up after that proof, it is a late acceptance.
    """
    cdef int slot = find_order(c, b"", broker_order_id)
    cdef int reason = REASON_OK
    if slot < 0:
        return REASON_UNKNOWN_ORDER
    cdef order_t* o = &c.orders[slot]
    if order.is_final(o):
        return REASON_OK
    if o.ord_status != ORD_UNKNOWN:
        reason = _apply(c, slot, EV_UNKNOWN)
        notes.unknown_status(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, REASON_VANISHED)
    if proven and reason == REASON_OK:
        reason = _apply(c, slot, EV_ABSENT)
        o.reason = REASON_VANISHED
        notes.proven_absent(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, REASON_VANISHED)
    bracket.settle(c, o.bracket_id)
    return reason


cdef int on_report(core_t* c, const report_t* r) noexcept nogil:
    """Take one report. REASON_OK, REASON_UNKNOWN_ORDER when the order is not ours, or the reason why it changed nothing."""
    cdef int slot = find_order(c, r.cl_ord_id, r.broker_order_id)
    cdef order_t* o
    cdef int64_t d_qty = 0, d_value = 0
    cdef int ev, reason = REASON_OK
    c.counters.reports += 1
    if slot < 0:
        return REASON_UNKNOWN_ORDER
    o = &c.orders[slot]
    cdef bint was_final = order.is_final(o)
    cdef bint asked_cancel = o.pending == PENDING_CANCEL
    cdef bint was_asked = o.pending != PENDING_NONE or o.ord_status == ORD_PENDING_NEW
    cdef bint fresh = r.ts_update_ns == 0 or r.ts_update_ns >= o.ts_update_ns
    cdef bint as_requested = fresh and _as_requested(o, r)
    if o.broker_order_id[0] == 0:
        memcpy(o.broker_order_id, r.broker_order_id, sizeof(o.broker_order_id))
        o.ts_known_ns = c.now_ns
    if fresh:
        if r.ts_update_ns > 0:
            o.ts_update_ns = r.ts_update_ns
        if r.ev != EV_ACCEPTED and r.ev != EV_UNKNOWN:
            _take_terms(c, slot, r, as_requested)
    if r.cum_qty > 0:
        reason = _take_fill(c, slot, r, fresh, &d_qty, &d_value)
    if d_qty > 0:
        _apply(c, slot, EV_FILL_FULL if o.cum_qty >= o.order_qty else EV_FILL_PART)
    ev = _state_event(o, r, as_requested)
    if fresh or _is_ending(ev):
        reason = _apply(c, slot, ev)
    if was_asked and o.pending == PENDING_NONE and order.is_working(o):
        c.instruments[o.instrument_id].halted = 0  # the exchange has taken it
    if ev == EV_UNKNOWN:
        notes.unknown_status(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, REASON_UNKNOWN_STATUS)
        c.poll_wanted = 1
    elif r.source == SOURCE_BOOK and (o.pending == PENDING_REPLACE or o.pending == PENDING_CANCEL):
        _count_poll(c, slot)
    if d_qty > 0:
        bracket.on_fill(c, slot, d_qty, d_value)
    if r.triggered and not o.triggered and (o.ord_type == TYPE_SL or o.ord_type == TYPE_SL_M) and o.leg == LEG_STOP:
        o.triggered = 1
        if not order.is_final(o):
            exits.begin_exit(c, o.bracket_id, EXIT_STOP)
    if (r.reason == REASON_PRICE_RANGE and o.pending == PENDING_REPLACE and fresh and not as_requested and not _is_ending(ev)
            and r.ts_update_ns > o.ts_intent_ns - SECOND_NS):
        # The broker says why it did not change the order, which stands as it was. Its clock has whole seconds.
        _apply(c, slot, EV_REPLACE_REJECTED)
        bracket.on_refusal(c, slot, EV_REPLACE_REJECTED, r.reason)
    if _is_ending(ev) and not was_final and order.is_final(o) and not (asked_cancel and ev == EV_CANCELED):
        o.reason = r.reason if r.reason != 0 else REASON_EXCHANGE_REJECT
        if o.leg != LEG_ENTRY or ev == EV_REJECTED:
            bracket.on_refusal(c, slot, EV_REJECTED, o.reason)
    bracket.settle(c, o.bracket_id)
    return reason


cdef int _slot_of(core_t* c, uint32_t seq) noexcept nogil:
    """The order that a request was about; -1 when the request is not known (or polled the order book)."""
    cdef command_t* cmd = &c.commands[(<int64_t>seq - 1) % c.cap_commands]
    cdef int i
    if seq == 0 or seq > c.seq:
        return -1
    if cmd.seq == seq:
        return cmd.order_slot
    for i in range(c.n_orders - 1, -1, -1):
        if c.orders[i].request_seq == seq:
            return i
    return -1


cdef int on_answer(core_t* c, uint32_t seq, int outcome, const char* broker_order_id, int reason) noexcept nogil:
    """The broker answered a request (EV_ACK, EV_REFUSED), or did not (EV_TIMEOUT)."""
    cdef int slot = _slot_of(c, seq)
    cdef order_t* o
    cdef int ev = outcome
    if slot < 0:
        return REASON_UNKNOWN_ORDER
    o = &c.orders[slot]
    if o.broker_order_id[0] == 0 and broker_order_id[0] != 0:
        memcpy(o.broker_order_id, broker_order_id, sizeof(o.broker_order_id))
        o.ts_known_ns = c.now_ns
    if o.request_seq != seq:
        return REASON_OK  # a later request has been made since: reports have told what this one came to
    if outcome == EV_REFUSED:
        if reason == REASON_BROKER_RATE:
            risk.tighten(c)
        if o.pending == PENDING_NONE:
            return REASON_OK  # a report was quicker and has said more
        if o.pending == PENDING_REPLACE:
            ev = EV_REPLACE_REJECTED
        elif o.pending == PENDING_CANCEL:
            ev = EV_CANCEL_REJECTED
        o.reason = reason
    elif outcome == EV_TIMEOUT and o.pending != PENDING_NONE and not o.in_doubt:
        doubt(c, slot, reason if reason else REASON_TIMED_OUT)
        bracket.settle(c, o.bracket_id)
        return REASON_OK
    elif outcome != EV_ACK and outcome != EV_TIMEOUT:
        return REASON_ILLEGAL_EVENT
    reason = _apply(c, slot, ev)
    if reason == REASON_OK and outcome == EV_REFUSED:
        bracket.on_refusal(c, slot, ev, o.reason)
        if ev == EV_CANCEL_REJECTED:
            c.poll_wanted = 1  # most often it has traded: the book knows
    bracket.settle(c, o.bracket_id)
    return reason


cdef void on_sent(core_t* c, uint32_t seq) noexcept nogil:
    """The request's last byte has been handed to the kernel."""
    cdef int slot = _slot_of(c, seq)
    if slot >= 0 and c.orders[slot].request_seq == seq:
        c.orders[slot].ts_sent_ns = c.now_ns


cdef void on_book_begin(core_t* c, int64_t ts_request_ns) noexcept nogil:
    """Rows of an order book follow; it shows the world no earlier than when it was asked for.

    Nothing is asked for until all have come: a stop's fill told before its entry's would look like an over-exit.
    """
    c.book_request_ns = ts_request_ns
    c.in_book = 1


cdef void on_book_end(core_t* c, bint proves) noexcept nogil:
    """The book is complete: a placement in doubt that was not in it has been looked for once more in vain. Now act on it.

    Not `proves`: it lacks orders that the broker has named to us before. Its rows are facts; what it does not show may stand.
    """
    cdef int i = 0
    cdef int id, slot
    cdef order_t* o
    c.in_book = 0
    while i < c.n_live:
        id = c.live[i]
        slot = c.brackets[id].order_head
        while slot >= 0 and c.n_in_doubt > 0 and proves:
            o = &c.orders[slot]
            if o.in_doubt and o.pending == PENDING_NEW and c.book_request_ns >= o.ts_doubt_ns:
                if o.looks == 0:
                    o.looks = 1
                    o.ts_look_ns = c.book_request_ns
                elif c.book_request_ns >= o.ts_look_ns + c.look_gap_ns:
                    _apply(c, slot, EV_ABSENT)
                    o.reason = REASON_PROVEN_ABSENT
                    notes.proven_absent(c, SEV_WARN, o.instrument_id, id, slot, REASON_PROVEN_ABSENT)
            slot = o.next
        bracket.settle(c, id)
        if i < c.n_live and c.live[i] == id:
            i += 1


cdef void doubt(core_t* c, int slot, int reason) noexcept nogil:
    """Nobody knows what became of the request that is out about this order."""
    cdef order_t* o = &c.orders[slot]
    c.counters.timeouts += 1
    _apply(c, slot, EV_TIMEOUT)
    notes.in_doubt(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
    c.poll_wanted = 1


cdef void on_time(core_t* c) noexcept nogil:
    """Ask for the book while anything is in doubt or overdue; a request that nobody answered at all becomes doubtful too.

    Overdue is also what was taken and of which the exchange has said nothing since: some brokers do not push that an order stands.
    """
    cdef int i, slot
    cdef order_t* o
    cdef bint wanted = c.poll_wanted != 0 or c.n_in_doubt > 0
    for i in range(c.n_live):
        slot = c.brackets[c.live[i]].order_head
        while slot >= 0:
            o = &c.orders[slot]
            if o.pending != PENDING_NONE and not o.in_doubt:
                if o.ts_ack_ns >= o.ts_intent_ns:
                    wanted = wanted or c.now_ns >= o.ts_ack_ns + c.look_gap_ns
                elif c.now_ns >= o.ts_intent_ns + 2 * c.order_timeout_ns:
                    doubt(c, slot, REASON_TIMED_OUT)
                    wanted = True
            elif o.ord_status == ORD_UNKNOWN or (
                    o.ord_status == ORD_PENDING_NEW and c.now_ns >= o.ts_ack_ns + c.look_gap_ns):
                wanted = True
            slot = o.next
    if wanted and c.now_ns >= c.poll_next_ns:
        c.poll_next_ns = c.now_ns + c.look_gap_ns
        c.poll_wanted = 0
        request.poll_book(c)
