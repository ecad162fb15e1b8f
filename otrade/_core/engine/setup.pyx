# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Setting up an engine: memory, instruments, series, strategies, limits. Everything here may raise, and runs before the day.

Instruments, their series and their strategies are added in nested order, so that what a tick touches lies side by side. What is
added is told to the recorder after it has been taken. What each function is for stands at `Engine`'s method of the same name.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport strncpy

from otrade._core.engine.record cimport Recorder
from otrade._core.market cimport strategy
from otrade._core.orders cimport risk
from otrade._core.state cimport allocate, core_t, find_key, find_token, instrument_t, put_key, put_token, strategy_t
from otrade._core.types cimport (
    MAX_EXCHANGE_BYTES, MAX_HISTORY_BARS, MAX_KEY_BYTES, MAX_SYMBOL_BYTES, bar_t, charge_rates_t, history_t, series_t,
)

from otrade._core.cpu_check import check as _fits  # no-cython-lint: importing it refuses an unfit processor
from otrade.errors import EngineError


cdef int check_id(int id, int n, str what) except -1:
    if not 0 <= id < n:
        raise EngineError(f"there is no {what} {id}; there are {n}, counted from 0")
    return id


cdef int check_run(int64_t run_id) except -1:
    if not 0 <= run_id < 36 ** 6:
        raise EngineError("run_id must be from 0 to 2176782335: it has six characters of the ClOrdID")
    return 0


cdef int lay_out(core_t* c, dict sizes) except -1:
    """Fix the sizes and allocate; see `types.Limit` for what else is fixed."""
    brackets, orders = sizes["brackets"], sizes["orders"]
    if min([n for name, n in sizes.items() if name != "run_id" and not name.endswith("_ns")]) <= 0:
        raise EngineError("every limit of the engine must be at least 1; raise the zero or negative one")
    if brackets > 36 ** 4 or orders > 36 ** 4:
        raise EngineError("brackets and orders are limited to 1679616 by the four characters a ClOrdID has for each")
    check_run(sizes["run_id"])
    c.cap_instruments = sizes["instruments"]
    c.cap_series = sizes["series"]
    c.cap_strategies = sizes["strategies"]
    c.cap_brackets = brackets
    c.cap_orders = orders
    c.cap_commands = sizes["commands"]
    c.cap_notices = sizes["notices"]
    c.cap_signals = sizes["signals"]
    c.cap_bars = sizes["bars"]
    c.run_id = sizes["run_id"]
    c.order_timeout_ns = sizes["order_timeout_ns"]
    c.look_gap_ns = sizes["look_gap_ns"]
    c.bar_grace_ns = sizes["bar_grace_ns"]
    c.budget.modifies_per_order = 25
    c.failover_ns = 2_000_000_000
    return allocate(c)


cdef int add_instrument(
    core_t* c, Recorder record, uint32_t token, int segment, str symbol, str exchange, int product,
    int64_t tick_size_e4, int64_t lot_size, int64_t freeze_qty, int64_t multiplier, int64_t band_lo_e4,
    int64_t band_hi_e4,
) except -1:
    cdef instrument_t* inst
    if c.n_instruments == c.cap_instruments:
        raise EngineError(f"more than {c.cap_instruments} instruments; raise `engine.max_instruments`")
    if find_token(c, token) >= 0:
        raise EngineError(f"{exchange}:{symbol}: token {token} is already in use; name each instrument once")
    name, venue = symbol.encode("ascii"), exchange.encode("ascii")
    if len(name) >= MAX_SYMBOL_BYTES or len(venue) >= MAX_EXCHANGE_BYTES:
        raise EngineError(f"{exchange}:{symbol}: a symbol has at most 31 characters and an exchange 7")
    if tick_size_e4 <= 0 or lot_size <= 0 or multiplier <= 0 or (freeze_qty > 0 and freeze_qty < lot_size):
        raise EngineError(f"{exchange}:{symbol}: tick size, lot size and multiplier must be positive, and the freeze "
                          "quantity at least a lot; fetch the instrument file again")
    inst = &c.instruments[c.n_instruments]
    inst.token = token
    inst.segment = segment
    inst.product = product
    inst.tick_size_e4 = tick_size_e4
    inst.lot_size = lot_size
    inst.freeze_qty = freeze_qty
    inst.multiplier = multiplier
    inst.band_lo_e4 = band_lo_e4
    inst.band_hi_e4 = band_hi_e4
    inst.bracket_head = -1
    inst.days_to_expiry = -1
    inst.series_first = c.n_series
    strncpy(inst.symbol, name, MAX_SYMBOL_BYTES - 1)
    strncpy(inst.exchange, venue, MAX_EXCHANGE_BYTES - 1)
    put_token(c, token, c.n_instruments)
    c.n_instruments += 1
    record.tell("add_instrument", {
        "token": token, "segment": segment, "symbol": symbol, "exchange": exchange, "product": product,
        "tick_size_e4": tick_size_e4, "lot_size": lot_size, "freeze_qty": freeze_qty, "multiplier": multiplier,
        "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4,
    }, c.now_ns, True)
    return c.n_instruments - 1


cdef int add_key(core_t* c, Recorder record, int instrument_id, str key) except -1:
    check_id(instrument_id, c.n_instruments, "instrument")
    name = key.encode("utf-8")
    if not 0 < len(name) < MAX_KEY_BYTES:
        raise EngineError(f"instrument key {key!r} must have 1 to {MAX_KEY_BYTES - 1} bytes")
    found = find_key(c, name, len(name))
    if found != instrument_id:
        if c.keys[instrument_id].n or found >= 0:
            raise EngineError(f"instrument key {key!r} is already in use, or its instrument has another one")
        put_key(c, name, len(name), instrument_id)
    record.tell("add_key", {"instrument_id": instrument_id, "key": key}, c.now_ns)
    return 0


cdef int set_failover(core_t* c, Recorder record, int64_t failover_ns) except -1:
    if failover_ns <= 0:
        raise EngineError("the time to fail over must be positive")
    c.failover_ns = failover_ns
    record.tell("set_failover", {"failover_ns": failover_ns}, c.now_ns)
    return 0


cdef int add_series(core_t* c, Recorder record, int instrument_id, int64_t interval_ns) except -1:
    cdef int at = c.n_series
    check_id(instrument_id, c.n_instruments, "instrument")
    if instrument_id != c.n_instruments - 1:
        raise EngineError("add the series of an instrument right after it: they lie side by side in memory")
    if interval_ns <= 0:
        raise EngineError("a bar's length must be positive")
    if c.n_series == c.cap_series:
        raise EngineError(f"more than {c.cap_series} bar series; raise `engine.max_series`")
    c.series[c.n_series].interval_ns = interval_ns
    c.series[c.n_series].instrument_id = instrument_id
    c.series[c.n_series].strategy_first = c.n_strategies
    while at > c.instruments[instrument_id].series_first and c.series[c.by_length[at - 1]].interval_ns < interval_ns:
        c.by_length[at] = c.by_length[at - 1]
        at -= 1
    c.by_length[at] = c.n_series
    c.instruments[instrument_id].series_n += 1
    c.n_series += 1
    record.tell("add_series", {"instrument_id": instrument_id, "interval_ns": interval_ns}, c.now_ns, True)
    return c.n_series - 1


cdef int _check_place(const core_t* c, int series_id) except -1:
    check_id(series_id, c.n_series, "series")
    if series_id != c.n_series - 1:
        raise EngineError("add the strategies of a series right after it: they lie side by side in memory")
    if c.n_strategies == c.cap_strategies:
        raise EngineError(f"more than {c.cap_strategies} strategies; raise `engine.max_strategies`")
    return 0


cdef int _place(core_t* c, int series_id) noexcept:
    """The slot that has just been filled belongs to this series from now on."""
    cdef strategy_t* s = &c.strategies[c.n_strategies]
    cdef instrument_t* inst = &c.instruments[c.series[series_id].instrument_id]
    s.instrument_id = c.series[series_id].instrument_id
    s.series_id = series_id
    c.series[series_id].strategy_n += 1
    inst.n_by_tick += s.wants_ticks
    inst.n_compiled += s.kind < 0
    c.n_timers += s.compiled.timer_ns > 0
    c.n_strategies += 1
    return c.n_strategies - 1


cdef int add_strategy(core_t* c, Recorder record, int series_id, str kind, dict params, dict plan) except -1:
    _check_place(c, series_id)
    strategy.load(&c.strategies[c.n_strategies], kind, params, plan)
    _place(c, series_id)
    record.tell("add_strategy", {"series_id": series_id, "kind": kind, "params": params, "plan": plan}, c.now_ns, True)
    return c.n_strategies - 1


cdef int add_compiled(
    core_t* c, Recorder record, int series_id, str build, bytes params, dict plan, tuple further_ns, str source,
) except -1:
    _check_place(c, series_id)
    if c.series[series_id].interval_ns in further_ns or len(set(further_ns)) < len(further_ns):
        raise EngineError("the further bars of a strategy are each of another length, and none of its own")
    strategy.load_compiled(&c.strategies[c.n_strategies], build, source, params, plan, further_ns)
    _place(c, series_id)
    record.tell("add_compiled", {
        "series_id": series_id, "build": build, "params": params.hex(), "plan": plan, "further_ns": further_ns,
        "source": source,
    }, c.now_ns, True)
    return c.n_strategies - 1


cdef int check_history(core_t* c, const history_t* h, const bar_t* bars, int64_t ts_ns) except -1:
    """Bars of the past may be fed: they are somebody's, rise in time, and are whole; none has fed it before, and nothing of today has
    come yet.
    """
    cdef const series_t* s
    cdef const bar_t* b
    cdef int64_t after_ns = 0
    cdef int i
    check_id(h.series_id, c.n_series, "series")
    s = &c.series[h.series_id]
    if s.has_bar or s.n_closed:
        raise EngineError("bars of the past come before those of the day")
    if h.n_bars > MAX_HISTORY_BARS:
        raise EngineError(f"a record holds {MAX_HISTORY_BARS} bars of the past, and not {h.n_bars}")
    if h.strategy_id >= 0:
        check_id(h.strategy_id, c.n_strategies, "strategy")
        after_ns = c.strategies[h.strategy_id].fed_ns
        if c.strategies[h.strategy_id].series_id != h.series_id:
            after_ns = -1
            if c.strategies[h.strategy_id].instrument_id == s.instrument_id:
                after_ns = strategy.further_fed_ns(&c.strategies[h.strategy_id], s.interval_ns)
            if after_ns < 0:
                raise EngineError(f"strategy {h.strategy_id} sees other bars than those of series {h.series_id}")
    elif h.n_bars > 1 or h.ts_from_ns <= 0:
        raise EngineError("one bar of a series runs at a time, and it is known from when on")
    for i in range(h.n_bars):
        b = &bars[i]
        if not 0 < b.low_e4 <= min(b.open_e4, b.close_e4) <= max(b.open_e4, b.close_e4) <= b.high_e4 or b.volume < 0:
            raise EngineError(f"a bar of the past cannot be: {dict(b[0])}")
        if not after_ns <= b.ts_open_ns < b.ts_end_ns <= b.ts_open_ns + s.interval_ns or (
                h.strategy_id >= 0 and b.ts_end_ns > ts_ns) or (h.strategy_id < 0 and b.ts_open_ns != h.ts_from_ns):
            raise EngineError(f"a bar of the past is not where it should be: {dict(b[0])}")
        after_ns = b.ts_end_ns
    return 0


cdef int set_session(
    core_t* c, Recorder record, int instrument_id, int64_t open_ns, int64_t entry_from_ns, int64_t entry_until_ns,
    int64_t square_off_ns, int64_t close_ns,
) except -1:
    check_id(instrument_id, c.n_instruments, "instrument")
    if not open_ns <= entry_from_ns <= entry_until_ns <= square_off_ns <= close_ns:
        raise EngineError("session times must rise: open, entry from, entry until, square-off, close")
    cdef instrument_t* inst = &c.instruments[instrument_id]
    inst.open_ns = open_ns
    inst.entry_from_ns = entry_from_ns
    inst.entry_until_ns = entry_until_ns
    inst.square_off_ns = square_off_ns
    inst.close_ns = close_ns
    record.tell("set_session", {
        "instrument_id": instrument_id, "open_ns": open_ns, "entry_from_ns": entry_from_ns,
        "entry_until_ns": entry_until_ns, "square_off_ns": square_off_ns, "close_ns": close_ns,
    }, c.now_ns, True)
    return 0


cdef int set_band(core_t* c, Recorder record, int instrument_id, int64_t band_lo_e4, int64_t band_hi_e4) except -1:
    check_id(instrument_id, c.n_instruments, "instrument")
    c.instruments[instrument_id].band_lo_e4 = band_lo_e4
    c.instruments[instrument_id].band_hi_e4 = band_hi_e4
    c.instruments[instrument_id].band_ts_ns = 0
    record.tell("set_band", {"instrument_id": instrument_id, "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4}, c.now_ns)
    return 0


cdef int set_expiry(core_t* c, Recorder record, int instrument_id, int days) except -1:
    check_id(instrument_id, c.n_instruments, "instrument")
    if days < 0:
        raise EngineError("a contract that has expired cannot be traded: fetch the instrument file again")
    c.instruments[instrument_id].days_to_expiry = days
    record.tell("set_expiry", {"instrument_id": instrument_id, "days": days}, c.now_ns)
    return 0


cdef int set_charges(
    core_t* c, Recorder record, int instrument_id, dict own, dict same_day, int64_t dp_e4, int64_t square_off_e4, bint is_delivery,
    int dp_at, bint known,
) except -1:
    cdef charge_rates_t rates
    check_id(instrument_id, c.n_instruments, "instrument")
    check_id(dp_at, c.n_instruments, "instrument")
    try:
        rates.own = own
        rates.same_day = same_day
    except (TypeError, ValueError, KeyError) as error:
        raise EngineError(f"rates of charges: {error}") from None
    rates.dp_e4 = dp_e4
    rates.square_off_e4 = square_off_e4
    rates.is_delivery = is_delivery
    rates.dp_at = dp_at
    rates.known = known
    rates._pad = 0
    c.charge_rates[instrument_id] = rates
    record.tell("set_charges", {
        "instrument_id": instrument_id, "own": own, "same_day": same_day, "dp_e4": dp_e4, "square_off_e4": square_off_e4,
        "is_delivery": bool(is_delivery), "dp_at": dp_at, "known": bool(known),
    }, c.now_ns)
    return 0


cdef int set_limits(
    core_t* c, Recorder record, int64_t max_order_qty, int64_t max_order_notional_e4, int64_t max_open_positions,
    int64_t max_trades, int64_t max_daily_loss_e4, int64_t max_drawdown_e4, int64_t stale_feed_ns,
    bint flatten_on_limit, int px_jump_bps_max, int64_t entry_wait_ns,
) except -1:
    c.limits.max_order_qty = max_order_qty
    c.limits.max_order_notional_e4 = max_order_notional_e4
    c.limits.max_open_positions = max_open_positions
    c.limits.max_trades = max_trades
    c.limits.max_daily_loss_e4 = max_daily_loss_e4
    c.limits.max_drawdown_e4 = max_drawdown_e4
    c.limits.stale_feed_ns = stale_feed_ns
    c.limits.flatten_on_limit = flatten_on_limit
    c.limits.px_jump_bps_max = px_jump_bps_max
    c.limits.entry_wait_ns = entry_wait_ns
    record.tell("set_limits", {
        "max_order_qty": max_order_qty, "max_order_notional_e4": max_order_notional_e4,
        "max_open_positions": max_open_positions, "max_trades": max_trades, "max_daily_loss_e4": max_daily_loss_e4,
        "max_drawdown_e4": max_drawdown_e4, "stale_feed_ns": stale_feed_ns, "flatten_on_limit": bool(flatten_on_limit),
        "px_jump_bps_max": px_jump_bps_max, "entry_wait_ns": entry_wait_ns,
    }, c.now_ns)
    return 0


cdef int set_budget(
    core_t* c, Recorder record, int64_t per_second, int64_t per_minute, int64_t per_half_hour, int64_t per_day,
    int64_t reserve_second, int64_t reserve_minute, int64_t reserve_half_hour, int64_t reserve_day,
    int64_t modifies_per_order, int64_t day_used, int64_t half_hour_used,
) except -1:
    if per_minute > 500:
        raise EngineError("the rate budget remembers 512 requests: at most 500 a minute")
    c.budget.per_second = per_second
    c.budget.per_minute = per_minute
    c.budget.per_half_hour = per_half_hour
    c.budget.per_day = per_day
    c.budget.reserve_second = reserve_second
    c.budget.reserve_minute = reserve_minute
    c.budget.reserve_half_hour = reserve_half_hour
    c.budget.reserve_day = reserve_day
    c.budget.modifies_per_order = modifies_per_order
    c.budget.day_used = day_used
    risk.count_earlier(c, half_hour_used)
    record.tell("set_budget", {
        "per_second": per_second, "per_minute": per_minute, "per_half_hour": per_half_hour, "per_day": per_day,
        "reserve_second": reserve_second, "reserve_minute": reserve_minute, "reserve_half_hour": reserve_half_hour,
        "reserve_day": reserve_day, "modifies_per_order": modifies_per_order,
        "day_used": day_used, "half_hour_used": half_hour_used,
    }, c.now_ns)
    return 0
