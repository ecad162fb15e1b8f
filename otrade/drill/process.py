"""An engine as one process would run it, and its sudden death.

What dies with a process: its timers, its memory, everything that it has not sent. What stays: the exchange, the broker, and the
journal up to the last record that was written.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from otrade._core.wire_kite import KiteEncoder
from otrade.brokers.kite.broker import KiteBroker
from otrade.brokers.sim.simulator import Ports, Simulator
from otrade.journal.memory import MemoryJournal
from otrade.live.assemble import EngineSpec, InstrumentSpec, assemble
from otrade.live.day import DayOptions, TradingDay
from otrade.live.journal import DayJournal
from otrade.live.notices import NoticeBoard
from otrade.live.plan import DayPlan
from otrade.live.trades import ChargeRule

API_KEY = "paper"


@dataclass
class MortalClock:
    """The simulation's clock as one process sees it: it can be set wrong, never goes back, and rings for the living only."""

    clock: Any
    offset_ns: int = 0
    alive: bool = True
    _last_ns: int = 0

    def now_ns(self) -> int:
        self._last_ns = max(self._last_ns, int(self.clock.now_ns()) + self.offset_ns)
        return self._last_ns

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> Any:
        return self.clock.call_at(ts_ns - self.offset_ns, lambda: callback() if self.alive else None)


class MortalSession:
    """A broker's session out of which nothing comes after the journal's last record. Keeps the times of what was sent."""

    def __init__(self, broker: KiteBroker, journal: MemoryJournal | None, clock: MortalClock, sent_ns: list[int]) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._sent_ns = sent_ns

    def send(self, command: Any) -> None:
        if self._journal is not None and self._journal.writer.is_dead:
            return
        self._sent_ns.append(self._clock.now_ns())
        self._broker.send(command)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)


@dataclass
class Process:
    """One engine's life. `run_id` and `seed` tell it from others."""

    sim: Simulator
    ports: Ports
    day_name: str
    instruments: list[InstrumentSpec]
    spec: EngineSpec
    options: DayOptions
    charge_rule: ChargeRule
    journal: MemoryJournal | None
    seed: int
    clock: MortalClock
    sent_ns: list[int] = field(default_factory=list)
    day: TradingDay = field(init=False)
    broker: KiteBroker = field(init=False)
    board: NoticeBoard = field(init=False)
    session: MortalSession = field(init=False)

    def __post_init__(self) -> None:
        token = self.sim.issue_access_token()
        host = f"127.0.0.1:{self.ports.rest}"
        encoder = KiteEncoder(host.encode(), b"", f"token {API_KEY}:{token}".encode())

        def make_plan() -> DayPlan:
            plan = assemble(self.day_name, self.instruments, self.spec)
            plan.engine.set_encoder(encoder)
            return plan

        self.board = NoticeBoard(self.clock.now_ns)
        journal = None
        if self.journal is None:
            plan = make_plan()
        else:
            journal = DayJournal(self.journal, self.board)
            plan = journal.recover(make_plan)
            about = {"encoder": {"kind": "kite", "host": host, "prefix": ""}}
            journal.begin(plan, about, self.spec.run_id, self.clock.now_ns())
        self.day = TradingDay(plan, self.clock, self.board, self.charge_rule, self.options, journal=journal)
        self.broker = KiteBroker(
            api_key=API_KEY,
            access_token=token,
            encoder=encoder,
            sink=plan.engine,
            clock=self.clock,
            rng=random.Random(self.seed),
            callbacks=self.day.callbacks(),
            rest_root=self.ports.rest_url,
            feed_root=self.ports.feed_url,
            feed_now_ns=self.clock.now_ns,
        )
        self.session = MortalSession(self.broker, self.journal, self.clock, self.sent_ns)
        self.sim.set_idle_probe(lambda: not self.broker.is_connecting)

    async def open(self) -> None:
        await self.sim.during(self.day.open(self.session))

    @property
    def is_dead(self) -> bool:
        """Its journal takes no more: it died after the last record."""
        return self.journal is not None and self.journal.writer.is_dead

    async def die(self) -> None:
        """Be gone without a word; the kernel closes the sockets."""
        if self.journal is not None and not self.is_dead:
            self.journal.writer.last_seq = self.journal.writer.seq
        self.clock.alive = False
        self.day.desk.session = None
        await self.broker.close()
        if self.journal is not None:
            self.journal.revive()
