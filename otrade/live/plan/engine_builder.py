"""Specs in the core's own units -> an engine that is wired up. No configuration and no instrument
file is known here.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from otrade._core.codecs.interface import FrameSink
from otrade._core.engine.engine import Engine
from otrade._core.engine.feed_sink import FeedSink
from otrade._core.engine.warmup import WarmUp
from otrade._core.kernels.strategy_abi import IndicatorOutput
from otrade._core.types import Rec
from otrade.charges import CoreRates
from otrade.clock import NS_PER_S
from otrade.live.plan.day_plan import DayPlan, PlannedInstrument, PlannedStrategy
from otrade.live.plan.kind_lines import lines_of_kind

MINUTE_S = 60


class CompiledSpec(msgspec.Struct, frozen=True):
    """What has been made of a strategy file, and is registered with the core under `build`."""

    build: str
    params: bytes
    further_s: tuple[int, ...]
    """Lengths of the bars that it sees beside its own."""
    reasons: tuple[str, ...]
    source: str
    lines: tuple[IndicatorOutput, ...] = ()
    """What a chart shows of it."""


class StrategySpec(msgspec.Struct, frozen=True):
    """One strategy. `params` and `plan` are fields of the kind's parameters and of `plan_t`, in the
    core's units.
    """

    name: str
    kind: str
    interval_s: int
    params: dict[str, int | float]
    plan: dict[str, int | float]
    warm_start: bool = False
    is_auto: bool = False
    """Its exit mode is the broker's margin preview's to say (`exit_modes.py`); until it has, `plan`
    holds the safe one.
    """
    compiled: CompiledSpec | None = None
    """Of a strategy file; `params` are then its own, for people."""


class SessionSpec(msgspec.Struct, frozen=True):
    """One instrument's day, nanoseconds since the epoch, rising."""

    open_ns: int
    entry_from_ns: int
    entry_until_ns: int
    square_off_ns: int
    close_ns: int
    broker_square_off_ns: int = 0
    """When the broker closes what is open by itself; 0: never, or not known."""


class InstrumentSpec(msgspec.Struct, frozen=True):
    """One instrument and everything that trades it."""

    token: int
    exchange: str
    symbol: str
    product: str
    product_code: int
    segment: str
    feed_mode: str
    tick_size_e4: int
    lot_size: int
    freeze_qty: int
    multiplier: int
    band_lo_e4: int
    band_hi_e4: int
    session: SessionSpec
    strategies: Sequence[StrategySpec]
    wire_symbol: str = ""
    """What the broker's orders call it; empty: its symbol."""
    root: str = ""
    """The underlying's name, of a share its symbol."""
    key: str = ""
    """Its name on a feed that uses text."""
    days_to_expiry: int = -1
    """Of a contract, today 0; -1: it has none."""
    charge_rates: CoreRates | None = None
    """What its orders cost; None: not known, and nothing is charged."""


BARS = 8_192
"""Bars kept for the world outside until its next beat; at least two of each series, which may all
close in the same instant.
"""


class EngineSpec(msgspec.Struct, frozen=True):
    """Sizes and gates of the engine; `limits` and `budget` are fields of `risk_limits_t` and
    `budget_t`.
    """

    run_id: int
    brackets: int = 2048
    orders: int = 16_384
    order_timeout_ns: int = 5 * NS_PER_S
    look_gap_ns: int = 3 * NS_PER_S // 2
    limits: dict[str, int] = msgspec.field(default_factory=dict)
    budget: dict[str, int] = msgspec.field(default_factory=dict)


def build_plan(day: str, instruments: Sequence[InstrumentSpec], spec: EngineSpec) -> DayPlan:
    """Make the engine. Raises EngineError naming what does not fit.

    Every instrument gets a minute series, for the page; its other bar lengths follow, each with the
    strategies that use it.
    """
    lengths = [_lengths_of(instrument) for instrument in instruments]
    engine = Engine(
        instruments=max(len(instruments), 1),
        series=max(sum(map(len, lengths)), 1),
        strategies=max(sum(len(instrument.strategies) for instrument in instruments), 1),
        brackets=spec.brackets,
        orders=spec.orders,
        bars=max(BARS, 2 * sum(map(len, lengths))),
        run_id=spec.run_id,
        order_timeout_ns=spec.order_timeout_ns,
        look_gap_ns=spec.look_gap_ns,
    )
    plan = DayPlan(day, engine, [], [], budget=dict(spec.budget))
    told: set[str] = set()
    for instrument, intervals_s in zip(instruments, lengths, strict=True):
        _add(plan, instrument, intervals_s, told)
    plan.settings += [
        lambda engine: engine.set_limits(**spec.limits),
        lambda engine: engine.set_budget(**spec.budget),
    ]
    plan.apply_settings()
    return plan


def sink_of(engine: Engine, kind: Rec) -> FrameSink:
    """Where frames of this kind enter the engine, which has its encoder."""
    sink: FrameSink = FeedSink(engine, kind, WarmUp(engine))
    return sink


def _lengths_of(instrument: InstrumentSpec) -> list[int]:
    """Bar lengths in seconds: the minute first, then the others, rising."""
    lengths = {strategy.interval_s for strategy in instrument.strategies}
    for strategy in instrument.strategies:
        if strategy.compiled is not None:
            lengths.update(strategy.compiled.further_s)
    return [MINUTE_S, *sorted(lengths - {MINUTE_S})]


def _add_strategy(engine: Engine, series_id: int, spec: StrategySpec, told: set[str]) -> int:
    """`told`: builds whose source the journal has by now; once is enough."""
    plan = {**spec.plan, "enabled": 1}
    made = spec.compiled
    if made is None:
        return engine.add_strategy(series_id, spec.kind, spec.params, plan)
    further_ns = [length_s * NS_PER_S for length_s in made.further_s]
    source = "" if made.build in told else made.source
    told.add(made.build)
    return engine.add_compiled(series_id, made.build, made.params.hex(), plan, further_ns, source)


def _lines_of(spec: StrategySpec) -> tuple[IndicatorOutput, ...]:
    """What a chart shows of a strategy, file or kind."""
    if spec.compiled is not None:
        return spec.compiled.lines
    return lines_of_kind(spec.kind, spec.params)


def _add(plan: DayPlan, spec: InstrumentSpec, intervals_s: list[int], told: set[str]) -> None:
    """Instrument, series and strategies in nested order: the core keeps them side by side in
    memory.
    """
    engine, session = plan.engine, spec.session
    instrument_id = engine.add_instrument(
        token=spec.token,
        segment=spec.token & 0xFF,
        symbol=spec.wire_symbol or spec.symbol,
        exchange=spec.exchange,
        product=spec.product_code,
        tick_size_e4=spec.tick_size_e4,
        lot_size=spec.lot_size,
        freeze_qty=spec.freeze_qty,
        multiplier=spec.multiplier,
    )
    if spec.key:
        plan.settings.append(partial(Engine.add_key, instrument_id=instrument_id, key=spec.key))
    if spec.band_hi_e4:
        plan.settings.append(
            partial(
                Engine.set_band,
                instrument_id=instrument_id,
                band_lo_e4=spec.band_lo_e4,
                band_hi_e4=spec.band_hi_e4,
            )
        )
    if spec.days_to_expiry >= 0:
        plan.settings.append(
            partial(Engine.set_expiry, instrument_id=instrument_id, days=spec.days_to_expiry)
        )
    if spec.charge_rates is not None:
        # Two instruments of one symbol (NSE, BSE) are one scrip at the depository.
        same = (i for i, other in enumerate(plan.instruments) if other.symbol == spec.symbol)
        plan.settings.append(
            partial(
                Engine.set_charges,
                instrument_id=instrument_id,
                dp_at=next(same, instrument_id),
                **msgspec.to_builtins(spec.charge_rates),
            )
        )
    minute_series_id = -1
    series_ids: dict[int, int] = {}
    further: dict[int, tuple[int, ...]] = {}
    for interval_s in intervals_s:
        series_id = engine.add_series(instrument_id, interval_s * NS_PER_S)
        series_ids[interval_s] = series_id
        if interval_s == MINUTE_S:
            minute_series_id = series_id
        for strategy in spec.strategies:
            if strategy.interval_s != interval_s:
                continue
            strategy_id = _add_strategy(engine, series_id, strategy, told)
            plan.settings.append(
                partial(
                    Engine.set_strategy_enabled,
                    strategy_id=strategy_id,
                    enabled=bool(strategy.plan["enabled"]),
                )
            )
            further[len(plan.strategies)] = strategy.compiled.further_s if strategy.compiled else ()
            plan.strategies.append(
                PlannedStrategy(
                    strategy.name,
                    strategy.kind,
                    instrument_id,
                    interval_s,
                    strategy.params,
                    series_id,
                    strategy.warm_start,
                    strategy.compiled.reasons if strategy.compiled is not None else (),
                    lines=_lines_of(strategy),
                )
            )
    for at, lengths_s in further.items():
        seen = tuple((series_ids[length_s], length_s) for length_s in lengths_s)
        plan.strategies[at] = msgspec.structs.replace(plan.strategies[at], further=seen)
    engine.set_session(
        instrument_id,
        open_ns=session.open_ns,
        entry_from_ns=session.entry_from_ns,
        entry_until_ns=session.entry_until_ns,
        square_off_ns=session.square_off_ns,
        close_ns=session.close_ns,
    )
    plan.instruments.append(
        PlannedInstrument(
            spec.token,
            spec.exchange,
            spec.symbol,
            spec.product,
            spec.segment,
            spec.feed_mode,
            minute_series_id,
            session.open_ns,
            session.square_off_ns,
            session.close_ns,
            session.broker_square_off_ns,
            spec.root,
            spec.freeze_qty,
        )
    )
    plan.instrument_of[spec.token] = instrument_id
