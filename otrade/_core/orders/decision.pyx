# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A strategy is told of bars, trades, time and its fills, and says a decision: enter, exit, move the stop, or nothing.

It is shown copies and can write to its own state and to the decision alone. What it says is looked at before anything comes of it: a
level that is no number, is where the price has been, or is beyond the band, and a quantity that is not whole lots are refused with a
reason, counted, and change nothing. Of what it says in one event (a trade, a timer beat, the fills of a report) the first is heard.
An entry then goes the way of every signal (`entry.pyx`): plan, gates and brackets stand between. An exit leaves all that it holds, and a
stop that it moves is a wish (`stop_moves.pyx`).

A kind that is built in goes the same way. Beside it stand its filters (`kernels/filters.py`), which see its bars and may refuse what it
says; its signal carries its two lines, their RSI and their ATR. It reads no position and no clock, and is shown none.
"""
from libc.math cimport floor
from libc.stdint cimport int64_t
from libc.string cimport memset

from otrade._core cimport otk
from otrade._core.market cimport quote, strategy
from otrade._core.orders cimport bracket, exits, order, risk, stop_moves, waiting_entries as waiting
from otrade._core.orders.entry cimport take_decision, tell
from otrade._core.state cimport compiled_t, core_t, strategy_t, terms_t
from otrade._core.types cimport (
    ACTION_BUY, ACTION_EXIT, ACTION_MOVE_STOP, ACTION_NONE, ACTION_SELL, BR_EXITING, EXIT_SIGNAL, HALT_HALTED, LEVEL_DISTANCE, LEVEL_PLAN,
    LEVEL_PRICE, MAX_FURTHER_BARS, PRODUCT_CNC, REASON_DECIDED_TWICE, REASON_DECISION_NAN, REASON_DECISION_QTY, REASON_DECISION_UNKNOWN,
    REASON_DISABLED, REASON_HALTED, REASON_LEAVING, REASON_LEVEL_ABSURD, REASON_NOTHING_HELD, REASON_OK, REASON_SIDE_OFF, REASON_STALE_FEED,
    REASON_STOP_LOOSER, REASON_STOP_SIDE, REASON_TARGET_SIDE, SIDE_BUY, SIDE_SELL, bar_t, bracket_t, decision_t, instrument_t,
    market_t, position_view_t, series_t,
)

cdef enum:
    INPUTS = 4
    REASONS = 4096  # more than a file of a strategy can name
    FAR = 10  # times the price: nobody means a level beyond

cdef double RUPEES_MAX = 9e11  # in e4 it is within an int64


cdef void _show_position(core_t* c, const strategy_t* s, int strategy_id, position_view_t* p) noexcept nogil:
    """What the strategy holds, from its brackets: several where the freeze quantity has cut a decision, and then one position."""
    cdef const instrument_t* inst = &c.instruments[s.instrument_id]
    cdef const bracket_t* b
    cdef int64_t qty = 0, cost_e4 = 0, side = 0, average
    cdef int64_t bars_held = p.bars_held if p.n_trades == s.n_closed else 0
    cdef int id = inst.bracket_head if s.n_open > 0 else -1
    memset(p, 0, sizeof(p[0]))
    p.is_entering = s.wait_side != 0 or s.reverse_side != 0
    while id >= 0:
        b = &c.brackets[id]
        if b.strategy_id == strategy_id:
            if b.entry_slot >= 0 and not order.is_final(&c.orders[b.entry_slot]):
                p.is_entering = 1
            if b.open_qty > 0:
                side = b.side
                average = (b.entry_value_e4 + b.entry_qty // 2) // b.entry_qty
                qty += b.open_qty
                cost_e4 += average * b.open_qty
                p.is_leaving = p.is_leaving or b.state == BR_EXITING
                p.stop_e4 = b.stop_e4
                p.target_e4 = b.target_e4
        id = b.next
    p.side = side
    p.qty = qty
    if qty > 0:
        p.entry_e4 = (cost_e4 + qty // 2) // qty
        p.profit_e4 = (c.markets[s.instrument_id].ltp_e4 * qty - cost_e4) * side * inst.multiplier
        p.bars_held = bars_held
    p.is_flat = side == 0
    p.is_long = side > 0
    p.is_short = side < 0
    p.last_exit = s.last_exit
    p.n_trades = s.n_closed


cdef inline void _prepare(core_t* c, strategy_t* s, int strategy_id) noexcept nogil:
    """Before each call."""
    cdef const instrument_t* inst = &c.instruments[s.instrument_id]
    s.compiled.said.action = ACTION_NONE
    if s.kind >= 0:
        strategy.show_filters(s)
        return
    _show_position(c, s, strategy_id, &s.compiled.position)
    strategy.show_clock(&s.compiled.clock, inst, c.now_ns, risk.phase(inst, c.now_ns))


cdef int _level(double rupees, int64_t* e4) noexcept nogil:
    if rupees != rupees:
        return REASON_DECISION_NAN
    if not 0.0 < rupees <= RUPEES_MAX:
        return REASON_LEVEL_ABSURD
    e4[0] = <int64_t>floor(rupees * 10_000.0 + 0.5)
    return REASON_OK


cdef int _check_level(core_t* c, int instrument_id, int64_t kind, double rupees, int side, int away, int64_t* e4) noexcept nogil:
    """Read one level of an entry to `side`: `away` -1 for a stop, which lies behind the price, 1 for a target. Prices become multiples of
    the tick: a stop towards the price, a target away from it, as the plan's are.
    """
    cdef const instrument_t* inst = &c.instruments[instrument_id]
    cdef int64_t ltp = c.markets[instrument_id].ltp_e4
    cdef int reason
    e4[0] = 0
    if kind == LEVEL_PLAN:
        return REASON_OK
    if kind != LEVEL_PRICE and kind != LEVEL_DISTANCE:
        return REASON_DECISION_UNKNOWN
    reason = _level(rupees, e4)
    if reason != REASON_OK:
        return reason
    if e4[0] > FAR * ltp:
        return REASON_LEVEL_ABSURD
    if kind == LEVEL_DISTANCE:
        return REASON_OK
    e4[0] = otk.otk_round_tick(e4[0], inst.tick_size_e4, side)
    if (e4[0] - ltp) * side * away <= 0:
        return REASON_STOP_SIDE if away < 0 else REASON_TARGET_SIDE
    if e4[0] <= 0 or (quote.band_is_fresh(inst, c.now_ns) and quote.is_outside(inst, e4[0])):
        return REASON_LEVEL_ABSURD
    return REASON_OK


cdef int _check(core_t* c, strategy_t* s) noexcept nogil:
    """Can what the strategy says be meant? Its terms in the core's units, or why not."""
    cdef const decision_t* d = &s.compiled.said
    cdef terms_t* t = &s.terms
    cdef int64_t lot = c.instruments[s.instrument_id].lot_size
    cdef int side = SIDE_BUY if d.action == ACTION_BUY else SIDE_SELL
    cdef int reason
    memset(t, 0, sizeof(t[0]))
    if not ACTION_NONE < d.action <= ACTION_MOVE_STOP or not 0 <= d.why < REASONS or not 0 <= d.n_inputs <= INPUTS:
        return REASON_DECISION_UNKNOWN
    if d.action == ACTION_EXIT:
        return REASON_OK
    if c.markets[s.instrument_id].ltp_e4 <= 0:
        return REASON_STALE_FEED  # no level can be looked at
    if d.action == ACTION_MOVE_STOP:
        if d.stop_is != LEVEL_PRICE and d.stop_is != LEVEL_DISTANCE:
            return REASON_DECISION_UNKNOWN
        t.stop_is = <int>d.stop_is
        reason = _level(d.stop, &t.stop_e4)
        return REASON_LEVEL_ABSURD if reason == REASON_OK and t.stop_e4 > FAR * c.markets[s.instrument_id].ltp_e4 else reason
    reason = _check_level(c, s.instrument_id, d.stop_is, d.stop, side, -1, &t.stop_e4)
    if reason == REASON_OK:
        reason = _check_level(c, s.instrument_id, d.target_is, d.target, side, 1, &t.target_e4)
    if reason != REASON_OK:
        return reason
    if d.qty < 0 or d.qty % lot != 0:
        return REASON_DECISION_QTY
    t.stop_is = <int>d.stop_is
    t.target_is = <int>d.target_is
    t.qty = d.qty
    return REASON_OK


cdef int _leave(core_t* c, int strategy_id) noexcept nogil:
    """Exit all that the strategy holds, and give up what it was about to enter. REASON_OK, or why not."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int i = 0, id, reason = REASON_NOTHING_HELD
    if c.risk.halt == HALT_HALTED:
        return REASON_HALTED
    if s.wait_side != 0:
        waiting.drop(c, strategy_id, REASON_LEAVING)
        reason = REASON_OK
    if s.reverse_side != 0:
        s.reverse_side = 0
        reason = REASON_OK
    while i < c.n_live:
        id = c.live[i]
        if c.brackets[id].strategy_id == strategy_id and c.brackets[id].state != BR_EXITING:
            exits.begin_exit(c, id, EXIT_SIGNAL)
            bracket.settle(c, id)
            reason = REASON_OK
        if i < c.n_live and c.live[i] == id:
            i += 1
    return reason


cdef int _move_stop(core_t* c, int strategy_id, bint* has_moved) noexcept nogil:
    """Keep the wish with each of the strategy's brackets, and do what may be done now. REASON_OK when any takes it."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int i = 0, id, reason, told = REASON_NOTHING_HELD
    cdef int64_t stop_e4
    while i < c.n_live:
        id = c.live[i]
        if c.brackets[id].strategy_id == strategy_id:
            stop_e4 = s.terms.stop_e4
            if s.terms.stop_is == LEVEL_DISTANCE:
                stop_e4 = c.markets[s.instrument_id].ltp_e4 - c.brackets[id].side * stop_e4
            reason = stop_moves.wish(c, id, stop_e4)
            if reason == REASON_OK or told != REASON_OK:
                told = reason
            if reason == REASON_OK and stop_moves.apply(c, id):
                has_moved[0] = True
                bracket.settle(c, id)
        if i < c.n_live and c.live[i] == id:
            i += 1
    return told


cdef bint _is_harmless(int reason) noexcept nogil:
    """What a strategy may well say, and nothing comes of it: the world is as it wants it, or it asked for less than stands."""
    return reason == REASON_NOTHING_HELD or reason == REASON_STOP_LOOSER


cdef void _hear(core_t* c, int strategy_id, int64_t px_e4, int64_t ts_ns) noexcept nogil:
    """Act on what the strategy has just said."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef compiled_t* k = s.compiled
    cdef int64_t action = k.said.action
    cdef int reason = REASON_DECIDED_TWICE
    cdef bint is_entry = action == ACTION_BUY or action == ACTION_SELL
    cdef bint is_news = True
    memset(&s.signal, 0, sizeof(s.signal))
    s.signal.px_e4 = px_e4
    s.signal.ts_ns = ts_ns
    s.signal.side = <int>-k.position.side  # of the order that an exit, or a stop, is
    if is_entry:
        s.signal.side = SIDE_BUY if action == ACTION_BUY else SIDE_SELL
    if s.kind >= 0:
        strategy.filter_signal(s)
    if k.decided_event != c.n_events:
        k.decided_event = c.n_events
        reason = _check(c, s)
    if reason != REASON_OK:
        s.n_refused_decisions += 1
        tell(c, strategy_id, False, reason)
        return
    if is_entry:
        if s.kind < 0 and action == ACTION_SELL and c.instruments[s.instrument_id].product == PRODUCT_CNC:
            s.signal.blocked = REASON_SIDE_OFF  # shares for delivery are not sold short: it may leave what it holds, and no more
        take_decision(c, strategy_id)
        return
    if k.position.side == 0 and not k.position.is_entering:
        reason = REASON_NOTHING_HELD
    elif action == ACTION_EXIT and not s.enabled:
        reason = REASON_DISABLED
    elif action == ACTION_EXIT:
        reason = _leave(c, strategy_id)
    else:
        is_news = False
        reason = _move_stop(c, strategy_id, &is_news)  # a wish that waits is no news
        is_news = is_news or reason != REASON_OK
        s.n_refused_decisions += reason == REASON_STOP_SIDE or reason == REASON_LEVEL_ABSURD
    if is_news and not _is_harmless(reason):
        tell(c, strategy_id, reason == REASON_OK, reason)


cdef void on_bar(core_t* c, int strategy_id, const bar_t* bar) noexcept nogil:
    """A bar of the strategy's own length has closed."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef compiled_t* k = s.compiled
    if s.kind >= 0:
        strategy.feed_filters(s, bar)
        if k.on_bar == NULL:
            return
    strategy.show_bar(&k.bar, bar, &c.instruments[s.instrument_id])
    _prepare(c, s, strategy_id)
    if k.position.side != 0:
        k.position.bars_held += 1
    if k.on_bar != NULL and k.on_bar(
            s.params, s.state, &k.bar, k.bars, &c.markets[s.instrument_id], &k.position, &k.clock, &k.said) != ACTION_NONE:
        _hear(c, strategy_id, bar.close_e4, bar.ts_end_ns)


cdef void on_further_bar(core_t* c, int instrument_id, int64_t interval_ns, const bar_t* bar) noexcept nogil:
    """A bar of any length has closed: whoever sees that length beside its own has it from now on."""
    cdef const instrument_t* inst = &c.instruments[instrument_id]
    cdef const series_t* series
    cdef compiled_t* k
    cdef int i, j, n
    for i in range(inst.series_first, inst.series_first + inst.series_n):
        series = &c.series[i]
        for n in range(series.strategy_first, series.strategy_first + series.strategy_n):
            k = c.strategies[n].compiled
            for j in range(MAX_FURTHER_BARS):
                if k.further_ns[j] == interval_ns:
                    strategy.show_bar(&k.bars[j], bar, inst)


cdef void on_tick(core_t* c, int strategy_id) noexcept nogil:
    """The instrument has traded."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef compiled_t* k = s.compiled
    cdef const market_t* m = &c.markets[s.instrument_id]
    _prepare(c, s, strategy_id)
    if k.on_tick(s.params, s.state, m, k.bars, &k.position, &k.clock, &k.said) != ACTION_NONE:
        _hear(c, strategy_id, m.ltp_e4, m.ts_recv_ns)


cdef int64_t _beat_after(const instrument_t* inst, int64_t now_ns, int64_t every_ns) noexcept nogil:
    """The first beat of a timer after now; beats are counted from the session's open. 0: the session is over, or has no hours."""
    cdef int64_t beat_ns = inst.open_ns + every_ns
    if now_ns >= inst.open_ns:
        beat_ns = inst.open_ns + ((now_ns - inst.open_ns) // every_ns + 1) * every_ns
    return beat_ns if beat_ns < inst.close_ns else 0


cdef void on_time(core_t* c) noexcept nogil:
    """Call every timer whose beat has come: once, however many beats were missed."""
    cdef strategy_t* s
    cdef compiled_t* k
    cdef const market_t* m
    cdef int i
    cdef bint is_due
    if c.n_timers == 0:
        return
    for i in range(c.n_strategies):
        s = &c.strategies[i]
        k = s.compiled
        if k.timer_ns == 0:
            continue
        is_due = k.timer_next_ns > 0 and c.now_ns >= k.timer_next_ns
        if is_due or k.timer_next_ns == 0:
            k.timer_next_ns = _beat_after(&c.instruments[s.instrument_id], c.now_ns, k.timer_ns)
        if not is_due:
            continue
        m = &c.markets[s.instrument_id]
        _prepare(c, s, i)
        if k.on_timer(s.params, s.state, m, k.bars, &k.position, &k.clock, &k.said) != ACTION_NONE:
            _hear(c, i, m.ltp_e4, c.now_ns)


cdef int64_t next_ns(const core_t* c) noexcept nogil:
    """When the next timer has a beat; 0: none has."""
    cdef int64_t first = 0, beat_ns
    cdef int i
    if c.n_timers == 0:
        return 0
    for i in range(c.n_strategies):
        if c.strategies[i].compiled.timer_ns == 0:
            continue
        beat_ns = c.strategies[i].compiled.timer_next_ns
        if beat_ns > 0 and (first == 0 or beat_ns < first):
            first = beat_ns
    return first


cdef void on_fills(core_t* c) noexcept nogil:
    """The event is over and its exits are asked for: tell each strategy once of all that was filled. Half a book is no event."""
    cdef strategy_t* s
    cdef compiled_t* k
    cdef const market_t* m
    cdef int i
    if c.in_book:
        return
    c.n_events += 1
    c.n_filled = 0
    for i in range(c.n_strategies):
        s = &c.strategies[i]
        if not s.has_fills:
            continue
        k = s.compiled
        m = &c.markets[s.instrument_id]
        s.has_fills = 0
        if k.fill.entered_qty > 0:
            k.fill.entered_price_e4 = (k.entered_value_e4 + k.fill.entered_qty // 2) // k.fill.entered_qty
        if k.fill.left_qty > 0:
            k.fill.left_price_e4 = (k.left_value_e4 + k.fill.left_qty // 2) // k.fill.left_qty
        _prepare(c, s, i)
        if k.on_fill(s.params, s.state, &k.fill, m, k.bars, &k.position, &k.clock, &k.said) != ACTION_NONE:
            _hear(c, i, m.ltp_e4, c.now_ns)
        memset(&k.fill, 0, sizeof(k.fill))
        k.entered_value_e4 = k.left_value_e4 = 0
