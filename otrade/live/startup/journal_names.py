"""What the journal is told of names: strategies, instruments, and whose charges hold."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from otrade.brokers.registry import BROKERS
from otrade.config.schema import Config
from otrade.journal.day_names import DayNames, NamedInstrument, NamedStrategy
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import CompiledSpec


def names_of(plan: DayPlan, config: Config, compiled: Mapping[str, CompiledSpec]) -> DayNames:
    return DayNames(
        config.broker.kind,
        BROKERS[config.broker.kind].price_plans[config.broker.plan],
        str(Path(config.paths.charges).absolute()) if config.paths.charges else "",
        [
            NamedStrategy(one.name, one.kind, _sha256(compiled.get(one.name)))
            for one in plan.strategies
        ],
        [NamedInstrument(one.name, one.product, one.segment, one.root) for one in plan.instruments],
    )


def _sha256(compiled: CompiledSpec | None) -> str | None:
    return None if compiled is None else hashlib.sha256(compiled.source.encode()).hexdigest()
