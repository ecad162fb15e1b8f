"""Prices of fills that are told late, wrongly at first, or not at all. Quantities are always told."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from otrade.simulator.base.day_draws import DayDraws

NOTHING = (0, None, "")
"""How brokers write an average that they do not tell."""
REVISED_BY = 0.004
TOLD_WRONGLY = 2
"""So often a wrong average is told before the right one."""


class ValueFaults:
    """What becomes of the average price in order objects, and of the list of trades. The exchange's
    own stay exact.
    """

    def __init__(self, draws: DayDraws, seen: Counter[str]) -> None:
        self._value_draws = draws
        self.seen = seen
        self._n_missing = self._n_revised = 0
        self._missing: set[int] = set()
        """Orders whose average is never told."""
        self._revised: Counter[int] = Counter()
        """How often the average of an order has been told wrongly."""
        self._n_late_trades = 0
        self._late_trades_ns = 0

    # ---- armed by a test

    def miss_averages(self, n: int) -> None:
        """Of the next `n` orders that trade no average is ever told: 0, null or "" stands in pushes
        and books, whole fills too.
        """
        self._n_missing += n

    def revise_averages(self, n: int) -> None:
        """The averages of the next `n` orders that trade are wrong at first, and are then told anew
        at the same quantity.
        """
        self._n_revised += n

    def late_trades(self, n: int, age_ns: int) -> None:
        """The next `n` readings of the list of trades show it as it was."""
        self._n_late_trades += n
        self._late_trades_ns = age_ns

    def forget_orders(self) -> None:
        """A new day has orders of its own."""
        self._missing.clear()
        self._revised.clear()

    # ---- asked by who tells

    def tell_average(self, order: int, filled_qty: int, average: float) -> Any:
        """The average price of an order as it is told; `order` names its draws."""
        if not filled_qty:
            return average
        is_new = order not in self._missing and order not in self._revised
        if is_new and self._n_missing > 0:
            self._n_missing -= 1
            self._missing.add(order)
        elif is_new and self._n_revised > 0:
            self._n_revised -= 1
            self._revised[order] = 0
        if order in self._missing:
            self.seen["avg_missing"] += 1
            return NOTHING[self._value_draws.of("no average", order).integer(len(NOTHING))]
        if order in self._revised and self._revised[order] < TOLD_WRONGLY:
            self._revised[order] += 1
            self.seen["avg_revised"] += 1
            return round(average * (1 + REVISED_BY), 2)
        return average

    def tell_trades(
        self, trades: list[Any], now_ns: int, made_ns: Callable[[Any], int]
    ) -> list[Any]:
        """The list of trades as it is told."""
        if self._n_late_trades <= 0:
            return trades
        self._n_late_trades -= 1
        self.seen["trades_late"] += 1
        return [trade for trade in trades if made_ns(trade) <= now_ns - self._late_trades_ns]

    def _is_armed(self) -> bool:
        return bool(self._n_missing or self._n_revised or self._n_late_trades)

    def _disarm(self) -> None:
        self._n_missing = self._n_revised = self._n_late_trades = 0
        self.forget_orders()
