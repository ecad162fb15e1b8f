"""A short run of the fuzzer, and that it finds what it looks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from otrade.strategy.indicators.registry import HELPERS
from tests.strategy import fuzz

MUTANTS, SECONDS = 6, 90.0


def test_some_mutants_run_both_ways() -> None:
    print("seed 7000")
    tally = fuzz.fuzz(7_000, SECONDS, MUTANTS)
    assert not [word for word in tally if word.startswith("HOLE")]
    assert tally["equal"] and tally["refused by the check"]


def test_a_mutant_is_its_seeds_alone() -> None:
    good = (fuzz.ROOT / "strategies" / "opening_range.py").read_text()
    texts = [fuzz.Mutator(seed, good).text() for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_difference_is_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: plain Python's `ratio` is changed, and the compiled one is not."""
    monkeypatch.setattr(type(HELPERS["ratio"]), "word", property(lambda _: lambda a, b, o: a))
    text = (fuzz.ROOT / "strategies" / "vwap_reversion.py").read_text()
    compiler = fuzz.CompilerProcess(tmp_path)
    try:
        assert fuzz.judged(1, text, compiler).startswith("HOLE: ")
    finally:
        compiler.close()
