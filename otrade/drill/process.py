"""An engine as one process would run it, and its sudden death.

What dies with a process: its timers, its memory, everything that it has not sent. What stays: the
exchange, the broker, and the journal up to the last record that was written.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from otrade.brokers.adapter import BrokerAdapter, adapter_of
from otrade.brokers.session import BrokerSession, ListedInstrument
from otrade.clock import WallClock
from otrade.config.schema import BrokerConfig
from otrade.drill.draws.feeds import ONE_FEED, SecondFeedDraw
from otrade.drill.sent import SentRequest
from otrade.drill.starts.watchdog import left_word
from otrade.journal.memory import MemoryJournal
from otrade.live.day.clock_step_check import ClockStepCheck
from otrade.live.day.trading_day import DayOptions, TradingDay
from otrade.live.history.trade_ledger import ChargeRule
from otrade.live.notices.board import NoticeBoard
from otrade.live.persistence.day_journal import DayJournal
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import EngineSpec, InstrumentSpec, build_plan, sink_of
from otrade.live.startup.exit_modes import HELLO_FIELD, Settled, settle
from otrade.live.startup.secondary_feed import SecondaryFeed
from otrade.live.watchdog.heartbeat import ProtectionFile
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.simulator import Ports, Simulator, wire_name

BrokerKind = str
"""A broker's name in the registry."""
SECOND = 1_000_000_000


def adapter_at(sim: Simulator, ports: Ports, kind: BrokerKind, clock: Any) -> BrokerAdapter:
    """The adapter of one of the brokers that the simulator speaks."""
    settings = msgspec.convert({"kind": kind, **ports.client_settings[kind]}, BrokerConfig)
    return adapter_of(kind, settings, sim.cfg.api_key, sim.cfg.api_secret, clock)


def names_at(contract: ListedContract, kind: BrokerKind) -> dict[str, str]:
    """What a broker with names of its own calls an instrument: fields of an InstrumentSpec."""
    name = wire_name(kind, contract)
    return {"wire_symbol": name, "key": name} if name else {}


def new_token(sim: Simulator, kind: BrokerKind) -> str:
    """A login without a browser; ends the token before."""
    return sim.new_token(kind)


async def settled(
    sim: Simulator,
    ports: Ports,
    kind: BrokerKind,
    instruments: list[InstrumentSpec],
    journal: MemoryJournal | None,
) -> Settled:
    """What a start does first: exit modes by the broker's margin preview, or by what it has said
    earlier in the day.
    """
    if not any(strategy.is_auto for spec in instruments for strategy in spec.strategies):
        return Settled(instruments, {})
    adapter = adapter_at(sim, ports, kind, sim.clock)
    adapter.use(new_token(sim, kind))
    before = (
        DayJournal(journal, NoticeBoard(sim.clock.now_ns)).said_before(HELLO_FIELD)
        if journal is not None
        else {}
    )
    try:
        return await sim.during(settle(instruments, adapter, sim.clock, before, lambda error: None))
    finally:
        adapter.close()


class _MortalTimer:
    """One call of a `MortalClock`, for the living only. Its time may come later than it was
    thought: it looks again.
    """

    def __init__(self, owner: "MortalClock", ts_ns: int, callback: Callable[[], None]) -> None:
        self._owner = owner
        self._ts_ns = ts_ns
        self._callback = callback
        self._handle: Any = self._arm()

    def _arm(self) -> Any:
        real = self._owner.clock
        return real.call_at(real.now_ns() + max(0, self._ts_ns - self._owner.now_ns()), self._ring)

    def _ring(self) -> None:
        if not self._owner.alive:
            return
        if self._owner.now_ns() < self._ts_ns:
            self._handle = self._arm()
            return
        self._callback()

    def cancel(self) -> None:
        self._handle.cancel()


@dataclass
class MortalClock:
    """The engine's own clock on a simulated machine, whose time can be set wrong: for ever
    (`offset_ns`) or for a while (`wrong_ns`).
    """

    clock: Any
    offset_ns: int = 0
    wrong_ns: int = 0
    alive: bool = True
    wall: WallClock = field(init=False)

    def __post_init__(self) -> None:
        self.wall = WallClock(
            lambda: int(self.clock.now_ns()) + self.offset_ns + self.wrong_ns, self.clock.now_ns
        )

    def now_ns(self) -> int:
        return self.wall.now_ns()

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> _MortalTimer:
        return _MortalTimer(self, ts_ns, callback)


class MortalSession:
    """A broker's session out of which nothing comes after the journal's last record. Keeps what was
    sent.
    """

    def __init__(
        self,
        broker: BrokerSession,
        journal: MemoryJournal | None,
        clock: MortalClock,
        sent: list[SentRequest],
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._sent = sent

    def send(self, command: Any) -> None:
        if self._journal is not None and self._journal.writer.is_dead:
            return
        self._sent.append(
            SentRequest(self._clock.now_ns(), command.lane, command.kind, command.cl_ord_id)
        )
        self._broker.send(command)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)


@dataclass
class Process:
    """One engine's life. `run_id` and `seed` tell it from others."""

    sim: Simulator
    ports: Ports
    broker_kind: BrokerKind
    day_name: str
    instruments: list[InstrumentSpec]
    spec: EngineSpec
    options: DayOptions
    charge_rule: ChargeRule
    journal: MemoryJournal | None
    seed: int
    clock: MortalClock
    sent: list[SentRequest] = field(default_factory=list)
    exits: dict[str, str] = field(default_factory=dict)
    """What the broker's margin preview has said this day."""
    second_feed: SecondFeedDraw = ONE_FEED
    word: ProtectionFile | None = None
    """What it has left for a watchdog with its last beat."""
    day: TradingDay = field(init=False)
    broker: BrokerSession = field(init=False)
    board: NoticeBoard = field(init=False)
    session: MortalSession = field(init=False)
    access_token: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        adapter = adapter_at(self.sim, self.ports, self.broker_kind, self.clock)
        self.access_token = new_token(self.sim, self.broker_kind)
        adapter.use(self.access_token)
        encoder = adapter.encoder()

        def make_plan() -> DayPlan:
            plan = build_plan(self.day_name, self.instruments, self.spec)
            plan.engine.set_encoder(encoder)
            plan.watch_indicators()
            failover_ns = self.second_feed.failover_ns
            plan.engine.set_failover(failover_ns)
            plan.settings.append(lambda engine: engine.set_failover(failover_ns))
            return plan

        self.board = NoticeBoard(self.clock.now_ns)
        journal = None
        if self.journal is None:
            plan = make_plan()
        else:
            journal = DayJournal(self.journal, self.board)
            plan = journal.recover(make_plan)
            about = {"encoder": adapter.spelled(), HELLO_FIELD: self.exits}
            journal.begin(plan, about, self.spec.run_id, self.clock.now_ns())
        self.day = TradingDay(
            plan, self.clock, self.board, self.charge_rule, self.options, journal=journal
        )
        self.day.listen_to_beats(
            ClockStepCheck(self.day, self.clock.wall).on_beat, self._leave_word
        )
        adapter.close()
        self.broker = adapter.session(
            encoder=encoder,
            sink=sink_of(plan.engine, adapter.frame_kinds[0]),
            listed=[
                ListedInstrument(i.token, i.key, i.exchange, i.symbol) for i in self.instruments
            ],
            clock=self.clock,
            rng=random.Random(self.seed),
            callbacks=self.day.callbacks(),
            feed_now_ns=self.clock.now_ns,
            answer_timeout_ns=5 * SECOND,
            order_connections=4,
        )
        self.session = MortalSession(self.broker, self.journal, self.clock, self.sent)
        if self.second_feed.broker:
            self._attach_second_feed()
        self.sim.set_idle_probe(lambda: not self._is_connecting)

    def _attach_second_feed(self) -> None:
        """Of another broker, at which somebody has logged in too."""
        kind = self.second_feed.broker
        adapter = adapter_at(self.sim, self.ports, kind, self.clock)
        adapter.use(new_token(self.sim, kind))
        listed = [ListedInstrument(i.token, i.key, i.exchange, i.symbol) for i in self.instruments]
        SecondaryFeed(adapter, listed).attach(
            self.day, self.clock, self.seed + 1, self.clock.now_ns
        )
        adapter.close()

    @property
    def _is_connecting(self) -> bool:
        second = self.day.secondary_feed
        return self.broker.is_connecting or (second is not None and second.is_connecting)

    def _leave_word(self, now_ns: int) -> None:
        if not self.is_dead:
            self.word = left_word(self.day)

    async def open(self) -> None:
        await self.sim.during(self.day.open(self.session))

    @property
    def n_early(self) -> int:
        """Requests whose bytes left from the feed's callback, before anybody in Python heard of
        them.
        """
        return int(getattr(self.broker, "n_fast_path", 0))

    @property
    def is_dead(self) -> bool:
        """Its journal takes no more: it died after the last record."""
        return self.journal is not None and self.journal.writer.is_dead

    async def die(self) -> None:
        """Be gone without a word; the kernel closes the sockets."""
        if self.journal is not None and not self.is_dead:
            self.journal.writer.last_seq = self.journal.writer.seq
        self.clock.alive = False
        self.day.router.session = None
        await self.broker.close()
        if self.day.secondary_feed is not None:
            await self.day.secondary_feed.stop()
        if self.journal is not None:
            self.journal.revive()
