# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The exits of a bracket, level-triggered: compare what should stand at the exchange with what does, ask for at most one change.

`work` is called after every event and by the timer, so nothing has to be remembered about a refusal, a lost answer or an
empty rate budget: the difference is still there and is asked for again. In the default mode one order is the only live exit.
It rests as a stop-limit; when the target trades it becomes a limit at the target; when the bracket must go it becomes a
marketable limit that climbs a ladder. While it is anything but a stop that waits for its trigger, nothing protects: that time is
measured, by design (the target works in its place) apart from all other.

A live exit is never left larger than the open quantity, and never removed but on fills that prove the bracket flat.
"""
from libc.stdint cimport int32_t, int64_t

from otrade._core cimport notes, otk
from otrade._core.market cimport quote
from otrade._core.orders cimport order, refusal, request, risk
from otrade._core.state cimport core_t, counters_t
from otrade._core.types cimport (
    BR_CLOSED, BR_EXITING, BR_OPEN, EXIT_NONE, EXIT_RISK, EXIT_STOP, EXIT_TRAIL, LANE_ENTRY, LANE_EXIT, LANE_PROTECT,
    LEG_FIX, LEG_STOP, LEG_TARGET, LEVEL_DISTANCE, LEVEL_PLAN, LEVEL_PRICE,
    PENDING_CANCEL, PHASE_ENTRY, REASON_EXIT_RESTING,
    REASON_MODIFY_CAP, REASON_OK, REASON_OVER_EXIT, REASON_SESSION, REASON_TOUCH_OLD, SEV_ALARM, SEV_INFO, SEV_WARN,
    SIDE_BUY, TYPE_LIMIT, TYPE_MARKET, TYPE_SL, TYPE_SL_M,
    bracket_t, instrument_t, market_t, order_t, plan_t,
)

cdef int64_t BUDGET_RETRY_NS = 100_000_000
cdef int64_t RANGE_MEMORY_NS = 30_000_000_000
cdef int64_t RANGE_RETRY_NS = 6_000_000_000
cdef int64_t NO_WAY_LEFT = 1000  # a tenth of a percent between a price that was taken and one that was refused
cdef int64_t TRIGGERED_NS = 300_000_000  # a triggered stop's limit that trades where the market is: its fill is under way
cdef int64_t RENEW_NS = 30_000_000_000  # between two renewals of a stop, however few modifications its broker allows
cdef int PX_REFUSALS = 6  # of prices in a row, each further behind the market
cdef int REFUSALS = 3  # of modifications in a row: the order is replaced by a new one
cdef enum:
    MODE_OCO = 1
    SPARE_MODIFIES = 6  # kept for protection and for the way out: trailing and target arming stop short of the cap


cdef inline plan_t* _plan(core_t* c, bracket_t* b) noexcept nogil:
    return &c.strategies[b.strategy_id].plan


cdef int64_t clamp_to_band(core_t* c, int instrument_id, int64_t px_e4) noexcept nogil:
    """Keep a limit inside the price band, where a fresh one is known: outside it the exchange rejects. An old band clamps nothing."""
    cdef instrument_t* inst = &c.instruments[instrument_id]
    if not quote.band_is_fresh(inst, c.now_ns):
        return px_e4
    if px_e4 > inst.band_hi_e4:
        return otk.otk_round_tick(inst.band_hi_e4, inst.tick_size_e4, -1)
    if px_e4 < inst.band_lo_e4:
        return otk.otk_round_tick(inst.band_lo_e4, inst.tick_size_e4, 1)
    return px_e4


cdef int64_t touch_px(core_t* c, int bracket_id, bint entering) noexcept nogil:
    """The price that trades at once: the far side's best quote if there is one, else the last price, else our own fill. Of the feed and
    what the broker said by REST, the newer.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef market_t* m = &c.markets[b.instrument_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef bint buying = (b.side == SIDE_BUY) == entering
    cdef int64_t px = m.ask_px_e4 if buying else m.bid_px_e4
    cdef int64_t ltp = m.ltp_e4
    if quote.is_newer_than_tick(c, b.instrument_id):
        px = inst.quote_ask_e4 if buying else inst.quote_bid_e4
        ltp = inst.quote_ltp_e4
    if px > 0 and ltp > 0:
        # A quote behind the last price is older than it (ltp mode keeps no quotes): take the worse of the two.
        if buying:
            return px if px > ltp else ltp
        return px if px < ltp else ltp
    if ltp > 0:
        return ltp
    return b.entry_value_e4 // b.entry_qty if b.entry_qty > 0 else b.signal_px_e4


cdef int64_t held_qty(const bracket_t* b) noexcept nogil:
    """Open quantity that the account still holds: what exits may be for. The rest has been closed by others, and an exit for it
    would open the other side.
    """
    if b.open_qty <= 0:
        return b.open_qty
    return b.open_qty - b.gone_qty if b.open_qty > b.gone_qty else 0


cdef bint spare_changes(const core_t* c, const order_t* o) noexcept nogil:
    """May this order be modified for the sake of trailing or of the target?"""
    return o.n_modifies + SPARE_MODIFIES < c.budget.modifies_per_order


cdef int64_t standing_qty(core_t* c, int bracket_id) noexcept nogil:
    """Open quantity for which a stop stands at the exchange and waits, in units; only what the exchange has confirmed counts.

    A triggered stop is a limit that may rest: no stop any more. One that is to be cancelled may be gone already.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef order_t* o
    cdef int64_t qty, held = held_qty(b)
    if b.stop_slot < 0 or held <= 0:
        return 0
    o = &c.orders[b.stop_slot]
    if not order.is_working(o) or (o.ord_type != TYPE_SL and o.ord_type != TYPE_SL_M):
        return 0
    if o.triggered or o.pending == PENDING_CANCEL:
        return 0
    qty = order.leaves(o)
    return qty if qty < held else held


cdef int64_t protected_qty(core_t* c, int bracket_id) noexcept nogil:
    """Open quantity that a stop protects. Once the stop's price has traded it has been triggered, whoever tells us or not: what is open
    then is open without a stop until its fill is told.
    """
    return 0 if stop_crossed(c, bracket_id) else standing_qty(c, bracket_id)


cdef bint _at_target(core_t* c, const bracket_t* b) noexcept nogil:
    """Does the stop's order work at the target instead, for all that is open?"""
    cdef const order_t* o
    if not b.target_armed or b.state != BR_OPEN or b.stop_slot < 0:
        return False
    o = &c.orders[b.stop_slot]
    return order.is_working(o) and o.ord_type == TYPE_LIMIT and order.leaves(o) >= held_qty(b)


cdef void _run(core_t* c, bint on, int64_t* since, int64_t* total, int64_t* worst, int64_t* day_total, int64_t* day_worst) noexcept nogil:
    """One clock of a bracket: start it, let it run, or stop it and add up what it took."""
    cdef int64_t took
    if on:
        if since[0] == 0:
            since[0] = c.now_ns
    elif since[0] != 0:
        took = c.now_ns - since[0]
        since[0] = 0
        total[0] += took
        day_total[0] += took
        if took > worst[0]:
            worst[0] = took
        if took > day_worst[0]:
            day_worst[0] = took


cdef void account_naked(core_t* c, int bracket_id) noexcept nogil:
    """Run the clocks of time without a stop: at the target by design, else naked, as while an over-exit stands. Never both."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef counters_t* day = &c.counters
    cdef int64_t held = held_qty(b)
    cdef bint bare, at_target
    b.protected_qty = protected_qty(c, bracket_id)
    bare = held != 0 and b.protected_qty != held
    at_target = bare and held > 0 and _at_target(c, b)
    _run(c, bare and not at_target, &b.naked_since_ns, &b.naked_total_ns, &b.naked_worst_ns, &day.naked_ns_total, &day.naked_ns_worst)
    _run(c, at_target, &b.target_since_ns, &b.target_total_ns, &b.target_worst_ns, &day.target_ns_total, &day.target_ns_worst)


cdef bint stop_crossed(core_t* c, int bracket_id) noexcept nogil:
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int64_t ltp = c.markets[b.instrument_id].ltp_e4
    if ltp <= 0 or b.stop_e4 <= 0:
        return False
    return ltp <= b.stop_e4 if b.side == SIDE_BUY else ltp >= b.stop_e4


cdef int64_t _own_target(core_t* c, const bracket_t* b, int64_t entry_e4) noexcept nogil:
    """Where the decision has put the target; 0: it has none."""
    cdef int64_t tick = c.instruments[b.instrument_id].tick_size_e4
    if b.target_is == LEVEL_PRICE:
        return clamp_to_band(c, b.instrument_id, b.said_target_e4)
    if b.target_is == LEVEL_DISTANCE:
        return clamp_to_band(c, b.instrument_id, otk.otk_target_price(entry_e4, b.side, b.said_target_e4, tick))
    return 0


cdef void set_levels(core_t* c, int bracket_id) noexcept nogil:
    """Stop and target from the average entry price, or where the decision has put them: a price stays there. A stop that has moved is not
    moved back.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef plan_t* plan = _plan(c, b)
    cdef int64_t tick = c.instruments[b.instrument_id].tick_size_e4
    cdef int64_t entry_e4 = (b.entry_value_e4 + b.entry_qty // 2) // b.entry_qty
    if entry_e4 <= 0:
        return  # what it cost is not known, nor any price: the first one sets the levels
    cdef double atr = <double>b.atr_e4 / 10_000.0
    if b.n_stop_moves == 0:
        b.stop_e4 = b.said_stop_e4 if b.stop_is_price else otk.otk_stop_price(entry_e4, b.side, b.stop_distance_e4, tick)
    b.stop_e4 = clamp_to_band(c, b.instrument_id, b.stop_e4)  # no trigger may lie beyond the band, wherever a trail has put it
    if b.n_stop_moves == 0:
        b.initial_stop_e4 = b.stop_e4
    b.stop_limit_e4 = clamp_to_band(
        c, b.instrument_id, otk.otk_limit_through(b.stop_e4, -b.side, plan.stop_limit_bps, tick))
    if b.target_is != LEVEL_PLAN:
        b.target_e4 = _own_target(c, b, entry_e4)
    elif plan.target_kind != 0:
        b.target_e4 = otk.otk_target_price(
            entry_e4, b.side, otk.otk_distance_e4(plan.target_kind, plan.target_value, entry_e4, atr), tick)
        b.target_e4 = clamp_to_band(c, b.instrument_id, b.target_e4)
    b.trail_e4 = otk.otk_distance_e4(plan.trail_kind, plan.trail_value, entry_e4, atr)  # 0 where the plan has no trail
    b.trail_step_e4 = otk.otk_distance_e4(plan.trail_kind, plan.trail_step_value, entry_e4, atr)
    if plan.trail_from_value > 0:
        b.trail_from_e4 = entry_e4 + b.side * otk.otk_distance_e4(plan.trail_kind, plan.trail_from_value, entry_e4, atr)
    if b.best_e4 == 0:
        b.best_e4 = entry_e4


cdef int64_t _short_of_refused(core_t* c, int bracket_id, int64_t px_e4) noexcept nogil:
    """Never ask twice for a price that was just refused for its range: half-way to what stands, or to the touch, or back from there.

    The limit price protection lies inside the circuit limits, is refused with their words, and moves every 30 seconds (NSE/FAOP/54242).
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int64_t tick = c.instruments[b.instrument_id].tick_size_e4
    cdef int64_t side = -b.side, anchor, px, back
    cdef bint stands = False
    cdef order_t* o
    if b.refused_px_e4 == 0:
        return px_e4
    if c.now_ns - b.refused_ts_ns > RANGE_MEMORY_NS:
        b.refused_px_e4 = 0
        return px_e4
    if (px_e4 - b.refused_px_e4) * side < 0:
        return px_e4
    anchor = touch_px(c, bracket_id, False)
    if b.stop_slot >= 0:
        o = &c.orders[b.stop_slot]
        if order.is_working(o) and (o.ord_type == TYPE_LIMIT or o.triggered) and o.price_e4 > 0:
            anchor = o.price_e4
            stands = True
    if (anchor - b.refused_px_e4) * side < 0:
        if stands and (b.refused_px_e4 - anchor) * side <= b.refused_px_e4 // NO_WAY_LEFT:
            # Nothing lies between them. The range is set anew every 30 seconds: ask for the price itself again, now and then.
            return px_e4 if c.now_ns - b.refused_ts_ns >= RANGE_RETRY_NS else anchor
        return otk.otk_round_tick((anchor + b.refused_px_e4) // 2, tick, <int>-side)
    # The touch itself was refused: the range is behind the market. What stands there is filled when the market comes back, or is
    # re-priced when the range has followed.
    back = b.refused_px_e4 // 400 * (1 << b.n_px_refused) // 2  # at most PX_REFUSALS times
    px = otk.otk_round_tick(b.refused_px_e4 - side * (back if back > tick else tick), tick, <int>-side)
    return px if px > tick else tick


cdef void _price_exit(core_t* c, int bracket_id) noexcept nogil:
    """The marketable limit of the ladder's present step, from the touch. Where nobody has told a price for a while (`blind`): the edge
    of a fresh band, and a market order with protection, in turn; the broker knows the price even if we do not.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef plan_t* plan = _plan(c, b)
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef double bps = plan.ladder_start_bps + plan.ladder_step_bps * b.ladder_step
    cdef int64_t px = touch_px(c, bracket_id, False)
    b.flat_type = TYPE_MARKET
    b.flat_px_e4 = 0
    b.flat_ts_ns = c.now_ns
    b.ladder_next_ns = c.now_ns + plan.ladder_interval_ns
    if px <= 0:
        return  # no price is known at all
    px = otk.otk_limit_through(px, -b.side, bps, inst.tick_size_e4)
    if b.blind > 0:
        b.ladder_next_ns += plan.ladder_interval_ns * (b.blind if b.blind < 8 else 8)
        if b.blind & 1 == 0 or not quote.band_is_fresh(inst, c.now_ns):
            return
        px = inst.band_lo_e4 if b.side == SIDE_BUY else inst.band_hi_e4
    b.flat_type = TYPE_LIMIT
    b.flat_px_e4 = clamp_to_band(c, b.instrument_id, _short_of_refused(c, bracket_id, clamp_to_band(c, b.instrument_id, px)))


cdef void price_refused(core_t* c, int bracket_id, int slot) noexcept nogil:
    """An exit's price was refused for its range: the band is doubted and read again, and the next price is another one."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    inst.quote_wanted = 1
    inst.band_doubted = 1
    if b.state != BR_EXITING:
        return
    if c.orders[slot].leg != LEG_FIX and c.orders[slot].req_price_e4 > 0:
        if c.now_ns - b.refused_ts_ns > 2 * RANGE_MEMORY_NS:
            b.n_px_refused = 0  # the range has been set anew since
        if b.refused_px_e4 == 0 or (c.orders[slot].req_price_e4 - b.refused_px_e4) * b.side > 0:
            b.refused_px_e4 = c.orders[slot].req_price_e4  # the one nearest to what is taken
        b.refused_ts_ns = c.now_ns
        b.n_px_refused += 1
        if b.n_px_refused > PX_REFUSALS:
            b.refused_px_e4 = 0  # steps away from the market have found no range: from the touch again, and slowly
    _price_exit(c, bracket_id)


cdef void on_quote(core_t* c, int bracket_id, bint is_other_band) noexcept nogil:
    """The broker has told a price, or another band: levels that an old band had clamped are computed anew, a way out goes on from it."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int64_t next_ns = b.ladder_next_ns
    cdef order_t* o
    if b.state == BR_OPEN and is_other_band:
        set_levels(c, bracket_id)
        return
    if b.state != BR_EXITING or not (is_other_band or b.refused_px_e4 > 0 or quote.is_newer_than_tick(c, b.instrument_id)):
        return
    if b.stop_slot >= 0:
        o = &c.orders[b.stop_slot]
        if o.triggered and not order.is_final(o) and b.flat_px_e4 == o.price_e4 and c.now_ns < next_ns:
            return  # see begin_exit: its chance is not over
        if order.is_final(o) and b.refused_px_e4 > 0 and b.retry_ns > c.now_ns:
            b.retry_ns = c.now_ns
    b.blind = 0
    _price_exit(c, bracket_id)
    if c.now_ns < next_ns < b.ladder_next_ns:
        b.ladder_next_ns = next_ns  # answers that come quickly must not keep the ladder from climbing


cdef void begin_exit(core_t* c, int bracket_id, int reason) noexcept nogil:
    """Start to flatten: no more entry, and the exit becomes a marketable limit. Does nothing twice."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    if b.state == BR_EXITING or b.state == BR_CLOSED:
        return
    b.state = BR_EXITING
    b.entry_cancel = 1
    b.ladder_step = 0
    b.leave_reason = EXIT_TRAIL if reason == EXIT_STOP and b.n_stop_moves > 0 else reason
    if b.exit_reason == EXIT_NONE:
        b.exit_reason = b.leave_reason
    if held_qty(b) != 0:
        notes.exit_sent(c, SEV_INFO, b.instrument_id, bracket_id, b.stop_slot, 0, qty=held_qty(b), exit_reason=b.leave_reason)
    if quote.touch_is_old(c, b.instrument_id):
        c.instruments[b.instrument_id].quote_wanted = 1
    _price_exit(c, bracket_id)
    cdef order_t* o
    if b.stop_slot >= 0:
        o = &c.orders[b.stop_slot]
        if o.triggered and not order.is_final(o) and (o.price_e4 - touch_px(c, bracket_id, False)) * -b.side >= 0:
            # The exchange has turned the stop into a live limit by itself, and it trades where the market is: its fill is under way.
            # Where price has gone beyond it, it never fills: the ladder begins at once.
            b.flat_type = TYPE_LIMIT
            b.flat_px_e4 = o.price_e4
            if b.ladder_next_ns > c.now_ns + TRIGGERED_NS:
                b.ladder_next_ns = c.now_ns + TRIGGERED_NS


cdef void climb(core_t* c, int bracket_id) noexcept nogil:
    """Re-price a resting exit, one step deeper each interval; on the last step keep following the market, loudly.

    From a touch that is old no step leads to a price that trades: one interval is left to the quote that is asked for, and then what
    needs no touch is tried.
    """
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef plan_t* plan = _plan(c, b)
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef int64_t px = b.flat_px_e4
    if b.state != BR_EXITING or held_qty(b) <= 0 or c.now_ns < b.ladder_next_ns:
        return
    if quote.touch_is_old(c, b.instrument_id):
        inst.quote_wanted = 1
        if b.ladder_step >= plan.ladder_max_steps:
            b.blind += 1
        b.ladder_step = plan.ladder_max_steps
    else:
        b.blind = 0
        if b.ladder_step < plan.ladder_max_steps:
            b.ladder_step += 1
    _price_exit(c, bracket_id)
    if c.now_ns < b.retry_ns and (b.stop_slot < 0 or order.is_final(&c.orders[b.stop_slot])):
        return  # no order to re-price: the next try goes out at the new price
    if b.flat_px_e4 == px and b.flat_type == TYPE_LIMIT:
        # It stands where it should. At the band nobody takes the other side: that is said once, and no more until it changes.
        if not b.told_at_band and quote.band_is_fresh(inst, c.now_ns) and clamp_to_band(
                c, b.instrument_id, px - b.side * inst.tick_size_e4) == px:
            b.told_at_band = 1
            notes.exit_at_band(c, SEV_ALARM, b.instrument_id, bracket_id, b.stop_slot, REASON_EXIT_RESTING, price_e4=px)
        return
    b.told_at_band = 0
    if b.stop_slot >= 0 and c.orders[b.stop_slot].in_doubt:
        return  # nothing is sent before the book tells what became of it: it has not been re-priced
    notes.exit_chased(
        c, SEV_ALARM if b.ladder_step >= plan.ladder_max_steps else SEV_WARN, b.instrument_id, bracket_id, b.stop_slot,
        REASON_TOUCH_OLD if b.blind else REASON_EXIT_RESTING, price_e4=b.flat_px_e4, ladder_step=b.ladder_step)


cdef bint _same(const order_t* o, int ord_type, int64_t price_e4, int64_t trigger_e4, int64_t total) noexcept nogil:
    if o.order_qty != total or o.price_e4 != price_e4:
        return False
    if o.ord_type == ord_type:
        return ord_type == TYPE_LIMIT or o.trigger_e4 == trigger_e4
    return ord_type == TYPE_LIMIT and o.triggered != 0  # a triggered stop-limit is a limit in all but name


cdef bint _may_renew(core_t* c, bracket_t* b, int slot) noexcept nogil:
    """May the stop be cancelled now, to be placed anew? Its modifications are used up, and the trail goes on.

    A new order before the cancel would make two exits; so between the two nothing stands, for two requests' way. That is done only where
    the place for both requests is there (as an entry: the reserve stays), inside the entry hours (after its own cut-off a broker may take no
    new order of the day's product), where price is half the trail away or more, and not sooner than RENEW_NS after the last time or after
    a refusal. Meanwhile the old stop stands, and `bracket._watch` leaves where the new one would.
    """
    cdef int64_t ltp = c.markets[b.instrument_id].ltp_e4
    cdef int reason
    if b.trail_waits_ns == 0:
        b.trail_waits_ns = c.now_ns
    if c.now_ns < b.renew_ns or b.n_rejects > 0 or (ltp - b.stop_e4) * b.side * 2 < b.trail_e4:
        return False
    reason = risk.budget_left(c, LANE_ENTRY, True)
    if risk.phase(&c.instruments[b.instrument_id], c.now_ns) != PHASE_ENTRY:
        reason = REASON_SESSION
    if reason == REASON_OK:
        return True
    if not b.trail_said and c.now_ns >= b.trail_waits_ns + RENEW_NS:
        b.trail_said = 1
        notes.trail_waits(
            c, SEV_ALARM, b.instrument_id, c.orders[slot].bracket_id, slot, reason,
            trigger_e4=c.orders[slot].trigger_e4, wanted_e4=b.stop_e4)
    return False


cdef void _ensure(core_t* c, int bracket_id, int leg, int ord_type, int64_t qty, int64_t price_e4, int64_t trigger_e4, int lane) noexcept nogil:
    """Bring one exit order to the wanted terms with at most one request."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef int slot = b.stop_slot if leg == LEG_STOP else (b.target_slot if leg == LEG_TARGET else b.fix_slot)
    cdef int side = b.side if leg == LEG_FIX else -b.side
    cdef int64_t* pause = refusal.pause_until(b, leg)
    cdef int32_t* n_refused = refusal.in_a_row(b, leg)
    cdef int made
    cdef int reason = REASON_OK
    cdef bint renewing, covered
    cdef order_t* o = NULL
    if slot >= 0:
        o = &c.orders[slot]
    if o == NULL or order.is_final(o):
        if c.now_ns < pause[0]:
            return
        made = request.place(c, bracket_id, leg, side, ord_type, qty, price_e4, trigger_e4, lane)
        if made < 0:
            reason = -made
        elif leg == LEG_STOP:
            b.stop_slot = made
        elif leg == LEG_TARGET:
            b.target_slot = made
        else:
            b.fix_slot = made
        if made >= 0 and ord_type == TYPE_SL:
            notes.stop_placed(c, SEV_INFO, b.instrument_id, bracket_id, made, 0, trigger_e4=trigger_e4, qty=qty)
    else:
        if not order.may_request(o):
            return
        refusal.forget(b, o)
        if ord_type == TYPE_MARKET and o.req_type == TYPE_MARKET and o.ts_intent_ns >= b.flat_ts_ns and o.order_qty == o.cum_qty + qty:
            return  # it was sent as one for this step; the broker keeps it as a limit at its protection
        if _same(o, ord_type, price_e4, trigger_e4, o.cum_qty + qty):
            if leg == LEG_STOP:
                b.trail_waits_ns = b.trail_said = 0
            return
        if c.now_ns < pause[0] or refusal.is_waiting(c, o):
            return
        covered = leg == LEG_STOP and ord_type == TYPE_SL and o.ord_type == TYPE_SL and o.order_qty == o.cum_qty + qty
        renewing = covered and not spare_changes(c, o)
        if renewing and not _may_renew(c, b, slot):
            return
        if renewing or o.n_modifies >= c.budget.modifies_per_order or (
                n_refused[0] >= REFUSALS and not covered):  # a stop that covers is not given up for a level that the broker refuses
            # The broker will change this order no more: replace it by a new one. Naked from its end to the new one's start.
            reason = request.cancel(c, slot, lane)
            if reason == REASON_OK:
                n_refused[0] = 0
            if reason == REASON_OK and leg == LEG_STOP:
                b.renew_ns = c.now_ns + RENEW_NS
                account_naked(c, bracket_id)
                notes.stop_renewed(
                    c, SEV_WARN, b.instrument_id, bracket_id, slot, REASON_MODIFY_CAP, trigger_e4=trigger_e4, qty=qty)
        else:
            reason = request.replace(c, slot, ord_type, o.cum_qty + qty, price_e4, trigger_e4, lane)
            if reason == REASON_OK and ord_type == TYPE_SL:
                notes.stop_moved(c, SEV_INFO, b.instrument_id, bracket_id, slot, 0, trigger_e4=trigger_e4, qty=qty)
    if reason != REASON_OK:
        pause[0] = c.now_ns + BUDGET_RETRY_NS
        notes.budget_wait(c, SEV_WARN, b.instrument_id, bracket_id, slot, reason)


cdef bint _cancel_live(core_t* c, int slot, int lane) noexcept nogil:
    """Ask to cancel a live order. True when there is nothing live (any more)."""
    if slot < 0 or order.is_final(&c.orders[slot]):
        return True
    if order.may_request(&c.orders[slot]) and not refusal.is_waiting(c, &c.orders[slot]):
        request.cancel(c, slot, lane)
    return False


cdef void _cancel_strays(core_t* c, bracket_t* b) noexcept nogil:
    """A live order of this bracket that holds no role is one that was accepted after its absence was proved: take it out."""
    cdef int slot = b.order_head
    while slot >= 0:
        if slot != b.entry_slot and slot != b.stop_slot and slot != b.target_slot and slot != b.fix_slot:
            _cancel_live(c, slot, LANE_EXIT)
        slot = c.orders[slot].next


cdef inline int64_t _working_target(const core_t* c, const bracket_t* b) noexcept nogil:
    """Where a target that works beside the stop belongs: at its level, or, where the plan cannot say that (multiples of an ATR that was
    lost with the journal), where its order stands. 0: nowhere, so that none is placed.
    """
    if b.target_e4 > 0 or b.target_slot < 0 or order.is_final(&c.orders[b.target_slot]):
        return b.target_e4
    return c.orders[b.target_slot].price_e4


cdef void _work_open(core_t* c, int bracket_id, bracket_t* b) noexcept nogil:
    cdef int64_t held = held_qty(b)
    cdef int64_t target
    if b.state != BR_EXITING and stop_crossed(c, bracket_id) and standing_qty(c, bracket_id) == 0 and (
            b.stop_slot < 0 or order.is_final(&c.orders[b.stop_slot]) or order.may_request(&c.orders[b.stop_slot])):
        # The stop's price has traded and no stop stands: a stop sent now would be refused or late.
        begin_exit(c, bracket_id, EXIT_STOP)
    if b.state == BR_EXITING:
        # The stop keeps protecting until a working target is out of the way, or both could fill.
        if _cancel_live(c, b.target_slot, LANE_EXIT):
            _ensure(c, bracket_id, LEG_STOP, b.flat_type, held, b.flat_px_e4, 0, LANE_EXIT)
        return
    if b.stop_e4 <= 0:
        return  # no price is known at all yet
    if b.exit_mode == MODE_OCO:
        _ensure(c, bracket_id, LEG_STOP, TYPE_SL, held, b.stop_limit_e4, b.stop_e4, LANE_PROTECT)
        target = _working_target(c, b)
        if target > 0 and protected_qty(c, bracket_id) == held:
            _ensure(c, bracket_id, LEG_TARGET, TYPE_LIMIT, held, target, 0, LANE_EXIT)
    elif b.target_armed:
        _ensure(c, bracket_id, LEG_STOP, TYPE_LIMIT, held, b.target_e4, 0, LANE_EXIT)
    else:
        _ensure(c, bracket_id, LEG_STOP, TYPE_SL, held, b.stop_limit_e4, b.stop_e4, LANE_PROTECT)


cdef void _undo_over_exit(core_t* c, int bracket_id, bracket_t* b) noexcept nogil:
    """More left than was open (two exits filled, or a fill after a cancel): buy the excess back, loudly, once exits are gone. One order at
    a time, none above the freeze quantity: several strangers may have closed more than one slice, and all that is booked here.
    """
    cdef instrument_t* inst = &c.instruments[b.instrument_id]
    cdef int fix_slot = b.fix_slot
    cdef bint is_live = fix_slot >= 0 and not order.is_final(&c.orders[fix_slot])
    cdef int64_t qty = -b.open_qty, most
    cdef bint gone
    begin_exit(c, bracket_id, EXIT_RISK)
    gone = _cancel_live(c, b.stop_slot, LANE_EXIT)
    gone = _cancel_live(c, b.target_slot, LANE_EXIT) and gone
    if not gone:
        return
    if inst.freeze_qty > 0:
        most = risk.most_an_order(inst)
        if is_live:
            most -= c.orders[fix_slot].cum_qty
        if qty > most:
            qty = most
    cdef plan_t* plan = _plan(c, b)
    cdef int64_t px = clamp_to_band(c, b.instrument_id, otk.otk_limit_through(
        touch_px(c, bracket_id, True), b.side, plan.ladder_start_bps + plan.ladder_step_bps * b.ladder_step, inst.tick_size_e4))
    if is_live and c.now_ns < b.ladder_next_ns:
        px = c.orders[fix_slot].price_e4  # re-priced once an interval, not on every event
    elif c.now_ns >= b.ladder_next_ns:
        b.ladder_next_ns = b.flat_ts_ns = c.now_ns
        b.ladder_next_ns += plan.ladder_interval_ns
        if b.ladder_step < plan.ladder_max_steps:
            b.ladder_step += 1
        elif quote.touch_is_old(c, b.instrument_id):
            b.blind = 1
    if not quote.touch_is_old(c, b.instrument_id):
        b.blind = 0
    if b.blind or b.n_fix_rejects % 2 == 1 or px <= 0:
        _ensure(c, bracket_id, LEG_FIX, TYPE_MARKET, qty, 0, 0, LANE_PROTECT)
    else:
        _ensure(c, bracket_id, LEG_FIX, TYPE_LIMIT, qty, px, 0, LANE_PROTECT)
    if b.fix_slot != fix_slot:
        notes.over_exit(c, SEV_ALARM, b.instrument_id, bracket_id, b.fix_slot, REASON_OVER_EXIT, qty=-b.open_qty)


cdef void work(core_t* c, int bracket_id) noexcept nogil:
    """Compare and ask. Safe to call at any time, any number of times."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef bint flat
    account_naked(c, bracket_id)
    if b.state == BR_CLOSED:
        return
    _cancel_strays(c, b)
    if b.entry_cancel:
        _cancel_live(c, b.entry_slot, LANE_EXIT)
    if held_qty(b) > 0:
        # Buying back an over-exit may overshoot only by racing; its own order must be gone before exits grow again.
        if _cancel_live(c, b.fix_slot, LANE_EXIT):
            _work_open(c, bracket_id, b)
    elif b.open_qty < 0:
        _undo_over_exit(c, bracket_id, b)
    else:
        flat = _cancel_live(c, b.stop_slot, LANE_EXIT)
        flat = _cancel_live(c, b.target_slot, LANE_EXIT) and flat
        flat = _cancel_live(c, b.fix_slot, LANE_EXIT) and flat
        if b.open_qty == 0 and b.state == BR_OPEN and b.exit_qty > 0:
            b.entry_cancel = 1  # its exit has filled: what the entry still wants is not wanted any more
            _cancel_live(c, b.entry_slot, LANE_EXIT)
