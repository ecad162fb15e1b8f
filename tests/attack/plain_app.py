"""A small ASGI application like ours in what matters, for servers that are compared: it answers a
login early, without its body, and sends to a WebSocket without end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

from tests.attack.turns import TurnProbe

SNAPSHOT = '{"type":"snapshot","rows":"' + "r" * 60_000 + '"}'


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        TurnProbe(Path(os.environ["TURNS"])).start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await _stream(receive, send)
    else:
        status = 200 if scope["path"] == "/healthz" else 401
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-length", b"2")],
            }
        )
        await send({"type": "http.response.body", "body": b"ok"})


async def _stream(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})

    async def tell() -> None:
        while True:
            await send({"type": "websocket.send", "text": SNAPSHOT})
            await asyncio.sleep(0.1)

    task = asyncio.create_task(tell())
    with contextlib.suppress(Exception):
        while (await receive())["type"] != "websocket.disconnect":
            pass
    task.cancel()
