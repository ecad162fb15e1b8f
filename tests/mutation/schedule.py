"""What each mutant is tried with: the tests that reach its place, quickest first, then seeds of the
drill that do."""

from __future__ import annotations

import random
from collections import defaultdict
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
    """So many of them, spread evenly over files and operators: each pair gives one in turn until
    it has no more."""
    drawn = random.Random(seed)
    piles: dict[tuple[str, str], list[tuple[int, Site]]] = defaultdict(list)
    for number, site in sites:
        piles[site.file, site.operator].append((number, site))
    for pile in piles.values():
        drawn.shuffle(pile)
    order = sorted(piles)
    drawn.shuffle(order)
    found: list[tuple[int, Site]] = []
    while len(found) < size and any(piles.values()):
        found.extend(piles[key].pop() for key in order if piles[key])
    return found[:size]
