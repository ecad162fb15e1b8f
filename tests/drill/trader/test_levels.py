"""Prices of exits, each worked out by hand."""

from otrade.drill.trader.leave.levels import (
    PriceRange,
    first_triggers,
    ladder,
    may_trail,
    stop_limit,
    stop_trigger,
    target_price,
    targets,
    trailed_trigger,
)
from otrade.drill.trader.terms import with_atr

PLAN = {
    "stop_kind": 1, "stop_value": 10.0, "target_kind": 1, "target_value": 20.0, "trail_kind": 1, "trail_value": 5.0,
    "stop_limit_bps": 10.0, "ladder_start_bps": 10.0, "ladder_step_bps": 10.0, "ladder_max_steps": 2,
}  # fmt: skip
BUY, SELL, TICK = 1, -1, 500
PAID = 10_000_300
"""1,000.03 rupees."""


def test_a_stop_is_rounded_towards_the_entry_and_a_target_away_from_it() -> None:
    assert stop_trigger(PAID, BUY, 10_000, TICK) == 9_990_500  # 999.03
    assert stop_trigger(PAID, SELL, 10_000, TICK) == 10_010_000  # 1,001.03
    assert target_price(PAID, BUY, 20_001, TICK) == 10_020_500  # 1,002.0301
    assert target_price(PAID, SELL, 20_001, TICK) == 9_980_000  # 998.0299


def test_a_stop_is_a_tick_away_at_least() -> None:
    assert stop_trigger(10_000_000, BUY, 1, TICK) == 9_999_500
    assert stop_trigger(10_000_000, SELL, 1, TICK) == 10_000_500


def test_levels_of_a_plan() -> None:
    paid = PriceRange(10_000_000, 10_000_000)
    assert first_triggers(PLAN, BUY, paid, paid, TICK) == PriceRange(9_990_000, 9_990_000)
    assert first_triggers(PLAN, SELL, paid, paid, TICK) == PriceRange(10_010_000, 10_010_000)
    assert targets(PLAN, BUY, paid, TICK) == PriceRange(10_020_000, 10_020_000)
    assert targets({**PLAN, "target_kind": 0}, BUY, paid, TICK) is None
    assert first_triggers({**PLAN, "stop_kind": 3}, BUY, paid, paid, TICK) is None


def test_a_stop_trails_behind_the_best_price_by_a_share_of_what_was_paid() -> None:
    assert trailed_trigger(PLAN, BUY, 10_100_000, 10_000_000, TICK) == 10_095_000
    assert trailed_trigger(PLAN, SELL, 9_900_000, 10_000_000, TICK) == 9_905_000


def test_limits_go_through_the_market() -> None:
    assert stop_limit(PLAN, BUY, 9_990_000, TICK) == 9_980_000  # 998.001, down
    assert stop_limit(PLAN, SELL, 10_010_000, TICK) == 10_020_500  # 1,002.001, up
    assert ladder(PLAN, BUY, 10_000_000, TICK) == {9_990_000, 9_980_000, 9_970_000}
    assert ladder(PLAN, SELL, 10_000_000, TICK) == {10_010_000, 10_020_000, 10_030_000}


def test_a_trail_begins_at_its_distance_from_the_entry() -> None:
    plan = {"trail_kind": 1, "trail_value": 10.0, "trail_from_value": 30.0}
    assert may_trail(plan, BUY, 10_030_000, 10_000_000)
    assert not may_trail(plan, BUY, 10_029_500, 10_000_000)
    assert may_trail(plan, SELL, 9_970_000, 10_000_000)
    assert not may_trail(plan, SELL, 9_970_500, 10_000_000)
    assert may_trail(PLAN, BUY, 9_000_000, 10_000_000)


def test_multiples_of_an_atr_become_rupees() -> None:
    plan = {
        "stop_kind": 3, "stop_value": 2.0, "target_kind": 3, "target_value": 3.0,
        "trail_kind": 3, "trail_value": 1.0, "trail_step_value": 0.5,
    }  # fmt: skip
    found = with_atr(plan, 1.23456)
    assert (found["stop_kind"], found["stop_value"]) == (2, 2.46912)
    assert found["target_value"] == 3.0 * 1.2346 and found["trail_step_value"] == 0.5 * 1.2346
    assert with_atr(plan, 0.0) == plan
