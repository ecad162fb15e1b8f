# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What an engine shows: its output rings (commands, notices, signals, bars) and views of its structs as dicts. Changes no decision.

Functions over the core's memory; `Engine` has each under the same name. Views are dicts with the field names of `types.STRUCTS`,
spelled in `rows.py`; texts are str.
"""
from libc.stdint cimport int64_t, uint64_t

from otrade._core.market cimport quote, strategy
from otrade._core.orders cimport bracket, order, risk
from otrade._core.engine.setup cimport check_id
from otrade._core.state cimport command_t, core_t, instrument_t, market_t, order_t
from otrade._core.types cimport ACTION_NONE, BR_CLOSED, ORD_ABSENT, WORTH_EXACT, WORTH_NONE, bracket_t, notice_t

from otrade._core.types import NOTE_FIELDS
from otrade.errors import EngineError

_FIELDS_OF_NOTE = {int(note): tuple(fields) for note, fields in NOTE_FIELDS.items()}
"""What each note calls the notice's a, b and c."""


class Command:
    """One request for the outside world: `request` holds the bytes to send; a LOOK (poll the order book) has none. `is_unrecorded`: the
    journal had no room for it.
    """

    __slots__ = ("kind", "lane", "seq", "order_slot", "instrument_id", "side", "ord_type", "qty", "price_e4", "trigger_e4",
                 "cl_ord_id", "broker_order_id", "request", "ts_ns", "is_unrecorded")


cdef _text(const char* chars):
    return (<bytes>chars).decode("ascii", "replace")


cdef uint64_t _mark(uint64_t seed, const void* block, size_t size) noexcept nogil:
    """64 bits that differ, for all that will ever happen, when a byte of the block differs. Whole words: all structs are."""
    cdef const uint64_t* word = <const uint64_t*>block
    cdef size_t i
    for i in range(size // sizeof(uint64_t)):
        seed = (seed ^ word[i]) * <uint64_t>0x9E3779B97F4A7C15
        seed ^= seed >> 32
    return seed


cdef take_command(core_t* c):
    """The next request, or None."""
    cdef command_t* cmd
    if c.command_head == c.command_tail:
        return None
    cmd = &c.commands[c.command_head % c.cap_commands]
    c.command_head += 1
    out = Command()
    out.kind = cmd.kind
    out.lane = cmd.lane
    out.seq = cmd.seq
    out.order_slot = cmd.order_slot
    out.instrument_id = cmd.instrument_id
    out.side = cmd.side
    out.ord_type = cmd.ord_type
    out.qty = cmd.qty
    out.price_e4 = cmd.price_e4
    out.trigger_e4 = cmd.trigger_e4
    out.ts_ns = cmd.ts_ns
    out.is_unrecorded = bool(cmd.unrecorded)
    out.cl_ord_id = _text(cmd.cl_ord_id) if cmd.order_slot >= 0 else ""
    out.broker_order_id = _text(cmd.broker_order_id) if cmd.order_slot >= 0 else ""
    if cmd.n_bytes < 0:
        raise EngineError(f"order {out.cl_ord_id} could not be encoded (reason {-cmd.n_bytes}); this is a fault of ours")
    out.request = cmd.request[:cmd.n_bytes] if cmd.order_slot >= 0 else b""
    return out


cdef _notice(const notice_t* n):
    """A notice's own fields, and those that its note has."""
    row = {
        "note": n.code, "seq": n.seq, "ts_ns": n.ts_ns, "severity": n.severity, "instrument_id": n.instrument_id,
        "bracket_id": n.bracket_id, "strategy_id": n.strategy_id, "order_slot": n.order_slot, "reason": n.reason, "side": n.side,
    }
    row.update(zip(_FIELDS_OF_NOTE[n.code], (n.a, n.b, n.c)))
    return row


cdef take_notices(core_t* c):
    """Notices since the last call, oldest first, as dicts: `note` (a `Note`), what every notice has, and what its row of
    `NOTE_FIELDS` names.
    """
    out = []
    while c.notice_head < c.notice_tail:
        out.append(_notice(&c.notices[c.notice_head % c.cap_notices]))
        c.notice_head += 1
    return out


cdef take_signals(core_t* c):
    """Signals since the last call with what became of each."""
    out = []
    while c.signal_head < c.signal_tail:
        rec = c.signals[c.signal_head % c.cap_signals]
        row = dict(rec.signal)
        row.update(strategy_id=rec.strategy_id, instrument_id=rec.instrument_id, taken=bool(rec.taken), reason=rec.reason)
        said = &c.decisions[c.signal_head % c.cap_signals]
        row["decision"] = said.decision if said.decision.action != ACTION_NONE else None
        out.append(row)
        c.signal_head += 1
    return out


cdef take_bars(core_t* c):
    """Bars closed since the last call: (series_id, ts_open_ns, open, high, low, close, volume, n_ticks)."""
    out = []
    while c.bar_head < c.bar_tail:
        rec = &c.bars[c.bar_head % c.cap_bars]
        out.append((rec.series_id, rec.bar.ts_open_ns, rec.bar.open_e4, rec.bar.high_e4, rec.bar.low_e4,
                    rec.bar.close_e4, rec.bar.volume, rec.bar.n_ticks))
        c.bar_head += 1
    return out


cdef n_quarantined(core_t* c):
    """Instruments that take no entries, because something there cannot be explained."""
    cdef int i, n = 0
    for i in range(c.n_instruments):
        n += c.instruments[i].quarantined != 0
    return n


cdef instrument_row(core_t* c, int i):
    check_id(i, c.n_instruments, "instrument")
    out = dict(c.instruments[i])
    out["symbol"], out["exchange"] = _text(c.instruments[i].symbol), _text(c.instruments[i].exchange)
    out["phase"] = risk.phase(&c.instruments[i], c.now_ns)
    return out


cdef quotes_wanted(core_t* c, int64_t now_ns):
    """Instruments whose quote is due, see `quote.is_wanted`."""
    cdef int i
    return [i for i in range(c.n_instruments) if quote.is_wanted(c, i, now_ns)]


cdef first_phase(core_t* c):
    """The instrument whose phase is the earliest and, of those, ends first; -1: there is none."""
    cdef int i, phase, first = -1, earliest = 0
    for i in range(c.n_instruments):
        phase = risk.phase(&c.instruments[i], c.now_ns)
        if first < 0 or phase < earliest or (phase == earliest and c.instruments[i].close_ns < c.instruments[first].close_ns):
            first, earliest = i, phase
    return first


cdef newest_tick_ns(core_t* c):
    """When any instrument was last heard of; 0: never."""
    cdef int i
    cdef int64_t newest = 0
    for i in range(c.n_instruments):
        newest = max(newest, c.markets[i].ts_recv_ns)
    return newest


cdef newest_exchange_ns(core_t* c):
    """The latest time that the exchange has put on any instrument's tick; 0: none yet."""
    cdef int i
    cdef int64_t newest = 0
    for i in range(c.n_instruments):
        newest = max(newest, c.markets[i].ts_exch_ns)
    return newest


cdef market_row(core_t* c, int i):
    check_id(i, c.n_instruments, "instrument")
    return c.markets[i]


cdef series_row(core_t* c, int i):
    check_id(i, c.n_series, "series")
    return c.series[i]


cdef strategy_row(core_t* c, int i):
    check_id(i, c.n_strategies, "strategy")
    return strategy.view(&c.strategies[i])


cdef watch(core_t* c, int i, values, int64_t n_bars):
    check_id(i, c.n_strategies, "strategy")
    strategy.watch(&c.strategies[i], tuple(values), n_bars)


cdef watched(core_t* c, int i, int64_t after_ns):
    check_id(i, c.n_strategies, "strategy")
    return strategy.watched(&c.strategies[i], after_ns)


cdef bracket_row(core_t* c, int i):
    """One bracket; time without a stop includes the interval that runs now."""
    check_id(i, c.n_brackets, "bracket")
    out = dict(c.brackets[i])
    out["pnl_e4"] = bracket.pnl_e4(c, i)
    for clock in ("naked", "target"):
        _add_running(c, out, clock, out, f"{clock}_total_ns", f"{clock}_worst_ns")
    return out


cdef _add_running(const core_t* c, row, str clock, into, str total, str worst):
    """Of a clock that runs in the bracket `row`: what it shows so far belongs to its sums."""
    since = row[f"{clock}_since_ns"]
    if since:
        took = max(0, c.now_ns - since)
        into[total] += took
        into[worst] = max(into[worst], took)


cdef order_row(core_t* c, int i):
    check_id(i, c.n_orders, "order")
    out = dict(c.orders[i])
    out["cl_ord_id"] = _text(c.orders[i].cl_ord_id)
    out["broker_order_id"] = _text(c.orders[i].broker_order_id)
    return out


cdef position_row(core_t* c, int i):
    check_id(i, c.n_instruments, "instrument")
    return c.positions[i]


cdef order_mark(core_t* c, int i):
    """A number that changes whenever the order does: what was made of an order with the same mark is still right."""
    check_id(i, c.n_orders, "order")
    return _mark(1, &c.orders[i], sizeof(order_t))


cdef bracket_mark(core_t* c, int i):
    """The same for a bracket and, while it is not closed, the last price of its instrument."""
    check_id(i, c.n_brackets, "bracket")
    cdef bracket_t* b = &c.brackets[i]
    return _mark(0 if b.state == BR_CLOSED else <uint64_t>c.markets[b.instrument_id].ltp_e4, b, sizeof(bracket_t))


cdef instrument_mark(core_t* c, int i):
    """The same for an instrument, its market and its phase."""
    check_id(i, c.n_instruments, "instrument")
    cdef uint64_t seed = risk.phase(&c.instruments[i], c.now_ns)
    return _mark(_mark(seed, &c.instruments[i], sizeof(instrument_t)), &c.markets[i], sizeof(market_t))


cdef live_sums(core_t* c):
    """Of the brackets that are not closed, by instrument: how many (`live`), `open_qty`, its size whatever the sign (`size`),
    `protected_qty`, how many are `naked`, what the size cost at the average entry (`value_e4`), and its profit at the last price
    (`unrealised_e4`).
    """
    cdef bracket_t* b
    cdef int i
    cdef int64_t average, away
    sums = {}
    for i in range(c.n_live):
        b = &c.brackets[c.live[i]]
        # Rounded to the nearest e4, halves up, as a trade's prices are.
        average = (2 * b.entry_value_e4 + b.entry_qty) // (2 * b.entry_qty) if b.entry_qty > 0 else 0
        away = c.markets[b.instrument_id].ltp_e4 - average if b.entry_qty > 0 else 0
        here = sums.get(b.instrument_id)
        if here is None:
            here = sums[b.instrument_id] = {
                "live": 0, "open_qty": 0, "size": 0, "protected_qty": 0, "naked": 0, "value_e4": 0, "unrealised_e4": 0,
            }
        here["live"] += 1
        here["open_qty"] += b.open_qty
        here["size"] += abs(b.open_qty)
        here["protected_qty"] += b.protected_qty
        here["naked"] += b.protected_qty < b.open_qty
        here["value_e4"] += abs(b.open_qty) * average
        # Python's multiplication: exact, whatever the multiplier.
        here["unrealised_e4"] += b.side * b.open_qty * away * <object>c.instruments[b.instrument_id].multiplier
    return sums


cdef live_of_strategies(core_t* c):
    """Ids of the brackets that are not closed, by strategy."""
    cdef int i
    lives = {}
    for i in range(c.n_live):
        lives.setdefault(c.brackets[c.live[i]].strategy_id, []).append(c.live[i])
    return lives


cdef known_ids(core_t* c, int64_t before_ns):
    """Ids that the broker has given to orders of ours before that time: whether each can still trade. Its book must show them."""
    cdef int i
    ids = {}
    for i in range(c.n_orders):
        o = &c.orders[i]
        if o.broker_order_id[0] and o.cl_ord_id[0] and o.ts_known_ns < before_ns and o.ord_status != ORD_ABSENT:
            ids[_text(o.broker_order_id)] = not order.is_final(o)
    return ids


cdef unvalued_fills(core_t* c):
    """Orders whose value the list of trades has not told yet: their slots, by the broker's id."""
    cdef int i
    slots = {}
    for i in range(c.n_orders):
        if c.orders[i].worth != WORTH_NONE and c.orders[i].worth != WORTH_EXACT:
            slots[_text(c.orders[i].broker_order_id)] = i
    return slots


cdef risk_row(core_t* c):
    out = dict(c.risk)
    # The day's profit net of the charges that are owed, as the limits see it; None when these are not known.
    out["net_e4"] = None if c.risk.uncharged else c.risk.pnl_e4 - c.risk.charges_e4
    out["paused"] = bool(c.paused)
    out["paused_by"] = c.paused
    out["feed_alive"] = bool(c.feed_alive)
    out["n_in_doubt"] = c.n_in_doubt
    return out


cdef budget_row(core_t* c):
    """The limits (`budget_t`), and `second_used`, `minute_used`, `half_hour_used`: requests inside the windows that end now."""
    cdef int64_t second, minute, half_hour
    risk.budget_used(c, &second, &minute, &half_hour)
    out = dict(c.budget)
    del out["ts_ring_ns"], out["minute_ring"]
    out.update(second_used=second, minute_used=minute, half_hour_used=half_hour)
    return out


cdef counters_row(core_t* c):
    """Counts and sums of the day. Time without a stop includes what is running now: what never ends is the worst of all."""
    out = dict(c.counters)
    for i in range(c.n_live):
        row = c.brackets[c.live[i]]
        for clock in ("naked", "target"):
            _add_running(c, row, clock, out, f"{clock}_ns_total", f"{clock}_ns_worst")
    return out
