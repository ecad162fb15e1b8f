"""Money and bracket prices against exact fractions, written from what the docstrings promise, and
against tables worked by hand.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.kernels import kernel_run

TICKS = st.sampled_from([1, 25, 100, 500, 1_000, 5_000, 10_000, 50_000])
PRICES = st.integers(1, 20_000_000_000)
SIDES = st.sampled_from([1, -1])
steady = settings(
    derandomize=True,
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def k(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return kernel_run.load(Path(tmp_path_factory.mktemp("kernels")))


def up(x: Fraction, tick: int) -> int:
    return math.ceil(x / tick) * tick


def down(x: Fraction, tick: int) -> int:
    return math.floor(x / tick) * tick


def inwards(x: Fraction, tick: int, side: int) -> int:
    """Towards higher prices for side +1, lower for -1."""
    return up(x, tick) if side > 0 else down(x, tick)


@steady
@given(px=PRICES, tick=TICKS, direction=st.sampled_from([-1, 0, 1]))
def test_round_tick(k: Any, px: int, tick: int, direction: int) -> None:
    exact = Fraction(px)
    want = {
        -1: down(exact, tick),
        1: up(exact, tick),
        0: math.floor(exact / tick + Fraction(1, 2)) * tick,
    }[direction]
    assert k["otk_round_tick"](px, tick, direction) == want


@steady
@given(entry=PRICES, side=SIDES, distance=st.integers(0, 10**9), tick=TICKS)
def test_stop_and_target(k: Any, entry: int, side: int, distance: int, tick: int) -> None:
    stop, target = (
        k["otk_stop_price"](entry, side, distance, tick),
        k["otk_target_price"](entry, side, distance, tick),
    )
    if distance == 0:
        assert stop == target == 0
        return
    assert stop % tick == 0 and target % tick == 0 and stop >= tick and target >= tick
    raw_stop, raw_target = Fraction(entry - side * distance), Fraction(entry + side * distance)
    want_stop = inwards(raw_stop, tick, side)
    if side * (entry - want_stop) < tick:  # a tick away at least
        want_stop = inwards(Fraction(entry - side * tick), tick, -side)
    assert stop == max(want_stop, tick)
    assert target == max(inwards(raw_target, tick, side), tick)
    # What it is for: the loss is never larger than asked (a tick excepted), the profit never
    # smaller.
    if stop > tick:
        assert side * (entry - stop) <= max(distance, 2 * tick)
    if target > tick:
        assert side * (target - entry) >= distance


@steady
@given(px=st.integers(10_000, 2_000_000_000), side=SIDES, bps=st.integers(0, 20_000), tick=TICKS)
def test_limit_through(k: Any, px: int, side: int, bps: int, tick: int) -> None:
    bps_value = bps / 10
    exact = px * (1 + side * Fraction(bps, 100_000))
    want = max(inwards(exact, tick, side), tick)
    got = k["otk_limit_through"](px, side, bps_value, tick)
    # one float multiplication may land a hair beside a tick: then it is the next tick out, never in
    assert got == want or got == want + side * tick
    assert got != want + side * tick or abs(exact - inwards(exact, tick, side)) < Fraction(1, 100)


@steady
@given(
    side=SIDES,
    best=st.integers(100_000, 10**9),
    stop=st.integers(50_000, 10**9),
    distance=st.integers(0, 50_000),
    step=st.integers(0, 20_000),
    tick=TICKS,
)
def test_trail_stop_never_moves_back(
    k: Any, side: int, best: int, stop: int, distance: int, step: int, tick: int
) -> None:
    got = k["otk_trail_stop"](side, best, stop, distance, step, tick)
    wanted = k["otk_stop_price"](best, side, distance, tick)
    gain = side * (wanted - stop)
    assert got == (wanted if distance > 0 and gain > 0 and gain >= step else stop)
    assert side * (got - stop) >= 0


@steady
@given(
    mode=st.sampled_from([0, 1, 2]),
    value=st.integers(0, 10**8),
    px=st.integers(100, 10**9),
    distance=st.integers(0, 10**7),
    lot=st.sampled_from([1, 25, 65, 75]),
    cap=st.sampled_from([0, 10, 1_000]),
    multiplier=st.sampled_from([1, 100]),
)
def test_size_qty(
    k: Any, mode: int, value: int, px: int, distance: int, lot: int, cap: int, multiplier: int
) -> None:
    unit = {
        0: Fraction(1),
        1: Fraction(px * multiplier, 10_000),
        2: Fraction(distance * multiplier, 10_000),
    }[mode]
    want = math.floor(value / unit) if unit > 0 else 0
    want = min(want, cap) if cap else want
    got = k["otk_size_qty"](mode, float(value), px, distance, lot, cap, multiplier)
    assert got == want // lot * lot
    assert got % lot == 0 and got * unit <= value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, 1e15])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_a_size_that_nobody_means_is_none(k: Any, mode: int, value: float) -> None:
    assert k["otk_size_qty"](mode, value, 10_000, 10_000, 1, 0, 1) == 0


@steady
@given(
    fills=st.lists(
        st.tuples(SIDES, st.integers(1, 5_000), st.integers(100, 10**8)), min_size=1, max_size=20
    ),
    mark=st.integers(100, 10**8),
    multiplier=st.sampled_from([1, 100]),
)
def test_profit_is_the_sum_of_cash_flows(
    k: Any, fills: list[tuple[int, int, int]], mark: int, multiplier: int
) -> None:
    bought = sum(q * px for side, q, px in fills if side > 0)
    sold = sum(q * px for side, q, px in fills if side < 0)
    net = sum(side * q for side, q, _ in fills)
    each = (
        sum((mark - px) * side * q for side, q, px in fills) * multiplier
    )  # every fill marked by itself
    assert k["otk_pnl_e4"](sold, bought, net, mark, multiplier) == each


@pytest.mark.parametrize(
    ("kernel", "args", "want"),
    [
        ("otk_distance_e4", (1, 50.0, 15_000_000, 0.0), 75_000),  # 50 bps of 1500 is 7.50
        ("otk_distance_e4", (2, 2.35, 1, 0.0), 23_500),
        ("otk_distance_e4", (3, 2.5, 1, 4.2), 105_000),
        ("otk_distance_e4", (0, 9.0, 1, 9.0), 0),
        ("otk_distance_e4", (2, -1.0, 1, 0.0), 0),
        ("otk_distance_e4", (3, 1.0, 1, float("nan")), 0),
        ("otk_stop_price", (15_003_000, 1, 75_000, 500), 14_928_000),
        (
            "otk_stop_price",
            (15_003_200, 1, 75_000, 500),
            14_928_500,
        ),  # 1492.82 -> 1492.85, towards the entry
        ("otk_stop_price", (15_003_200, -1, 75_000, 500), 15_078_000),  # 1507.82 -> 1507.80
        ("otk_stop_price", (15_003_000, 1, 100, 500), 15_002_500),  # a tick at least
        ("otk_target_price", (15_003_200, 1, 75_000, 500), 15_078_500),
        ("otk_target_price", (15_003_200, -1, 75_000, 500), 14_928_000),
        ("otk_limit_through", (10_000_000, 1, 5.0, 500), 10_005_000),
        ("otk_limit_through", (10_000_500, 1, 5.0, 500), 10_006_000),
        ("otk_limit_through", (10_000_500, -1, 5.0, 500), 9_995_000),
        ("otk_limit_through", (600, -1, 9_999.0, 500), 500),
        ("otk_size_qty", (0, 100.0, 1, 1, 75, 0, 1), 75),
        ("otk_size_qty", (1, 100_000.0, 14_800_000, 1, 1, 0, 1), 67),  # 67 * 1480 = 99,160
        ("otk_size_qty", (2, 500.0, 1, 37_500, 1, 0, 1), 133),  # 133 * 3.75 = 498.75
        ("otk_size_qty", (2, 500.0, 1, 37_500, 75, 0, 1), 75),
        ("otk_size_qty", (2, 100.0, 1, 37_500, 75, 0, 1), 0),
        ("otk_pnl_e4", (10 * 15_100_000, 10 * 15_000_000, 0, 1, 1), 1_000_000),
    ],
)
def test_by_hand(k: Any, kernel: str, args: tuple[Any, ...], want: int) -> None:
    assert k[kernel](*args) == want
