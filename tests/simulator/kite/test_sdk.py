"""The vendor's SDK, in a process of its own, logs in, streams and trades against the stand-alone
server.
"""

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from otrade.simulator.base.config import SimConfig
from otrade.simulator.serve import serve
from otrade.simulator.simulator import Ports, Simulator


async def use_sdk(cfg: SimConfig) -> dict[str, Any]:
    ready: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()

    def on_ready(sim: Simulator, ports: Ports) -> None:
        ready.set_result(ports)

    server = asyncio.ensure_future(serve(cfg, on_ready))
    ports = await ready
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("sdk_user.py")),
        ports.rest_url,
        ports.feed_url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


def test_sdk_trades_against_the_server() -> None:
    cfg = SimConfig(dates=(dt.date(2026, 11, 18),), day_start="09:15", speed=10.0)
    result = asyncio.run(use_sdk(cfg))
    instruments = result.pop("instruments")
    assert instruments > 40
    assert result.pop("login_time").startswith("2026-11-18 09:1")
    assert result == {
        "user": "PAPER1",
        "future": ["NIFTY26NOVFUT", 65, "2026-11-23"],
        "tick": [True, "full", 5, True],
        "cancelled": 130,
        "history": [
            "PUT ORDER REQ RECEIVED",
            "VALIDATION PENDING",
            "OPEN PENDING",
            "OPEN",
            "MODIFY VALIDATION PENDING",
            "MODIFY PENDING",
            "MODIFIED",
            "OPEN",
            "CANCEL PENDING",
            "CANCELLED",
        ],
        "bought": 65,
        "refused": "Market orders without market protection are not allowed via API. "
        "Set `market_protection` and try again.",
        "book": [[True, "CANCELLED", "sdk1"], [False, "COMPLETE", None]],
        "trade": [True, 65],
        "position": [65, True],
        "quote": ["NFO:NIFTY26NOVFUT"],
        "blocked": True,
        "holdings": [],
        "gtts": [],
        "candles": [True, "2026-11-18 09:15:00+05:30"],
        "logged_out": True,
    }
