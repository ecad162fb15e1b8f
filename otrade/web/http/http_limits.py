"""uvicorn's HTTP/1.1, with the limits that it leaves to a proxy in front: how long and how large
the head of a request may be, and how many connections one address may have.

There is no proxy in front of the page, so a connection that says nothing, or that never ends its
headers, must not stay. What is no HTTP is answered as every other error is.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from otrade.contract.views import Problem
from otrade.web.http.client_address import address_group, is_this_computer
from otrade.web.http.page import SECURITY_HEADERS, SecurityHeaders
from otrade.web.http.problems import (
    PROBLEM_JSON,
    bad_request,
    head_too_large,
    head_too_slow,
    problem_response,
    too_busy,
)

HEAD_BYTES_MAX = 32 * 1024
HEAD_WITHIN_S = 10.0
PER_ADDRESS_MAX = 32
"""Of those who are not on this computer: a stranger cannot take all connections, and an office
behind one address has enough.
"""
PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(too_busy(), {"Retry-After": "5", "Connection": "close"})(
        scope, receive, send
    )


_turn_away = SecurityHeaders(_full)


class LimitedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._is_head = True
        self._n_done = 0
        self._timer: asyncio.TimerHandle | None = None
        # uvicorn's own refusal is plain text without our headers.
        self._connections_max = self.limit_concurrency
        self.limit_concurrency = None
        self._served = self.app

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._has_too_many():
            # Not kept, not even until its request has come: it would hold a place until then.
            self.connections.discard(self)
            self._hang_up(too_busy(), {"Retry-After": "5"})
            return
        self._start_timer()

    def _has_too_many(self) -> bool:
        if self.client is None or is_this_computer(self.client[0]):
            return False
        group = address_group(self.client[0])
        clients = [getattr(other, "client", None) for other in self.connections]
        from_there = [
            client for client in clients if client is not None and address_group(client[0]) == group
        ]
        return len(from_there) > PER_ADDRESS_MAX

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._n_done = 0
        super().data_received(data)
        # Where in this piece a next head began is not known; at most this one piece of it is not
        # counted.
        self._head_bytes = self._head_bytes + len(data) if self._is_head and not self._n_done else 0
        if self._head_bytes > HEAD_BYTES_MAX:
            self._hang_up(head_too_large(HEAD_BYTES_MAX))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        self._is_head = False
        self._stop_timer()
        is_full = (
            self._connections_max is not None and len(self.connections) > self._connections_max
        )
        self.app = _turn_away if is_full else self._served
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_head = True
        self._n_done += 1

    def send_400_response(self, msg: str) -> None:
        self._hang_up(bad_request())

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._hang_up(head_too_slow(HEAD_WITHIN_S))

    def _hang_up(self, problem: Problem, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._stop_timer()
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(problem)
        headers = {
            **SECURITY_HEADERS,
            "Content-Type": PROBLEM_JSON,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
            **more,
        }
        lines = [
            f"HTTP/1.1 {problem.status} {PHRASES[problem.status]}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()
