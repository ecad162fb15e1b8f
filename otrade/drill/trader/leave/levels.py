"""Prices of an exit, with a pencil: a stop is rounded to the tick towards the entry (a smaller
loss), a target away from it, a limit through the market.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otrade.drill.trader.said import on_tick
from otrade.drill.trader.terms import ATR, E4, distance, through


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Prices between these, both included."""

    low_e4: int
    high_e4: int

    def holds(self, price_e4: int) -> bool:
        return self.low_e4 <= price_e4 <= self.high_e4

    @property
    def words(self) -> str:
        if self.low_e4 == self.high_e4:
            return f"{self.low_e4 / E4:.2f}"
        return f"{self.low_e4 / E4:.2f} to {self.high_e4 / E4:.2f}"


def stop_trigger(from_e4: int, side: int, distance_e4: int, tick_e4: int) -> int:
    """So far behind a price, rounded towards it, and a tick away from it at least."""
    trigger_e4 = on_tick(from_e4 - side * distance_e4, tick_e4, side)
    if side * (from_e4 - trigger_e4) < tick_e4:
        trigger_e4 = on_tick(from_e4 - side * tick_e4, tick_e4, -side)
    return max(trigger_e4, tick_e4)


def target_price(entry_e4: int, side: int, distance_e4: int, tick_e4: int) -> int:
    return max(on_tick(entry_e4 + side * distance_e4, tick_e4, side), tick_e4)


def first_triggers(
    plan: Mapping[str, Any], side: int, averages: PriceRange, seen: PriceRange, tick_e4: int
) -> PriceRange | None:
    """Where a stop that has not trailed may stand. Its distance is of the price at which the entry
    was sent (`seen`), and is taken from what was paid (`averages`). None: nobody can say.
    """
    if at_e4 := plan.get("stop_at_e4", 0):  # a price stays where it is
        return PriceRange(at_e4, at_e4)
    if plan["stop_kind"] == ATR:
        return None
    near_e4, far_e4 = (
        distance(plan["stop_kind"], plan["stop_value"], price_e4, 0.0)
        for price_e4 in (seen.low_e4, seen.high_e4)
    )
    found = [
        stop_trigger(from_e4, side, distance_e4, tick_e4)
        for from_e4 in (averages.low_e4, averages.high_e4)
        for distance_e4 in (near_e4, far_e4)
    ]
    return PriceRange(min(found), max(found))


def targets(
    plan: Mapping[str, Any], side: int, averages: PriceRange, tick_e4: int
) -> PriceRange | None:
    """Where a target may stand. None: the plan has none, or nobody can say."""
    if at_e4 := plan.get("target_at_e4", 0):
        return PriceRange(at_e4, at_e4)
    if not plan["target_kind"] or plan["target_kind"] == ATR:
        return None
    found = [
        target_price(
            entry_e4, side, distance(plan["target_kind"], plan["target_value"], entry_e4, 0.0), tick_e4
        )
        for entry_e4 in (averages.low_e4, averages.high_e4)
    ]  # fmt: skip
    return PriceRange(min(found), max(found))


def trailed_trigger(
    plan: Mapping[str, Any], side: int, best_e4: int, entry_e4: int, tick_e4: int
) -> int:
    """The stop behind the best price that was seen; the distance is of what was paid."""
    distance_e4 = distance(plan["trail_kind"], plan["trail_value"], entry_e4, 0.0)
    return stop_trigger(best_e4, side, distance_e4, tick_e4)


def may_trail(plan: Mapping[str, Any], side: int, best_e4: int, entry_e4: int) -> bool:
    """Has price gone as far from the entry as the plan asks before the stop follows?"""
    from_value = plan.get("trail_from_value", 0)
    begins_e4 = side * distance(plan["trail_kind"], from_value, entry_e4, 0.0)
    return not from_value or (best_e4 - entry_e4 - begins_e4) * side >= 0


def stop_limit(plan: Mapping[str, Any], side: int, trigger_e4: int, tick_e4: int) -> int:
    """The limit of a stop, through its trigger."""
    return through(trigger_e4, -side, plan["stop_limit_bps"], tick_e4)


def ladder(plan: Mapping[str, Any], side: int, touch_e4: int, tick_e4: int) -> set[int]:
    """Every step's price of a way out from this touch."""
    return {
        through(touch_e4, -side, plan["ladder_start_bps"] + plan["ladder_step_bps"] * step, tick_e4)
        for step in range(int(plan["ladder_max_steps"]) + 1)
    }
