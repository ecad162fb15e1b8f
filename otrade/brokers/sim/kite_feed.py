"""Kite's streaming interface over the model: binary ticks, heartbeats, and order updates as text
frames.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from .clock import VirtualClock, VirtualTimer
from .config import NS_PER_MS, SimConfig, Span
from .exchange import Exchange
from .fault_pushes import UNKNOWN_STATUS
from .faults import Faults
from .gate import Gate
from .kite_wire import HEARTBEAT, MODES, frame, packet
from .market import Quote
from .sessions import Sessions

log = logging.getLogger(__name__)

MESSAGE_MAX = 256 << 10


class FeedClient(WSListener):
    """One connection: its subscriptions, and what was last sent."""

    def __init__(self, hub: "KiteFeed") -> None:
        self._hub = hub
        self._transport: WSTransport | None = None
        self._ping = b""
        self.modes: dict[int, str] = {}
        self.last_sent_ns = 0
        self.pong_due = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._hub.joined(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self.pong_due = False
        self._hub.left(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.PONG:
            if frame.get_payload_as_bytes() == self._ping:
                self.pong_due = False
        elif kind == WSMsgType.TEXT:
            self._hub.asked(self, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def send(self, kind: WSMsgType, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.send(kind, payload)

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
        """The head of a frame of 256 bytes and a few of them, and no more."""
        if self._transport is not None:
            self._transport.underlying_transport.write(b"\x82\x7e\x01\x00\x00\x02\x00\xb8\x00\x01")
            self._transport.underlying_transport.close()


class KiteFeed:
    """The WebSocket server and its clients."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: Gate,
        exchange: Exchange,
        sessions: Sessions,
        faults: Faults,
    ) -> None:
        self._faults = faults
        self._cfg = cfg
        self._clock = clock
        self._gate = gate
        self._exchange = exchange
        self._sessions = sessions
        self._clients: list[FeedClient] = []
        self._server: asyncio.Server | None = None
        self._running = True
        self._sent_ns = 0
        self._beat: VirtualTimer | None = None
        exchange.on_update.append(self._push)
        exchange.on_day.append(self._new_day)

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

    def pause(self) -> None:
        """Send nothing any more, not even a heartbeat; connections stay."""
        self._running = False

    def resume(self) -> None:
        self._running = True

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

    def _accept(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        query = parse_qs(urlsplit(request.path.decode("latin-1")).query)
        api_key, access_token = query.get("api_key", [""])[0], query.get("access_token", [""])[0]
        if not self._sessions.is_valid(api_key, access_token):
            return WSUpgradeResponseWithListener(
                WSUpgradeResponse.create_error_response(403, b"Forbidden"), None
            )
        return FeedClient(self)

    def joined(self, client: FeedClient) -> None:
        self._gate.activity += 1
        self._clients.append(client)
        self._gate.peers.append(client)
        client.last_sent_ns = self._clock.now_ns()
        if self._beat is None:
            self._beat = self._clock.schedule(self._clock.now_ns() + self._beat_ns, self._heartbeat)

    def left(self, client: FeedClient) -> None:
        self._gate.activity += 1
        if client in self._clients:
            self._clients.remove(client)
            self._gate.peers.remove(client)
        self._unwatch(client, list(client.modes))

    def asked(self, client: FeedClient, payload: bytes) -> None:
        """A subscribe, unsubscribe or mode message."""
        self._gate.activity += 1
        try:
            message = orjson.loads(payload)
            action, value = message["a"], message["v"]
            if action == "subscribe":
                self._subscribe(client, _tokens(value), None)
            elif action == "unsubscribe":
                self._unwatch(client, _tokens(value))
            elif action == "mode":
                mode, tokens = value
                if mode not in MODES:
                    raise ValueError(f"unknown mode {mode}")
                self._subscribe(client, _tokens(tokens), mode)
            else:
                raise ValueError(f"unknown action {action}")
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
            self._error(client, f"Invalid message: {exc}")

    def _subscribe(self, client: FeedClient, tokens: list[int], mode: str | None) -> None:
        limit = self._cfg.limits.tokens_per_connection
        market = self._exchange.market
        fresh = []
        refused = 0
        for token in tokens:
            if token not in client.modes:
                if len(client.modes) >= limit:
                    refused += 1
                    continue
                contract = market.contract(token)
                if contract is not None:
                    market.watch(contract)
            client.modes[token] = mode or client.modes.get(token, "quote")
            fresh.append(token)
        if refused:
            self._error(
                client,
                f"Maximum {limit} tokens can be subscribed on one connection; {refused} refused",
            )
        quotes = [
            market.quote(contract)
            for token in fresh
            if (contract := market.contract(token)) is not None
        ]
        if quotes:
            # What is on the screen now; the next trade may be long in coming.
            self._send_ticks([client], quotes)

    def _unwatch(self, client: FeedClient, tokens: list[int]) -> None:
        market = self._exchange.market
        for token in tokens:
            if client.modes.pop(token, None) is not None:
                contract = market.contract(token)
                if contract is not None:
                    market.unwatch(contract)

    def _new_day(self) -> None:
        market = self._exchange.market
        market.on_trades.append(lambda quotes: self._send_ticks(self._clients, quotes))
        for client in self._clients:
            for token in client.modes:
                contract = market.contract(token)
                if contract is not None:
                    market.watch(contract)

    # ---- frames out

    def _send_ticks(self, clients: list[FeedClient], quotes: list[Quote]) -> None:
        made: dict[tuple[int, str], bytes] = {}
        for client in clients:
            packets = []
            for quote in quotes:
                token = quote.contract.token
                mode = client.modes.get(token)
                if mode is None:
                    continue
                body = made.get((token, mode))
                if body is None:
                    body = made[token, mode] = packet(quote, mode)
                packets.append(body)
            if packets:
                self._send_later(client, WSMsgType.BINARY, frame(packets), self._cfg.latency.tick)

    def _push(self, payload: dict[str, Any]) -> None:
        if not self._clients or not self._running:
            return
        fault, late_ns = self._faults.take_push()
        if fault == "dropped":
            return
        if fault == "unknown_status":
            payload = payload | {"status": UNKNOWN_STATUS}
        text = orjson.dumps({"type": "order", "data": payload})
        if fault == "garbled":
            text = self._faults.garble(text)
        for client in self._clients:
            for _ in range(2 if fault == "doubled" else 1):
                if late_ns:
                    self._send_at(client, WSMsgType.TEXT, text, self._clock.now_ns() + late_ns)
                else:
                    self._send_later(client, WSMsgType.TEXT, text, self._cfg.latency.push)

    def _error(self, client: FeedClient, text: str) -> None:
        payload = orjson.dumps({"type": "error", "data": text})
        self._send_later(client, WSMsgType.TEXT, payload, self._cfg.latency.push)

    def _send_later(self, client: FeedClient, kind: WSMsgType, payload: bytes, span: Span) -> None:
        # One stream: a frame never overtakes another.
        due_ns = max(self._sent_ns, self._clock.now_ns() + self._exchange.delay_ns(span))
        self._sent_ns = due_ns
        self._send_at(client, kind, payload, due_ns)

    def _send_at(self, client: FeedClient, kind: WSMsgType, payload: bytes, due_ns: int) -> None:
        def send() -> None:
            if self._running:
                client.last_sent_ns = self._clock.now_ns()
                client.send(kind, payload)
                self._gate.wrote = True

        self._clock.schedule(due_ns, send)

    @property
    def _beat_ns(self) -> int:
        return self._cfg.heartbeat_ms * NS_PER_MS

    def _heartbeat(self) -> None:
        """One byte to every client that has had nothing since the last beat."""
        self._beat = None
        now_ns = self._clock.now_ns()
        for client in self._clients:
            if self._running and now_ns - client.last_sent_ns >= self._beat_ns:
                client.last_sent_ns = now_ns
                client.send(WSMsgType.BINARY, HEARTBEAT)
                self._gate.wrote = True
        if self._clients:
            self._beat = self._clock.schedule(now_ns + self._beat_ns, self._heartbeat)


def _tokens(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(token) is int for token in value):
        raise ValueError("`v` should be an array of instrument tokens")
    return value
