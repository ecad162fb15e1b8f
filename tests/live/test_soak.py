"""Eight sessions in one process: nothing grows. Counts are asserted, the slope of memory is
printed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path

from otrade.journal.memory import MemoryJournal
from tests.harness.simulated_day import SECOND, run, simulated_day

SESSIONS = 8
WARM = 3
"""Sessions until every cache and table has been made."""


def counts() -> dict[str, int]:
    gc.collect()
    return {
        "file descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
    }


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


async def a_session() -> None:
    """Part of a day, with a death in it."""
    async with simulated_day(seed=5, hours=0.4, journal=MemoryJournal()) as here:
        await here.open()
        await here.run_until(lambda: here.day.engine.n_live > 0)
        await here.restart()
        await here.run_to_end()
        assert here.sim.exchange.net_qty() == {}
        await here.sim.run_until(here.now_ns + SECOND)


def test_eight_sessions_leave_nothing_behind() -> None:
    async def body() -> None:
        seen: list[dict[str, int]] = []
        resident: list[int] = []
        for _ in range(SESSIONS):
            await a_session()
            await asyncio.sleep(0)
            seen.append(counts())
            resident.append(resident_kb())
        slope = (resident[-1] - resident[WARM - 1]) / (SESSIONS - WARM)
        print(f"resident memory {resident} kB, {slope:+.0f} kB a session; counts {seen[-1]}")
        settled = seen[WARM - 1]
        for now in seen[WARM:]:
            for name in ("file descriptors", "threads", "tasks"):
                assert now[name] <= settled[name], f"{name}: {[row[name] for row in seen]}"
            assert now["objects"] <= settled["objects"] * 1.002 + 50, (
                f"objects: {[row['objects'] for row in seen]}"
            )

    run(body())
