"""The table of planted bugs follows the code: each text stands once where it says, and is changed
by what is planted.
"""

from __future__ import annotations

import pytest

from tests.drill.mutants import HARMLESS, MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_its_text_stands_once(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has it {text.count(mutant.old)} times"
    assert mutant.new != mutant.old and mutant.wrong


def test_names_are_unique_and_enough_are_to_be_caught() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names)) and set(HARMLESS) <= set(names)
    assert len(names) - len(HARMLESS) >= 15
