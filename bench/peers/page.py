"""OTrade's page beside the trading: the real server and the real source, and as many open pages as
asked for, in a process of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.peers.rank import ordinary
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.commands import Commands
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.web.auth.access_control import AccessControl, new_local_token
from otrade.web.server import WebServer

ROOT = Path(__file__).parents[2]
UPDATES_PER_S = 20


@contextlib.asynccontextmanager
async def pages(
    n: int, day: TradingDay, board: NoticeBoard, directory: Path
) -> AsyncIterator[dict[str, Any]]:
    """Serve the page and have `n` open it. What they have seen is in the dict that is given, at the
    end.
    """
    control = Commands()
    control.set_day(day)
    source = LiveEngineSource(board, control, mode="live", broker_kind="kite", speed=1.0)
    source.set_day(day)
    source.lifecycle = "running"
    token = new_local_token()
    server = WebServer(
        source,
        AccessControl(directory / "access", local_token=token),
        port=0,
        interval_s=1 / UPDATES_PER_S,
    )
    await server.start()
    said: dict[str, Any] = {}
    viewers = None
    if n:
        command = [
            sys.executable,
            "-m",
            "bench.peers.viewers",
            server.url.replace("http", "ws", 1) + "api/v1/ws",
            token,
            str(n),
        ]
        viewers = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT, preexec_fn=ordinary
        )
        assert viewers.stdout is not None
        line = await viewers.stdout.readline()
        if line != b"ready\n":
            raise RuntimeError(f"the pages did not open: {line!r}")
    rss_before = _rss_mib()
    try:
        yield said
    finally:
        if viewers is not None and viewers.returncode is None:
            viewers.terminate()
            out, _ = await viewers.communicate()
            said.update(json.loads(out))
        said.update(
            rss_before_mib=rss_before,
            rss_after_mib=_rss_mib(),
            peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
        await server.stop()


def _rss_mib() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
