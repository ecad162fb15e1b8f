"""Two lists of trades of one day, side by side, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from bench.research import rules


class Placed(NamedTuple):
    """A round trip by the ticks at which it happened: one engine keeps times to ten microseconds."""

    side: int
    entry_tick: int
    entry_e4: int
    exit_tick: int
    exit_e4: int
    exit: str


def placed(found: Iterable[Any], tick_ns: int, before_tick: int) -> list[Placed]:
    """Those that have ended before that tick."""
    at = [
        Placed(side, _tick(entry_ns, tick_ns), entry_e4, _tick(exit_ns, tick_ns), exit_e4, reason)
        for side, entry_ns, entry_e4, exit_ns, exit_e4, reason in found
    ]
    return [each for each in at if each.exit_tick < before_tick]


def _tick(ts_ns: int, tick_ns: int) -> int:
    return round((ts_ns - rules.OPEN_NS - rules.BEFORE_FIRST_NS) / tick_ns)


def differences(ours: list[Placed], theirs: list[Placed]) -> tuple[int, Counter[str]]:
    """How many are the same in everything, and how many differ, by what."""
    known = {each.entry_tick: each for each in theirs}
    found: Counter[str] = Counter()
    same = 0
    for one in ours:
        other = known.pop(one.entry_tick, None)
        if other == one:
            same += 1
        elif other is None or other.side != one.side:
            found["only in OTrade"] += 1
        else:
            fields = [n for n in Placed._fields if getattr(one, n) != getattr(other, n)]
            found[", ".join(fields)] += 1
    if known:
        found["only in the peer"] += len(known)
    return same, found
