"""What a day trades: an engine that is wired up, and what its ids are called.
`engine_builder` makes it.
"""

from collections.abc import Callable

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.kernels.strategy_abi import WATCHED_BARS, IndicatorOutput
from otrade._core.types import NONE_ID

WATCHED_BYTES = 16 << 20
"""What a chart may be shown of all strategies together, in memory: of a thousand crossings still a session of
minutes.
"""
WATCHED_BARS_MIN = 32
"""Of each strategy, however many they are."""


class PlannedInstrument(msgspec.Struct, frozen=True):
    """One instrument of the engine; its id is its place in the list."""

    token: int
    exchange: str
    symbol: str
    product: str
    segment: str
    """What the charges call it; empty when they do not price it."""
    feed_mode: str
    minute_series_id: int
    open_ns: int
    square_off_ns: int
    close_ns: int
    broker_square_off_ns: int = 0
    """When the broker closes what is open by itself; 0: never, or not known."""
    root: str = ""
    """The underlying's name, of a share its symbol: some charges depend on it."""
    freeze_qty: int = 0
    """The exchange takes no larger order; 0: not known."""

    @property
    def name(self) -> str:
        return f"{self.exchange}:{self.symbol}"


class PlannedStrategy(msgspec.Struct, frozen=True):
    """One strategy of the engine; its id is its place in the list. `enabled` is the configuration's
    word for it.
    """

    name: str
    kind: str
    instrument_id: int
    interval_s: int
    params: dict[str, int | float]
    series_id: int = NONE_ID
    warm_start: bool = False
    """Bars of earlier sessions feed its indicators before the day."""
    reasons: tuple[str, ...] = ()
    """Words of a compiled strategy's reasons, which it counts from 1."""
    further: tuple[tuple[int, int], ...] = ()
    """(series, seconds) of the lengths of bars that it sees beside its own, in its own order."""
    lines: tuple[IndicatorOutput, ...] = ()
    """What a chart shows of its indicators."""


class DayPlan(msgspec.Struct):
    """An engine ready to start, with names for its ids."""

    day: str
    """YYYY-MM-DD in India."""
    engine: Engine
    instruments: list[PlannedInstrument]
    strategies: list[PlannedStrategy]
    instrument_of: dict[int, int] = msgspec.field(default_factory=dict)
    """Instrument id by the broker's token."""
    budget: dict[str, int] = msgspec.field(default_factory=dict)
    """What `Engine.set_budget` was given."""
    settings: list[Callable[[Engine], object]] = msgspec.field(default_factory=list)
    """Set-up that a restart may make differently: limits, bands, switches."""

    @property
    def open_ns(self) -> int:
        """When the first instrument's continuous session begins."""
        return min(instrument.open_ns for instrument in self.instruments)

    @property
    def close_ns(self) -> int:
        """When the last instrument's continuous session ends."""
        return max(instrument.close_ns for instrument in self.instruments)

    def apply_settings(self) -> None:
        """Over what the engine has: at its making, and again when the journal has brought it to an
        earlier run's.
        """
        for apply in self.settings:
            apply(self.engine)

    def watch_indicators(self) -> None:
        """For the chart, from now on: so before the engine is told of any bar, by journal or history."""
        row_bytes = sum(8 * (2 + len(one.lines)) for one in self.strategies if one.lines)
        if not row_bytes:
            return
        n_bars = min(WATCHED_BARS, max(WATCHED_BARS_MIN, WATCHED_BYTES // row_bytes))
        for strategy_id, planned in enumerate(self.strategies):
            if planned.lines:
                values = [line.watched for line in planned.lines]
                self.engine.watch(strategy_id, values, n_bars)

    def net_of(self) -> dict[int, int]:
        """The core's net quantity of every instrument."""
        return {i: self.engine.position(i)["net_qty"] for i in range(len(self.instruments))}

    # -------------------------------------------------------------------------------- notices.Names
    def symbol_of(self, instrument_id: int) -> str:
        return "engine" if instrument_id == NONE_ID else self.instruments[instrument_id].symbol

    def strategy_of(self, strategy_id: int) -> str:
        return "" if strategy_id == NONE_ID else self.strategies[strategy_id].name

    def tag_of(self, order_slot: int) -> str:
        return "" if order_slot == NONE_ID else str(self.engine.order(order_slot)["cl_ord_id"])
