"""Strategies that a journal names by their build, made known to the core from the source that it keeps:
a replay of last month runs last month's strategy.
"""

from pathlib import Path

from otrade._core.cpu_check import CPU
from otrade._core.market.strategy import find_with, register
from otrade.errors import StrategyError
from otrade.strategy.build.builder import build
from otrade.strategy.build.library import find
from otrade.strategy.check.file import read_source
from otrade.strategy.loader import load


def find_kept(journal: Path, *, may_compile: bool) -> None:
    """From now on in this process, what this journal names is looked for among the libraries of its
    engine, and compiled where it `may_compile` and none is left. Whether that decides the same is
    what a replay tells. A start of an engine has loaded its own, and needs nothing of this.
    """
    folder = journal.parent.parent / "strategies"

    def find_one(build_id: str, source: str) -> None:
        spec = read_source(f"{build_id} of {journal.name}", source.encode())
        library = build([spec], folder)[0] if may_compile else find(folder, spec, CPU)
        if library is None:
            raise StrategyError(
                f"{spec.name} of {journal.name} is not compiled here any more: `otrade replay {journal}` compiles it"
            )
        register(load(library).compiled._replace(build=build_id))

    find_with(find_one)
