"""The shipped strategy files, compiled once on a machine and loaded once in a process."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import otrade
from otrade._core.market.strategy import register
from otrade.errors import StrategyError
from otrade.live.plan.engine_builder import CompiledSpec
from otrade.strategy.build.builder import build
from otrade.strategy.check.file import read
from otrade.strategy.loader import LoadedStrategy, load

TREE = Path(otrade.__file__).parents[1]
SHIPPED = TREE / "strategies"
BUILT = TREE / "build" / "strategies"


def prepare(files: tuple[str, ...]) -> None:
    """Compile those that are not. StrategyError where there is no compiler, or where they are not: they
    stand in the source tree, and no wheel has them.
    """
    if not SHIPPED.is_dir():
        raise StrategyError(f"{SHIPPED}: not there; run the drill in the source tree instead")
    build([read(SHIPPED / file) for file in files], BUILT)


@cache
def loaded(file: str) -> LoadedStrategy:
    """Known to the core from then on."""
    (library,) = build([read(SHIPPED / file)], BUILT)
    found = load(library)
    register(found.compiled)
    return found


def compiled(file: str, params: Mapping[str, float], further_s: tuple[int, ...]) -> CompiledSpec:
    """One use of a file: its own parameters, and bars of the lengths that were drawn."""
    found = loaded(file)
    if len(further_s) != len(found.spec.bars):
        raise StrategyError(f"{file}: sees {len(found.spec.bars)} further lengths of bars")
    return CompiledSpec(
        found.compiled.build,
        found.params(params),
        further_s,
        found.compiled.reasons,
        found.spec.source.decode(),
    )
