"""A small Kite client for the tests, independent of the engine: raw HTTP/1.1 on one connection,
picows for the feed.
"""

import asyncio
from typing import Any
from urllib.parse import urlencode

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from otrade.simulator.simulator import Ports, Simulator


class KiteHttpClient:
    """One keep-alive connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._lock = asyncio.Lock()
        self.authorization = f"token paper:{token}"

    async def raw(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes, read one answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        reader, writer = self._streams
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        return (
            int(status.split()[1]),
            headers,
            await reader.readexactly(int(headers["content-length"])),
        )

    async def ask(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, Any]:
        """(status, JSON) of one request; parameters go where Kite wants them."""
        text = urlencode(params or {}, doseq=True)
        if method in ("GET", "DELETE") and text:
            path, text = f"{path}?{text}", ""
        content = body if body is not None else text.encode()
        kind = "application/json" if body is not None else "application/x-www-form-urlencoded"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Kite-Version: 3\r\n"
            f"Authorization: {self.authorization}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        async with self._lock:
            status, _, data = await self.raw(head.encode() + content)
        return status, orjson.loads(data) if data[:1] in b"{[" else data

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class KiteFeedConnection(WSListener):
    """Keeps every frame."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.binary: list[bytes] = []
        self.texts: list[dict[str, Any]] = []
        self.times_ns: list[int] = []
        self.now_ns = lambda: 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self.times_ns.append(self.now_ns())
            self.on_binary(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT:
            self.on_text(orjson.loads(frame.get_payload_as_bytes()))

    def on_binary(self, payload: bytes) -> None:
        self.binary.append(payload)

    def on_text(self, message: dict[str, Any]) -> None:
        self.texts.append(message)

    def say(self, message: Any) -> None:
        assert self.transport is not None
        self.transport.send(
            WSMsgType.TEXT, message if isinstance(message, bytes) else orjson.dumps(message)
        )


async def open_feed(
    sim: Simulator, ports: Ports, token: str, feed: KiteFeedConnection
) -> KiteFeedConnection:
    feed.now_ns = sim.clock.now_ns
    await sim.during(
        ws_connect(lambda: feed, f"{ports.feed_url}?api_key=paper&access_token={token}")
    )
    return feed
