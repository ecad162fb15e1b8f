"""Strategy files under the fault drill: each shipped file in sessions of its own, calm and with every
trouble, judged by the trader's own reading of it; and a configuration that names them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from otrade.cli.commands.drill import strategies_of
from otrade.drill import campaign
from otrade.drill.draws.files import FILES
from otrade.drill.scenario import Scenario, draw
from otrade.drill.starts.strategy_files import SHIPPED
from otrade.drill.trader.reading.examples import EXAMPLES
from otrade.drill.trouble import TROUBLES
from otrade.errors import ConfigError

ROOT = Path(__file__).parents[2]
CALM = (4, 7, 13, 24, 36, 41, 60, 77)
"""Seeds whose sessions enter most: one of each file, with nothing going wrong."""
WARMED = 71
"""A seed whose files begin with the bars of the sessions before."""
TROUBLED = (13, 83, 90, 211, 366)
"""In the last one a timer beats twice between two bars, and decides each time."""


def files_of(scenario: Scenario) -> list[str]:
    return [strategy.file for strategy in scenario.strategies if strategy.file]


def test_each_shipped_file_is_read_and_drawn() -> None:
    assert set(FILES) == set(EXAMPLES) == {path.name for path in SHIPPED.glob("*.py")}
    drawn = Counter(file for seed in range(400) for file in files_of(draw(seed, list(TROUBLES))))
    assert set(drawn) == set(FILES)


def test_bars_of_the_past_feed_them_too() -> None:
    """In bars of whole minutes, their own and the slower ones."""
    told = [one for seed in range(200) if (one := draw(seed, [])).history.answer]
    ours = [strategy for one in told for strategy in one.strategies if strategy.file]
    assert {strategy.interval_s for strategy in ours} == {60}
    assert {strategy.further_s for strategy in ours} == {(), (180,)}
    scenario = draw(WARMED, [])
    result = campaign.attempt(scenario)
    assert files_of(scenario) and scenario.history.answer == "whole"
    assert not result.error and result.n_entries_expected


@pytest.mark.parametrize("seed", CALM)
def test_calm_sessions_are_without_violation(seed: int) -> None:
    scenario = replace(draw(seed, []), events=[])
    result = campaign.attempt(scenario)
    print(f"seed {seed}: {files_of(scenario)}, {result.n_entries_expected} entered")
    assert not result.error, result.error
    assert files_of(scenario) and result.n_entries_expected


def test_calm_sessions_hold_each_file() -> None:
    assert {file for seed in CALM for file in files_of(draw(seed, []))} == set(FILES)


@pytest.mark.parametrize("seed", TROUBLED)
def test_sessions_with_every_trouble_are_without_violation(seed: int) -> None:
    scenario = draw(seed, list(TROUBLES))
    result = campaign.attempt(scenario)
    print(f"seed {seed}: {files_of(scenario)}, {[event.kind for event in scenario.events]}")
    assert files_of(scenario) and not result.error, result.error


def configured(folder: Path, file: str, **more: object) -> Path:
    path = folder / "config.json"
    strategy = {
        "kind": "file",
        "name": "mine",
        "file": file,
        "instrument": "NSE:INFY",
        "sizing": {"mode": "risk", "value": 500},
        "bracket": {"stop": {"kind": "pct", "value": 0.5}},
        **more,
    }
    plain = orjson.loads((ROOT / "config" / "paper.json").read_bytes())
    path.write_bytes(
        orjson.dumps({**plain, "paths": {"strategies": str(SHIPPED)}, "strategies": [strategy]})
    )
    return path


def test_a_configuration_with_files_can_be_drilled(tmp_path: Path) -> None:
    """A kind with several bar lengths, stops of its own and fills that it hears of."""
    params = {"period": 3, "low": 45, "high": 55, "trend_period": 2, "stop": 0.2}
    path = configured(tmp_path, "rsi_reversion.py", params=params, bar_s=30)
    (strategy,) = strategies_of(path)
    assert strategy.further_s == (900,) and strategy.params == {**params, "rest": 3}
    scenario = replace(draw(1, ["kill"], [replace(strategy, further_s=(120,))]), minutes=20)
    result = campaign.attempt(scenario)
    assert not result.error, result.error
    assert result.n_entries_expected


def test_a_file_that_the_judge_cannot_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unchanged"):
        changed = tmp_path / "opening_range.py"
        changed.write_bytes((SHIPPED / "opening_range.py").read_bytes() + b"\n# mine\n")
        path = configured(tmp_path, "opening_range.py")
        path.write_bytes(path.read_bytes().replace(str(SHIPPED).encode(), str(tmp_path).encode()))
        strategies_of(path)
