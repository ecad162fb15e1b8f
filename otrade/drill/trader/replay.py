"""The trader watches a session again: every packet in its order, each bar at its end, and what each
strategy says to it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from otrade.drill.trader.crossings import Crossing, CrossingStrategy, TraderBar, TraderSeries
from otrade.drill.trader.feeds.sight import Sight
from otrade.drill.trader.market import SeenMarket
from otrade.drill.trader.past import closed_bars, running_bar
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.record import ProcessLife, SessionRecord

BEAT_NS = 500_000_000
"""A bar that began so shortly before its end may be closed by a later beat of the engine's timer."""


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

    @property
    def words(self) -> str:
        way = "buy" if self.side > 0 else "sell"
        return f"{way} of strategy {self.strategy.number} ({self.strategy.kind})"


@dataclass(slots=True)
class TraderMemory:
    """What a process knows of one instrument; another process without a journal begins anew."""

    instrument: TraderInstrument
    jump_bps: int
    market: SeenMarket = field(init=False)
    series: dict[int, TraderSeries] = field(init=False)
    strategies: list[CrossingStrategy] = field(init=False)
    fed_ns: dict[int, int] = field(default_factory=dict)
    """By bar length: the end of the last bar of the past."""

    def __post_init__(self) -> None:
        # The longest bars' strategies are asked first.
        lengths = sorted({one.interval_ns for one in self.instrument.strategies}, reverse=True)
        self.market = SeenMarket(self.instrument, self.jump_bps)
        self.series = {length: TraderSeries(self.instrument, length) for length in lengths}
        self.strategies = [CrossingStrategy(one) for one in self.instrument.strategies]

    def touch(self, ts_ns: int, *, is_told: bool = True) -> SeenTouch:
        market = self.market
        return SeenTouch(
            ts_ns, market.ltp_e4, market.bid_e4, market.ask_e4, market.heard_ns, is_told
        )

    def by_length(self, length_ns: int) -> Iterator[tuple[TradedStrategy, CrossingStrategy]]:
        for plan, strategy in zip(self.instrument.strategies, self.strategies, strict=True):
            if plan.interval_ns == length_ns:
                yield plan, strategy


class InstrumentReplay:
    """One instrument's session. A process that died is taken to have seen all until nobody saw it
    alive.
    """

    def __init__(self, record: SessionRecord, instrument: TraderInstrument) -> None:
        self._record = record
        self._instrument = instrument
        self.signals: list[TraderSignal] = []
        self.touches: list[SeenTouch] = []
        """After each packet."""
        self.atrs: dict[int, list[tuple[int, float]]] = {}
        """By strategy: (since when, average true range)."""
        self._jump_bps = int(record.limits[0][1].get("px_jump_bps_max", 2000))
        self._memory = TraderMemory(instrument, self._jump_bps)
        self._place = 0
        self._began_ns: dict[int, int] = {}
        """By bar length: when its running bar's first trade was seen."""
        for life, until_ns, sights in self._by_life():
            if not life.has_journal:
                self._memory = TraderMemory(instrument, self._jump_bps)
            if life.is_warmed:
                self._warm(life)
            self._live(life.opened_ns, until_ns, sights)

    def _warm(self, life: ProcessLife) -> None:
        """Bars of the past, which nobody acts on. Once a series has bars of its own, none feed it."""
        instrument, memory = self._instrument, self._memory
        told = life.told.get(instrument.key)
        for length_ns, series in memory.series.items():
            if series.has_begun:
                continue
            fed_ns = memory.fed_ns.get(length_ns, 0)
            bars = closed_bars(told, instrument, length_ns) if told is not None else []
            for bar in bars:
                if bar.start_ns < fed_ns:
                    continue  # by the process before
                memory.fed_ns[length_ns] = bar.end_ns
                for plan, strategy in memory.by_length(length_ns):
                    strategy.on_bar(bar)
                    self.atrs.setdefault(plan.number, []).append((life.started_ns, strategy.atr))
            if instrument.open_ns <= life.opened_ns < instrument.close_ns:
                running = running_bar(told, instrument, length_ns, life.opened_ns)
                series.join(running.bar, running.from_ns)

    def _by_life(self) -> Iterator[tuple[ProcessLife, int, list[tuple[int, Sight]]]]:
        key = self._instrument.key
        sights = [row for row in enumerate(self._record.sights) if row[1].key == key]
        for life in self._record.lives:
            until_ns = life.dead_ns or self._instrument.close_ns + (1 << 40)
            mine = [row for row in sights if life.started_ns <= row[1].ts_ns <= until_ns]
            yield life, until_ns, mine

    def _live(self, opened_ns: int, until_ns: int, sights: list[tuple[int, Sight]]) -> None:
        ups_ns = [
            one.ts_ns
            for one in self._record.connections
            if one.stands and "portfolio" not in one.lane
        ]
        n_ups = 0
        memory = self._memory
        for self._place, sight in sights:
            self._close_due(opened_ns, sight.ts_ns)
            while n_ups < len(ups_ns) and ups_ns[n_ups] <= sight.ts_ns:
                memory.market.reconnected()
                n_ups += 1
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
                    self._say(plan, strategy.on_trade(trade), sight.ts_ns, sight.ts_ns)
        self._close_due(opened_ns, until_ns)

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

    def _closed(self, length_ns: int, bar: TraderBar, ts_ns: int, until_ns: int) -> None:
        for plan, strategy in self._memory.by_length(length_ns):
            crossing = strategy.on_bar(bar)
            if not bar.is_told:
                self._say(plan, crossing, ts_ns, until_ns)
            self.atrs.setdefault(plan.number, []).append((ts_ns, strategy.atr))

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
