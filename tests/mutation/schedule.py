"""What each mutant is tried with: the tests that reach its place, quickest first, then seeds of the
drill that do."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.mutation.sites import Site


@dataclass(frozen=True)
class Reach:
    """A test, or a seed of the drill: how long it takes, and which mutants' places it comes by."""

    step: str
    seconds: float
    reached: frozenset[int]

    @property
    def limit_s(self) -> float:
        """After it, a mutant is an endless loop; another program on the machine is not."""
        return 10.0 + 10.0 * self.seconds


def reaching(number: int, reaches: Iterable[Reach], budget_s: float) -> list[Reach]:
    """What comes by this mutant's place, quickest first, while the time lasts."""
    found = []
    for one in sorted((r for r in reaches if number in r.reached), key=lambda r: r.seconds):
        budget_s -= one.seconds
        if budget_s < 0 and found:
            break
        found.append(one)
    return found


def sample(sites: Sequence[tuple[int, Site]], size: int, seed: int) -> list[tuple[int, Site]]:
    """So many of them, in the order in which they are tried: one at least of each file and operator,
    the others as they come.
    """
    drawn = random.Random(seed)
    shuffled = list(sites)
    drawn.shuffle(shuffled)
    kinds: set[tuple[str, str]] = set()
    first, others = [], []
    for number, site in shuffled:
        kind = site.file, site.operator
        (others if kind in kinds else first).append((number, site))
        kinds.add(kind)
    found = [*first, *others][:size]
    drawn.shuffle(found)
    return found
