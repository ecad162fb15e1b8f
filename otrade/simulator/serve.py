"""The simulator as a server of its own, for clients in other processes. Time runs with the wall
clock at `cfg.speed`.
"""

import asyncio
import math
from collections.abc import Callable

import msgspec

from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Ports, Simulator


async def serve(cfg: SimConfig, on_ready: Callable[[Simulator, Ports], None] | None = None) -> None:
    """Serve every date of the configuration, one after the other, then return. Cancel it to stop
    earlier.

    An infinite speed means 1 here. ValueError for bad configuration, OSError for a port in use.
    """
    if math.isinf(cfg.speed):
        cfg = msgspec.structs.replace(cfg, speed=1.0)
    sim = Simulator(cfg, realtime=True)
    ports = await sim.start()
    try:
        if on_ready is not None:
            on_ready(sim, ports)
        for date in sim.dates():
            await sim.run_day(date)
            await asyncio.sleep(0)
    finally:
        await sim.stop()
