"""HTTP/1.1 as far as a broker's REST interface needs it: whole requests in, answers out in order,
nothing crashes.

Requests are handed on synchronously in `data_received`; an answer may be given at any later time,
and answers of one connection leave in the order of its requests.
"""

import asyncio
import gzip
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

import httptools

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.faults.requests import Manner
from otrade.simulator.net.reaction_gate import ReactionGate, unsent_bytes

BODY_MAX = 1 << 20
TARGET_MAX = 64 << 10
LARGE = 16 << 10
"""Bytes of an answer that may not fit the client's window, which may open late."""


@dataclass(slots=True)
class HttpRequest:
    """One request. Parameter names may repeat, as in `i=NSE:INFY&i=NSE:TCS`."""

    method: str
    target: bytes
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = ""
    """Address of the client."""
    path: str = ""
    query: dict[str, list[str]] = field(default_factory=dict)

    def form(self) -> dict[str, str]:
        """Last value of each form or query field; form fields win."""
        fields = {name: values[-1] for name, values in self.query.items()}
        kind = self.headers.get("content-type", "")
        if self.body and "json" not in kind:
            text = self.body.decode("utf-8", "replace")
            fields |= {
                name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()
            }
        return fields


@dataclass(slots=True)
class HttpReply:
    """One answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    manner: Manner = ""


Answer = Callable[[HttpReply], None]
Refuse = Callable[[RequestRefused], HttpReply]
Service = Callable[[HttpRequest, Answer], None]


class ServerConnection(asyncio.Protocol):
    """One client connection."""

    def __init__(
        self,
        service: Service,
        gate: ReactionGate,
        connections: "set[ServerConnection]",
        refuse: Refuse,
    ) -> None:
        """`refuse` spells an error as the broker does whose server this is."""
        self._service = service
        self._spell = refuse
        self._peer = ""
        self._gate = gate
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._slots: deque[list[HttpReply | bool | None]] = deque()
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclass of asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._connections.add(self)
        self._gate.activity += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)
        self._gate.activity += 1

    def data_received(self, data: bytes) -> None:
        self._gate.activity += 1
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered as the plain request that it also is; what follows it is not HTTP.
            self._refused = True
            if self._slots:
                self._slots[-1][1] = False
        except _RequestTooLargeError as exc:
            self._refuse(413, str(exc))
        except httptools.HttpParserError as exc:
            cause = exc.__context__
            if isinstance(cause, _RequestTooLargeError):
                self._refuse(413, str(cause))
            else:
                self._refuse(400, "Malformed HTTP request.")

    # ---- parser callbacks

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body, self._size = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > TARGET_MAX:
            raise _RequestTooLargeError("The address is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > BODY_MAX:
            raise _RequestTooLargeError("The body is too long.")
        self._body.append(body)

    def on_message_complete(self) -> None:
        request = HttpRequest(
            self._parser.get_method().decode("latin-1"),
            self._target,
            self._headers,
            b"".join(self._body),
            self._peer,
        )
        slot: list[HttpReply | bool | None] = [None, bool(self._parser.should_keep_alive())]
        self._slots.append(slot)

        def answer(reply: HttpReply) -> None:
            self._gate.replies_due -= 1
            if reply.manner == "silence":
                return  # the slot stays: whoever waits behind it on this connection waits too
            slot[0] = _compressed(reply, request)
            self._flush()

        def serve() -> None:
            try:
                url = urlsplit(request.target.decode("utf-8"))
                request.path = unquote(url.path)
                request.query = parse_qs(url.query, keep_blank_values=True, max_num_fields=5000)
            except ValueError:
                answer(self._spell(RequestRefused(400, "input", "Malformed address.")))
                return
            self._service(request, answer)

        self._gate.submit((request.method.encode(), request.target, request.body), serve)

    # ---- answers

    @property
    def unsent(self) -> int:
        """Bytes of answers that have not left yet; 0 when the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size() or unsent_bytes(
            self._transport.get_extra_info("socket").fileno()
        )

    def _refuse(self, status: int, message: str) -> None:
        self._refused = True
        self._slots.append([self._spell(RequestRefused(status, "input", message)), False])
        self._flush()

    def _flush(self) -> None:
        while self._slots and self._slots[0][0] is not None:
            reply, keep = self._slots.popleft()
            assert isinstance(reply, HttpReply)
            if self._transport is None or self._transport.is_closing():
                continue
            self._gate.wrote = True
            if reply.manner == "reset":
                self._transport.abort()
                continue
            whole = _head(reply, bool(keep)) + reply.body
            if reply.manner == "cut":
                whole, keep = whole[: len(whole) * 2 // 3], False
            self._transport.write(whole)
            if len(whole) > LARGE:
                self._gate.senders.append(self)
            if not keep:
                self._transport.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _RequestTooLargeError(Exception):
    pass


def _compressed(reply: HttpReply, request: HttpRequest) -> HttpReply:
    if reply.content_type == "text/csv" and "gzip" in request.headers.get("accept-encoding", ""):
        reply.body = gzip.compress(reply.body, 6, mtime=0)
        reply.headers["content-encoding"] = "gzip"
    return reply


def _head(reply: HttpReply, keep: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        f"content-type: {reply.content_type}",
        f"content-length: {len(reply.body)}",
        f"connection: {'keep-alive' if keep else 'close'}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
