"""Upstox's own SDK, in a process of its own, logs in, streams and trades against the stand-alone
server.

A process, because the SDK keeps five threads for each client and one for each stream, and a
configuration for good.
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


async def use_sdk(cfg: SimConfig) -> tuple[dict[str, Any], str]:
    ready: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()

    def on_ready(sim: Simulator, ports: Ports) -> None:
        ready.set_result(ports)

    server = asyncio.ensure_future(serve(cfg, on_ready))
    ports = await ready
    user = str(Path(__file__).with_name("sdk_user.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        user,
        ports.upstox_rest_url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out)), err.decode()


def test_sdk_trades_against_the_server() -> None:
    cfg = SimConfig(broker="upstox", dates=(dt.date(2026, 11, 18),), day_start="09:16", speed=10.0)
    result, said = asyncio.run(use_sdk(cfg))
    assert result == {
        "user": ["PAPER1", "PAPER1"],
        "future": ["NIFTY FUT 23 NOV 26", 65, 10.0],
        "market": ["market_info", "NORMAL_OPEN"],
        "snapshot": [None, True, 5],
        "live": ["live_feed", "full_d5"],
        "latency": True,
        "cancelled": True,
        "history": [
            "put order req received",
            "validation pending",
            "open pending",
            "open",
            "modify validation pending",
            "modify pending",
            "modified",
            "open",
            "cancel pending",
            "cancelled",
        ],
        "by_tag": 10,
        "bought": 65,
        "position_update": ["position", "NSE_FO", 65],
        "refused": [
            [400, "UDAPI1158"],
            [400, "UDAPI1052"],
            [400, "UDAPI100040"],
            [400, "UDAPI100010"],
        ],
        "book": [[True, "cancelled", "sdk 1"], [False, "complete", "sdk 2"]],
        "status": "complete",
        "trades": [65, True],
        "position": [65, True, True],
        "holdings": [],
        "funds": [True, True],
        "many": ["success", ["c0", "c1"], 2],
        "cancelled_many": 2,
        "quotes": [True, 5, True, True],
        "candles": [True, True, True],
        "brokerage": True,
        "margin": True,
        "v2 order": [True, True],
        "v2 refused": [400, "UDAPI1158"],
        "v2 quotes": [True, True],
        "v2 candles": [5, True],
        "options": [38, 19, "NIFTY", True, True, True],
        "v3 quotes": [True, True, 5],
        "search": ["INFY", "INFY FUT 23 NOV 26"],
        "kill switch": ["NCD_FO", 400],
        "mtf": [],
        "expired": [400, "UDAPI1149"],
        "calendar": [True, "NORMAL_OPEN", 6],
        "gtts": [],
        "ip": "127.0.0.1",
        "authorized": True,
        "logged_out": [401, "UDAPI100050"],
    }
    assert "Traceback" not in said and "Warning" not in said, said
