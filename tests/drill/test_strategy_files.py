"""A strategy file under the fault drill: every plain EMA cross by bars is run from
`strategies/ema_crossover.py`, and judged by the trader's own EMA cross.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade._core.market.strategy import register
from otrade.drill import session
from otrade.drill.campaign import one
from otrade.drill.trouble import TROUBLES
from otrade.live.plan.engine_builder import CompiledSpec, StrategySpec
from otrade.strategy.build.builder import build
from otrade.strategy.check.file import read
from otrade.strategy.loader import LoadedStrategy, load

ROOT = Path(__file__).parents[2]
ATR = 3
SEEDS = (5_013, 5_021, 5_048, 5_066, 5_074, 5_091, 5_093, 5_096)
"""Of the first hundred from 5,000 those with most of them and most troubles."""


@pytest.fixture(scope="module")
def crossover() -> LoadedStrategy:
    (library,) = build(
        [read(ROOT / "strategies" / "ema_crossover.py")], ROOT / "build" / "strategies"
    )
    return load(library)


def is_plain(spec: StrategySpec) -> bool:
    """By bars, both sides, without a filter, and nothing is a multiple of an ATR: as the file is."""
    params, plan = spec.params, spec.plan
    return (
        spec.kind == "ema_cross"
        and params["bar_mode"] == 1
        and params["side_mask"] == 3
        and not any(params.get(name) for name in ("rsi_period", "atr_period", "tod_until_ns"))
        and ATR not in (plan["stop_kind"], plan.get("target_kind"), plan.get("trail_kind"))
    )


def test_sessions_with_strategy_files_are_without_violation(
    monkeypatch: pytest.MonkeyPatch, crossover: LoadedStrategy
) -> None:
    register(crossover.compiled)
    built_in, n_files = session._instrument, 0

    def from_file(sim: Any, scenario: Any, *given: Any) -> Any:
        nonlocal n_files
        spec = built_in(sim, scenario, *given)
        strategies = []
        for strategy in spec.strategies:
            # What fed it nobody but the file knows, and the judge of warm starts asks.
            if is_plain(strategy) and not scenario.history.answer:
                periods = {name: strategy.params[name] for name in ("fast_period", "slow_period")}
                made = CompiledSpec(
                    crossover.compiled.build,
                    crossover.params(periods),
                    (),
                    crossover.compiled.reasons,
                    crossover.spec.source.decode(),
                )
                strategy = msgspec.structs.replace(strategy, compiled=made)
                n_files += 1
            strategies.append(strategy)
        return msgspec.structs.replace(spec, strategies=strategies)

    monkeypatch.setattr(session, "_instrument", from_file)
    for seed in SEEDS:
        before = n_files
        result = one(seed, tuple(TROUBLES))
        print(f"seed {seed}: {n_files - before} from the file; {result.error or 'no violation'}")
        assert not result.error
    assert n_files == 15
