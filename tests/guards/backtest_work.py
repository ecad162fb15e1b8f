"""A day of ticks and one of bars in one backtest's memory, to be counted: `python -m tests.guards.backtest_work`."""

from __future__ import annotations

import numpy as np

from bench.research.otrade_day import TickBench
from bench.research.rules import BAR_S, OPEN_NS, SESSION_NS, make_day
from tests.guards.counting import BARS, TICKS

TICKS_A_BAR = 100
BAR_NS = BAR_S * 1_000_000_000


def main() -> None:
    bench = TickBench(make_day(TICKS, seed=7, tick_ns=SESSION_NS // 5_000_000))
    _, of_ticks = bench.run()
    day = make_day(BARS * TICKS_A_BAR, seed=7)
    paths = day.px_e4.reshape(BARS, TICKS_A_BAR)
    bench.loop.set_bars(
        0,
        OPEN_NS + np.arange(BARS, dtype=np.int64) * BAR_NS,
        np.ascontiguousarray(paths[:, 0]),
        paths.max(axis=1),
        paths.min(axis=1),
        np.ascontiguousarray(paths[:, -1]),
        day.qty.reshape(BARS, TICKS_A_BAR).sum(axis=1),
        BAR_NS,
    )
    _, of_bars = bench.run()
    assert len(of_ticks) >= 2 and len(of_bars) >= 2, "nothing was traded"


if __name__ == "__main__":
    main()
