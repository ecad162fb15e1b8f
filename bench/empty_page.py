"""A page with one word on it, from OTrade's own server with its headers: the floor of
`first_paint`. Prints its address.

python -m bench.empty_page
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import uvloop

from otrade.config.manager import load
from otrade.contract.messages import SOCKET
from otrade.engine_link.link import EngineLink
from otrade.server.source import RemoteEngine
from otrade.web.auth.access_control import AccessControl, new_local_token
from otrade.web.server import WebServer

PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Empty</title><p>OTrade</p></html>'
)


async def main(folder: Path) -> None:
    (folder / "static").mkdir()
    (folder / "static" / "index.html").write_text(PAGE)
    config = folder / "paper.json"
    config.write_text(
        '{"mode": "paper", "instruments": [{"symbol": "NSE:INFY"}], "strategies": []}'
    )
    source = RemoteEngine(EngineLink(folder / SOCKET), config, load(config))
    server = WebServer(
        source,
        AccessControl(folder / "access", local_token=new_local_token()),
        port=0,
        static_dir=folder / "static",
    )
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as made,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(main(Path(made)))
