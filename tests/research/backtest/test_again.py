"""Core and exchange go back to the day's beginning without a new allocation, so that a sweep is a loop."""

from __future__ import annotations

import resource

from bench.research.otrade_day import TickBench
from bench.research.rules import make_day

TICKS = 200_000


def test_a_day_runs_again_from_the_same_memory() -> None:
    bench = TickBench(make_day(TICKS, seed=11))
    _, first = bench.run()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        _, again = bench.run()
        assert again == first
    assert len(first) > 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4_096  # KiB
    assert bench.loop.n_ticks == TICKS
