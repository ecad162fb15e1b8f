"""Compiled strategies are kept in build/strategies by hash: what has not changed is compiled once."""

from pathlib import Path

import pytest

from otrade.strategy.build.builder import build
from otrade.strategy.build.library import Library
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "strategies").glob("*.py"))
BUILT_IN = list(kinds().values())
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.py"))
KEPT = ROOT / "build" / "strategies"


@pytest.fixture(scope="session")
def compiled() -> dict[str, Library]:
    """Every example, every kind that is built in and every file of the corpus, by the file's name."""
    paths = [*EXAMPLES, *BUILT_IN, *CORPUS]
    libraries = build([read(path) for path in paths], KEPT)
    return {path.stem: library for path, library in zip(paths, libraries, strict=True)}
