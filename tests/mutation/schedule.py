"""What each mutant is tried with: the tests that reach its place, quickest first, then seeds of the
drill that do."""

from __future__ import annotations

import hashlib
from collections import Counter
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
    """What comes by this mutant's place, while the time lasts. Three quarters of it for the quickest,
    one case of each test before its others; then those that come by most places (lives of many
    events, whose end is looked at as a whole). One at least.
    """
    rest = sorted((r for r in reaches if number in r.reached), key=lambda r: r.seconds)
    cases: Counter[str] = Counter()
    turns = {}
    for one in rest:
        test = one.step.partition("[")[0]
        turns[one.step] = cases[test]
        cases[test] += 1
    rest.sort(key=lambda r: (turns[r.step], r.seconds))
    found: list[Reach] = []
    left_s = budget_s * 3 / 4
    for one in rest:
        left_s -= one.seconds
        if left_s < 0 and found:
            break
        found.append(one)
    left_s = budget_s / 4
    for one in sorted(rest[len(found) :], key=lambda r: -len(r.reached)):
        if one.seconds <= left_s:
            left_s -= one.seconds
            found.append(one)
    return found


def sample(sites: Sequence[tuple[int, Site]], size: int, seed: int) -> list[tuple[int, Site]]:
    """So many of them, in the order in which they are tried: one at least of each file and operator,
    the others as they come. A mutant's turn hangs on its name alone, so that the sample stays when
    other mutants come and go.
    """

    def turn(numbered: tuple[int, Site]) -> bytes:
        return hashlib.sha256(f"{seed} {numbered[1].name}".encode()).digest()

    kinds: set[tuple[str, str]] = set()
    first, others = [], []
    for number, site in sorted(sites, key=turn):
        kind = site.file, site.operator
        (others if kind in kinds else first).append((number, site))
        kinds.add(kind)
    return sorted([*first, *others][:size], key=turn)
