"""A backtest's memory does not grow with its days: what a child has needed at most, half-way and at the end."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

from otrade.calendar import Calendar
from otrade.research.backtest.past_calendar import with_the_past
from tests.research.backtest import worlds

DAYS, FEW = 140, 70
"""More than are kept for warm starts, so that whatever is bounded has reached its bound."""
GROWS_AT_MOST_KIB = 6 * 1024
"""What allocators round up. A day that were kept would be that much in a few days."""
CHILD = """
import datetime as dt, sys
from pathlib import Path
from otrade.calendar import Calendar
from otrade.research.backtest.backtest import Backtest, BacktestWish
from tests.research.backtest import worlds

def peak():
    row = next(row for row in open("/proc/self/status") if row.startswith("VmHWM"))
    return int(row.split()[1])

folder, first, last = Path(sys.argv[1]), *map(dt.date.fromisoformat, sys.argv[2:])
made = worlds.config([worlds.strategy("a", "NSE:INFY")], folder / "var")
wish = BacktestWish(config=made, first=first, last=last, data=folder / "data", out=folder / "result")
peaks = []
report = Backtest(wish, Calendar.load()).run(lambda day: peaks.append(peak()))
print(report.days, report.trades, *peaks, peak())
"""


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    calendar = with_the_past(Calendar.load())
    days = [worlds.DAYS[0]]
    while len(days) < DAYS:
        date = days[-1] + dt.timedelta(days=1)
        while calendar.session("cash", date) is None:
            date += dt.timedelta(days=1)
        days.append(date)
    worlds.archive(tmp_path / "data", days=days)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path, f"{days[0]}", f"{days[-1]}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},  # Arrow's own keeps what is free
    )
    n_days, trades, *peaks = map(int, done.stdout.split())
    print(f"after {FEW} days {peaks[FEW - 1]} KiB, after {DAYS} {peaks[-1]} KiB")
    assert n_days == DAYS == len(peaks) - 1 and trades > 5 * DAYS
    assert peaks[-1] - peaks[FEW - 1] < GROWS_AT_MOST_KIB
