"""A page with one word on it, from OTrade's own server with its headers: the floor of `first_paint`. Prints its address.

python -m bench.empty_page
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import uvloop

from otrade.live.control import Control
from otrade.live.notices import NoticeBoard
from otrade.live.source import LiveSource
from otrade.web.access import Access, new_local_token
from otrade.web.server import WebServer

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Empty</title><p>OTrade</p></html>'


async def main(folder: Path) -> None:
    (folder / "static").mkdir()
    (folder / "static" / "index.html").write_text(PAGE)
    source = LiveSource(NoticeBoard(lambda: 0), Control(), mode="paper", broker_kind="sim", speed=1.0)
    server = WebServer(source, Access(folder / "access", local_token=new_local_token()), port=0, static_dir=folder / "static")
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(made)))
