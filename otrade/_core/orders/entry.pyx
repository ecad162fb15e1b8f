# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""From a decision to its entry orders: sized, gated as a whole, sent. What a built-in kind says is a side alone, and its levels and size
are the plan's; a compiled strategy may have said them itself (`terms`).

A quantity above the exchange's freeze limit becomes several slices, each a bracket that is whole in itself. Every gate is asked
before the first of them leaves, about all of them. The rate budget alone may let a part go first: what it has no room for waits
(`waiting_entries.pyx`), is asked again at the prices of then, and is sent or, when the time is over, dropped with a word. Whatever came
later waits behind it.
"""
from libc.stdint cimport int64_t

from otrade._core cimport notes, otk
from otrade._core.orders cimport bracket, exits, refusal, request, risk, waiting_entries as waiting
from otrade._core.state cimport compiled_t, core_t, push_signal, strategy_t, terms_t
from otrade._core.types cimport (
    ACTION_EXIT, ACTION_MOVE_STOP, BR_CLOSED, BR_EXITING, EXIT_ENTRY_FAILED, EXIT_SIGNAL, HALT_HALTED, LANE_ENTRY, LEG_ENTRY, LEVEL_DISTANCE,
    LEVEL_PRICE, MAX_SLICES,
    PHASE_ENTRY, REASON_ALREADY_OPEN, REASON_CAPACITY, REASON_DISABLED,
    REASON_ENTRY_BRAKE, REASON_ENTRY_WAIT, REASON_LEAVING, REASON_MAX_QTY, REASON_OK, REASON_QTY_ZERO, REASON_RATE_BROKER,
    REASON_RATE_MINUTE, REASON_RATE_SECOND, REASON_REVERSE_WAIT, REASON_RING_FULL, REASON_SESSION, REASON_STOP_DISTANCE,
    REASON_SUPERSEDED, REASON_TARGET_SIDE, SEV_ALARM, SEV_INFO, SIDE_BUY,
    TYPE_LIMIT, TYPE_MARKET, bracket_t, instrument_t, market_t, plan_t,
)

cdef enum:
    OPPOSITE_IGNORE = 0
    OPPOSITE_REVERSE = 2
    ENTRY_MARKET = 1
cdef int64_t REVERSE_NS = 60_000_000_000  # an entry that waits for the former position, where the plan has no time limit of entries
cdef int64_t AGAIN_NS = 50_000_000  # between two tries of what waits
cdef int64_t AGAIN_TOLD_NS = 60_000_000_000


cdef struct offer_t:
    int64_t limit_e4  # 0: at the market
    int64_t distance_e4  # of the stop
    int64_t ref_e4
    int64_t qty  # still to be sent
    int64_t total  # with what has been sent
    int64_t slice_qty
    int n  # slices of `qty`


cdef int _size(core_t* c, int strategy_id, int side, int64_t left, int64_t total, const terms_t* terms, offer_t* e) noexcept nogil:
    """What is to be sent at the prices of now: all that decision and plan say or, when `left` is not 0, the rest of a decision."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef plan_t* plan = &s.plan
    cdef instrument_t* inst = &c.instruments[s.instrument_id]
    cdef market_t* m = &c.markets[s.instrument_id]
    e.ref_e4 = m.ltp_e4
    if side == SIDE_BUY and m.ask_px_e4 > e.ref_e4:
        e.ref_e4 = m.ask_px_e4
    elif side != SIDE_BUY and 0 < m.bid_px_e4 < e.ref_e4:
        e.ref_e4 = m.bid_px_e4
    e.limit_e4 = 0
    if plan.entry_type != ENTRY_MARKET:
        e.limit_e4 = exits.clamp_to_band(
            c, s.instrument_id, otk.otk_limit_through(e.ref_e4, side, plan.entry_offset_bps, inst.tick_size_e4))
    if terms.stop_is == LEVEL_PRICE:
        e.distance_e4 = (e.ref_e4 - terms.stop_e4) * side  # price may have come nearer since, or gone beyond it
    elif terms.stop_is == LEVEL_DISTANCE:
        e.distance_e4 = terms.stop_e4
    else:
        e.distance_e4 = otk.otk_distance_e4(plan.stop_kind, plan.stop_value, e.ref_e4, s.signal.atr)
    if e.distance_e4 < inst.tick_size_e4 or e.distance_e4 >= e.ref_e4:
        return REASON_STOP_DISTANCE  # no stop, no entry
    if terms.target_is == LEVEL_PRICE and (terms.target_e4 - e.ref_e4) * side <= 0:
        return REASON_TARGET_SIDE
    if left > 0:
        e.qty = left
        e.total = total
    elif terms.qty > 0:
        if plan.max_qty > 0 and terms.qty > plan.max_qty:
            return REASON_MAX_QTY  # what was asked for by its number is sent whole or not at all
        e.qty = e.total = terms.qty
    else:
        e.qty = e.total = otk.otk_size_qty(
            plan.size_mode, plan.size_value, e.ref_e4, e.distance_e4, inst.lot_size, plan.max_qty, inst.multiplier)
    if e.qty <= 0:
        return REASON_QTY_ZERO
    e.slice_qty = e.qty
    e.n = 1
    if inst.freeze_qty > 0 and e.qty > inst.freeze_qty:
        e.slice_qty = risk.most_an_order(inst)
        e.n = MAX_SLICES + 1 if e.qty > MAX_SLICES * e.slice_qty else <int>((e.qty + e.slice_qty - 1) // e.slice_qty)
    return REASON_OK


cdef int _gate(core_t* c, int strategy_id, const offer_t* e) noexcept nogil:
    """Every gate but the rate, about the whole decision; and room for all of its slices."""
    cdef int reason = risk.gate_entry(c, strategy_id, e.total, e.slice_qty, e.limit_e4)
    if reason == REASON_OK and refusal.is_braked(c, &c.strategies[strategy_id]):
        reason = REASON_ENTRY_BRAKE
    if reason != REASON_OK:
        return reason
    if c.n_brackets + e.n > c.cap_brackets or c.n_orders + e.n + MAX_SLICES > c.cap_orders:
        notes.capacity(c, SEV_ALARM, c.strategies[strategy_id].instrument_id, -1, -1, REASON_CAPACITY)
        return REASON_CAPACITY
    if c.command_tail - c.command_head + e.n > c.cap_commands:
        return REASON_RING_FULL
    return REASON_OK


cdef int _send(
    core_t* c, int strategy_id, int side, int64_t px_e4, const terms_t* terms, offer_t* e, int n, int sent
) noexcept nogil:
    """Send the next `n` slices of a decision, `sent` of which have been. What is left stands in `e.qty`."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef plan_t* plan = &s.plan
    cdef bracket_t* b
    cdef int id, slot, i
    for i in range(n):
        id = bracket.new_bracket(c, strategy_id, side)
        if id < 0:
            return REASON_CAPACITY
        if sent == 0 and i == 0:
            s.decision = id
        b = &c.brackets[id]
        b.decision = s.decision
        b.slice_no = sent + i
        b.order_qty = e.slice_qty if e.slice_qty < e.qty else e.qty
        b.signal_px_e4 = px_e4
        b.stop_distance_e4 = e.distance_e4
        b.stop_is_price = terms.stop_is == LEVEL_PRICE
        b.said_stop_e4 = terms.stop_e4
        b.target_is = terms.target_is
        b.said_target_e4 = terms.target_e4
        b.atr_e4 = otk.otk_distance_e4(2, s.signal.atr, e.ref_e4, 0.0)
        b.exit_mode = plan.exit_mode
        b.time_exit_ns = plan.time_exit_ns
        b.entry_expire_ns = c.now_ns + plan.entry_timeout_ns if plan.entry_timeout_ns > 0 else 0
        risk.hold(c, id)
        slot = request.place(c, id, LEG_ENTRY, side, TYPE_MARKET if plan.entry_type == ENTRY_MARKET else TYPE_LIMIT,
                             b.order_qty, e.limit_e4, 0, LANE_ENTRY)
        if slot < 0:
            b.exit_reason = EXIT_ENTRY_FAILED
            bracket.settle(c, id)
            return -slot
        b.entry_slot = slot
        notes.entry_sent(c, SEV_INFO, s.instrument_id, id, slot, 0, qty=b.order_qty, price_e4=e.limit_e4).side = side
        e.qty -= b.order_qty
    return REASON_OK


cdef bint _may_wait(int reason) noexcept nogil:
    """Can the rate give room within an entry's patience?"""
    return reason == REASON_RATE_SECOND or reason == REASON_RATE_MINUTE or reason == REASON_RATE_BROKER


cdef int _decide(core_t* c, int strategy_id, int side, int64_t px_e4) noexcept nogil:
    """Size, gate and send an entry. REASON_OK, REASON_ENTRY_WAIT when nothing of it is sent yet, or why not: a refusal leaves nothing
    behind.
    """
    cdef offer_t e
    cdef const terms_t* terms = &c.strategies[strategy_id].terms
    cdef int n = 0, reason = _size(c, strategy_id, side, 0, 0, terms, &e)
    if reason == REASON_OK:
        reason = _gate(c, strategy_id, &e)
    if reason != REASON_OK:
        c.risk.n_denied += 1
        return reason
    if c.n_waiting > 0 and c.limits.entry_wait_ns > 0:
        waiting.put(c, strategy_id, side, px_e4, 0, 0, 0)  # others came first; they are looked at in this same event
        return REASON_ENTRY_WAIT
    reason = risk.gate_rate(c, e.n, &n)
    if reason != REASON_OK:
        c.budget.n_denied += 1
        if c.limits.entry_wait_ns <= 0 or not _may_wait(reason):
            c.risk.n_denied += 1
            return reason
        if n == 0:
            waiting.put(c, strategy_id, side, px_e4, 0, 0, 0)
            return REASON_ENTRY_WAIT
    reason = _send(c, strategy_id, side, px_e4, terms, &e, n, 0)
    if e.qty == e.total:
        return reason
    if e.qty > 0:
        waiting.put(c, strategy_id, side, px_e4, e.qty, e.total, n)
        if reason != REASON_OK:
            waiting.drop(c, strategy_id, reason)
    return REASON_OK


cdef bint _is_entered(const core_t* c, const strategy_t* s) noexcept nogil:
    """Is every slice that was sent of its decision still to be entered, or held?"""
    cdef const bracket_t* b
    cdef int i
    for i in range(s.decision, c.n_brackets):
        b = &c.brackets[i]
        if b.decision == s.decision and (b.state == BR_EXITING or b.state == BR_CLOSED or b.entry_cancel):
            return False
    return True


cdef int _try(core_t* c, int strategy_id) noexcept nogil:
    """Send what may be sent now of a decision that waits. REASON_OK when nothing of it is left."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef offer_t e
    cdef int64_t rest
    cdef int side = s.wait_side, n = 0, reason, rate
    if s.wait_left > 0 and not _is_entered(c, s):
        return REASON_LEAVING
    if s.wait_left == 0 and s.n_open > 0:
        return REASON_ALREADY_OPEN  # a former bracket has come back, or one was adopted
    reason = _size(c, strategy_id, side, s.wait_left, s.wait_total, &s.wait_terms, &e)
    if reason == REASON_OK:
        reason = _gate(c, strategy_id, &e)
    if reason != REASON_OK:
        return reason
    rate = risk.gate_rate(c, e.n, &n)
    if n == 0:
        c.budget.n_denied += 1
        return rate
    rest = e.qty
    reason = _send(c, strategy_id, side, s.wait_px_e4, &s.wait_terms, &e, n, s.wait_sent)
    if e.qty < rest:
        s.wait_left = e.qty
        s.wait_total = e.total
        s.wait_sent += n
    if reason != REASON_OK or e.qty == 0:
        return reason
    s.wait_said = 0  # of another quantity
    return rate


cdef void work(core_t* c) noexcept nogil:
    """Look at what waits, the oldest first; the first that finds no room keeps those behind it waiting. After every event."""
    cdef strategy_t* s
    cdef int i = 0, id, reason, blocked = REASON_OK
    if c.n_waiting == 0 or c.in_book or c.now_ns < c.wait_next_ns:
        return
    c.wait_next_ns = c.now_ns + AGAIN_NS
    while i < c.n_waiting:
        id = c.waiting[i]
        s = &c.strategies[id]
        reason = blocked
        if not s.enabled:
            reason = REASON_DISABLED
        elif risk.phase(&c.instruments[s.instrument_id], c.now_ns) != PHASE_ENTRY:
            reason = REASON_SESSION
        elif blocked == REASON_OK:
            reason = _try(c, id)
            if _may_wait(reason):
                blocked = reason
        if reason == REASON_OK:
            waiting.take(c, id)
        elif not _may_wait(reason) or c.now_ns >= s.wait_until_ns:
            waiting.drop(c, id, reason)
        else:
            waiting.say(c, id, reason)
        if i < c.n_waiting and c.waiting[i] == id:
            i += 1


cdef int64_t next_ns(const core_t* c) noexcept nogil:
    """When `work` has something to do next; 0: nothing waits."""
    if c.n_waiting == 0:
        return 0
    return c.wait_next_ns if c.wait_next_ns > c.now_ns else c.now_ns + AGAIN_NS


cdef void _supersede(core_t* c, int strategy_id, int side) noexcept nogil:
    """A newer signal: a decision of which nothing is sent gives way to it, the rest of one gives way to the other side."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    if s.wait_side != 0 and (s.wait_left == 0 or side != s.wait_side):
        waiting.drop(c, strategy_id, REASON_SUPERSEDED)


cdef int _on_opposite(core_t* c, int strategy_id, int side, int blocked) noexcept nogil:
    """A signal while a bracket is open: the same side changes nothing, the other side exits or reverses as configured."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int i, id
    cdef int acted = 0
    if s.plan.on_opposite == OPPOSITE_IGNORE or c.risk.halt == HALT_HALTED:
        return REASON_ALREADY_OPEN
    i = 0
    while i < c.n_live:
        id = c.live[i]
        i += 1
        if c.brackets[id].strategy_id != strategy_id or c.brackets[id].side == side:
            continue
        acted = 1
        exits.begin_exit(c, id, EXIT_SIGNAL)
        exits.work(c, id)
    if not acted:
        return REASON_ALREADY_OPEN
    if s.plan.on_opposite == OPPOSITE_REVERSE and blocked == 0:
        s.reverse_side = side
        s.reverse_px_e4 = s.signal.px_e4
        s.reverse_terms = s.terms
        s.reverse_until_ns = c.now_ns + (s.plan.entry_timeout_ns if s.plan.entry_timeout_ns > 0 else REVERSE_NS)
        return REASON_REVERSE_WAIT
    return REASON_OK


cdef void take_decision(core_t* c, int strategy_id) noexcept nogil:
    """Decide on what the strategy says now: a side (`signal`) on its `terms`."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int side = s.signal.side
    cdef int reason = REASON_OK
    s.n_signals += 1
    c.counters.signals += 1
    _supersede(c, strategy_id, side)
    if not s.enabled:
        reason = REASON_DISABLED
    elif s.n_open > 0:
        reason = _on_opposite(c, strategy_id, side, s.signal.blocked)
    elif s.signal.blocked != 0:
        reason = s.signal.blocked
    else:
        reason = _decide(c, strategy_id, side, s.signal.px_e4 if s.signal.px_e4 > 0 else c.markets[s.instrument_id].ltp_e4)
    cdef bint taken = reason == REASON_OK or reason == REASON_REVERSE_WAIT or reason == REASON_ENTRY_WAIT
    if taken:
        s.n_taken += 1
    tell(c, strategy_id, taken, reason)


cdef bint _is_told(strategy_t* s, bint taken, int reason, int64_t now_ns) noexcept nogil:
    """Does a strategy file only say again what was just refused for the same reason? It may do so with every trade."""
    cdef compiled_t* k = s.compiled
    if s.kind >= 0:
        return False  # a crossover is news each time
    if not taken and k.told_action == k.said.action and k.told_reason == reason and now_ns - k.told_ns < AGAIN_TOLD_NS:
        return True
    k.told_action = k.said.action
    k.told_reason = reason
    k.told_ns = now_ns
    return False


cdef void tell(core_t* c, int strategy_id, bint taken, int reason) noexcept nogil:
    """Say what was decided on what the strategy says now, and why."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    if _is_told(s, taken, reason, c.now_ns):
        return
    push_signal(c, strategy_id, taken, reason)
    if taken and (s.compiled.said.action == ACTION_EXIT or s.compiled.said.action == ACTION_MOVE_STOP):
        return  # an exit, or a move of the stop: the orders' own notices tell of it
    if taken:
        note = notes.signal_taken(c, SEV_INFO, s.instrument_id, -1, -1, reason, price_e4=s.signal.px_e4)
    else:
        note = notes.signal_refused(c, SEV_INFO, s.instrument_id, -1, -1, reason, price_e4=s.signal.px_e4)
    note.strategy_id = strategy_id
    note.side = s.signal.side
