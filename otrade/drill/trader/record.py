"""What happened in a session, from the simulator and the driver alone: bytes as they were sent to
the engine's feed connections, connections, troubles, and what the driver did.

Every `ts_ns` is virtual time (`Simulator.clock`), whatever the engine's own clock says. Frames are
kept as bytes and read when somebody asks (`sights`), so that keeping them costs next to nothing.
Orders, their histories and trades are not kept twice: `Simulator.exchange` has them
(`orders()`, `Order.told`, `trades()`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from otrade.drill.trader.feeds.sight import Sight, reader_of
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.orders import Order
from otrade.simulator.simulator import Simulator, wire_name

SECOND = 1_000_000_000
SWITCHED_ON, SWITCHED_OFF = "strategy on", "strategy off"
"""Names of what a person does to one strategy: `place` of its instrument and `name` in it."""


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A message on one of the engine's feed connections. `lane`: which connection, "" at Kite, the
    stream's path at Upstox. `is_text`: Kite's order updates and all of Upstox's portfolio stream.
    `feed`: 0, or 1 of a second feed.
    """

    ts_ns: int
    lane: str
    is_text: bool
    payload: bytes
    feed: int = 0


@dataclass(frozen=True, slots=True)
class ToldQuote:
    """What was told of a contract to somebody who asked by REST, at that time; 0: nobody stands there."""

    ts_ns: int
    key: str
    ltp_e4: int
    bid_e4: int
    ask_e4: int


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """A feed connection of the engine stands from then on, or is gone."""

    ts_ns: int
    lane: str
    stands: bool
    feed: int = 0

    @property
    def is_of_prices(self) -> bool:
        """Do prices come by it, and not order updates alone?"""
        return "portfolio" not in self.lane


@dataclass(frozen=True, slots=True)
class ToldMinute:
    """One row of a broker's answer: a minute in which something traded."""

    start_ns: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int = 0


@dataclass(frozen=True, slots=True)
class ToldHistory:
    """An answer to a question for bars of the past, asked at `asked_ns`; the oldest first."""

    asked_ns: int
    minutes: tuple[ToldMinute, ...]


@dataclass(slots=True)
class ProcessLife:
    """One engine process. `opened_ns`: its start was over, and entries may come; 0: not yet.
    It died after `alive_ns`, when it was last seen alive, and not after `dead_ns` (0: it lives).
    `has_journal`: it began with what the one before it had written. `is_warmed`: it was to go on from
    bars of the past, and `told` has what the broker answered, by instrument.
    """

    started_ns: int
    has_journal: bool
    opened_ns: int = 0
    alive_ns: int = 0
    dead_ns: int = 0
    is_warmed: bool = False
    told: dict[str, ToldHistory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TroubleWindow:
    """The scenario's trouble `kind` is in force from then (`from_ns`) until then (`until_ns`). One
    that is armed for the next so many requests, frames or orders has `until_ns` == `from_ns`: what
    it really did, and when, is in `SessionRecord.happened`.
    """

    kind: str
    from_ns: int
    until_ns: int
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PersonCommand:
    """A person's command, as `live.control.commands` names it, and whether it was carried out."""

    ts_ns: int
    name: str
    args: Mapping[str, Any]
    done: bool


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A person has made the engine's what this order of somebody else has traded."""

    ts_ns: int
    order: Order

    def exits_among(self, orders: Iterable[Order]) -> list[Order]:
        """Those of the bracket that it became: the first one there afterwards that has no entry."""
        key = self.order.contract.key
        mine = [order for order in orders if order.tag and order.contract.key == key]
        entered = {(order.tag or "")[2:12] for order in mine if (order.tag or "")[12] == "E"}
        tags = [
            (order.tag or "")[2:12]
            for order in sorted(mine, key=lambda one: one.ts_placed_ns)
            if order.ts_placed_ns >= self.ts_ns and (order.tag or "")[2:12] not in entered
        ]
        return [order for order in mine if tags and (order.tag or "")[2:12] == tags[0]]


@dataclass(slots=True)
class SessionRecord:
    """All of it, each list oldest first."""

    broker: str
    contracts: Mapping[str, ListedContract]
    """What may be traded, by the name that the broker's feed has for it: the exchange's token as
    text at Kite, the instrument key at Upstox. Of a second feed too.
    """
    second: str = ""
    """Whose a second feed is."""
    failover_ns: int = 0
    """After so much silence about an instrument without volume the other feed is believed."""
    frames: list[SentFrame] = field(default_factory=list)
    connections: list[ConnectionChange] = field(default_factory=list)
    quotes: list[ToldQuote] = field(default_factory=list)
    lives: list[ProcessLife] = field(default_factory=list)
    troubles: list[TroubleWindow] = field(default_factory=list)
    happened: list[tuple[int, str]] = field(default_factory=list)
    """(time, kind) of what the fault injector really did, as it counts it in `seen`."""
    commands: list[PersonCommand] = field(default_factory=list)
    tokens: list[tuple[int, bool]] = field(default_factory=list)
    """(time, whether a token is good from then on)."""
    clock_errors: list[tuple[int, int]] = field(default_factory=list)
    """(time, nanoseconds by which the machine's clock is ahead from then on)."""
    limits: list[tuple[int, Mapping[str, int]]] = field(default_factory=list)
    """(time, limits in force from then on, in the core's units)."""
    taken_over: list[TakenOver] = field(default_factory=list)
    guarded: list[tuple[int, int]] = field(default_factory=list)
    """From then until then a watchdog has looked after what a dead process had left."""
    carried: dict[tuple[str, str], int] = field(default_factory=dict)
    """What the account held in the morning, by instrument and product: somebody else's."""
    _sights: list[Sight] = field(default_factory=list)
    _n_read: int = 0

    @property
    def sights(self) -> list[Sight]:
        """What the engine could see of the market, up to now: every packet that was sent to it,
        also those that came doubled, wrong or in parts. In the order of the bytes.
        """
        for frame in self.frames[self._n_read :]:
            if frame.is_text:
                continue
            read = reader_of(self.second if frame.feed else self.broker)
            sights = read(frame.ts_ns, frame.payload, self.contracts)
            self._sights += [replace(one, feed=1) for one in sights] if frame.feed else sights
        self._n_read = len(self.frames)
        return self._sights

    def was_guarded(self, opened_ns: int, orders: Iterable[Order]) -> bool:
        """Was a watchdog there while one of these could trade, or something of them was open? What it
        asks for, and when, is its own.
        """
        last_ns = max(order.ts_update_ns if order.is_final else 1 << 62 for order in orders)
        return any(
            opened_ns <= until_ns and last_ns >= from_ns for from_ns, until_ns in self.guarded
        )

    def in_force(self, kinds: Iterable[str], from_ns: int, until_ns: int) -> bool:
        """Was one of these troubles in force, or did it happen, between these times?"""
        wanted = frozenset(kinds)
        return any(
            window.kind in wanted and window.from_ns <= until_ns and window.until_ns >= from_ns
            for window in self.troubles
        ) or any(kind in wanted and from_ns <= ts_ns <= until_ns for ts_ns, kind in self.happened)

    def is_off(self, place: int, name: str, ts_ns: int) -> bool:
        """Had a person switched that strategy off?"""
        is_off = False
        for one in self.commands:
            if one.ts_ns > ts_ns:
                break
            if one.name in (SWITCHED_ON, SWITCHED_OFF) and one.args == {
                "place": place,
                "name": name,
            }:
                is_off = one.name == SWITCHED_OFF
        return is_off

    def limits_at(self, ts_ns: int) -> Mapping[str, int]:
        """The limits in force at that time."""
        return next(limits for since_ns, limits in reversed(self.limits) if since_ns <= ts_ns)


class FeedRecorder:
    """Writes down what comes by one of the feeds; the simulator calls it."""

    def __init__(self, record: SessionRecord, now_ns: Callable[[], int], feed: int) -> None:
        self._record = record
        self._now_ns = now_ns
        self._feed = feed

    def on_frame(self, lane: str, payload: bytes, *, is_text: bool) -> None:
        self._record.frames.append(SentFrame(self._now_ns(), lane, is_text, payload, self._feed))

    def on_connection(self, lane: str, *, stands: bool) -> None:
        self._record.connections.append(ConnectionChange(self._now_ns(), lane, stands, self._feed))


class SessionRecorder:
    """Writes the record; the driver calls it."""

    def __init__(
        self,
        sim: Simulator,
        broker: str,
        keys: Iterable[str],
        second: str = "",
        failover_ns: int = 0,
    ) -> None:
        """`keys`: the instruments that are traded, as a scenario names them. `second`: whose a second
        feed is.
        """
        contracts = [sim.exchange.market.universe.resolve(key) for key in keys]
        brokers = [name for name in (broker, second) if name]
        self.record = SessionRecord(
            broker,
            {wire_name(name, one) or str(one.token): one for name in brokers for one in contracts},
            second,
            failover_ns,
            happened=sim.faults.strikes,
        )
        self._now_ns = sim.clock.now_ns
        for number, name in enumerate(brokers):
            sim.listen_to_feed(name, FeedRecorder(self.record, self._now_ns, number))
        sim.exchange.market.on_told.append(self._on_told)

    # ---- told by the simulator

    def _on_told(self, quotes: Iterable[MarketSnapshot]) -> None:
        for one in quotes:
            bid_e4, ask_e4 = (
                next((level.price_e4 for level in levels if level.qty), 0) for levels in one.depth()
            )
            self.record.quotes.append(
                ToldQuote(self._now_ns(), one.contract.key, one.ltp_e4, bid_e4, ask_e4)
            )

    # ---- told by the driver

    def started(self, *, has_journal: bool) -> None:
        """A process begins."""
        self.record.lives.append(ProcessLife(self._now_ns(), has_journal))
        self.record.tokens.append((self._now_ns(), True))

    def warms(self) -> None:
        """The process is to go on from bars of the past."""
        self.record.lives[-1].is_warmed = True

    def told(self, key: str, asked_ns: int, minutes: Iterable[ToldMinute]) -> None:
        """The broker has answered it about one instrument."""
        self.record.lives[-1].told[key] = ToldHistory(asked_ns, tuple(minutes))

    def opened(self) -> None:
        self.record.lives[-1].opened_ns = self._now_ns()

    def died(self, alive_ns: int) -> None:
        """The process is dead; at `alive_ns` it was alive."""
        life = self.record.lives[-1]
        life.alive_ns, life.dead_ns = alive_ns, self._now_ns()

    def guarded(self, since_ns: int) -> None:
        """A watchdog has been at work since then."""
        self.record.guarded.append((since_ns, self._now_ns()))

    def trouble(self, kind: str, args: Mapping[str, Any]) -> None:
        """A trouble of the scenario begins."""
        now_ns = self._now_ns()
        lasts_s = args.get("for_s", 0) if kind.startswith("clock_") else args.get("s", 0)
        lasts_ns = round(lasts_s * SECOND)
        self.record.troubles.append(TroubleWindow(kind, now_ns, now_ns + lasts_ns, args))

    def healed(self) -> None:
        """Nothing goes wrong from now on."""
        self.record.troubles = [
            TroubleWindow(one.kind, one.from_ns, min(one.until_ns, self._now_ns()), one.args)
            for one in self.record.troubles
        ]

    def commanded(self, name: str, args: Mapping[str, Any], *, done: bool) -> None:
        self.record.commands.append(PersonCommand(self._now_ns(), name, args, done))

    def took_over(self, order: Order) -> None:
        """A person hands to the engine what that order of somebody else has traded."""
        self.record.taken_over.append(TakenOver(self._now_ns(), order))

    def token(self, *, is_good: bool) -> None:
        self.record.tokens.append((self._now_ns(), is_good))

    def clock_error(self, ahead_ns: int) -> None:
        """The machine's clock is that far ahead from now on."""
        self.record.clock_errors.append((self._now_ns(), ahead_ns))

    def limit(self, limits: Mapping[str, int]) -> None:
        """These limits are in force from now on."""
        self.record.limits.append((self._now_ns(), dict(limits)))
