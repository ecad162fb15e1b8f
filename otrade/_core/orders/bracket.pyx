# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A bracket's life after its entry was sent (`entry.pyx`): fills open it; its exits close it; its profit is exact.

A quantity above the exchange's freeze limit becomes several brackets, each whole in itself, so that one entry and one live
exit remain the rule. A bracket's slot is not used again in the same run: a late fill must still find it.
"""
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from otrade._core cimport notes, otk
from otrade._core.orders cimport charges, exits, order, position, refusal, risk, stop_moves, waiting_entries as waiting
from otrade._core.state cimport compiled_t, core_t, strategy_t
from otrade._core.types cimport (
    BR_CLOSED, BR_ENTERING, BR_EXITING, BR_FREE, BR_OPEN,
    EV_CANCEL_REJECTED, EV_REPLACE_REJECTED, EXIT_BROKER, EXIT_ENTRY_FAILED, EXIT_MANUAL, EXIT_NONE, EXIT_RISK, EXIT_SQUARE_OFF,
    EXIT_STOP, EXIT_TARGET, EXIT_TIME, EXIT_TRAIL, HALT_ACTIVE, HALT_REDUCING, LEG_ENTRY, LEG_FIX, LEG_STOP,
    LEG_TARGET,
    MAX_SLICES,
    REASON_BROKER_BUSY, REASON_BROKER_INPUT, REASON_BROKER_NETWORK, REASON_BROKER_ORDER,
    REASON_BROKER_PERMISSION, REASON_BROKER_RATE, REASON_BROKER_TOKEN, REASON_CAPACITY,
    REASON_EXCHANGE_REJECT, REASON_HALTED, REASON_LATE_FILL, REASON_LEAVING, REASON_MARKET_HALTED, REASON_MODIFY_CAP,
    REASON_PRICE_RANGE, REASON_REVERSE_EXPIRED, SEV_ALARM, SEV_INFO, SEV_WARN, SIDE_BUY, TYPE_SL, TYPE_SL_M,
    bracket_t, instrument_t, order_t, plan_t,
)

cdef enum:
    MODE_STOP_RESTING = 0
    REFUSALS = 3  # of a stop in a row mean: leave
cdef int HALTS_BELIEVED = 3  # refusals for a halt, each contradicted by a trade, since an order was last taken
cdef int64_t RETRY_SLOW_NS = 30_000_000_000
cdef int64_t TARGET_REST_NS = 500_000_000  # for so long an order at the target may rest with no stop behind it
cdef int64_t CHASE_NS = 500_000_000  # after the stop's price has traded; its fill is told sooner than that
# A variable on purpose: of a constant size gcc makes `rep stosq`, which costs twice the library's memset.
cdef size_t BRACKET_BYTES = sizeof(bracket_t)


cdef int new_bracket(core_t* c, int strategy_id, int side) noexcept nogil:
    cdef int id = c.n_brackets
    cdef bracket_t* b
    if id == c.cap_brackets or c.n_orders + MAX_SLICES >= c.cap_orders:
        notes.capacity(c, SEV_ALARM, c.strategies[strategy_id].instrument_id, -1, -1, REASON_CAPACITY)
        return -1
    c.n_brackets += 1
    b = &c.brackets[id]
    memset(b, 0, BRACKET_BYTES)
    b.state = BR_ENTERING
    b.strategy_id = strategy_id
    b.instrument_id = c.strategies[strategy_id].instrument_id
    b.side = side
    b.order_head = b.entry_slot = b.stop_slot = b.target_slot = b.fix_slot = -1
    b.ts_open_ns = c.now_ns
    b.tag_run = c.run_id
    b.tag_bracket = id
    b.decision = id
    _link(c, id)
    return id


cdef void _link(core_t* c, int bracket_id) noexcept nogil:
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    b.next = inst.bracket_head
    inst.bracket_head = bracket_id
    c.live[c.n_live] = bracket_id
    c.n_live += 1
    c.strategies[b.strategy_id].n_open += 1


cdef void _unlink(core_t* c, int bracket_id) noexcept nogil:
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int32_t* at = &c.instruments[b.instrument_id].bracket_head
    cdef int i, kept = 0
    while at[0] >= 0 and at[0] != bracket_id:
        at = &c.brackets[at[0]].next
    if at[0] == bracket_id:
        at[0] = b.next
    for i in range(c.n_live):
        if c.live[i] != bracket_id:
            c.live[kept] = c.live[i]
            kept += 1
    c.n_live = kept
    c.strategies[b.strategy_id].n_open -= 1


cdef int64_t pnl_e4(const core_t* c, int bracket_id) noexcept nogil:
    """Exact profit before charges, the open quantity marked at the last price."""
    cdef const bracket_t* b = &c.brackets[bracket_id]
    cdef int64_t multiplier = c.instruments[b.instrument_id].multiplier
    if b.side == SIDE_BUY:
        return otk.otk_pnl_e4(b.exit_value_e4, b.entry_value_e4, b.open_qty, c.markets[b.instrument_id].ltp_e4, multiplier)
    return otk.otk_pnl_e4(b.entry_value_e4, b.exit_value_e4, -b.open_qty, c.markets[b.instrument_id].ltp_e4, multiplier)


cdef void on_pnl(core_t* c, int64_t delta_e4) noexcept nogil:
    """Profit has changed by this much; a limit that it trips takes the entries out, and the positions too if so configured."""
    if not risk.change_pnl(c, delta_e4):
        return
    cancel_entries(c, -1, REASON_HALTED)
    if c.limits.flatten_on_limit:
        flatten(c, -1, EXIT_RISK)


cdef void reopen(core_t* c, int bracket_id) noexcept nogil:
    """A closed bracket lives after all (a late fill or acceptance): take it back, and get out of what it did."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    _link(c, bracket_id)
    risk.hold(c, bracket_id)
    b.state = BR_OPEN
    b.entry_cancel = 1
    if b.exit_reason == EXIT_ENTRY_FAILED:
        b.exit_reason = EXIT_NONE


cdef int _why_filled(const bracket_t* b, const order_t* o) noexcept nogil:
    """The reason that this exit's fill gives. The last one is the bracket's: a target in part and then the stop is the stop."""
    if o.cl_ord_id[0] == 0:
        return EXIT_BROKER if b.exit_reason == EXIT_BROKER else EXIT_MANUAL  # closed by other means
    if o.leg == LEG_TARGET:
        return EXIT_TARGET
    if o.ord_type == TYPE_SL or o.ord_type == TYPE_SL_M:
        return EXIT_TRAIL if b.n_stop_moves > 0 else EXIT_STOP
    return b.leave_reason if b.leave_reason != EXIT_NONE else EXIT_TARGET


cdef void _note_fill(core_t* c, const bracket_t* b, int leg, int64_t d_qty, int64_t d_value_e4) noexcept nogil:
    """Keep what a compiled strategy is to be told of, once the event is over."""
    cdef strategy_t* s = &c.strategies[b.strategy_id]
    cdef compiled_t* k = s.compiled
    if not s.has_fills:
        s.has_fills = 1
        c.n_filled += 1
    if leg == LEG_ENTRY:
        k.fill.entered_qty += d_qty
        k.entered_value_e4 += d_value_e4
    else:
        k.fill.left_qty += d_qty
        k.left_value_e4 += d_value_e4
        k.fill.exit_reason = b.exit_reason


cdef void on_fill(core_t* c, int slot, int64_t d_qty, int64_t d_value_e4) noexcept nogil:
    """Book a fill on its bracket and on the position."""
    cdef order_t* o = &c.orders[slot]
    cdef int id = o.bracket_id
    cdef bracket_t* b = &c.brackets[id]
    cdef instrument_t* inst = &c.instruments[o.instrument_id]
    cdef bint was_closed = b.state == BR_CLOSED
    if was_closed:
        notes.late_fill(c, SEV_ALARM, b.instrument_id, id, slot, REASON_LATE_FILL)
        reopen(c, id)
    cdef int64_t delta = position.fill(&c.positions[o.instrument_id], o.side, d_qty, d_value_e4, inst.multiplier)
    if o.leg == LEG_ENTRY:
        b.open_qty += d_qty
        b.entry_qty += d_qty
        b.entry_value_e4 += d_value_e4
        if b.state == BR_ENTERING:
            b.state = BR_OPEN
        if b.ts_entry_ns == 0:
            b.ts_entry_ns = c.now_ns
        if not b.counted_trade:
            refusal.entry_accepted(&c.strategies[b.strategy_id])
        risk.count_trade(c, id)
        exits.set_levels(c, id)
        notes.entry_filled(c, SEV_INFO, o.instrument_id, id, slot, 0, qty=d_qty, value_e4=d_value_e4)
    elif o.leg == LEG_FIX:
        b.open_qty += d_qty
        b.exit_qty -= d_qty
        b.exit_value_e4 -= d_value_e4
    else:
        b.open_qty -= d_qty
        if o.cl_ord_id[0] == 0 and b.gone_qty > 0:
            b.gone_qty -= d_qty if d_qty < b.gone_qty else b.gone_qty  # it is somebody else's: what was gone is booked now
        b.exit_qty += d_qty
        b.exit_value_e4 += d_value_e4
        b.exit_reason = _why_filled(b, o)
    if c.strategies[b.strategy_id].wants_fills and o.leg != LEG_FIX:
        _note_fill(c, b, o.leg, d_qty, d_value_e4)
    if was_closed:
        exits.begin_exit(c, id, EXIT_RISK)
    charges.refresh(c, id)
    on_pnl(c, delta)


cdef void _not_permitted(core_t* c, int reason) noexcept nogil:
    """An address that is not registered, an app that may not trade: nothing gets better by asking again."""
    if reason == REASON_BROKER_PERMISSION and c.risk.halt == HALT_ACTIVE:
        risk.set_halt(c, HALT_REDUCING, reason)
        cancel_entries(c, -1, REASON_HALTED)


cdef void on_refusal(core_t* c, int slot, int ev, int reason) noexcept nogil:
    """A request was refused or an order rejected. Exits come again after a pause; three refusals of a stop in a row mean: get out."""
    cdef order_t* o = &c.orders[slot]
    cdef bracket_t* b = &c.brackets[o.bracket_id]
    if ev == EV_CANCEL_REJECTED or (ev == EV_REPLACE_REJECTED and reason == REASON_BROKER_BUSY):
        # Not now, or no more: most often it has traded. The book knows, and nothing is asked of the order before it has been read.
        refusal.await_book(c, slot)
        notes.order_refused(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
        _not_permitted(c, reason)
        return
    if o.leg == LEG_ENTRY:
        notes.order_rejected(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
        if reason == REASON_PRICE_RANGE and b.state != BR_EXITING:
            exits.price_refused(c, o.bracket_id, slot)
        refusal.entry_rejected(c, slot, reason)
        _not_permitted(c, reason)
        return
    if reason == REASON_PRICE_RANGE:
        exits.price_refused(c, o.bracket_id, slot)
        if b.state == BR_EXITING and o.leg != LEG_FIX:
            refusal.pause_for_range(c, slot)
            if ev == EV_REPLACE_REJECTED:
                notes.order_refused(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
            else:
                notes.exit_rejected(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, reason)
            return
    if reason == REASON_MARKET_HALTED:
        # Nobody can trade: no leg is at fault. It is asked for slowly, and at once when something trades (see on_reopen).
        if c.instruments[o.instrument_id].halted <= 0:
            c.instruments[o.instrument_id].halted = 1 - c.instruments[o.instrument_id].halted  # once more since something traded
        refusal.pause_until(b, o.leg)[0] = c.now_ns + RETRY_SLOW_NS
        notes.exit_rejected(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, reason)
        return
    if ev == EV_REPLACE_REJECTED and reason == REASON_MODIFY_CAP:
        # The broker counts otherwise than we do: the order is as good as at our own cap. `exits` replaces it by a new one.
        if o.n_modifies < c.budget.modifies_per_order:
            o.n_modifies = <int32_t>c.budget.modifies_per_order
        notes.order_refused(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
        return
    refusal.count(c, slot, reason)
    _not_permitted(c, reason)
    if o.leg == LEG_TARGET:
        # The stop stands: nothing is unprotected, and the stop's own requests go on.
        notes.target_refused(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
        return
    if ev == EV_REPLACE_REJECTED:
        notes.order_refused(c, SEV_WARN, o.instrument_id, o.bracket_id, slot, reason)
        if o.leg == LEG_STOP and b.state == BR_OPEN and exits.stop_crossed(c, o.bracket_id) and reason in (
                REASON_BROKER_INPUT, REASON_BROKER_ORDER, REASON_EXCHANGE_REJECT, REASON_PRICE_RANGE):
            # The price is past the stop that was asked for: no broker takes it there, and asking again only loses time.
            exits.begin_exit(c, o.bracket_id, EXIT_STOP)
            b.retry_ns = c.now_ns
        return
    notes.exit_rejected(c, SEV_ALARM, o.instrument_id, o.bracket_id, slot, reason)
    if b.state != BR_OPEN or reason in (
            REASON_BROKER_TOKEN, REASON_BROKER_PERMISSION, REASON_BROKER_RATE, REASON_BROKER_NETWORK):
        return  # another kind of order would be refused as well
    if exits.stop_crossed(c, o.bracket_id):
        exits.begin_exit(c, o.bracket_id, EXIT_STOP)
        b.retry_ns = c.now_ns
    elif o.leg == LEG_STOP and b.n_rejects >= REFUSALS:
        exits.begin_exit(c, o.bracket_id, EXIT_RISK)
        b.retry_ns = c.now_ns  # another kind of order


cdef void settle(core_t* c, int bracket_id) noexcept nogil:
    """Work the exits, and close the bracket once it is flat and none of its orders can still trade."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef strategy_t* s = &c.strategies[b.strategy_id]
    cdef int slot = b.order_head
    if b.state == BR_CLOSED or b.state == BR_FREE:
        return
    if b.state == BR_ENTERING and b.entry_slot >= 0 and order.is_working(&c.orders[b.entry_slot]):
        refusal.entry_accepted(s)
    if c.in_book:
        exits.account_naked(c, bracket_id)
        return
    exits.work(c, bracket_id)
    if b.open_qty != 0:
        return
    slot = b.order_head
    while slot >= 0:
        if not order.is_final(&c.orders[slot]) or c.orders[slot].in_doubt:
            return
        slot = c.orders[slot].next
    exits.account_naked(c, bracket_id)
    b.state = BR_CLOSED
    b.ts_close_ns = c.now_ns
    b.gone_qty = 0
    if b.entry_qty == 0:
        b.exit_reason = EXIT_ENTRY_FAILED
    _unlink(c, bracket_id)
    risk.release_hold(c, bracket_id)
    if s.kind < 0 and b.entry_qty > 0:
        s.last_exit = b.exit_reason
        s.n_closed += s.n_open == 0
    if b.exit_reason == EXIT_STOP and s.plan.cooldown_ns > 0:
        s.cooldown_until_ns = c.now_ns + s.plan.cooldown_ns
    notes.bracket_closed(
        c, SEV_INFO, b.instrument_id, bracket_id, -1, 0,
        pnl_e4=pnl_e4(c, bracket_id), naked_ns=b.naked_total_ns, exit_reason=b.exit_reason)
    if b.target_total_ns > 0:
        notes.at_target(
            c, SEV_INFO, b.instrument_id, bracket_id, -1, 0, worst_ns=b.target_worst_ns, total_ns=b.target_total_ns)
    if s.n_open == 0 and s.reverse_side != 0:
        if c.now_ns > s.reverse_until_ns:
            note = notes.signal_refused(c, SEV_INFO, b.instrument_id, -1, -1, REASON_REVERSE_EXPIRED, price_e4=0)
            note.strategy_id = b.strategy_id
            note.side = s.reverse_side
        else:
            s.terms = s.reverse_terms
            waiting.put(c, b.strategy_id, s.reverse_side, s.reverse_px_e4, 0, 0, 0)  # it is looked at in this same event
        s.reverse_side = 0


cdef inline bint _may_trail(const bracket_t* b) noexcept nogil:
    """Has price gone far enough for the stop to follow? The best price is asked: what has begun does not end."""
    return b.trail_e4 > 0 and (b.trail_from_e4 == 0 or (b.best_e4 - b.trail_from_e4) * b.side >= 0)


cdef void _watch(core_t* c, int bracket_id, int64_t ltp_e4) noexcept nogil:
    """What one price means for one open bracket: trail the stop, arm or disarm the target."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef plan_t* plan = &c.strategies[b.strategy_id].plan
    cdef int64_t tick = c.instruments[b.instrument_id].tick_size_e4
    cdef int64_t stop, back
    cdef bint changed = False
    cdef bint trails = False
    cdef bint can_change = b.stop_slot < 0 or exits.spare_changes(c, &c.orders[b.stop_slot])
    if (ltp_e4 > b.best_e4) == (b.side == SIDE_BUY) and ltp_e4 != b.best_e4:
        b.best_e4 = ltp_e4
        trails = _may_trail(b)
    if b.target_e4 > 0 and b.exit_mode == MODE_STOP_RESTING:
        if not b.target_armed:
            if ltp_e4 >= b.target_e4 if b.side == SIDE_BUY else ltp_e4 <= b.target_e4:
                if can_change:
                    b.target_armed = 1
                    b.ts_armed_ns = c.now_ns
                    notes.target_armed(c, SEV_INFO, b.instrument_id, bracket_id, b.stop_slot, 0)
                else:
                    exits.begin_exit(c, bracket_id, EXIT_TARGET)
                changed = True
        else:
            back = otk.otk_limit_through(b.target_e4, -b.side, plan.hysteresis_bps, tick)
            if ltp_e4 < back if b.side == SIDE_BUY else ltp_e4 > back:
                b.target_armed = 0
                notes.target_disarmed(c, SEV_INFO, b.instrument_id, bracket_id, b.stop_slot, 0)
                changed = True
                trails = _may_trail(b)  # the best price may have come while the order worked at the target
    elif b.target_e4 > 0 and b.n_target_rejects > 0 and (
            ltp_e4 >= b.target_e4 if b.side == SIDE_BUY else ltp_e4 <= b.target_e4) and (
            b.target_slot < 0 or order.is_final(&c.orders[b.target_slot])):
        # The target trades, and the broker would not take its order: the stop's order goes to the market in its place.
        exits.begin_exit(c, bracket_id, EXIT_TARGET)
        changed = True
    if trails and not b.target_armed:
        # How far the exchange's stop follows is the exits' to say: its modifications may be used up.
        stop = otk.otk_trail_stop(b.side, b.best_e4, b.stop_e4, b.trail_e4, b.trail_step_e4, tick)
        if stop != b.stop_e4:
            b.stop_e4 = stop
            b.n_stop_moves += 1
            b.stop_limit_e4 = exits.clamp_to_band(
                c, b.instrument_id, otk.otk_limit_through(stop, -b.side, plan.stop_limit_bps, tick))
            changed = True
    if b.move_e4 != 0 and stop_moves.apply(c, bracket_id):
        changed = True
    if exits.stop_crossed(c, bracket_id):
        if b.stop_crossed_ns == 0:
            b.stop_crossed_ns = c.now_ns
            changed = True
        if b.stop_slot >= 0 and order.may_request(&c.orders[b.stop_slot]) and c.orders[b.stop_slot].ord_type == TYPE_SL and (
                c.orders[b.stop_slot].trigger_e4 - b.stop_e4) * b.side < 0:
            # The trail has gone further than the exchange's stop could follow (`exits._may_renew`), and its price has traded.
            exits.begin_exit(c, bracket_id, EXIT_STOP)
            changed = True
    elif b.stop_crossed_ns != 0:
        b.stop_crossed_ns = 0
        changed = True
    if changed:
        settle(c, bracket_id)


cdef void on_price(core_t* c, int instrument_id) noexcept nogil:
    """A new last price: every open bracket of the instrument looks at it."""
    cdef int id = c.instruments[instrument_id].bracket_head
    cdef int following
    while id >= 0:
        following = c.brackets[id].next  # settling may unlink it
        if c.brackets[id].state == BR_OPEN and c.brackets[id].open_qty > 0:
            _watch(c, id, c.markets[instrument_id].ltp_e4)
        id = following


cdef void on_quote(core_t* c, int instrument_id, bint is_other_band) noexcept nogil:
    """The broker has told a price or another band: every live bracket of the instrument looks at it."""
    cdef int id = c.instruments[instrument_id].bracket_head
    cdef int following
    while id >= 0:
        following = c.brackets[id].next
        if c.brackets[id].open_qty > 0:
            exits.on_quote(c, id, is_other_band)
            settle(c, id)
        id = following


cdef void on_reopen(core_t* c, int instrument_id) noexcept nogil:
    """The instrument trades again after a halt: whatever the halt refused is asked for now."""
    cdef int id = c.instruments[instrument_id].bracket_head
    cdef int following
    c.instruments[instrument_id].halted = -c.instruments[instrument_id].halted
    if c.instruments[instrument_id].halted < -HALTS_BELIEVED:
        return  # it trades, and our orders are refused all the same: the words mean something else. Slowly, or the day's orders are used up
    while id >= 0:
        following = c.brackets[id].next
        c.brackets[id].retry_ns = c.brackets[id].target_retry_ns = c.brackets[id].fix_retry_ns = 0
        settle(c, id)
        id = following


cdef inline int64_t _at_most(int64_t a, int64_t b) noexcept nogil:
    return a if a < b else b


cdef void on_time(core_t* c, int bracket_id) noexcept nogil:
    """What the clock means for one live bracket."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef plan_t* plan = &c.strategies[b.strategy_id].plan
    if b.entry_expire_ns > 0 and c.now_ns >= b.entry_expire_ns:
        b.entry_cancel = 1
    if b.state != BR_EXITING and inst.square_off_ns > 0 and c.now_ns >= inst.square_off_ns:
        b.entry_cancel = 1
        if exits.held_qty(b) > 0:
            notes.square_off(c, SEV_INFO, b.instrument_id, bracket_id, -1, 0)
            exits.begin_exit(c, bracket_id, EXIT_SQUARE_OFF)
    if b.state == BR_OPEN and exits.held_qty(b) > 0:
        if b.time_exit_ns > 0 and c.now_ns >= b.ts_entry_ns + b.time_exit_ns:
            exits.begin_exit(c, bracket_id, EXIT_TIME)
        elif b.target_armed and c.now_ns >= b.ts_armed_ns + _at_most(plan.ladder_interval_ns, TARGET_REST_NS):
            # A target has no stop behind it. One that rests unfilled is taken at the market, so that this time has a bound.
            exits.begin_exit(c, bracket_id, EXIT_TARGET)
        elif b.stop_crossed_ns > 0 and c.now_ns >= b.stop_crossed_ns + _at_most(plan.ladder_interval_ns, CHASE_NS):
            exits.begin_exit(c, bracket_id, EXIT_STOP)  # the stop was left resting through a gap: chase
    if b.move_e4 != 0:
        stop_moves.apply(c, bracket_id)
    exits.climb(c, bracket_id)
    settle(c, bracket_id)


cdef void flatten(core_t* c, int instrument_id, int reason) noexcept nogil:
    """Exit everything, or everything of one instrument."""
    cdef int i = 0
    cdef int id
    waiting.clear(c, instrument_id, REASON_LEAVING)
    while i < c.n_live:
        id = c.live[i]
        if instrument_id < 0 or c.brackets[id].instrument_id == instrument_id:
            c.strategies[c.brackets[id].strategy_id].reverse_side = 0
            exits.begin_exit(c, id, reason)
            settle(c, id)
            if i < c.n_live and c.live[i] != id:
                continue  # it closed at once, and another took its place
        i += 1


cdef void cancel_entries(core_t* c, int instrument_id, int reason) noexcept nogil:
    """Take every unfilled entry out of the market (-1), or those of one instrument: a halt or a quarantine has come."""
    cdef int i, id
    waiting.clear(c, instrument_id, reason)
    for i in range(c.n_live):
        id = c.live[i]
        if instrument_id < 0 or c.brackets[id].instrument_id == instrument_id:
            c.brackets[id].entry_cancel = 1
            c.strategies[c.brackets[id].strategy_id].reverse_side = 0
    i = 0
    while i < c.n_live:
        id = c.live[i]
        settle(c, id)
        if i < c.n_live and c.live[i] == id:
            i += 1
