"""Configuration -> specs in the core's units: per cent to bps, rupees to e4, minutes to
nanoseconds, words to codes.
"""

from collections.abc import Callable, Mapping, Sequence

from otrade._core.types import Product
from otrade.calendar import TradingSession
from otrade.charges import DayCharges, TradedValue, charge_segment
from otrade.config.schema import (
    AnyStrategy,
    BrokerConfig,
    Config,
    DistanceConfig,
    EmaCrossParams,
    FileStrategy,
    Params,
    PriceEmaParams,
    PriceLevelParams,
    PriceSmaParams,
    RiskConfig,
    SessionsConfig,
    SmaCrossParams,
    TrailConfig,
)
from otrade.config.schema import InstrumentConfig as WantedInstrument
from otrade.errors import InstrumentError
from otrade.instruments import Instrument
from otrade.live.plan.engine_builder import (
    CompiledSpec,
    EngineSpec,
    InstrumentSpec,
    SessionSpec,
    StrategySpec,
)
from otrade.square_off import CutOff, SquareOffs
from otrade.units import NS_PER_MINUTE, NS_PER_MS, e4_of, ns_of_s

BPS_IN_PCT = 100

DISTANCE_KINDS = {"pct": 1, "rupees": 2, "atr": 3}
SIZE_MODES = {"fixed": 0, "notional": 1, "risk": 2}
ENTRY_TYPES = {"limit": 0, "market": 1}
EXIT_MODES = {"stop_resting": 0, "oco": 1, "auto": 0}
"""`auto` is stop_resting where the broker's margin preview does not say better."""
ON_OPPOSITE = {"ignore": 0, "exit": 1, "reverse": 2}
SIDE_MASKS = {"long": 1, "short": 2, "both": 3}
BAR_MODES = {"tick": 0, "bar_close": 1}
PRODUCTS = {"MIS": Product.MIS, "NRML": Product.NRML, "CNC": Product.CNC}

Numbers = dict[str, int | float]


def instrument_spec(
    record: Instrument,
    wanted: WantedInstrument,
    session: TradingSession,
    band_e4: tuple[int, int],
    config: Config,
    *,
    cut_off: CutOff | None = None,
    wire_symbol: str = "",
    key: str = "",
    charges: DayCharges | None = None,
    compiled: Mapping[str, CompiledSpec] | None = None,
) -> InstrumentSpec:
    """One instrument with its strategies. `wire_symbol`: what the broker's orders call it, when
    that is not its trading symbol. `cut_off`: the broker's own square-off of it. `key`: its name on
    a second feed that uses text. `charges`: the day's rates; without them nothing is charged.
    `compiled`: what has been made of the strategy files, by the strategies' names.
    InstrumentError when it cannot be traded.
    """
    strategies = [s for s in config.strategies if s.instrument == wanted.symbol]
    if record.is_index and strategies:
        raise InstrumentError(
            f"{wanted.symbol} is an index and cannot be traded, but strategy "
            f"{strategies[0].name!r} "
            "names it. Name its future instead, for example NFO:NIFTY.FUT."
        )
    segment = charge_segment(record.exchange, record.instrument_type, wanted.product)
    root = record.tradingsymbol if record.expiry is None else record.name
    what = TradedValue.at(record.exchange, segment, root)
    return InstrumentSpec(
        token=record.token,
        exchange=record.exchange,
        symbol=record.tradingsymbol,
        wire_symbol=wire_symbol,
        key=record.key or key,
        product=wanted.product,
        product_code=PRODUCTS[wanted.product],
        segment=segment,
        root=root,
        charge_rates=charges.core_rates(what) if charges is not None else None,
        feed_mode=wanted.feed_mode,
        tick_size_e4=record.tick_size_e4,
        lot_size=record.lot_size,
        freeze_qty=record.freeze_qty,
        multiplier=record.multiplier,
        band_lo_e4=band_e4[0],
        band_hi_e4=band_e4[1],
        session=session_spec(
            session, config.sessions, cut_off if wanted.product == "MIS" else None
        ),
        strategies=[strategy_spec(strategy, config, compiled or {}) for strategy in strategies],
        days_to_expiry=-1 if record.expiry is None else (record.expiry - session.date).days,
    )


def day_specs(
    found: Sequence[tuple[int, Instrument, TradingSession]],
    bands_e4: Mapping[str, tuple[int, int]],
    config: Config,
    *,
    square_offs: SquareOffs,
    charges: DayCharges,
    compiled: Mapping[str, CompiledSpec],
    wire_symbol: Callable[[Instrument], str] = lambda record: "",
    key_of: Callable[[int], str] = lambda token: "",
) -> list[InstrumentSpec]:
    """All instruments of a day, each with its place in the configuration: the one way from a
    configuration to a day, live, on paper and in a backtest. `bands_e4` by symbol, unknown ones
    left out; `key_of` by token, of a second feed.
    """
    return [
        instrument_spec(
            record,
            config.instruments[at],
            session,
            bands_e4.get(record.symbol, (0, 0)),
            config,
            cut_off=square_offs.cut_off(config.broker.kind, session),
            wire_symbol=wire_symbol(record),
            key=key_of(record.token),
            charges=charges,
            compiled=compiled,
        )
        for at, record, session in found
    ]


def session_spec(
    session: TradingSession, margins: SessionsConfig, cut_off: CutOff | None = None
) -> SessionSpec:
    """The instrument's hours with our margins inside; a session shorter than these takes no
    entries. `cut_off`: when the broker closes positions by itself (MIS). Ours comes before that,
    with room, and entries end before the broker takes no new orders.
    """
    open_ns, close_ns = session.open_ns, session.close_ns
    square_off_ns = max(own_square_off_ns(session, margins, cut_off), open_ns)
    entry_from_ns = min(open_ns + round(margins.entry_delay_min * NS_PER_MINUTE), square_off_ns)
    entry_until_ns = close_ns - round(margins.entry_stop_min * NS_PER_MINUTE)
    if cut_off is not None:
        entry_until_ns = min(entry_until_ns, cut_off.no_new_ns - room_ns(margins))
    return SessionSpec(
        open_ns,
        entry_from_ns,
        min(max(entry_until_ns, entry_from_ns), square_off_ns),
        square_off_ns,
        close_ns,
        cut_off.square_off_ns if cut_off is not None else 0,
    )


def room_ns(margins: SessionsConfig) -> int:
    """How long before the broker's own times ours end."""
    return round(margins.square_off_room_min * NS_PER_MINUTE)


def wanted_square_off_ns(session: TradingSession, margins: SessionsConfig) -> int:
    """When the configuration alone would have us square off."""
    return session.close_ns - round(margins.square_off_min * NS_PER_MINUTE)


def own_square_off_ns(
    session: TradingSession, margins: SessionsConfig, cut_off: CutOff | None
) -> int:
    """When we square off: never after the broker."""
    wanted_ns = wanted_square_off_ns(session, margins)
    return (
        wanted_ns if cut_off is None else min(wanted_ns, cut_off.square_off_ns - room_ns(margins))
    )


def strategy_spec(
    strategy: AnyStrategy, config: Config, compiled: Mapping[str, CompiledSpec]
) -> StrategySpec:
    """One strategy of the configuration in the core's units."""
    if isinstance(strategy, FileStrategy):
        return StrategySpec(
            name=strategy.name,
            kind="file",
            interval_s=strategy.bar_s,
            params=dict(strategy.params),
            plan=plan_of(strategy, config),
            warm_start=strategy.warm_start,
            is_auto=is_auto(strategy),
            compiled=compiled[strategy.name],
        )
    return StrategySpec(
        name=strategy.name,
        kind=type(strategy).__struct_config__.tag,  # type: ignore[arg-type]
        interval_s=strategy.params.bar_s,
        params=params_of(strategy.params),
        plan=plan_of(strategy, config),
        warm_start=strategy.warm_start,
        is_auto=is_auto(strategy),
    )


def is_auto(strategy: AnyStrategy) -> bool:
    """Shall the broker's margin preview say how it leaves? Without a target there is one exit,
    whatever it says.
    """
    return strategy.bracket.exit_mode == "auto" and strategy.bracket.target is not None


def params_of(params: Params) -> Numbers:
    """What `Engine.add_strategy` takes of a kind that is built in."""
    numbers: Numbers = {"bar_mode": BAR_MODES[params.on], "side_mask": SIDE_MASKS[params.side]}
    match params:
        case EmaCrossParams() | SmaCrossParams():
            numbers |= {"fast_period": params.fast_period, "slow_period": params.slow_period}
        case PriceEmaParams() | PriceSmaParams():
            numbers["slow_period"] = params.period
        case PriceLevelParams():
            numbers["level"] = params.level_rupees
    if params.rsi is not None:
        numbers |= {
            "rsi_period": params.rsi.period,
            "rsi_long_min": params.rsi.long_min,
            "rsi_long_max": params.rsi.long_max,
            "rsi_short_min": params.rsi.short_min,
            "rsi_short_max": params.rsi.short_max,
        }
    if params.atr is not None:
        numbers |= {
            "atr_period": params.atr.period,
            "atr_min_bps": params.atr.min_bps,
            "atr_max_bps": params.atr.max_bps,
        }
    if params.time_of_day is not None:
        numbers |= {
            "tod_from_ns": since_midnight_ns(params.time_of_day.start),
            "tod_until_ns": since_midnight_ns(params.time_of_day.until),
        }
    return numbers


def plan_of(strategy: AnyStrategy, config: Config) -> Numbers:
    """Fields of `plan_t`."""
    bracket, sizing = strategy.bracket, strategy.sizing
    entry, ladder = bracket.entry, bracket.ladder
    stop_kind, stop_value = distance_of(bracket.stop)
    target_kind, target_value = distance_of(bracket.target)
    trail_kind, trail_value, trail_step_value, trail_from_value = trail_of(bracket.trail)
    return {
        "stop_kind": stop_kind,
        "stop_value": stop_value,
        "target_kind": target_kind,
        "target_value": target_value,
        "trail_kind": trail_kind,
        "trail_value": trail_value,
        "trail_step_value": trail_step_value,
        "trail_from_value": trail_from_value,
        "size_mode": SIZE_MODES[sizing.mode],
        "size_value": sizing.value,
        "max_qty": sizing.max_qty,
        "entry_type": ENTRY_TYPES[entry.type],
        "entry_offset_bps": entry.offset_bps,
        "entry_timeout_ns": ns_of_s(entry.timeout_s),
        "exit_mode": EXIT_MODES[bracket.exit_mode],
        "on_opposite": ON_OPPOSITE[bracket.on_opposite],
        "enabled": int(strategy.enabled),
        "stop_limit_bps": bracket.stop_limit_buffer_bps,
        "hysteresis_bps": bracket.target_hysteresis_bps,
        "time_exit_ns": round((bracket.time_exit_min or 0) * NS_PER_MINUTE),
        "ladder_start_bps": ladder.start_bps,
        "ladder_step_bps": ladder.step_bps,
        "ladder_interval_ns": ladder.interval_ms * NS_PER_MS,
        "ladder_max_steps": ladder.max_steps,
        "protection_e2": protection_e2(config.broker),
        "cooldown_ns": ns_of_s(config.risk.cooldown_after_stop_s),
    }


def distance_of(distance: DistanceConfig | None) -> tuple[int, float]:
    """(kind, value) of `plan_t`: bps, rupees or ATR multiples; kind 0 is no distance."""
    if distance is None:
        return 0, 0.0
    return DISTANCE_KINDS[distance.kind], _scaled(distance.kind, distance.value)


def trail_of(trail: TrailConfig | None) -> tuple[int, float, float, float]:
    """(kind, distance, step, how far price goes before it begins)."""
    if trail is None:
        return 0, 0.0, 0.0, 0.0
    distance, step, activate = (
        _scaled(trail.kind, value) for value in (trail.distance, trail.step, trail.activate)
    )
    return DISTANCE_KINDS[trail.kind], distance, step, activate


def _scaled(kind: str, value: float) -> float:
    return value * BPS_IN_PCT if kind == "pct" else value


def protection_e2(broker: BrokerConfig) -> int:
    """Market protection in hundredths of a per cent; -1 is the broker's automatic one."""
    pct = broker.market_protection_pct
    return -1 if pct < 0 else round(pct * 100)


def limits_of(risk: RiskConfig) -> dict[str, int]:
    """Fields of `risk_limits_t`: what `Engine.set_limits` takes, at start and at a reload."""
    return {
        "max_order_qty": risk.max_order_qty,
        "max_order_notional_e4": e4_of(risk.max_order_notional_rupees),
        "max_open_positions": risk.max_open_positions,
        "max_trades": risk.max_trades_per_day,
        "max_daily_loss_e4": e4_of(risk.max_daily_loss_rupees),
        "max_drawdown_e4": e4_of(risk.max_drawdown_rupees),
        "stale_feed_ns": risk.stale_feed_ms * NS_PER_MS,
        "flatten_on_limit": int(risk.on_limit == "flatten"),
        "px_jump_bps_max": risk.price_jump_bps,
        "entry_wait_ns": ns_of_s(risk.entry_wait_s),
    }


def budget_of(broker: BrokerConfig, day_used: int = 0) -> dict[str, int]:
    """Fields of `budget_t`; `day_used` counts what the account has placed before."""
    return {
        "per_second": broker.orders_per_s,
        "per_minute": broker.orders_per_min,
        "per_half_hour": broker.orders_per_half_hour,
        "per_day": broker.orders_per_day,
        "reserve_second": broker.exit_reserve_per_s,
        "reserve_minute": broker.exit_reserve_per_min,
        "reserve_half_hour": broker.exit_reserve_per_half_hour,
        "reserve_day": broker.exit_reserve_per_day,
        "modifies_per_order": broker.modifications_per_order,
        "day_used": day_used,
    }


def engine_spec(config: Config, run_id: int) -> EngineSpec:
    return EngineSpec(
        run_id=run_id,
        brackets=config.engine.max_brackets,
        orders=config.engine.max_orders,
        order_timeout_ns=config.engine.order_timeout_ms * NS_PER_MS,
        look_gap_ns=config.engine.doubt_look_gap_ms * NS_PER_MS,
        limits=limits_of(config.risk),
        budget=budget_of(config.broker),
    )


def since_midnight_ns(hour_minute: str) -> int:
    """`HH:MM` to nanoseconds since midnight."""
    hours, minutes = hour_minute.split(":")
    return (int(hours) * 60 + int(minutes)) * NS_PER_MINUTE
