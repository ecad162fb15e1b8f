# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The order state machine. Rule of this room: everything that changes an order's state is in these two tables.

`ord_status` is what the exchange last told us; `pending` is what we have asked and not heard about, with an `in_doubt` bit
when even the asking is uncertain. They are separate so that a refused modification never has to be undone. A pair that no
row names is illegal: it changes nothing, and the caller counts and shows it. Reports may come twice, late and out of order,
so most reports are legal in most states and simply repeat what is known. `cum_qty` only ever rises.

Status words are FIX's (tag 39); CANCELED -> FILLED is legal because an exchange can fill while a cancel is on its way.
"""
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memset

from otrade._core.types cimport (
    EV_ABSENT, EV_ACK, EV_SEND_CANCEL, EV_SEND_NEW, EV_SEND_REPLACE, EV_TIMEOUT, EV_UNKNOWN,
    ORD_ABSENT, ORD_CANCELED, ORD_DENIED, ORD_EXPIRED, ORD_FILLED, ORD_NEW, ORD_PARTIALLY_FILLED, ORD_REJECTED,
    PENDING_NONE,
    REASON_CUM_QTY_FELL, REASON_ILLEGAL_EVENT, REASON_OK, REASON_OVER_FILL,
    WORTH_AVERAGE, WORTH_EXACT,
    order_t,
)

from otrade._core.types import Ev, OrdStatus, Pending

S, E, P = OrdStatus, Ev, Pending
LIVE = (S.PENDING_NEW, S.NEW, S.PARTIALLY_FILLED, S.UNKNOWN)
ENDED = (S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED)

# (status, event, next status, why)
STATUS_ROWS = (
    (S.INITIALIZED, E.DENY, S.DENIED, "our own gate refused it; no byte left"),
    (S.INITIALIZED, E.SEND_NEW, S.PENDING_NEW, ""),
    *((s, E.SEND_REPLACE, s, "") for s in (S.NEW, S.PARTIALLY_FILLED)),
    *((s, E.SEND_CANCEL, s, "") for s in LIVE),
    *((s, E.ACK, s, "the broker took the request; the exchange has not spoken") for s in (*LIVE, *ENDED)),
    (S.ABSENT, E.ACK, S.PENDING_NEW, "late acceptance: the proof of absence was wrong"),
    (S.PENDING_NEW, E.REFUSED, S.REJECTED, "refused before the order book"),
    *((s, E.TIMEOUT, s, "nothing is known, so nothing changes but the doubt") for s in (*LIVE, *ENDED)),
    (S.PENDING_NEW, E.ABSENT, S.ABSENT, "two polls of the order book, a safe time apart, did not find it"),
    (S.UNKNOWN, E.ABSENT, S.ABSENT, "it vanished from whole books, and the broker knows no such order"),
    *((s, E.ACCEPTED, s, "early word, or an old one come late") for s in (*LIVE, *ENDED)),
    (S.ABSENT, E.ACCEPTED, S.PENDING_NEW, "late acceptance"),
    (S.PENDING_NEW, E.WORKING, S.NEW, ""),
    (S.NEW, E.WORKING, S.NEW, ""),
    (S.PARTIALLY_FILLED, E.WORKING, S.PARTIALLY_FILLED, "an old report: fills are never undone"),
    *((s, E.WORKING, s, "an old report of an order that has ended") for s in ENDED),
    (S.UNKNOWN, E.WORKING, S.NEW, "a word we know again"),
    (S.ABSENT, E.WORKING, S.NEW, "late acceptance"),
    *((s, E.FILL_PART, S.PARTIALLY_FILLED, "") for s in LIVE),
    (S.FILLED, E.FILL_PART, S.FILLED, "an old report"),
    (S.CANCELED, E.FILL_PART, S.CANCELED, "late fill: the exchange won part of the race"),
    (S.EXPIRED, E.FILL_PART, S.EXPIRED, "late fill"),
    (S.REJECTED, E.FILL_PART, S.REJECTED, "late fill: what traded is ours whatever was said"),
    (S.ABSENT, E.FILL_PART, S.PARTIALLY_FILLED, "late acceptance"),
    *((s, E.FILL_FULL, S.FILLED, "") for s in LIVE),
    (S.FILLED, E.FILL_FULL, S.FILLED, "told twice"),
    (S.CANCELED, E.FILL_FULL, S.FILLED, "late fill: the exchange won the race"),
    (S.EXPIRED, E.FILL_FULL, S.FILLED, "late fill"),
    (S.REJECTED, E.FILL_FULL, S.FILLED, "late fill: what traded is ours whatever was said"),
    (S.ABSENT, E.FILL_FULL, S.FILLED, "late acceptance"),
    *((s, E.CANCELED, S.CANCELED, "") for s in (*LIVE, S.CANCELED, S.ABSENT)),
    *((s, E.CANCELED, s, "an old report") for s in (S.FILLED, S.REJECTED, S.EXPIRED)),
    *((s, E.REJECTED, S.REJECTED, "") for s in (*LIVE, S.REJECTED, S.ABSENT)),
    *((s, E.EXPIRED, S.EXPIRED, "") for s in (*LIVE, S.EXPIRED, S.ABSENT)),
    *((s, E.EXPIRED, s, "an old report") for s in (S.FILLED, S.CANCELED, S.REJECTED)),
    (S.PENDING_NEW, E.REPLACED, S.NEW, ""),
    *((s, E.REPLACED, s, "") for s in (S.NEW, S.PARTIALLY_FILLED, *ENDED)),
    (S.UNKNOWN, E.REPLACED, S.NEW, "a word we know again"),
    *((s, E.REPLACE_REJECTED, s, "the order stands as it was") for s in (*LIVE, *ENDED)),
    *((s, E.CANCEL_REJECTED, s, "the order stands as it was") for s in (*LIVE, *ENDED)),
    *((s, E.UNKNOWN, S.UNKNOWN, "a status word that is not in our table") for s in (*LIVE, S.ABSENT)),
    *((s, E.UNKNOWN, s, "an odd word about an order that has ended") for s in ENDED),
)

REPORTS_OF_LIFE = (E.ACCEPTED, E.WORKING, E.FILL_PART, E.FILL_FULL, E.CANCELED, E.REJECTED, E.EXPIRED, E.REPLACED)
ENDINGS = (E.FILL_FULL, E.CANCELED, E.REJECTED, E.EXPIRED)
# (pending, event, next pending, why)
PENDING_ROWS = (
    (P.NONE, E.DENY, P.NONE, ""),
    (P.NONE, E.SEND_NEW, P.NEW, ""),
    (P.NONE, E.SEND_REPLACE, P.REPLACE, ""),
    (P.NONE, E.SEND_CANCEL, P.CANCEL, ""),
    *((P.NONE, e, P.NONE, "heard by another way before") for e in (
        E.ACK, E.TIMEOUT, *REPORTS_OF_LIFE, E.REPLACE_REJECTED, E.CANCEL_REJECTED, E.UNKNOWN)),
    (P.NEW, E.ACK, P.NONE, "the broker named the order"),
    (P.NEW, E.REFUSED, P.NONE, ""),
    (P.NEW, E.TIMEOUT, P.NEW, "in doubt"),
    (P.NEW, E.ABSENT, P.NONE, "proved absent"),
    *((p, E.ABSENT, P.NONE, "there is nothing left to change") for p in (P.NONE, P.REPLACE, P.CANCEL)),
    *((P.NEW, e, P.NONE, "the report proves that it arrived") for e in REPORTS_OF_LIFE),
    (P.NEW, E.UNKNOWN, P.NONE, "it arrived, in a state we cannot name"),
    (P.REPLACE, E.ACK, P.REPLACE, "taken by the broker; the exchange's word is awaited"),
    (P.REPLACE, E.TIMEOUT, P.REPLACE, "in doubt"),
    (P.REPLACE, E.REPLACED, P.NONE, ""),
    (P.REPLACE, E.REPLACE_REJECTED, P.NONE, ""),
    *((P.REPLACE, e, P.REPLACE, "says nothing of the modification") for e in (
        E.ACCEPTED, E.WORKING, E.FILL_PART, E.UNKNOWN)),
    *((P.REPLACE, e, P.NONE, "the order has ended") for e in ENDINGS),
    (P.CANCEL, E.ACK, P.CANCEL, "taken by the broker; the exchange's word is awaited"),
    (P.CANCEL, E.TIMEOUT, P.CANCEL, "in doubt"),
    (P.CANCEL, E.CANCEL_REJECTED, P.NONE, ""),
    *((P.CANCEL, e, P.CANCEL, "says nothing of the cancel") for e in (
        E.ACCEPTED, E.WORKING, E.FILL_PART, E.REPLACED, E.UNKNOWN)),
    *((P.CANCEL, e, P.NONE, "the order has ended") for e in ENDINGS),
)

cdef enum:
    ILLEGAL = 255
cdef uint8_t NEXT_STATUS[16][32]
cdef uint8_t NEXT_PENDING[8][32]
cdef int64_t n_status[16][32]  # how often each pair came, legal or not: for whoever drills; nothing is decided by it
cdef int64_t n_pending[8][32]


def _pack():
    """Pack the rows into the C tables; a row said twice is a mistake of ours and stops the import."""
    memset(NEXT_STATUS, ILLEGAL, sizeof(NEXT_STATUS))
    memset(NEXT_PENDING, ILLEGAL, sizeof(NEXT_PENDING))
    for state, ev, nxt, _ in STATUS_ROWS:
        if NEXT_STATUS[<int>state][<int>ev] != ILLEGAL:
            raise AssertionError(f"order table: {state!r} {ev!r} has two rows")
        NEXT_STATUS[<int>state][<int>ev] = nxt
    for state, ev, nxt, _ in PENDING_ROWS:
        if NEXT_PENDING[<int>state][<int>ev] != ILLEGAL:
            raise AssertionError(f"order table: {state!r} {ev!r} has two rows")
        NEXT_PENDING[<int>state][<int>ev] = nxt


_pack()


cdef int apply(order_t* order, int ev, int64_t ts_ns) noexcept nogil:
    """Move both axes by one event. REASON_OK, or REASON_ILLEGAL_EVENT with the order untouched."""
    if ev < 0 or ev > EV_UNKNOWN:
        return REASON_ILLEGAL_EVENT
    cdef int status = NEXT_STATUS[order.ord_status][ev]
    cdef int pending = NEXT_PENDING[order.pending][ev]
    n_status[order.ord_status][ev] += 1
    n_pending[order.pending][ev] += 1
    if order.ord_status == ORD_ABSENT:
        pending = PENDING_NONE
    if status == ILLEGAL or pending == ILLEGAL:
        return REASON_ILLEGAL_EVENT
    order.ord_status = status
    order.pending = pending
    if pending == PENDING_NONE:
        order.in_doubt = 0
        order.looks = 0
    elif ev == EV_TIMEOUT:
        if not order.in_doubt:
            order.in_doubt = 1
            order.looks = 0
            order.ts_doubt_ns = ts_ns
    elif ev == EV_ACK:
        order.in_doubt = 0
    if ev == EV_ACK:
        order.ts_ack_ns = ts_ns
    elif ev == EV_SEND_NEW or ev == EV_SEND_REPLACE or ev == EV_SEND_CANCEL:
        order.ts_intent_ns = ts_ns
        order.ts_sent_ns = 0
        order.in_doubt = 0
        order.looks = 0
    elif ev != EV_TIMEOUT and ev != EV_ABSENT:
        order.ts_report_ns = ts_ns
    return REASON_OK


cdef bint is_better(const order_t* order, int worth, bint fresh) noexcept nogil:
    """At an unchanged quantity: does a value of this worth take the place of the one that is booked?

    Trades are the truth; a broker's average comes late, or is revised (reality: published for partial fills, and after COMPLETE).
    """
    if worth == WORTH_EXACT:
        return True
    if worth != WORTH_AVERAGE or order.worth == WORTH_EXACT:
        return False
    return order.worth != WORTH_AVERAGE or fresh


cdef int take_fill(
    order_t* order, int64_t cum_qty, int64_t cum_value_e4, int worth, bint fresh, int64_t* d_qty, int64_t* d_value_e4
) noexcept nogil:
    """Raise the filled quantity to what a report says; an older report gives deltas of zero. At an unchanged quantity a better
    value is taken alone. `fresh`: the report is not older than what we know.

    Value is price times units in e4. A report that would fill more than was ordered is refused (REASON_OVER_FILL): a
    modification may have changed the total without our knowing, so the caller asks for the book.
    """
    d_qty[0] = 0
    d_value_e4[0] = 0
    if cum_qty < order.cum_qty:
        return REASON_CUM_QTY_FELL
    if cum_qty > order.order_qty and cum_qty > order.req_qty:
        return REASON_OVER_FILL
    if cum_qty == order.cum_qty and not is_better(order, worth, fresh):
        return REASON_OK
    d_qty[0] = cum_qty - order.cum_qty
    d_value_e4[0] = cum_value_e4 - order.cum_value_e4
    order.cum_qty = cum_qty
    order.cum_value_e4 = cum_value_e4
    return REASON_OK


cdef bint is_final(const order_t* order) noexcept nogil:
    """Nothing more is expected, though a late fill may still come."""
    return (order.ord_status == ORD_FILLED or order.ord_status == ORD_CANCELED or order.ord_status == ORD_REJECTED
            or order.ord_status == ORD_EXPIRED or order.ord_status == ORD_DENIED or order.ord_status == ORD_ABSENT)


cdef bint is_working(const order_t* order) noexcept nogil:
    """The exchange has said that it stands in the book."""
    return order.ord_status == ORD_NEW or order.ord_status == ORD_PARTIALLY_FILLED


cdef bint may_request(const order_t* order) noexcept nogil:
    """May be modified or cancelled now: standing at the exchange, nothing asked and unanswered."""
    return order.pending == PENDING_NONE and is_working(order)


cdef int64_t leaves(const order_t* order) noexcept nogil:
    """Quantity still to fill, in units; 0 when ended."""
    if is_final(order):
        return 0
    return order.order_qty - order.cum_qty


def step(int status, int pending, int in_doubt, int ev):
    """One event on a bare pair of axes: (status, pending, in_doubt, reason). For tests and for drawing the table."""
    cdef order_t order
    memset(&order, 0, sizeof(order))
    order.ord_status = status
    order.pending = pending
    order.in_doubt = in_doubt
    cdef int reason = apply(&order, ev, 1)
    return order.ord_status, order.pending, order.in_doubt, reason


def take_counts():
    """How often each pair of (state, event) came since the last call, by the names of both; and begin anew."""
    found = {}
    for state in S:
        for ev in E:
            if n_status[<int>state][<int>ev]:
                found[state.name, ev.name] = n_status[<int>state][<int>ev]
    for asked in P:
        for ev in E:
            if n_pending[<int>asked][<int>ev]:
                found["asked " + asked.name, ev.name] = n_pending[<int>asked][<int>ev]
    memset(n_status, 0, sizeof(n_status))
    memset(n_pending, 0, sizeof(n_pending))
    return found
