"""The trader watches a session again: every packet in its order, each bar at its end, and what each
strategy says to it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any

from otrade.drill.trader.crossings import GRACE_NS, Crossing, CrossingStrategy, TraderSeries
from otrade.drill.trader.feeds.sight import Sight
from otrade.drill.trader.market import SeenMarket
from otrade.drill.trader.past import closed_bars, running_bar
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.reading.sayings import Enter, Leave, MoveStop, Saying
from otrade.drill.trader.reading.seen_bar import TraderBar
from otrade.drill.trader.record import ProcessLife, SessionRecord
from otrade.drill.trader.said import FileReader, asked_for, on_tick
from otrade.drill.trader.tolerances import CLAMPED_NS, CLAMPING

BEAT_NS = 500_000_000
"""A bar that began so shortly before its end may be closed by a later beat of the engine's timer."""
WAYS_MAX = 64
"""In which a session's processes may have ended."""
CNC = "CNC"
"""Shares for delivery, which nobody sells short."""


@dataclass(frozen=True, slots=True)
class SeenTouch:
    """What was known of the price at a moment."""

    ts_ns: int
    ltp_e4: int
    bid_e4: int
    ask_e4: int
    heard_ns: int
    """When the instrument was last heard of."""
    is_told: bool = True
    """Whether a last price came at this moment, and not an order book alone."""


@dataclass(frozen=True, slots=True)
class TraderSignal:
    """A strategy's crossing, at `ts_ns` (by the timer: not after `until_ns`)."""

    strategy: TradedStrategy
    ts_ns: int
    until_ns: int
    side: int
    is_filtered: bool
    is_close: bool
    touch: SeenTouch
    atr: float
    order: int
    """Among those of one moment: the packet's place among all packets of the session."""
    own: Mapping[str, Any] | None = None
    """Of a strategy file: its plan with the terms that it has named itself."""
    if_flat: bool = False
    """Said only while it holds nothing."""
    calm_since_ns: int = 1 << 62
    """Not said where a stop of its own has taken it out since then."""

    @property
    def plan(self) -> Mapping[str, Any]:
        """On which it is to be entered."""
        return self.own or self.strategy.plan

    @property
    def words(self) -> str:
        way = "buy" if self.side > 0 else "sell"
        return (
            f"{way} of strategy {self.strategy.number} ({self.strategy.file or self.strategy.kind})"
        )


@dataclass(frozen=True, slots=True)
class TraderExit:
    """A strategy file says to leave what it holds on `side`."""

    strategy: TradedStrategy
    ts_ns: int
    until_ns: int
    side: int
    is_close: bool


@dataclass(frozen=True, slots=True)
class TraderMove:
    """A strategy file says where the stop of what it holds on `side` is to be, if that is tighter."""

    strategy: TradedStrategy
    ts_ns: int
    until_ns: int
    side: int
    level_e4: int
    is_close: bool


@dataclass(slots=True)
class TraderMemory:
    """What a process knows of one instrument; another process without a journal begins anew."""

    instrument: TraderInstrument
    jump_bps: int
    failover_ns: int
    market: SeenMarket = field(init=False)
    series: dict[int, TraderSeries] = field(init=False)
    strategies: list[CrossingStrategy | FileReader] = field(init=False)
    fed_ns: dict[int, int] = field(default_factory=dict)
    """By bar length: the end of the last bar of the past."""
    beats_ns: dict[int, int] = field(default_factory=dict)
    """By strategy: when its timer beats next; 0: not any more."""

    def __post_init__(self) -> None:
        # The longest bars' strategies are asked first.
        strategies = self.instrument.strategies
        wanted = {one.interval_ns for one in strategies}
        lengths = sorted(wanted.union(*(one.further_ns for one in strategies)), reverse=True)
        self.market = SeenMarket(self.instrument, self.jump_bps, self.failover_ns)
        self.series = {length: TraderSeries(self.instrument, length) for length in lengths}
        self.strategies = [
            FileReader(one, self.instrument) if one.file else CrossingStrategy(one)
            for one in strategies
        ]

    def touch(self, ts_ns: int, *, is_told: bool = True) -> SeenTouch:
        market = self.market
        return SeenTouch(
            ts_ns, market.ltp_e4, market.bid_e4, market.ask_e4, market.heard_ns, is_told
        )

    def by_length(
        self, length_ns: int
    ) -> Iterator[tuple[TradedStrategy, CrossingStrategy | FileReader]]:
        for plan, strategy in zip(self.instrument.strategies, self.strategies, strict=True):
            if plan.interval_ns == length_ns:
                yield plan, strategy


class InstrumentReplay:
    """One instrument's session. A process that died is taken to have seen all until nobody saw it
    alive; `ends_ns`: until when another one that died, by its place among the processes.
    """

    def __init__(
        self,
        record: SessionRecord,
        instrument: TraderInstrument,
        ends_ns: Mapping[int, int] | None = None,
    ) -> None:
        self._ends_ns = ends_ns or {}
        self._record = record
        self._instrument = instrument
        self.signals: list[TraderSignal] = []
        self.exits: list[TraderExit] = []
        self.moves: list[TraderMove] = []
        self.touches: list[SeenTouch] = []
        """After each packet."""
        self.atrs: dict[int, list[tuple[int, float]]] = {}
        """By strategy: (since when, average true range)."""
        self._jump_bps = int(record.limits[0][1].get("px_jump_bps_max", 2000))
        self._memory = TraderMemory(instrument, self._jump_bps, record.failover_ns)
        self._place = 0
        self._began_ns: dict[int, int] = {}
        """By bar length: when its running bar's first trade was seen."""
        for life, until_ns, sights in self._by_life():
            if not life.has_journal:
                self._memory = TraderMemory(instrument, self._jump_bps, record.failover_ns)
            if life.is_warmed:
                self._warm(life)
            self._live(life.opened_ns, until_ns, sights)

    def _warm(self, life: ProcessLife) -> None:
        """Bars of the past, which nobody acts on. Once a series has bars of its own, none feed it."""
        instrument, memory = self._instrument, self._memory
        told = life.told.get(instrument.key)
        open_still = [length for length, series in memory.series.items() if not series.has_begun]
        past = sorted(
            (
                (bar.end_ns, -length_ns, bar)
                for length_ns in open_still
                for bar in (closed_bars(told, instrument, length_ns) if told is not None else [])
                if bar.start_ns >= memory.fed_ns.get(length_ns, 0)  # else by the process before
            ),
            key=lambda row: row[:2],
        )
        for end_ns, minus_ns, bar in past:
            memory.fed_ns[-minus_ns] = end_ns
            self._show_further(-minus_ns, bar)
            for plan, strategy in memory.by_length(-minus_ns):
                if isinstance(strategy, FileReader):
                    strategy.on_own(bar, bar.end_ns, bar.end_ns)  # what it says then is not heard
                else:
                    strategy.on_bar(bar)
                    self.atrs.setdefault(plan.number, []).append((life.started_ns, strategy.atr))
        for length_ns in open_still:
            if instrument.open_ns <= life.opened_ns < instrument.close_ns:
                running = running_bar(told, instrument, length_ns, life.opened_ns)
                memory.series[length_ns].join(running.bar, running.from_ns)

    def _by_life(self) -> Iterator[tuple[ProcessLife, int, list[tuple[int, Sight]]]]:
        key = self._instrument.key
        sights = [row for row in enumerate(self._record.sights) if row[1].key == key]
        for number, life in enumerate(self._record.lives):
            until_ns = life.dead_ns or self._instrument.close_ns + (1 << 40)
            until_ns = self._ends_ns.get(number, until_ns)
            mine = [row for row in sights if life.started_ns <= row[1].ts_ns <= until_ns]
            yield life, until_ns, mine

    def _live(self, opened_ns: int, until_ns: int, sights: list[tuple[int, Sight]]) -> None:
        changes = [one for one in self._record.connections if one.is_of_prices]
        n_changes = 0
        memory = self._memory
        self._wind_up(opened_ns)
        for self._place, sight in sights:
            self._beat(opened_ns, sight.ts_ns)
            self._close_due(opened_ns, sight.ts_ns)
            while n_changes < len(changes) and changes[n_changes].ts_ns <= sight.ts_ns:
                change = changes[n_changes]
                memory.market.connection_changed(change.feed, stands=change.stands)
                n_changes += 1
            n_told = memory.market.n_told
            trade = memory.market.take(sight)
            is_told = memory.market.n_told > n_told
            self.touches.append(memory.touch(sight.ts_ns, is_told=is_told))
            if trade is None:
                continue
            bars: dict[int, TraderBar] = {}
            for length_ns, series in memory.series.items():
                before_ns = series.due_ns
                bar = series.take(trade)
                if bar is not None:
                    bars[length_ns] = bar
                if series.due_ns != before_ns:
                    self._began_ns[length_ns] = sight.ts_ns
            for length_ns in memory.series:
                if length_ns in bars:
                    self._closed(length_ns, bars[length_ns], sight.ts_ns, sight.ts_ns)
                for plan, strategy in memory.by_length(length_ns):
                    if isinstance(strategy, FileReader):
                        said = strategy.on_trade(trade.price_e4)
                        self._hear(plan, strategy, said, sight.ts_ns, sight.ts_ns)
                    else:
                        self._say(plan, strategy.on_trade(trade), sight.ts_ns, sight.ts_ns)
        self._beat(opened_ns, until_ns)
        self._close_due(opened_ns, until_ns)

    def _timers(self) -> Iterator[tuple[TradedStrategy, FileReader]]:
        strategies = zip(self._instrument.strategies, self._memory.strategies, strict=True)
        for plan, strategy in strategies:
            if isinstance(strategy, FileReader) and strategy.timer_ns:
                yield plan, strategy

    def _beat_after(self, ts_ns: int, every_ns: int) -> int:
        """Beats are counted from the session's open, while it lasts."""
        open_ns = self._instrument.open_ns
        beat_ns = open_ns + every_ns * max((ts_ns - open_ns) // every_ns + 1, 1)
        return beat_ns if beat_ns < self._instrument.close_ns else 0

    def _wind_up(self, opened_ns: int) -> None:
        """A process begins. Beats that nobody lived for are made up for by one."""
        if not opened_ns:
            return
        beats_ns = self._memory.beats_ns
        for plan, reader in self._timers():
            due_ns = beats_ns.get(plan.number)
            if due_ns and due_ns <= opened_ns:
                self._look(plan, reader, opened_ns, is_doubtful=True)
            if due_ns is None or 0 < due_ns <= opened_ns:
                beats_ns[plan.number] = self._beat_after(opened_ns, reader.timer_ns)

    def _beat(self, opened_ns: int, now_ns: int) -> None:
        """Beats until then, after the bars that closed until each."""
        if not opened_ns:
            return
        beats_ns = self._memory.beats_ns
        while due := [
            (beats_ns[plan.number], plan.number, plan, reader)
            for plan, reader in self._timers()
            if 0 < beats_ns[plan.number] < now_ns
        ]:
            beat_ns, _, plan, reader = min(due, key=lambda row: row[:2])
            self._close_due(opened_ns, beat_ns + 1)
            self._look(plan, reader, beat_ns, is_doubtful=False)
            beats_ns[plan.number] = self._beat_after(beat_ns, reader.timer_ns)

    def _look(
        self, plan: TradedStrategy, reader: FileReader, ts_ns: int, *, is_doubtful: bool
    ) -> None:
        price_e4 = self._memory.market.ltp_e4
        said = reader.on_beat(price_e4, ts_ns, is_doubtful=is_doubtful)
        self._hear(plan, reader, said, ts_ns, ts_ns)

    def _close_due(self, opened_ns: int, now_ns: int) -> None:
        """Bars whose time is over by then, the earliest first, and of one moment the longest."""
        if not opened_ns:
            return
        due = [
            (series.due_ns, length_ns)
            for length_ns, series in self._memory.series.items()
            if 0 < max(series.due_ns, opened_ns if series.due_ns else 0) < now_ns
        ]
        for due_ns, length_ns in sorted(due, key=lambda row: (row[0], -row[1])):
            bar = self._memory.series[length_ns].close()
            at_ns = max(due_ns, opened_ns)
            late = due_ns - self._began_ns.get(length_ns, 0) <= BEAT_NS
            if bar is not None:
                self._closed(length_ns, bar, at_ns, at_ns + (BEAT_NS if late else 0))

    def _show_further(self, length_ns: int, bar: TraderBar) -> None:
        strategies = zip(self._instrument.strategies, self._memory.strategies, strict=True)
        for plan, strategy in strategies:
            if isinstance(strategy, FileReader) and length_ns in plan.further_ns:
                strategy.on_further(bar)

    def _closed(self, length_ns: int, bar: TraderBar, ts_ns: int, until_ns: int) -> None:
        self._show_further(length_ns, bar)
        for plan, strategy in self._memory.by_length(length_ns):
            if isinstance(strategy, FileReader):
                said = strategy.on_own(bar, ts_ns, until_ns)
                self._hear(plan, strategy, [] if bar.is_told else said, ts_ns, until_ns)
                continue
            crossing = strategy.on_bar(bar)
            if not bar.is_told:
                self._say(plan, crossing, ts_ns, until_ns)
            self.atrs.setdefault(plan.number, []).append((ts_ns, strategy.atr))

    def _hear(
        self,
        plan: TradedStrategy,
        reader: FileReader,
        sayings: list[Saying],
        ts_ns: int,
        until_ns: int,
    ) -> None:
        """What a strategy file says with a bar of its own length, or with a trade."""
        touch = self._memory.touch(ts_ns)
        tick_e4 = self._instrument.tick_e4
        for said in sayings:
            if isinstance(said, Leave):
                self.exits.append(TraderExit(plan, ts_ns, until_ns, said.side, said.is_close))
            elif isinstance(said, MoveStop):
                level_e4 = on_tick(floor(said.at * 10_000 + 0.5), tick_e4, said.side)
                if (touch.ltp_e4 - level_e4) * said.side > 0:
                    self.moves.append(
                        TraderMove(plan, ts_ns, until_ns, said.side, level_e4, said.is_close)
                    )
            else:
                self._enter(plan, reader, said, touch, ts_ns, until_ns)

    def _enter(
        self,
        plan: TradedStrategy,
        reader: FileReader,
        said: Enter,
        touch: SeenTouch,
        ts_ns: int,
        until_ns: int,
    ) -> None:
        asked = asked_for(self._instrument, plan.plan, said, touch.ltp_e4)
        if asked is None:
            return
        # A level may lie beyond a band that has moved, and is refused then.
        is_banded = self._record.in_force(CLAMPING, ts_ns - CLAMPED_NS, ts_ns)
        self.signals.append(
            TraderSignal(
                plan,
                ts_ns,
                until_ns,
                said.side,
                said.side < 0 and self._instrument.product == CNC,
                said.is_close or (is_banded and said.has_own_terms),
                touch,
                0.0,
                self._place,
                asked,
                said.if_flat,
                reader.calm_since_ns(said.rest_bars),
            )
        )

    def _say(
        self, plan: TradedStrategy, crossing: Crossing | None, ts_ns: int, until_ns: int
    ) -> None:
        if crossing is not None:
            self.signals.append(
                TraderSignal(
                    plan,
                    ts_ns,
                    until_ns,
                    crossing.side,
                    crossing.is_filtered,
                    crossing.is_close,
                    self._memory.touch(ts_ns),
                    crossing.atr,
                    self._place,
                )
            )

    def atrs_in(self, strategy: TradedStrategy, from_ns: int, until_ns: int) -> list[float]:
        """What it was, between these times: first what it was before."""
        rows = self.atrs.get(strategy.number, [])
        times = [ts_ns for ts_ns, _ in rows]
        first = max(bisect_right(times, from_ns) - 1, 0)
        return [atr for _, atr in rows[first : bisect_right(times, until_ns)]]

    def touches_in(self, from_ns: int, until_ns: int) -> list[SeenTouch]:
        """What was known of the price from then until then: as it stood at first, and after each
        packet.
        """
        times = [one.ts_ns for one in self.touches]
        first = max(bisect_right(times, from_ns) - 1, 0)
        return self.touches[first : bisect_right(times, until_ns)]


def possible_ends(record: SessionRecord, instrument: TraderInstrument) -> list[dict[int, int]]:
    """Each way in which the processes can have ended, by what they had seen of an instrument until then:
    they were seen alive, and dead, up to a second apart. Nothing where there are too many ways.
    """
    ways: list[dict[int, int]] = [{}]
    lengths = {one.interval_ns for one in instrument.strategies}.union(
        *(one.further_ns for one in instrument.strategies)
    )
    readers = [FileReader(one, instrument) for one in instrument.strategies if one.file]
    timed = [(length_ns, GRACE_NS) for length_ns in lengths]
    timed += [(one.timer_ns, 0) for one in readers if one.timer_ns]
    for number, (life, after) in enumerate(zip(record.lives, record.lives[1:], strict=False)):
        if not life.opened_ns or not after.has_journal:
            continue  # nothing was seen, or nothing of it is remembered
        seen = {
            sight.ts_ns
            for sight in record.sights
            if sight.key == instrument.key and life.alive_ns < sight.ts_ns <= life.dead_ns
        }
        # A bar, or a timer, may have come to its time before the end or after the next start.
        for every_ns, late_ns in timed:
            first_ns = instrument.open_ns + late_ns
            first = -(-(life.alive_ns - first_ns) // every_ns)
            last = (life.dead_ns - first_ns) // every_ns
            seen |= {first_ns + n * every_ns + 1 for n in range(first, last + 1)}
        ends = [life.alive_ns, *sorted(seen)]
        ways = [{**way, number: end_ns} for way in ways for end_ns in ends]
        if len(ways) > WAYS_MAX:
            return []
    return ways
