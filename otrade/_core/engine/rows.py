"""What the views of an engine are, as types: dicts with the fields of `types.STRUCTS`, texts as str.

`tests/core/test_stubs.py` holds them to the layouts and to what an engine shows.
"""

from typing import TypedDict


class BarRow(TypedDict):
    """bar_t"""

    ts_open_ns: int
    ts_end_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    n_ticks: int
    gap: int


class SignalRow(TypedDict):
    """signal_t"""

    side: int
    blocked: int
    ready: int
    _pad: int
    px_e4: int
    ts_ns: int
    fast: float
    slow: float
    rsi: float
    atr: float


class DecisionRow(TypedDict):
    """decision_t"""

    action: int
    why: int
    stop_is: int
    stop: float
    target_is: int
    target: float
    qty: int
    n_inputs: int
    input_1: float
    input_2: float
    input_3: float
    input_4: float


class TakenSignalRow(SignalRow):
    """A signal, and what became of it. `decision`: all of it, of a compiled strategy's."""

    strategy_id: int
    instrument_id: int
    taken: bool
    reason: int
    decision: DecisionRow | None


class PlanRow(TypedDict):
    """plan_t"""

    stop_kind: int
    target_kind: int
    trail_kind: int
    size_mode: int
    stop_value: float
    target_value: float
    trail_value: float
    trail_step_value: float
    trail_from_value: float
    size_value: float
    max_qty: int
    entry_type: int
    exit_mode: int
    on_opposite: int
    enabled: int
    entry_offset_bps: float
    entry_timeout_ns: int
    stop_limit_bps: float
    hysteresis_bps: float
    time_exit_ns: int
    ladder_start_bps: float
    ladder_step_bps: float
    ladder_interval_ns: int
    ladder_max_steps: int
    protection_e2: int
    cooldown_ns: int


class ParamsRow(TypedDict):
    """What `add_strategy` takes of a kind that is built in, 0 where a kind has no such parameter."""

    bar_mode: int
    side_mask: int
    fast_period: int
    slow_period: int
    rsi_period: int
    atr_period: int
    level: float
    rsi_long_min: float
    rsi_long_max: float
    rsi_short_min: float
    rsi_short_max: float
    atr_min_bps: float
    atr_max_bps: float
    tod_from_ns: int
    tod_until_ns: int


class InstrumentRow(TypedDict):
    """instrument_t, and where its session is."""

    token: int
    segment: int
    product: int
    quarantined: int
    tick_size_e4: int
    lot_size: int
    freeze_qty: int
    multiplier: int
    band_lo_e4: int
    band_hi_e4: int
    band_ts_ns: int
    quote_ts_ns: int
    quote_ltp_e4: int
    quote_bid_e4: int
    quote_ask_e4: int
    band_doubted: int
    quote_wanted: int
    halted: int
    days_to_expiry: int
    open_ns: int
    entry_from_ns: int
    entry_until_ns: int
    square_off_ns: int
    close_ns: int
    series_first: int
    series_n: int
    bracket_head: int
    n_in_doubt: int
    n_by_tick: int
    n_compiled: int
    symbol: str
    exchange: str
    phase: int


class MarketRow(TypedDict):
    """market_t"""

    ltp_e4: int
    prev_ltp_e4: int
    bid_px_e4: int
    ask_px_e4: int
    bid_qty: int
    ask_qty: int
    ts_recv_ns: int
    ts_exch_ns: int
    volume: int
    ltq: int
    d_volume: int
    n_ticks: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    avg_px_e4: int
    oi: int
    buy_qty: int
    sell_qty: int
    ts_trade_ns: int
    n_refused: int
    ts_price_ns: int
    ts_book_ns: int
    ts_bar_ns: int
    kind: int
    has_depth: int
    feed: int
    feed_last: int
    traded: int
    n_agree: int
    absurd_px_e4: int
    absurd_since_ns: int
    absurd_ts_ns: int
    absurd_volume: int
    n_absurd: int
    bare: int
    feeds_heard: int
    feeds_timed: int
    depth_bid_px_e4: list[int]
    depth_ask_px_e4: list[int]
    depth_bid_qty: list[int]
    depth_ask_qty: list[int]


class SeriesRow(TypedDict):
    """series_t"""

    interval_ns: int
    instrument_id: int
    strategy_first: int
    strategy_n: int
    has_bar: int
    has_news: int
    _pad: int
    from_ns: int
    bar: BarRow
    last: BarRow
    n_closed: int
    n_gaps: int
    n_late: int


class StrategyRow(TypedDict):
    """Of a strategy's slot, what a page shows. See `strategy.pyx`."""

    kind: str
    instrument_id: int
    series_id: int
    enabled: bool
    n_open: int
    n_signals: int
    n_taken: int
    cooldown_until_ns: int
    wait_side: int
    wait_left: int
    wait_until_ns: int
    reverse_side: int
    entry_rejects: int
    brake_until_ns: int
    n_average: int
    n_rsi: int
    n_atr: int
    fed_ns: int
    further_fed_ns: list[int]
    """Of each further length of a compiled strategy: the end of the last bar that it was shown."""
    n_to_feed: int
    is_file: bool
    n_refused_decisions: int
    plan: PlanRow
    signal: SignalRow
    params: ParamsRow


class BracketRow(TypedDict):
    """bracket_t, and its profit. Times without a stop include the interval that runs now."""

    state: int
    strategy_id: int
    instrument_id: int
    side: int
    exit_reason: int
    next: int
    order_head: int
    n_orders: int
    entry_slot: int
    stop_slot: int
    target_slot: int
    fix_slot: int
    exit_mode: int
    target_armed: int
    ladder_step: int
    n_rejects: int
    entry_cancel: int
    holds_position: int
    counted_trade: int
    n_stop_moves: int
    leave_reason: int
    trail_said: int
    n_target_rejects: int
    n_fix_rejects: int
    refused_seq: int
    target_refused_seq: int
    fix_refused_seq: int
    n_unvalued: int
    decision: int
    slice_no: int
    order_qty: int
    entry_qty: int
    entry_value_e4: int
    exit_qty: int
    exit_value_e4: int
    open_qty: int
    protected_qty: int
    signal_px_e4: int
    stop_e4: int
    stop_limit_e4: int
    target_e4: int
    best_e4: int
    trail_e4: int
    trail_step_e4: int
    trail_from_e4: int
    stop_distance_e4: int
    ts_open_ns: int
    ts_entry_ns: int
    ts_close_ns: int
    time_exit_ns: int
    entry_expire_ns: int
    naked_since_ns: int
    naked_total_ns: int
    naked_worst_ns: int
    ladder_next_ns: int
    retry_ns: int
    stop_crossed_ns: int
    atr_e4: int
    flat_px_e4: int
    initial_stop_e4: int
    ts_armed_ns: int
    target_retry_ns: int
    fix_retry_ns: int
    renew_ns: int
    trail_waits_ns: int
    refused_px_e4: int
    refused_ts_ns: int
    flat_ts_ns: int
    n_px_refused: int
    blind: int
    flat_type: int
    told_at_band: int
    target_since_ns: int
    target_total_ns: int
    target_worst_ns: int
    tag_run: int
    tag_bracket: int
    next_attempt: int
    gone_qty: int
    charges_e4: int
    stop_is_price: int
    target_is: int
    said_stop_e4: int
    said_target_e4: int
    move_e4: int
    move_next_ns: int
    pnl_e4: int


class OrderRow(TypedDict):
    """order_t"""

    ord_status: int
    pending: int
    in_doubt: int
    leg: int
    side: int
    ord_type: int
    tif: int
    product: int
    instrument_id: int
    bracket_id: int
    attempt: int
    n_modifies: int
    next: int
    looks: int
    reason: int
    order_qty: int
    cum_qty: int
    cum_value_e4: int
    price_e4: int
    trigger_e4: int
    req_qty: int
    req_price_e4: int
    req_trigger_e4: int
    req_type: int
    triggered: int
    ts_intent_ns: int
    ts_sent_ns: int
    ts_ack_ns: int
    ts_report_ns: int
    ts_update_ns: int
    ts_doubt_ns: int
    ts_look_ns: int
    ts_busy_ns: int
    protection_e2: int
    request_seq: int
    worth: int
    _pad: int
    ts_known_ns: int
    cl_ord_id: str
    broker_order_id: str


class PositionRow(TypedDict):
    """position_t"""

    net_qty: int
    buy_qty: int
    sell_qty: int
    buy_value_e4: int
    sell_value_e4: int
    mark_e4: int
    pnl_e4: int
    charges_e4: int
    n_unvalued: int
    n_unpriced: int
    dp_bracket: int
    uncharged: int


class RiskRow(TypedDict):
    """risk_state_t, and what else keeps entries out."""

    halt: int
    halt_reason: int
    open_positions: int
    trades: int
    pnl_e4: int
    charges_e4: int
    peak_e4: int
    drawdown_e4: int
    n_denied: int
    n_entering: int
    uncharged: int
    _pad: int
    n_unvalued: int
    n_rounded: int
    net_e4: int | None
    paused: bool
    paused_by: int
    feed_alive: bool
    n_in_doubt: int


class BudgetRow(TypedDict):
    """budget_t without its rings, and the requests inside the windows that end now."""

    per_second: int
    per_minute: int
    per_half_hour: int
    per_day: int
    reserve_second: int
    reserve_minute: int
    reserve_half_hour: int
    reserve_day: int
    modifies_per_order: int
    day_used: int
    head: int
    n_denied: int
    tight_ns: int
    tight_until_ns: int
    n_tightened: int
    minute: int
    in_half_hour: int
    second_used: int
    minute_used: int
    half_hour_used: int


class LimitsRow(TypedDict):
    """risk_limits_t"""

    max_order_qty: int
    max_order_notional_e4: int
    max_open_positions: int
    max_trades: int
    max_daily_loss_e4: int
    max_drawdown_e4: int
    stale_feed_ns: int
    flatten_on_limit: int
    px_jump_bps_max: int
    entry_wait_ns: int


class LiveSumsRow(TypedDict):
    """Of an instrument's brackets that are not closed."""

    live: int
    open_qty: int
    size: int
    protected_qty: int
    naked: int
    value_e4: int
    unrealised_e4: int


class CountersRow(TypedDict):
    """counters_t"""

    frames: int
    heartbeats: int
    packets: int
    ticks: int
    unknown_tokens: int
    signals: int
    orders: int
    reports: int
    duplicate_reports: int
    illegal_events: int
    commands_dropped: int
    notices_dropped: int
    clock_back: int
    doubled: int
    naked_ns_total: int
    naked_ns_worst: int
    target_ns_total: int
    target_ns_worst: int
    timeouts: int
    refused: list[int]
