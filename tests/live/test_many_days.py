"""A paper run of many days: what a day needs goes with it. Objects are counted, nothing is timed."""

from __future__ import annotations

import datetime as dt
import gc
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from otrade.live import app, paper_mode
from tests.harness.paper_run import CONFIG, write
from tests.live.test_app import trade

DAYS = ("2025-09-01", "2025-09-02", "2025-09-03", "2025-09-04", "2025-09-05")
WARM = 2
"""Days until every cache and table has been made."""
GROWS = {
    "DaySummary": 1,  # a line of the totals
    "Charges": 1,  # in it
    "SplitResult": 1,
    "LatencySummary": 1,
    "Notice": 60,  # a thousand are kept, and no more: `test_board`
}

BLOCKS_A_DAY = 800
"""Of Python's memory, for those lines: numbers and tuples too, which no collector counts."""


def bars(path: Path) -> Path:
    """Twenty minutes a day that cross often."""
    rows = ["time_ist,open,high,low,close"]
    for date in DAYS:
        for minute in range(20):
            px = 1500 + 3 * (minute % 8 if minute % 16 < 8 else 8 - minute % 8)
            time = dt.time(9, 15 + minute)
            rows.append(f"{date} {time},{px},{px + 2},{px - 2},{px + 1}")
    path.write_text("\n".join(rows) + "\n")
    return path


def counts() -> Counter[str]:
    """Of what is ours and alive."""
    gc.collect()
    return Counter(
        type(one).__name__
        for one in gc.get_objects()
        if str(type(one).__module__).startswith("otrade.")
    )


def test_the_fifth_day_keeps_no_more_than_the_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Counter[str]] = []
    blocks: list[int] = []
    run_day = paper_mode._run_day

    async def counted(*args: Any) -> None:
        await run_day(*args)
        seen.append(counts())
        blocks.append(sys.getallocatedblocks())

    monkeypatch.setattr(paper_mode, "_run_day", counted)
    config = write(
        folder, instruments=[{"symbol": "NSE:INFY"}], strategies=[CONFIG["strategies"][0]]
    )
    prices = {"NSE:INFY": bars(folder / "bars.csv")}
    assert trade(config, prices=prices, date=None) == app.EXIT_OK
    print(f"allocated blocks after each day: {blocks}")
    assert len(seen) == len(DAYS)
    assert blocks[-1] - blocks[WARM - 1] <= (len(DAYS) - WARM) * BLOCKS_A_DAY
    more = seen[-1] - seen[WARM - 1]
    allowed = Counter({name: n * (len(DAYS) - WARM) for name, n in GROWS.items()})
    assert not more - allowed, f"{more - allowed} more than after day {WARM}"
