"""OTrade's page beside the trading: the engine's socket, the real server in a process of its own, and as
many open pages as asked for in another.
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

import msgspec

from bench.peers.rank import ordinary
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.command_keys import CommandKeys
from otrade.live.control.commands import Commands
from otrade.live.day.trading_day import TradingDay
from otrade.live.engine_socket.engine_socket import EngineSocket
from otrade.live.engine_socket.requests import Requests
from otrade.live.notices.board import NoticeBoard
from otrade.live.runtime.child_processes import serve_command
from otrade.live.runtime.listening_process import ListeningProcess
from otrade.live.runtime.server_file import read_server_info
from otrade.stream.delta_stream import DeltaStream

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
    config = directory / "page.json"
    var = directory / "var"
    config.write_text(
        json.dumps(
            {
                "mode": "paper",
                "paths": {"var": str(var)},
                "web": {"port": 0, "updates_per_s": UPDATES_PER_S},
                "instruments": [{"symbol": "NSE:INFY"}],
                "strategies": [],
            }
        )
    )
    (var / "run").mkdir(parents=True)
    engine_socket = EngineSocket(
        var / "run",
        Requests(source, CommandKeys(), config.read_bytes),
        DeltaStream(source, interval_s=1 / UPDATES_PER_S, encode=msgspec.msgpack.encode),
        "live",
    )
    engine_socket.open()
    await engine_socket.serve()
    server = ListeningProcess("the page", serve_command(config, 0, shows_code=False), print)
    started = await server.start()
    info = read_server_info(var)
    if info is None:
        raise RuntimeError(f"there is no page: {started.trouble}")
    said: dict[str, Any] = {}
    viewers = None
    if n:
        command = [
            sys.executable,
            "-m",
            "bench.peers.viewers",
            info.url.replace("http", "ws", 1) + "api/v1/ws",
            info.token,
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
        await engine_socket.close()


def _rss_mib() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
