"""Ratios equal to those of empyrical-reloaded, over random returns and over the edges."""

from __future__ import annotations

import math
import random

import empyrical
import numpy as np
import pytest

from otrade.research.report.ratios import (
    annual_return,
    calmar,
    max_drawdown,
    returns_of,
    sharpe,
    sortino,
)

PAIRS = [
    (sharpe, empyrical.sharpe_ratio),
    (sortino, empyrical.sortino_ratio),
    (annual_return, empyrical.annual_return),
    (max_drawdown, empyrical.max_drawdown),
    (calmar, empyrical.calmar_ratio),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("seed", range(12))
def test_ratios_are_those_of_empyrical(ours, theirs, seed: int) -> None:  # type: ignore[no-untyped-def]
    draw = random.Random(seed)
    n = draw.choice((2, 3, 20, 250, 1_000))
    returns = [draw.gauss(draw.uniform(-0.002, 0.002), 0.01) for _ in range(n)]
    if seed % 3 == 0:
        returns = [one if draw.random() < 0.6 else 0.0 for one in returns]
    expected = float(theirs(np.array(returns)))
    found = ours(returns)
    if not math.isfinite(expected):
        assert found is None, f"seed {seed}"
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), f"seed {seed}"


@pytest.mark.parametrize(
    "returns", [[], [0.01], [0.01, 0.01], [0.01, 0.02], [0.0, 0.0], [-0.01, 0.02]]
)
def test_what_is_not_defined_is_none(returns: list[float]) -> None:
    for ours, theirs in PAIRS:
        if not returns and ours is max_drawdown:
            continue  # theirs is NaN; nothing has fallen
        with np.errstate(all="ignore"):
            expected = float(theirs(np.array(returns)))
        found = ours(returns)
        if found is not None:
            assert found == pytest.approx(expected), ours.__name__
        else:
            # Theirs: NaN, or infinite where nothing is below 0.
            assert not math.isfinite(expected) or returns == [0.01, 0.01], ours.__name__


def test_returns_are_of_what_the_account_held() -> None:
    found = returns_of([1_000, -1_100, 0], 10_000)
    assert found == [0.1, -0.1, 0.0]
    assert math.prod(1 + one for one in found) == pytest.approx(9_900 / 10_000)


@pytest.mark.parametrize(
    ("nets", "capital"), [([1], None), ([1], 0), ([1, None], 100), ([-100, 5], 100)]
)
def test_returns_that_nobody_knows(nets: list[int | None], capital: int | None) -> None:
    assert returns_of(nets, capital) is None
