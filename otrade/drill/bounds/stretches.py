"""How long things took, against how long they were allowed to: by the trouble that was in force."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

TENTH_NS = 100_000_000
NOTHING, SEVERAL = "nothing", "several together"
Stretches = Counter[tuple[str, int, int]]
"""(what was in force, tenths of a second that it took, tenths that were allowed): how often."""


def add_stretch(stretches: Stretches, excuses: Sequence[str], took_ns: int, most_ns: int) -> None:
    kind = NOTHING if not excuses else excuses[0] if len(excuses) == 1 else SEVERAL
    stretches[kind, -(-took_ns // TENTH_NS), most_ns // TENTH_NS] += 1


def stretch_lines(parts: Iterable[Stretches]) -> Iterator[str]:
    """The table of many sessions; empty where nothing was open."""
    rows: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    total = Stretches()
    for part in parts:
        total.update(part)
    for (kind, took, most), n in total.items():
        rows[kind].append((took, most, n))
    if not rows:
        return
    yield "time uncovered, by the trouble in force (seconds; median, nine of ten, worst)"
    yield f"{'':<36}{'times':>8}   {'seen':>20}   {'allowed then':>22}   most of it used"
    order = sorted(rows, key=lambda kind: (kind == SEVERAL, kind != NOTHING, kind))
    for kind in order:
        tooks = [(took, n) for took, _, n in rows[kind]]
        mosts = [(most, n) for _, most, n in rows[kind]]
        used = max(took / most for took, most, _ in rows[kind] if most)
        seen = "  ".join(f"{_at(tooks, part) / 10:.1f}" for part in (0.5, 0.9, 1.0))
        allowed = "  ".join(f"{_at(mosts, part) / 10:.1f}" for part in (0.5, 0.9, 1.0))
        times = sum(n for _, n in tooks)
        yield f"{kind:<36}{times:>8,}   {seen:>20}   {allowed:>22}   {used:>8.0%}"


def _at(values: list[tuple[int, int]], part: float) -> int:
    """The value below which that part of them lies."""
    left = part * sum(n for _, n in values)
    for value, n in sorted(values):
        left -= n
        if left <= 0:
            return value
    return max(values)[0]
