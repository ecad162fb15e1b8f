"""A broker's WebSocket server: connections, frames in virtual time, and what may happen to one.

What is said on it is the business of the class made of it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from otrade.simulator.base.config import NS_PER_MS, SimConfig
from otrade.simulator.base.day_draws import DayDraws, delay_ns
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock, VirtualTimer
from otrade.simulator.net.reaction_gate import ReactionGate

MESSAGE_MAX = 256 << 10


class FrameListener(Protocol):
    """Hears what is sent to feed clients, byte for byte, when it is sent."""

    def on_frame(self, lane: str, payload: bytes, *, is_text: bool) -> None: ...

    def on_connection(self, lane: str, *, stands: bool) -> None: ...


class FeedClient(WSListener):
    """One connection, and when something was last sent on it."""

    half_frame = b"\x82\x7e\x01\x00\x00\x02\x00\xb8\x00\x01"
    """The head of a frame of 256 bytes and a few of them."""
    lane = ""
    """Frames of one lane do not overtake each other."""

    def __init__(self, server: "FeedServer[Any]") -> None:
        self._server = server
        self._transport: WSTransport | None = None
        self._ping = b""
        self.last_sent_ns = 0
        self.last_prices = b""
        """The last message about trades."""
        self.pong_due = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._server.joined(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self.pong_due = False
        self._server.left(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.PONG:
            if frame.get_payload_as_bytes() == self._ping:
                self.pong_due = False
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY):
            self._server.heard(self, kind, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def send(self, kind: WSMsgType, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.send(kind, payload)

    def beat(self) -> None:
        """Show that the connection is alive."""
        if self._transport is not None:
            self._transport.send_ping(b"")

    def ping(self, payload: bytes) -> None:
        """Ask for a pong; it comes when the client has worked through all before it."""
        if self._transport is not None:
            self._ping = payload
            self.pong_due = True
            self._transport.send_ping(payload)

    def disconnect(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()

    def cut_mid_frame(self) -> None:
        """A part of a frame, and no more."""
        if self._transport is not None:
            self._transport.underlying_transport.write(self.half_frame)
            self._transport.underlying_transport.close()


C = TypeVar("C", bound=FeedClient)


class FeedServer(ABC, Generic[C]):
    """The WebSocket server and its clients."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        draws: DayDraws,
    ) -> None:
        """`draws`: the broker's own."""
        self._cfg = cfg
        self._clock = clock
        self._gate = gate
        self._draws = draws
        self._clients: list[C] = []
        self._server: asyncio.Server | None = None
        self._running = True
        self._sent_ns: dict[str, int] = {}
        self._beat: VirtualTimer | None = None
        self._listener: FrameListener | None = None
        self._lag_ns = 0
        self._is_stuck = False
        self.is_wrong = False
        """Before each message about trades comes one whose prices are wrong by a decimal point."""

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; the port that was got. OSError when it is in use."""
        self._server = await ws_create_server(
            self._accept, "127.0.0.1", port, max_frame_size=MESSAGE_MAX, logger_name="sim-feed"
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.disconnect_all()
            await self._server.wait_closed()
            self._server = None

    # ---- control

    @property
    def is_silent(self) -> bool:
        return not self._running

    def pause(self) -> None:
        """Send nothing any more, not even a heartbeat; connections stay."""
        self._running = False

    def resume(self) -> None:
        self._running = True

    def lag(self, lag_ns: int) -> None:
        """Prices come so much later from now on, and what is on the same connection behind them."""
        self._lag_ns = lag_ns

    def stick(self, *, is_stuck: bool) -> None:
        """In place of each message about prices the last one from before comes again."""
        self._is_stuck = is_stuck

    def tell_wrong(self, *, is_wrong: bool) -> None:
        self.is_wrong = is_wrong

    def listen(self, listener: FrameListener) -> None:
        """Tell it of every frame from now on, and of connections."""
        self._listener = listener

    def disconnect_all(self) -> int:
        """Cut every connection; how many there were."""
        return self._end_all(FeedClient.disconnect)

    def cut_mid_frame(self) -> int:
        """End every connection in the middle of a frame; how many there were."""
        return self._end_all(FeedClient.cut_mid_frame)

    def _end_all(self, end: Callable[[FeedClient], None]) -> int:
        clients = tuple(self._clients)
        for client in clients:
            end(client)
        self._gate.wrote = True  # a client reacts to the end of its connection as to a frame
        return len(clients)

    # ---- clients

    @abstractmethod
    def _accept(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        """A client, or a refusal."""

    @abstractmethod
    def heard(self, client: C, kind: WSMsgType, payload: bytes) -> None:
        """A client has said something."""

    def joined(self, client: C) -> None:
        self._gate.activity += 1
        self._clients.append(client)
        self._gate.peers.append(client)
        client.last_sent_ns = self._clock.now_ns()
        if self._listener is not None:
            self._listener.on_connection(client.lane, stands=True)
        if self._beat is None:
            self._beat = self._clock.schedule(
                self._clock.now_ns() + self._beat_ns, self._heartbeat, EventKind.ANSWER
            )

    def left(self, client: C) -> None:
        self._gate.activity += 1
        if client in self._clients:
            self._clients.remove(client)
            self._gate.peers.remove(client)
            if self._listener is not None:
                self._listener.on_connection(client.lane, stands=False)

    # ---- frames out

    def send_ticks(self, client: C, kind: WSMsgType, payload: bytes) -> None:
        """A frame of what has happened at this instant, one latency from now: every client has the
        same. One stream: it never overtakes another.
        """
        draws = self._draws.once("tick", self._clock.now_ns())
        if self._is_stuck:
            payload = client.last_prices or payload
        client.last_prices = payload
        delay = delay_ns(draws, self._cfg.latency.tick) + self._lag_ns
        self.send_after(client, kind, payload, delay)

    def send_news(self, client: C, payload: bytes, subject: int) -> None:
        """A text about an order or an instrument, likewise; each of a subject's has its own."""
        draws = self._draws.of("push", subject)
        self.send_after(client, WSMsgType.TEXT, payload, delay_ns(draws, self._cfg.latency.push))

    def send_after(self, client: C, kind: WSMsgType, payload: bytes, delay_ns: int) -> None:
        """The same with a given latency."""
        due_ns = max(self._sent_ns.get(client.lane, 0), self._clock.now_ns() + delay_ns)
        self._sent_ns[client.lane] = due_ns
        self.send_at(client, kind, payload, due_ns)

    def send_at(self, client: C, kind: WSMsgType, payload: bytes, due_ns: int) -> None:
        """A frame at that time, unless the feed is silent then."""

        def send() -> None:
            if self._running:
                client.last_sent_ns = self._clock.now_ns()
                client.send(kind, payload)
                self._gate.wrote = True
                if self._listener is not None and client.is_connected:
                    is_text = kind == WSMsgType.TEXT
                    self._listener.on_frame(client.lane, payload, is_text=is_text)

        self._clock.schedule(due_ns, send, EventKind.ANSWER)

    def send_book(self, client: C, payload: bytes) -> None:
        """A message about the order book alone, after a latency that is not drawn: how many there
        are moves nothing else.
        """
        if self._is_stuck:
            return
        span = self._cfg.latency.tick
        delay_ns = round((span.low_ms + span.high_ms) / 2 * NS_PER_MS) + self._lag_ns
        self.send_after(client, WSMsgType.BINARY, payload, delay_ns)

    @property
    def _beat_ns(self) -> int:
        return self._cfg.heartbeat_ms * NS_PER_MS

    def _heartbeat(self) -> None:
        """A sign of life to every client that has had nothing since the last beat."""
        self._beat = None
        now_ns = self._clock.now_ns()
        for client in self._clients:
            if self._running and now_ns - client.last_sent_ns >= self._beat_ns:
                client.last_sent_ns = now_ns
                client.beat()
                self._gate.wrote = True
        if self._clients:
            self._beat = self._clock.schedule(
                now_ns + self._beat_ns, self._heartbeat, EventKind.ANSWER
            )
