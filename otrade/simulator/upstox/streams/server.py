"""Upstox's WebSocket server: both of its streams on one port, opened by a one-time address or by
way of a redirect.
"""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from picows import (
    WSListener,
    WSMsgType,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.net.feed_server import FeedClient, FeedServer
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions

Query = dict[str, list[str]]


class UpstoxFeedClient(FeedClient):
    """One connection to one of the streams."""

    def __init__(self, server: "UpstoxFeedServer", stream: "FeedStream", query: Query) -> None:
        super().__init__(server)
        self._feed = server
        self.stream = stream
        self.lane = stream.path
        self.half_frame = (
            b"\x82\x7e\x01\x00\x08\x01\x12\x40" if stream.is_binary else b'\x81\x7e\x01\x00{"upda'
        )
        self.update_types = frozenset(query.get("update_types", ["order"])[-1].split(","))
        self.modes: dict[str, str] = {}
        """Instrument key to mode."""

    def ping(self, payload: bytes) -> None:
        # Pings are how this feed shows that it lives, so a silent one sends none.
        if not self._feed.is_silent:
            super().ping(payload)


class FeedStream(Protocol):
    """What is said on one of the paths."""

    path: str
    is_binary: bool
    clients: list[UpstoxFeedClient]

    def has_room(self) -> bool:
        """May another client join?"""
        ...

    def joined(self, client: UpstoxFeedClient) -> None: ...

    def left(self, client: UpstoxFeedClient) -> None: ...

    def heard(self, client: UpstoxFeedClient, payload: bytes) -> None:
        """A binary message."""
        ...


class UpstoxFeedServer(FeedServer[UpstoxFeedClient]):
    """The server; `streams` are added before it starts."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        sessions: UpstoxLoginSessions,
        draws: DayDraws,
        once: Callable[[str, dict[str, str]], str],
    ) -> None:
        """`once` makes a one-time address of a path and further parameters."""
        super().__init__(cfg, clock, gate, draws)
        self._sessions = sessions
        self._once = once
        self.streams: dict[str, FeedStream] = {}

    def _accept(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        url = urlsplit(request.path.decode("latin-1"))
        query = parse_qs(url.query)
        stream = self.streams.get(url.path)
        if stream is None:
            return _refused(404, b"Resource not Found.")
        if "code" not in query:
            return self._sent_on(request, stream, query)
        if not self._sessions.take_feed_code(stream.path, query["code"][-1]):
            return _refused(403, b"The address has been used or is not known.")
        if not stream.has_room():
            return _refused(403, b"Too many connections of this user.")
        return UpstoxFeedClient(self, stream, query)

    def _sent_on(
        self, request: WSUpgradeRequest, stream: FeedStream, query: Query
    ) -> WSUpgradeResponseWithListener:
        """With the token in the header the way is a redirect to a one-time address."""
        try:
            self._sessions.check(request.headers.get("Authorization", ""))
        except RequestRefused:
            return _refused(401, b"Unauthorized")
        more = {name: values[-1] for name, values in query.items()}
        url = self._once(stream.path, more)
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_redirect_response(302, url), None
        )

    def joined(self, client: UpstoxFeedClient) -> None:
        super().joined(client)
        client.stream.clients.append(client)
        client.stream.joined(client)

    def left(self, client: UpstoxFeedClient) -> None:
        super().left(client)
        if client in client.stream.clients:
            client.stream.clients.remove(client)
            client.stream.left(client)

    def heard(self, client: UpstoxFeedClient, kind: WSMsgType, payload: bytes) -> None:
        self._gate.activity += 1
        if kind == WSMsgType.BINARY:
            client.stream.heard(client, payload)


def _refused(status: int, reason: bytes) -> WSUpgradeResponseWithListener:
    return WSUpgradeResponseWithListener(
        WSUpgradeResponse.create_error_response(status, reason), None
    )
