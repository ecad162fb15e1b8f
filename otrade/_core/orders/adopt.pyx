# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What the core did not make in this run, and must answer for all the same: its own state after a restart, orders of an earlier
run that the broker's book shows, and positions that a person hands over.

An adopted order begins without fills: the book rows that follow bring them by the ordinary road, so that quantities, profit and
protection come out as if the core had been there.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from otrade._core cimport notes
from otrade._core.orders cimport bracket, order, report, risk, waiting_entries as waiting
from otrade._core.state cimport core_t, new_order
from otrade._core.types cimport (
    BR_CLOSED, EXIT_BROKER, EXIT_MANUAL, EXIT_NONE, HALT_ACTIVE, LEG_ENTRY, LEG_FIX, LEG_STOP, LEG_TARGET, LEVEL_NONE,
    PAUSE_PERSON, PAUSE_START, PENDING_NONE, REASON_BROKER_TOKEN, REASON_CAPACITY,
    REASON_JOURNAL, REASON_OK, REASON_RESTARTED, REASON_STOPPING, REASON_TIMED_OUT, SEV_ALARM, SEV_WARN, SIDE_BUY,
    TYPE_LIMIT, bracket_t, order_t, report_t,
)

cdef enum:
    ATTEMPTS = 1152  # attempts from here on are the watchdog's: ours are not counted on from them
    LOST = 32  # placements of one bracket that a process may have sent, and neither its journal nor the book tells of


cdef void _number_beyond(bracket_t* b, int attempt) noexcept nogil:
    """Orders of this bracket are numbered on from there, with room for what the process before sent and nobody tells of: a journal lost its
    tail, a request is still under way, a book is behind. Else two orders would have one ClOrdID.
    """
    cdef int following = attempt + 1 + LOST
    if following >= ATTEMPTS:
        following = attempt + 1
    if b.next_attempt < following:
        b.next_attempt = following


cdef int adopt_bracket(
    core_t* c, int strategy_id, int side, int64_t order_qty, int64_t stop_distance_e4, int64_t stop_e4, int64_t ts_open_ns,
    int64_t tag_run, int tag_bracket, int slice_of
) noexcept nogil:
    """A bracket for orders that exist already, under this strategy's plan. Its id, or -1 when the table is full. Of a strategy file
    the levels are its own and were in the journal: it has no target.

    `stop_e4`, when not 0, is where the stop stands: entry fills do not move it. `ts_open_ns` 0 means now. `tag_run` -1: it has
    no tags yet, and gets this run's. `slice_of`: the bracket of whose decision this is a slice; -1: a decision of its own.
    """
    cdef int id = bracket.new_bracket(c, strategy_id, side)
    cdef bracket_t* b
    if id < 0:
        return -1
    b = &c.brackets[id]
    b.order_qty = order_qty
    if slice_of >= 0:
        b.decision = c.brackets[slice_of].decision  # one trade, as the limits count them
    b.exit_mode = c.strategies[strategy_id].plan.exit_mode
    b.time_exit_ns = c.strategies[strategy_id].plan.time_exit_ns
    b.stop_distance_e4 = stop_distance_e4
    b.entry_expire_ns = c.now_ns
    if c.strategies[strategy_id].kind < 0:
        b.target_is = LEVEL_NONE
    if stop_e4 > 0:
        b.stop_e4 = b.initial_stop_e4 = stop_e4
        b.n_stop_moves = 1
    if ts_open_ns > 0:
        b.ts_open_ns = b.ts_entry_ns = ts_open_ns
    if tag_run >= 0:
        b.tag_run = tag_run
        b.tag_bracket = tag_bracket
    risk.hold(c, id)
    notes.adopted(c, SEV_WARN, b.instrument_id, id, -1, REASON_OK, qty=order_qty).side = side
    return id


cdef int adopt_order(
    core_t* c, int bracket_id, int leg, int attempt, int status, const report_t* row, bint by_broker
) noexcept nogil:
    """An order of the broker's book becomes this bracket's, unfilled until its row is reported. Its slot, or -1.

    `by_broker`: somebody else's exit, by the broker's own square-off. `status` is where it stands: an OrdStatus of an order that has
    ended, else PENDING_NEW. The order adopted last for a leg holds the leg's role, so callers adopt what is live last.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int slot = new_order(c, bracket_id, leg, row.side)
    cdef order_t* o
    if slot < 0:
        notes.capacity(c, SEV_ALARM, b.instrument_id, bracket_id, -1, REASON_CAPACITY)
        return -1
    o = &c.orders[slot]
    o.attempt = attempt
    if attempt < ATTEMPTS:
        _number_beyond(b, attempt)
    o.ord_status = status
    o.pending = PENDING_NONE
    o.ord_type = o.req_type = row.ord_type if row.ord_type != 0 else TYPE_LIMIT
    o.order_qty = o.req_qty = row.order_qty
    o.price_e4 = o.req_price_e4 = row.price_e4
    o.trigger_e4 = o.req_trigger_e4 = row.trigger_e4
    o.protection_e2 = c.strategies[b.strategy_id].plan.protection_e2
    o.ts_intent_ns = o.ts_ack_ns = c.now_ns
    memcpy(o.cl_ord_id, row.cl_ord_id, sizeof(o.cl_ord_id))
    memcpy(o.broker_order_id, row.broker_order_id, sizeof(o.broker_order_id))
    o.ts_known_ns = c.now_ns
    c.n_adopted += 1
    if leg != LEG_ENTRY and row.cl_ord_id[0] == 0:
        # Somebody closed it by other means. It holds no role: what works for the rest goes on.
        if by_broker:
            b.exit_reason = EXIT_BROKER  # whatever ours had begun: the fee hangs on it
        elif b.exit_reason == EXIT_NONE:
            b.exit_reason = EXIT_MANUAL
        return slot
    if b.state == BR_CLOSED and not order.is_final(o):
        bracket.reopen(c, bracket_id)  # a book that was behind shows it only now: it is taken out, or it would trade one day
    if leg == LEG_ENTRY:
        b.entry_slot = slot
    elif leg == LEG_STOP:
        b.stop_slot = slot
    elif leg == LEG_TARGET:
        b.target_slot = slot
    elif leg == LEG_FIX:
        b.fix_slot = slot
    return slot


cdef void bound(core_t* c, int instrument_id, int64_t net_qty) noexcept nogil:
    """The account holds `net_qty` of the instrument, in our product. What others have closed of it, by our own fills, is gone from
    the brackets of that side, oldest first: their exits shrink to the rest. What others have added is nobody's here.
    """
    cdef int64_t foreign = net_qty - c.positions[instrument_id].net_qty
    cdef int64_t left = foreign if foreign > 0 else -foreign
    cdef int64_t gone
    cdef int i = 0
    cdef int id
    cdef bracket_t* b
    while i < c.n_live:
        id = c.live[i]
        b = &c.brackets[id]
        if b.instrument_id == instrument_id:
            gone = 0
            if b.open_qty > 0 and (b.side == SIDE_BUY) == (foreign < 0):
                gone = b.open_qty if b.open_qty < left else left
                left -= gone
            if gone != b.gone_qty:
                b.gone_qty = gone
                if gone > 0:
                    b.entry_cancel = 1  # whoever closes it does not want more of it
                bracket.settle(c, id)
        if i < c.n_live and c.live[i] == id:
            i += 1


cdef void resume(core_t* c, int64_t run_id) noexcept nogil:
    """A new process goes on from the state that the journal told. Whatever was asked and not answered is in doubt.

    New brackets carry the new run's id: what the journal lost of the old run can then never share a ClOrdID with theirs.
    """
    cdef int i, slot
    c.run_id = run_id
    waiting.clear(c, -1, REASON_RESTARTED)
    c.command_head = c.command_encoded = c.command_tail
    c.feed_alive = 0
    c.paused = (c.paused & PAUSE_PERSON) | PAUSE_START
    if c.risk.halt != HALT_ACTIVE and (
            c.risk.halt_reason == REASON_STOPPING or c.risk.halt_reason == REASON_BROKER_TOKEN or c.risk.halt_reason == REASON_JOURNAL):
        risk.set_halt(c, HALT_ACTIVE, REASON_OK)
    for i in range(c.n_brackets):
        _number_beyond(&c.brackets[i], c.brackets[i].next_attempt - 1)
    for i in range(c.n_live):
        slot = c.brackets[c.live[i]].order_head
        while slot >= 0:
            if c.orders[slot].pending != PENDING_NONE and not c.orders[slot].in_doubt:
                report.doubt(c, slot, REASON_TIMED_OUT)
            slot = c.orders[slot].next
    c.in_book = 0
    c.poll_wanted = 1
    c.poll_next_ns = 0
    notes.resumed(c, SEV_WARN, -1, -1, -1, REASON_OK, n_open=c.n_live, n_in_doubt=c.n_in_doubt)
