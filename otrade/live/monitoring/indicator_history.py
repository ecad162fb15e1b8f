"""The strategies' averages over time, for the chart: read once a minute of engine time, just behind
the minute's close.
"""

from collections import deque

import msgspec

from otrade.clock import NS_PER_S
from otrade.live.day.trading_day import TradingDay

MINUTE_NS = 60 * NS_PER_S
BEHIND_NS = NS_PER_S
"""A bar closes with the first tick behind it, or with the beat."""
KEPT_MAX = 1_000

NAMES = {
    "ema_cross": ("EMA {fast_period}", "EMA {slow_period}"),
    "sma_cross": ("SMA {fast_period}", "SMA {slow_period}"),
    "price_ema": ("", "EMA {slow_period}"),
    "price_sma": ("", "SMA {slow_period}"),
    "price_level": ("", "level"),
}
"""What a kind's fast and slow line are; an empty one is the price."""


class IndicatorPoint(msgspec.Struct, frozen=True):
    """`ts_ns`: the first nanosecond of the minute that has closed. Rupees."""

    ts_ns: int
    fast: float
    slow: float


class IndicatorHistory:
    """`on_beat` belongs on the beat. What an earlier process saw is not known here."""

    def __init__(self, day: TradingDay) -> None:
        self._day = day
        self._values: list[deque[IndicatorPoint]] = [
            deque(maxlen=KEPT_MAX) for _ in day.plan.strategies
        ]
        self._next_ns = 0

    def on_beat(self, now_ns: int) -> None:
        if now_ns < self._next_ns:
            return
        minute_ns = (now_ns - BEHIND_NS) // MINUTE_NS * MINUTE_NS
        self._next_ns = minute_ns + MINUTE_NS + BEHIND_NS
        engine, plan = self._day.engine, self._day.plan
        for planned, (strategy_id, values) in zip(
            plan.strategies, enumerate(self._values), strict=True
        ):
            # The minute that has just closed, if there was a tick in it: a point for each candle,
            # and for nothing else.
            closed_ns = engine.series(plan.instruments[planned.instrument_id].minute_series_id)[
                "last"
            ]["ts_open_ns"]
            signal = engine.strategy(strategy_id)["signal"]
            if signal["ready"] and closed_ns == minute_ns - MINUTE_NS:
                values.append(IndicatorPoint(closed_ns, signal["fast"], signal["slow"]))

    def of(self, strategy_id: int) -> list[IndicatorPoint]:
        """Oldest first."""
        return list(self._values[strategy_id])


def names_of(kind: str, params: dict[str, int | float]) -> tuple[str, str]:
    """What the fast and the slow line of a strategy are called; empty: the price itself."""
    fast, slow = NAMES.get(kind, ("fast", "slow"))
    return fast.format_map(params), slow.format_map(params)
