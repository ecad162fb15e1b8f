"""How many bars a chart is shown of each strategy: of few strategies a thousand, of many less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from otrade._core.kernels.strategy_abi import WATCHED_BARS
from otrade.live.plan.day_plan import DayPlan, PlannedStrategy
from otrade.live.plan.kind_lines import lines_of_kind

CROSS = lines_of_kind("ema_cross", {"fast_period": 9, "slow_period": 21})
WIDE = CROSS * 32
"""As many numbers as a file may have."""
SESSION_MINUTES = 375


class Watched:
    """An engine that only hears what is asked of it."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int]] = []
        """Numbers and bars, by strategy."""

    def watch(self, _strategy_id: int, values: Sequence[Any], n_bars: int) -> None:
        self.rows.append((len(values), n_bars))


def watched(n: int, lines: tuple[Any, ...]) -> list[tuple[int, int]]:
    engine = Watched()
    strategies = [PlannedStrategy(f"s{i}", "ema_cross", 0, 60, {}, lines=lines) for i in range(n)]
    DayPlan("2026-11-20", cast(Any, engine), [], strategies).watch_indicators()
    return engine.rows


@pytest.mark.parametrize(
    ("n", "lines", "least", "most_mb"),
    [
        (1, WIDE, WATCHED_BARS, 1),
        (50, CROSS, WATCHED_BARS, 2),
        (1_000, CROSS, SESSION_MINUTES, 16),
        (1_000, WIDE, 30, 17),
    ],
)
def test_memory_is_bounded_over_all_strategies(
    n: int, lines: tuple[Any, ...], least: int, most_mb: int
) -> None:
    rows = watched(n, lines)
    assert len(rows) == n and {bars for _, bars in rows} == {rows[0][1]}
    assert least <= rows[0][1] <= WATCHED_BARS
    assert sum(bars * (2 + numbers) * 8 for numbers, bars in rows) <= most_mb << 20


def test_who_shows_nothing_is_not_watched() -> None:
    assert watched(3, ()) == []
