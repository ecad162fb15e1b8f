# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The one choke point before an order leaves. Gates are asked in the order of the 2xx reason codes; the first no wins.

Entries pass every gate, and are asked as the whole decision that they belong to, however many slices the freeze quantity makes of
it. Exits pass only the gates of shape (lot, tick, band), and the last of the rate budget is theirs: an exit never queues behind an
entry. An entry also leaves one request for each stop that may be wanted at any moment: its own, those of entries that have not ended
and those of open quantity without an exit. A strategy's position is held when its entry is sent and released when the last of its
brackets ends. Halts are latched: a limit raises them, only a person's command lowers them.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from otrade._core cimport notes
from otrade._core.market cimport quote
from otrade._core.orders cimport order
from otrade._core.state cimport core_t, strategy_t
from otrade._core.types cimport (
    HALT_ACTIVE, HALT_REDUCING, LANE_ENTRY, LANE_EXIT, MAX_SLICES,
    PHASE_BEFORE, PHASE_CLOSED, PHASE_ENTRY, PHASE_NO_ENTRY, PHASE_OPEN_NO_ENTRY, PHASE_SQUARE_OFF, PHASE_UNKNOWN,
    REASON_BAND, REASON_COOLDOWN, REASON_DAILY_LOSS, REASON_DRAWDOWN, REASON_FREEZE, REASON_HALTED, REASON_LOT,
    REASON_MAX_NOTIONAL, REASON_MAX_POSITIONS, REASON_MAX_QTY, REASON_OK, REASON_QTY_ZERO, REASON_QUARANTINED,
    REASON_IN_DOUBT, REASON_RATE_BROKER, REASON_RATE_DAY, REASON_RATE_HALF_HOUR, REASON_RATE_MINUTE, REASON_RATE_SECOND,
    REASON_SESSION, REASON_SLICES, REASON_STALE_FEED,
    REASON_TICK_SIZE, REASON_TRADE_COUNT, SEV_ALARM, SEV_INFO, SEV_WARN,
    bracket_t, budget_t, instrument_t, risk_limits_t, risk_state_t,
)

cdef enum:
    RING = 512
    HALF_HOUR = 30
    MINUTES = 32
cdef int64_t SECOND_NS = 1_000_000_000
cdef int64_t MINUTE_NS = 60_000_000_000
cdef int64_t TIGHT_MAX_NS = 64_000_000_000


cdef int phase(const instrument_t* inst, int64_t now_ns) noexcept nogil:
    """Where the instrument's own session is. Hours belong to the segment, never to the whole market (NSE, August 2026)."""
    if inst.close_ns == 0:
        return PHASE_UNKNOWN
    if now_ns < inst.open_ns:
        return PHASE_BEFORE
    if now_ns >= inst.close_ns:
        return PHASE_CLOSED
    if now_ns >= inst.square_off_ns:
        return PHASE_SQUARE_OFF
    if now_ns < inst.entry_from_ns:
        return PHASE_OPEN_NO_ENTRY
    if now_ns >= inst.entry_until_ns:
        return PHASE_NO_ENTRY
    return PHASE_ENTRY


cdef int64_t most_an_order(const instrument_t* inst) noexcept nogil:
    """The most whole lots that one order may have where there is a freeze quantity, in units."""
    return inst.freeze_qty // inst.lot_size * inst.lot_size


cdef int gate_shape(const instrument_t* inst, int64_t qty, int64_t price_e4, int64_t now_ns) noexcept nogil:
    """What the exchange would refuse anyway: quantity, lot, tick, freeze, fresh band. `price_e4` 0 means a market order."""
    if qty <= 0:
        return REASON_QTY_ZERO
    if inst.lot_size > 0 and qty % inst.lot_size != 0:
        return REASON_LOT
    if price_e4 > 0 and inst.tick_size_e4 > 0 and price_e4 % inst.tick_size_e4 != 0:
        return REASON_TICK_SIZE
    if inst.freeze_qty > 0 and qty > inst.freeze_qty:
        return REASON_FREEZE
    if price_e4 > 0 and quote.band_is_fresh(inst, now_ns) and quote.is_outside(inst, price_e4):
        return REASON_BAND
    return REASON_OK


cdef int gate_entry(core_t* c, int strategy_id, int64_t qty, int64_t slice_qty, int64_t price_e4) noexcept nogil:
    """May this strategy enter with this quantity, cut into slices of `slice_qty`? REASON_OK or the first gate that says no. The rate is
    asked apart: `gate_rate`.
    """
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef instrument_t* inst = &c.instruments[s.instrument_id]
    cdef risk_limits_t* limits = &c.limits
    cdef risk_state_t* risk = &c.risk
    cdef int64_t notional
    cdef int reason
    if risk.halt != HALT_ACTIVE or c.paused:
        return REASON_HALTED
    if inst.quarantined:
        return REASON_QUARANTINED
    if phase(inst, c.now_ns) != PHASE_ENTRY:
        return REASON_SESSION
    if not c.feed_alive or (
            limits.stale_feed_ns > 0 and c.now_ns - c.markets[s.instrument_id].ts_recv_ns > limits.stale_feed_ns):
        return REASON_STALE_FEED
    reason = gate_shape(inst, slice_qty, price_e4, c.now_ns)
    if reason != REASON_OK:
        return reason
    if qty > MAX_SLICES * slice_qty:
        return REASON_SLICES
    if limits.max_order_qty > 0 and qty > limits.max_order_qty:
        return REASON_MAX_QTY
    notional = qty * (price_e4 if price_e4 > 0 else c.markets[s.instrument_id].ltp_e4) * inst.multiplier
    if limits.max_order_notional_e4 > 0 and notional > limits.max_order_notional_e4:
        return REASON_MAX_NOTIONAL
    # What follows the first slice is part of a position and of a trade that have been asked for.
    if limits.max_open_positions > 0 and s.n_held == 0 and risk.open_positions >= limits.max_open_positions:
        return REASON_MAX_POSITIONS
    if limits.max_trades > 0 and s.n_held == 0 and risk.trades + risk.n_entering >= limits.max_trades:
        return REASON_TRADE_COUNT
    if limits.max_daily_loss_e4 > 0 and risk.pnl_e4 - risk.charges_e4 <= -limits.max_daily_loss_e4:
        return REASON_DAILY_LOSS
    if limits.max_drawdown_e4 > 0 and risk.drawdown_e4 >= limits.max_drawdown_e4:
        return REASON_DRAWDOWN
    if c.now_ns < s.cooldown_until_ns:
        return REASON_COOLDOWN
    if c.n_in_doubt > 0 and inst.n_in_doubt > 0:
        return REASON_IN_DOUBT
    return REASON_OK


cdef bint _has_sent(const budget_t* budget, int64_t n, int64_t since_ns) noexcept nogil:
    """Have there been `n` requests since then? Looks at one entry, however many there were. No limit is above RING."""
    if n <= 0:
        return True
    return n <= budget.head and n <= RING and budget.ts_ring_ns[(budget.head - n) % RING] > since_ns


cdef int64_t _sent_since(const budget_t* budget, int64_t since_ns) noexcept nogil:
    cdef int64_t n = 0
    cdef int64_t at = budget.head - 1
    while at >= 0 and at > budget.head - 1 - RING and budget.ts_ring_ns[at % RING] > since_ns:
        n += 1
        at -= 1
    return n


cdef int64_t _sent_in_half_hour(budget_t* budget, int64_t now_ns) noexcept nogil:
    """Requests of the last 30 whole minutes and the running one: never fewer than of the last half hour."""
    cdef int64_t minute = now_ns // MINUTE_NS
    cdef int64_t n = 0
    cdef int i
    if budget.minute >= minute:
        return budget.in_half_hour
    while budget.minute < minute:
        if minute - budget.minute >= MINUTES:
            memset(budget.minute_ring, 0, sizeof(budget.minute_ring))
            budget.minute = minute
        else:
            budget.minute += 1
            budget.minute_ring[budget.minute % MINUTES] = 0
    for i in range(HALF_HOUR + 1):
        n += budget.minute_ring[(budget.minute - i) % MINUTES]
    budget.in_half_hour = n
    return n


cdef void budget_used(core_t* c, int64_t* second, int64_t* minute, int64_t* half_hour) noexcept nogil:
    """Requests inside each window that ends now: what `budget_left` compares with the limits."""
    second[0] = _sent_since(&c.budget, c.now_ns - SECOND_NS)
    minute[0] = _sent_since(&c.budget, c.now_ns - MINUTE_NS)
    half_hour[0] = _sent_in_half_hour(&c.budget, c.now_ns)


cdef void tighten(core_t* c) noexcept nogil:
    """The broker has refused a request for its rate: entries wait, exits come one a second, longer each time it says so."""
    cdef budget_t* budget = &c.budget
    if c.now_ns > budget.tight_until_ns + TIGHT_MAX_NS or budget.tight_ns == 0:
        budget.tight_ns = SECOND_NS
    elif budget.tight_ns < TIGHT_MAX_NS:
        budget.tight_ns *= 2
    budget.tight_until_ns = c.now_ns + budget.tight_ns
    budget.n_tightened += 1


cdef int budget_left(core_t* c, int lane, bint is_placement) noexcept nogil:
    """Is there budget for one more request in this lane? Windows slide, which is the strict reading of every broker's limit.

    Entries leave the reserve alone; exits leave one request a second to protection; protection may use all of it. Brokers
    count placements, changes and cancels in the second and the minute, and placements alone in the day.
    """
    cdef budget_t* budget = &c.budget
    cdef int64_t second = budget.per_second
    cdef int64_t minute = budget.per_minute
    cdef int64_t day = budget.per_day
    if lane == LANE_ENTRY:
        second -= budget.reserve_second
        minute -= budget.reserve_minute
        day -= budget.reserve_day
    elif lane == LANE_EXIT and second > 1:
        second -= 1
    if c.now_ns < budget.tight_until_ns:
        if lane == LANE_ENTRY or (lane == LANE_EXIT and _has_sent(budget, 1, c.now_ns - SECOND_NS)):
            return REASON_RATE_BROKER
    if budget.per_second > 0 and _has_sent(budget, second, c.now_ns - SECOND_NS):
        return REASON_RATE_SECOND
    if budget.per_minute > 0 and _has_sent(budget, minute, c.now_ns - MINUTE_NS):
        return REASON_RATE_MINUTE
    if budget.per_half_hour > 0:
        if _sent_in_half_hour(budget, c.now_ns) >= budget.per_half_hour - (budget.reserve_half_hour if lane == LANE_ENTRY else 0):
            return REASON_RATE_HALF_HOUR
    if is_placement and budget.per_day > 0 and budget.day_used >= day:
        return REASON_RATE_DAY
    return REASON_OK


cdef int obligations(const core_t* c) noexcept nogil:
    """Stops that may be wanted at any moment: of entries that have not ended, and of what is open without a live exit."""
    cdef const bracket_t* b
    cdef int i, n = 0
    for i in range(c.n_live):
        b = &c.brackets[c.live[i]]
        if b.entry_slot >= 0 and not order.is_final(&c.orders[b.entry_slot]):
            n += 1
        elif b.open_qty != 0 and b.open_qty != b.gone_qty and (b.stop_slot < 0 or order.is_final(&c.orders[b.stop_slot])):
            n += 1
    return n


cdef int _pairs(int64_t left, const budget_t* budget, int owed, int wanted, int64_t since_ns) noexcept nogil:
    """How many entries, up to `wanted`, may leave while `left` requests of a window are theirs, each with its stop, beside what is owed?
    Where the reserve leaves a single request, a lone entry may go: its stop has the reserve.
    """
    cdef int n = wanted
    if left < 2:
        return 1 if owed == 0 and not _has_sent(budget, left, since_ns) else 0
    while n > 0 and _has_sent(budget, left - owed - 2 * n + 1, since_ns):
        n -= 1
    return n


cdef bint _lacks(int64_t left, int64_t used, int owed, int wanted) noexcept nogil:
    """Is there no room in the `left` requests of a long window for what is used and owed and for all of these entries, each with its stop?
    Where the reserve leaves a single request, a lone entry may go, as in `_pairs`; never one slice of several.
    """
    if left < 2:
        return owed > 0 or wanted > 1
    return used + owed + 2 * wanted > left


cdef int gate_rate(core_t* c, int wanted, int* sendable) noexcept nogil:
    """How many of a decision's `wanted` entries may leave now, each with one request kept back for its stop? REASON_OK when all may.
    Only the second lets a part of them go first: what a longer window lacks does not come within an entry's patience.
    """
    cdef budget_t* budget = &c.budget
    cdef int owed, reason = budget_left(c, LANE_ENTRY, True)
    sendable[0] = 0
    if reason != REASON_OK:
        return reason
    owed = obligations(c)
    if budget.per_minute > 0 and _pairs(
            budget.per_minute - budget.reserve_minute, budget, owed, wanted, c.now_ns - MINUTE_NS) < wanted:
        return REASON_RATE_MINUTE
    if budget.per_half_hour > 0 and _lacks(
            budget.per_half_hour - budget.reserve_half_hour, _sent_in_half_hour(budget, c.now_ns), owed, wanted):
        return REASON_RATE_HALF_HOUR
    if budget.per_day > 0 and _lacks(budget.per_day - budget.reserve_day, budget.day_used, owed, wanted):
        return REASON_RATE_DAY
    sendable[0] = wanted
    if budget.per_second > 0:
        sendable[0] = _pairs(budget.per_second - budget.reserve_second, budget, owed, wanted, c.now_ns - SECOND_NS)
        if sendable[0] < wanted:
            return REASON_RATE_SECOND
    return REASON_OK


cdef void spend(core_t* c, bint is_placement) noexcept nogil:
    c.budget.ts_ring_ns[c.budget.head % RING] = c.now_ns
    c.budget.head += 1
    _sent_in_half_hour(&c.budget, c.now_ns)
    c.budget.minute_ring[c.budget.minute % MINUTES] += 1
    c.budget.in_half_hour += 1
    if is_placement:
        c.budget.day_used += 1


cdef void count_earlier(core_t* c, int64_t half_hour_used) noexcept nogil:
    """Requests of the last half hour that are not in the window, as an engine sent them whose journal is lost. When in it they were is not
    known: they leave it last.
    """
    cdef int64_t missing = half_hour_used - _sent_in_half_hour(&c.budget, c.now_ns)
    if missing > 0:
        c.budget.minute_ring[c.budget.minute % MINUTES] += <int>missing
        c.budget.in_half_hour += missing


cdef void hold(core_t* c, int bracket_id) noexcept nogil:
    """Count a strategy's position from the moment its entry is sent. All of its brackets are one position."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef strategy_t* s = &c.strategies[b.strategy_id]
    if b.holds_position:
        return
    b.holds_position = 1
    s.n_held += 1
    if s.n_held == 1:
        s.decision = b.decision
        c.risk.open_positions += 1
        if not c.brackets[b.decision].counted_trade:
            s.in_flight = 1
            c.risk.n_entering += 1


cdef inline void _landed(core_t* c, strategy_t* s) noexcept nogil:
    if s.in_flight:
        s.in_flight = 0
        c.risk.n_entering -= 1


cdef void release_hold(core_t* c, int bracket_id) noexcept nogil:
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef strategy_t* s = &c.strategies[b.strategy_id]
    if not b.holds_position:
        return
    b.holds_position = 0
    s.n_held -= 1
    if s.n_held == 0:
        c.risk.open_positions -= 1
        _landed(c, s)


cdef void count_trade(core_t* c, int bracket_id) noexcept nogil:
    """An entry has filled: its decision is a trade, once, however many slices fill."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    cdef strategy_t* s = &c.strategies[b.strategy_id]
    if not c.brackets[b.decision].counted_trade:
        c.brackets[b.decision].counted_trade = 1
        c.risk.trades += 1
    if b.decision == s.decision:
        _landed(c, s)  # and not by a late fill of an earlier one


cdef void set_halt(core_t* c, int halt, int reason) noexcept nogil:
    """Move the halt state and say so. Callers decide who may lower it."""
    if c.risk.halt == halt:
        return
    c.risk.halt = halt
    c.risk.halt_reason = reason
    notes.halt_changed(
        c, SEV_WARN if halt == HALT_ACTIVE else SEV_ALARM, -1, -1, -1, reason, halt=halt, halt_reason=reason)


cdef void note_quarantine(core_t* c, int instrument_id, bint quarantined) noexcept nogil:
    """Say that an instrument stopped, or may again, take entries."""
    notes.quarantined(c, SEV_ALARM if quarantined else SEV_INFO, instrument_id, -1, -1,
           REASON_QUARANTINED if quarantined else REASON_OK)


cdef bint change_pnl(core_t* c, int64_t delta_e4) noexcept nogil:
    """Add a change of the day's profit (marked to market). True when that trips a loss limit just now: limits, peak and drawdown are of
    the profit net of the charges that are owed, which is what the account loses.
    """
    cdef risk_state_t* risk = &c.risk
    cdef int reason = REASON_OK
    cdef int64_t net_e4
    risk.pnl_e4 += delta_e4
    net_e4 = risk.pnl_e4 - risk.charges_e4
    if net_e4 > risk.peak_e4:
        risk.peak_e4 = net_e4
    risk.drawdown_e4 = risk.peak_e4 - net_e4
    if risk.halt != HALT_ACTIVE:
        return False
    if c.limits.max_daily_loss_e4 > 0 and net_e4 <= -c.limits.max_daily_loss_e4:
        reason = REASON_DAILY_LOSS
    elif c.limits.max_drawdown_e4 > 0 and risk.drawdown_e4 >= c.limits.max_drawdown_e4:
        reason = REASON_DRAWDOWN
    if reason == REASON_OK:
        return False
    notes.limit_tripped(
        c, SEV_ALARM, -1, -1, -1, reason, net_e4=net_e4, drawdown_e4=risk.drawdown_e4, charges_e4=risk.charges_e4)
    set_halt(c, HALT_REDUCING, reason)
    return True
