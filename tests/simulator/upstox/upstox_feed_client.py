"""Clients of Upstox's two streams. Messages are read by the vendor's own generated module."""

import json
from typing import Any
from urllib.parse import quote

from google.protobuf.json_format import MessageToDict
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from upstox_client.feeder.proto import MarketDataFeedV3_pb2

from tests.simulator.upstox.upstox_account import UpstoxAccount

MARKET = "/v3/feed/market-data-feed"
PORTFOLIO = "/v2/feed/portfolio-stream-feed"


class UpstoxFeedRecorder(WSListener):
    """Keeps every message with its time; knows whether the connection is up."""

    def __init__(self, s: UpstoxAccount) -> None:
        self._account = s
        self.transport: WSTransport | None = None
        self.is_up = False
        self.raw: list[bytes] = []
        self.kinds: set[WSMsgType] = set()
        self.times_ns: list[int] = []
        self.pings_ns: list[int] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.is_up = True

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_up = False

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.PING:
            self.pings_ns.append(self._account.sim.clock.now_ns())
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            self.kinds.add(frame.msg_type)
            self.raw.append(frame.get_payload_as_bytes())
            self.times_ns.append(self._account.sim.clock.now_ns())

    # ---- market data

    def say(
        self, method: str, keys: Any, mode: str | None = None, *, kind: WSMsgType = WSMsgType.BINARY
    ) -> None:
        data = {"instrumentKeys": keys} | ({} if mode is None else {"mode": mode})
        self.send(json.dumps({"guid": "g1", "method": method, "data": data}).encode(), kind)

    def send(self, payload: bytes, kind: WSMsgType = WSMsgType.BINARY) -> None:
        assert self.transport is not None
        self.transport.send(kind, payload)

    @property
    def messages(self) -> list[Any]:
        """As the vendor's classes."""
        return [MarketDataFeedV3_pb2.FeedResponse.FromString(payload) for payload in self.raw]

    @property
    def dicts(self) -> list[dict[str, Any]]:
        """As the vendor's SDK hands them to its user."""
        return [MessageToDict(message) for message in self.messages]

    # ---- portfolio

    @property
    def texts(self) -> list[dict[str, Any]]:
        """Every message that is JSON."""
        found = []
        for payload in self.raw:
            try:
                found.append(json.loads(payload))
            except ValueError:
                continue
        return found

    def told(self) -> list[tuple[str, int, int]]:
        """(status, filled, quantity) of each order message that can be read."""
        return [
            (row["status"], row["filled_quantity"], row["quantity"])
            for row in self.texts
            if row.get("update_type") == "order" and "status" in row
        ]


async def address(s: UpstoxAccount, path: str, **query: str) -> str:
    """A one-time address."""
    data = await s.data("GET", f"{path}/authorize", query or None)
    assert data["authorized_redirect_uri"] == data["authorizedRedirectUri"]
    return str(data["authorized_redirect_uri"])


async def listen(s: UpstoxAccount, path: str, **query: str) -> UpstoxFeedRecorder:
    """Connect with a one-time address."""
    return await dial(s, await address(s, path, **query))


async def dial(s: UpstoxAccount, url: str, **options: Any) -> UpstoxFeedRecorder:
    recorder = UpstoxFeedRecorder(s)
    await s.sim.during(ws_connect(lambda: recorder, url, enable_auto_pong=False, **options))
    return recorder


def url_of(s: UpstoxAccount, path: str, **query: str) -> str:
    """The plain address, for which the token goes in the header."""
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"{s.ports.upstox_feed_url}{path}" + (f"?{text}" if text else "")
