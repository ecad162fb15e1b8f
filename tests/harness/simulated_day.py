"""A whole trading day in seconds: the simulator, the broker's real protocol over loopback, and a
`TradingDay` on virtual time.

Nothing sleeps. Ground truth is the exchange's own: its executions, its book, its positions.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import uvloop

from otrade.brokers.session import BrokerSession, ListedInstrument
from otrade.charges import Charges
from otrade.drill.process import BrokerKind, MortalClock, Process, adapter_at, names_at, new_token
from otrade.journal.memory import MemoryJournal
from otrade.live.day.trading_day import DayOptions, TradingDay
from otrade.live.history.trade_ledger import OrderFill
from otrade.live.notices.board import Notice, NoticeBoard
from otrade.live.plan.engine_builder import EngineSpec, InstrumentSpec, SessionSpec, StrategySpec
from otrade.live.startup.secondary_feed import SecondaryFeed
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Ports, Simulator
from otrade.simulator.upstox.rest.names import instrument_key
from tests.harness.core_engine import PLAN as CORE_PLAN

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
KEYS = ("NSE:INFY", "NSE:SBIN")
PLAN: dict[str, int | float] = {
    **CORE_PLAN,
    "stop_kind": 1,
    "stop_value": 20.0,
    "target_kind": 1,
    "target_value": 40.0,
}
BUDGET = {
    "per_second": 9,
    "per_minute": 380,
    "per_day": 4900,
    "reserve_second": 3,
    "reserve_minute": 50,
    "reserve_day": 500,
    "modifies_per_order": 25,
}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a test's coroutine on the loop that the engine uses."""
    return uvloop.run(work)


def flat_charge(bracket_id: int, instrument_id: int, fills: list[OrderFill]) -> Charges:
    """One rupee an order: what charges are is another room's business."""
    return Charges(brokerage=10_000 * len(fills))


@dataclass
class SimulatedDay:
    """One simulated day under test."""

    sim: Simulator
    ports: Ports
    date: dt.date
    process: Process
    settings: DaySettings
    journal: MemoryJournal | None = None
    notices: list[Notice] = field(default_factory=list)
    n_restarts: int = 0
    worst_naked_ns: int = 0
    """Longest time for which the exchange itself showed open quantity without a resting exit."""
    _naked_since: dict[str, int] = field(default_factory=dict)
    _next_watch_ns: int = 0

    @property
    def day(self) -> TradingDay:
        return self.process.day

    @property
    def broker(self) -> BrokerSession:
        return self.process.broker

    @property
    def board(self) -> NoticeBoard:
        return self.process.board

    @property
    def now_ns(self) -> int:
        return self.sim.clock.now_ns()

    def at(self, clock: str) -> int:
        """IST time of this day."""
        hours, minutes = map(int, clock.split(":"))
        midnight = dt.datetime.combine(self.date, dt.time(), dt.timezone(dt.timedelta(minutes=330)))
        return int(midnight.timestamp()) * SECOND + (hours * 60 + minutes) * MINUTE

    def new_token(self) -> str:
        """A login without a browser; ends the token before."""
        return new_token(self.sim, self.settings.broker)

    def listen(self) -> None:
        self.notices += self.board.since(0)
        self.board.listen(self.notices.append)
        self.day.listen_to_beats(self.watch_cover)

    async def open(self) -> None:
        await self.process.open()

    async def restart(self, *, with_journal: bool = True, **changed: Any) -> None:
        """The process is gone without a word, and another one is started."""
        await self.process.die()
        if self.journal is not None and not with_journal:
            self.journal = MemoryJournal()
        self.n_restarts += 1
        self.settings = replace(self.settings, **changed)
        self.process = a_process(
            self.sim, self.ports, self.date, self.settings, 7 + self.n_restarts, self.journal
        )
        self.listen()
        await self.open()

    async def run_until(self, condition: Callable[[], bool], step_ns: int = SECOND) -> None:
        """Let time pass until the condition holds; fails when the day ends first."""
        while not condition():
            assert not self.day.ended.is_set(), "the day ended before the condition held"
            await self.sim.run_until(self.now_ns + step_ns)

    async def run_to_end(self, step_ns: int = MINUTE) -> None:
        while not self.day.ended.is_set():
            await self.sim.run_until(self.now_ns + step_ns)
        await self.sim.during(self.day.close())

    def watch_cover(self, now_ns: int) -> None:
        """Once a second: is what each bracket has open covered by an exit in the exchange's book? A
        ClOrdID names its bracket in characters 8 to 12, and its leg in the next one.
        """
        if now_ns < self._next_watch_ns:
            return
        self._next_watch_ns = now_ns + SECOND
        opened: dict[str, int] = {}
        covered: dict[str, int] = {}
        for order in self.sim.exchange.orders():
            if order.tag is None:
                continue
            bracket, leg = order.tag[8:12], order.tag[12:13]
            opened[bracket] = opened.get(bracket, 0) + order.side * order.filled_qty
            if leg in ("S", "T") and order.status in ("OPEN", "TRIGGER PENDING"):
                left = order.terms.quantity - order.filled_qty
                covered[bracket] = covered.get(bracket, 0) - order.side * left
        for bracket, qty in opened.items():
            if qty == 0 or abs(covered.get(bracket, 0)) >= abs(qty):
                self._naked_since.pop(bracket, None)
            else:
                since_ns = self._naked_since.setdefault(bracket, now_ns)
                self.worst_naked_ns = max(self.worst_naked_ns, now_ns - since_ns)

    def true_pnl_e4(self) -> int:
        """Profit from the exchange's executions alone; right when the day ended flat."""
        return -sum(
            trade.order.side * trade.qty * trade.price_e4 * trade.order.contract.multiplier
            for trade in self.sim.exchange.trades()
        )

    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]

    def open_keys(self) -> set[str]:
        return set(self.sim.exchange.net_qty())


def specs(
    sim: Simulator,
    date: dt.date,
    keys: tuple[str, ...],
    offsets_bps: tuple[int, ...],
    hours: float,
    plan: dict[str, int | float],
    broker: BrokerKind = "kite",
) -> list[InstrumentSpec]:
    """Crossovers of levels around the day's first price: many signals from few assumptions."""
    found = []
    for key in keys:
        contract = sim.exchange.market.universe.resolve(key)
        open_ns, close_ns = contract.session_ns(date)
        close_ns = min(close_ns, open_ns + round(hours * 60 * MINUTE))
        first_e4 = sim.exchange.prices.path(contract, date).px_e4[0]
        strategies = [
            StrategySpec(
                f"level {offset:+d} {contract.tradingsymbol}",
                "price_level",
                60,
                {"bar_mode": 0, "side_mask": 3, "level": first_e4 * (1 + offset / 10_000) / 10_000},
                {**PLAN, **plan},
            )
            for offset in offsets_bps
        ]
        session = SessionSpec(
            open_ns, open_ns, close_ns - 20 * MINUTE, close_ns - 10 * MINUTE, close_ns
        )
        found.append(
            InstrumentSpec(
                contract.token,
                contract.exchange,
                contract.tradingsymbol,
                "MIS",
                0,
                contract.segment,
                "full",
                contract.tick_e4,
                contract.lot,
                contract.freeze_qty,
                contract.multiplier,
                0,
                0,
                session,
                strategies,
                **names_at(contract, broker),
            )
        )
    return found


@dataclass
class DaySettings:
    """What every process of a world's day is started with."""

    seed: int
    keys: tuple[str, ...]
    offsets_bps: tuple[int, ...]
    hours: float
    on_stop: str
    limits: dict[str, int]
    plan: dict[str, int | float]
    broker: BrokerKind = "kite"


def a_process(
    sim: Simulator,
    ports: Ports,
    date: dt.date,
    settings: DaySettings,
    run_id: int,
    journal: MemoryJournal | None,
) -> Process:
    """One engine, recovered from the journal when there is one."""
    return Process(
        sim,
        ports,
        settings.broker,
        str(date),
        specs(
            sim,
            date,
            settings.keys,
            settings.offsets_bps,
            settings.hours,
            settings.plan,
            settings.broker,
        ),
        EngineSpec(
            run_id=run_id, limits={"stale_feed_ns": 10 * SECOND, **settings.limits}, budget=BUDGET
        ),
        DayOptions(settings.on_stop, audit_flat_ns=120 * SECOND),
        flat_charge,
        journal,
        settings.seed,
        MortalClock(sim.clock),
    )


def attach_second(here: SimulatedDay, kind: BrokerKind) -> None:
    """A second feed for the day, at the same simulator."""
    process, day = here.process, here.day
    adapter = adapter_at(here.sim, here.ports, kind, process.clock)
    if kind != here.settings.broker:
        adapter.use(new_token(here.sim, kind))
    else:
        adapter.use(process.access_token)
    listed = []
    for instrument_id, spec in enumerate(process.instruments):
        key = (
            instrument_key(
                here.sim.exchange.market.universe.resolve(f"{spec.exchange}:{spec.symbol}")
            )
            if kind == "upstox"
            else ""
        )
        if key and not spec.key:
            day.engine.add_key(instrument_id, key)
        listed.append(ListedInstrument(spec.token, key, spec.exchange, spec.symbol))
    SecondaryFeed(adapter, listed).attach(day, process.clock, 5, process.clock.now_ns)
    feed = day.secondary_feed
    assert feed is not None
    here.sim.set_idle_probe(lambda: not (process.broker.is_connecting or feed.is_connecting))


@asynccontextmanager
async def simulated_day(
    *,
    seed: int = 3,
    speed: float = float("inf"),
    keys: tuple[str, ...] = KEYS,
    offsets_bps: tuple[int, ...] = (-6, 6),
    hours: float = 2.0,
    on_stop: str = "flatten",
    limits: dict[str, int] | None = None,
    config: dict[str, Any] | None = None,
    plan: dict[str, int | float] | None = None,
    journal: MemoryJournal | None = None,
    broker: BrokerKind = "kite",
    second: BrokerKind | None = None,
) -> AsyncIterator[SimulatedDay]:
    """A simulator that listens, and a day of at most `hours` that is ready to open."""
    spoken = "both" if second not in (None, broker) else broker
    sim = Simulator(
        SimConfig(seed=seed, speed=speed, tick_interval_ms=2000, broker=spoken, **(config or {}))
    )
    ports = await sim.start()
    try:
        date = sim.dates()[0]
        settings = DaySettings(
            seed, keys, offsets_bps, hours, on_stop, limits or {}, plan or {}, broker
        )
        process = a_process(sim, ports, date, settings, 7, journal)
        here = SimulatedDay(sim, ports, date, process, settings, journal)
        if second is not None:
            attach_second(here, second)
        here.listen()
        yield here
    finally:
        await sim.stop()
        await asyncio.sleep(0)
