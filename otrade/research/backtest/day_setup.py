"""A day of the past made ready, as a live day is (`live/startup/day_builder.py`): the same specs, the same
engine, warmed by the same rule; only that prices come from the archive and no broker is asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from otrade.brokers.candle_rows import MinuteCandle
from otrade.brokers.registry import BROKERS
from otrade.calendar import Calendar, TradingSession
from otrade.charges import ChargeTable, DayCharges
from otrade.clock import NS_PER_S, TimerHandle
from otrade.config.schema import Config
from otrade.instruments import Instrument
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.config_to_spec import day_specs, engine_spec
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import CompiledSpec, InstrumentSpec, build_plan
from otrade.live.startup.bar_history import HistoryAnswer, HistoryWish
from otrade.live.startup.warm_start import WarmedInstrument, WarmStart
from otrade.research.backtest.day_loop import NoEncoder
from otrade.square_off import SquareOffs

if TYPE_CHECKING:
    from otrade.research.backtest.day_prices import PriceReader

BEFORE_OPEN_NS = 60 * NS_PER_S
RUN_IDS = 36**6
SESSIONS_KEPT = 64


class TradedInstrument(msgspec.Struct, frozen=True):
    """One instrument of a day, at its place in the configuration."""

    at: int
    record: Instrument
    session: TradingSession
    band_e4: tuple[int, int] = (0, 0)


class StillClock:
    """Time at which a day is made ready."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> TimerHandle:
        raise AssertionError("nothing waits while a day of the past is made ready")


class ArchiveHistory:
    """Bars of earlier sessions, from the archive: what `WarmStart` asks a broker for in a live day."""

    def __init__(self, minutes: Mapping[str, PriceReader]) -> None:
        """`minutes`: by configured symbol, of a minute's length."""
        self._minutes = minutes
        self._kept: dict[tuple[str, dt.date], list[MinuteCandle]] = {}

    async def read(self, wish: HistoryWish) -> HistoryAnswer:
        found = self.kept(wish)
        if not found:
            return HistoryAnswer(trouble="the archive has no minutes of earlier sessions")
        return HistoryAnswer(found)

    def kept(self, wish: HistoryWish) -> Sequence[MinuteCandle]:
        reader = self._minutes.get(wish.symbol)
        if reader is None:
            return []
        found: list[MinuteCandle] = []
        for session in wish.sessions:
            key = wish.symbol, session.date
            if key not in self._kept:
                while len(self._kept) >= SESSIONS_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = reader.minutes(session)
            found += self._kept[key]
        return found


class DayTables:
    """The dated tables of a configuration, read once."""

    def __init__(self, config: Config, calendar: Calendar) -> None:
        self.config = config
        self.calendar = calendar
        self.square_offs = SquareOffs.load(config.paths.square_off)
        self._charges = ChargeTable.load(
            Path(config.paths.charges) if config.paths.charges else None
        )

    def charges(self, date: dt.date) -> DayCharges:
        plan = BROKERS[self.config.broker.kind].price_plans[self.config.broker.plan]
        return self._charges.on(date, plan)


class ReadyDay(msgspec.Struct):
    """An engine that is set up and warm, when it begins, and what it was made of."""

    plan: DayPlan
    specs: list[InstrumentSpec]
    charges: DayCharges
    start_ns: int


def make_ready(
    tables: DayTables,
    date: dt.date,
    traded: Sequence[TradedInstrument],
    compiled: Mapping[str, CompiledSpec],
    history: ArchiveHistory,
    board: NoticeBoard,
    *,
    with_stale_gate: bool,
) -> ReadyDay:
    """`with_stale_gate`: prices come as often as a feed's, so that one that is silent is an old one;
    between the points of a bar it would always be.
    """
    config = tables.config
    charges = tables.charges(date)
    found = [(one.at, one.record, one.session) for one in traded]
    specs = day_specs(
        found,
        {one.record.symbol: one.band_e4 for one in traded if one.band_e4[1]},
        config,
        square_offs=tables.square_offs,
        charges=charges,
        compiled=compiled,
    )
    start_ns = min(one.session.open_ns for one in traded) - BEFORE_OPEN_NS
    spec = engine_spec(config, date.toordinal() % RUN_IDS)
    if not with_stale_gate:
        spec = msgspec.structs.replace(spec, limits={**spec.limits, "stale_feed_ns": 0})
    plan = build_plan(str(date), specs, spec)
    plan.engine.set_encoder(NoEncoder())
    warm = WarmStart(
        plan,
        [
            WarmedInstrument(one.record, config.instruments[one.at].symbol, one.session)
            for one in traded
        ],
        tables.calendar,
        StillClock(start_ns),
        history,
    )
    _at_once(warm.feed())
    warm.say(board, is_resumed=False)
    plan.engine.start(start_ns)
    plan.engine.on_feed(True, start_ns)
    return ReadyDay(plan, specs, charges, start_ns)


def _at_once(steps: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        steps.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")
