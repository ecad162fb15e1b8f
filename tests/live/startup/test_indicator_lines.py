"""Indicators by bar from a start to the chart: with history, after a restart, and of an engine that
comes late, each against a pencil on the exchange's own trades.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from otrade.contract.queries import IndicatorLine, IndicatorSeries
from otrade.live.monitoring.indicator_history import indicators_of
from tests.harness.simulated_day import MINUTE, SECOND, SimulatedDay
from tests.live.startup.test_warm_start import DATE, closes_of, ema, ended, in_world, started

SESSIONS = {
    "file": [dt.date(2026, 11, 18), dt.date(2026, 11, 19)],
    "cross": [dt.date(2026, 11, 19)],
}
"""A file is fed more of them: nobody knows how much it needs."""
PERIODS = {"fast_period": 3, "slow_period": 8}
FILE = {"kind": "file", "file": "ema_crossover.py", "params": PERIODS}
either = pytest.mark.parametrize("given", [FILE, {}], ids=["file", "kind"])


def lines_of(prepared: Any, since_ms: int = 0) -> tuple[IndicatorSeries, dict[str, IndicatorLine]]:
    [series] = indicators_of(prepared.day.plan, 0, since_ms)
    return series, {line.indicator: line for line in series.lines}


def earlier(here: SimulatedDay, given: dict[str, Any]) -> list[float]:
    days = SESSIONS["file" if given else "cross"]
    return [close for day in days for close in closes_of(here, day)]


def check(prepared: Any, closes: list[float]) -> IndicatorSeries:
    series, lines = lines_of(prepared)
    assert {name: line.label for name, line in lines.items()} == {"fast": "EMA 3", "slow": "EMA 8"}
    assert {line.pane for line in lines.values()} == {""}
    assert len(series.ts_ms) == len(series.end_ms) == len(closes)
    for name, period in (("fast", 3), ("slow", 8)):
        values = lines[name].values
        for n, value in enumerate(values, 1):
            if value is None:
                assert n < 8, "a gap in the warm-up, and nowhere else"
            else:
                assert value == pytest.approx(ema(closes[:n], period), rel=1e-12)
        assert values[0] is None and values[7] is not None
    return series


@either
def test_they_begin_with_history_and_a_restart_has_the_same(
    given: dict[str, Any], tmp_path: Path
) -> None:
    async def work(here: SimulatedDay) -> None:
        first, _ = await started(here, tmp_path, **given)
        before = check(first, earlier(here, given))
        after = lines_of(first, before.end_ms[-4])[0]
        assert after.ts_ms == before.ts_ms[-3:] and len(after.lines[0].values) == 3
        ended(first, here.now_ns)
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        again, said = await started(here, tmp_path, **given)
        assert said == [] and lines_of(again)[0] == before, "out of the journal, bit for bit"
        ended(again, here.now_ns)

    in_world(work)


@either
def test_who_comes_late_has_the_days_bars_too(given: dict[str, Any], tmp_path: Path) -> None:
    async def work(here: SimulatedDay) -> None:
        await here.sim.run_until(here.at("11:07") + 20 * SECOND)
        prepared, _ = await started(here, tmp_path, **given)
        closes = earlier(here, given) + closes_of(here, DATE, 112)
        series = check(prepared, closes)
        assert series.end_ms[-1] == here.at("11:07") // 1_000_000
        assert series.ts_ms[-1] == series.end_ms[-1] - MINUTE // 1_000_000
        ended(prepared, here.now_ns)

    in_world(work)
