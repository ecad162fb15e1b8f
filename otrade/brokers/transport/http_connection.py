"""One keep-alive HTTP/1.1 connection, one request in flight. It never retries and never pipelines.

A request's bytes go to the kernel inside `send` whenever the socket has room, which on a warm
connection is always. What comes back is exactly one call of `on_done`: with a response, or with
None and the reason why there is none. After anything odd (a parse error, bytes that nobody asked
for, an answer given twice) the connection is not used again.
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable
from typing import cast

import aiofastnet
import httptools
import msgspec

from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.order_socket import OrderSocket
from otrade.clock import Clock
from otrade.errors import NetworkError

CONNECT_TIMEOUT_S = 7.0
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 10_000),
)


class HttpResponse(msgspec.Struct):
    """Header names are in lower case. The body is already unzipped."""

    status: int
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


OnDone = Callable[[HttpResponse | None, str], None]


class HttpConnection(asyncio.Protocol):
    """States: not yet connected, idle, busy (an `on_done` is owed), dead."""

    def __init__(
        self, on_closed: Callable[["HttpConnection"], None], *, body_bytes_max: int
    ) -> None:
        self._on_closed = on_closed
        self._body_bytes_max = body_bytes_max
        self._transport: asyncio.Transport | None = None
        self._on_done: OnDone | None = None
        self._on_sent: Callable[[], None] | None = None
        self._writing = False
        self.socket = OrderSocket()
        self._start_answer()

    def _start_answer(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._response = HttpResponse(0)
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._complete = False
        self._surplus = False
        self._keep_alive = False

    @property
    def is_idle(self) -> bool:
        """Connected, and free for a request."""
        return self.socket.is_open and not self.socket.is_owed

    def send(
        self, request: bytes, on_done: OnDone, on_sent: Callable[[], None] | None = None
    ) -> bool:
        """Write one request. False: the connection is dead or busy, and not one byte has left."""
        if not self.socket.send(request):
            return False
        self.expect(on_done, on_sent)
        return True

    def expect(self, on_done: OnDone, on_sent: Callable[[], None] | None = None) -> None:
        """Who is told about the request that `socket` has taken, in the same turn of the loop."""
        self._on_done = on_done
        if on_sent is not None:
            if self._writing:
                self._on_sent = on_sent
            else:
                on_sent()

    def abandon(self) -> None:
        """Drop the connection without another word: `on_done` will not be called."""
        self._settle()
        self._on_sent = None
        if self._transport is not None:
            self._transport.abort()

    # ----------------------------------------------------------------------------- asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Every byte that the kernel does not take at once calls pause_writing: so `on_sent` is told
        # the truth.
        self._transport.set_write_buffer_limits(high=0)
        sock = transport.get_extra_info("socket")
        self.socket.attach(transport)
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A dead link must be known before an order needs it, not after.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE:
                if hasattr(socket, name):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def pause_writing(self) -> None:
        self._writing = True

    def resume_writing(self) -> None:
        self._writing = False
        if self._on_sent is not None:
            on_sent, self._on_sent = self._on_sent, None
            on_sent()

    def data_received(self, data: bytes) -> None:
        if self._on_done is None:
            self.abandon()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail("the answer could not be read")
            return
        if self._complete:
            self._finish()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.socket.detach()
        self._on_sent = None
        on_done = self._settle()
        if on_done is not None:
            on_done(None, "the connection was lost before the answer was complete")
        self._on_closed(self)

    def fail(self, why: str) -> None:
        """Drop the connection; a request in flight gets `on_done(None, why)`."""
        on_done = self._on_done
        self.abandon()
        if on_done is not None:
            on_done(None, why)

    def _settle(self) -> OnDone | None:
        """Nothing is owed any more. Who was to be told."""
        self.socket.settle()
        on_done, self._on_done = self._on_done, None
        return on_done

    def _finish(self) -> None:
        response = self._response
        try:
            response.body = _unzip(b"".join(self._body), response.headers, self._body_bytes_max)
        except (zlib.error, _TooLarge):
            self.fail("the answer could not be unzipped")
            return
        keep = self._keep_alive and not self._surplus
        on_done = self._settle()
        if keep:
            self._start_answer()
        else:
            self.abandon()
        if on_done is not None:
            on_done(response, "")

    # -------------------------------------------------------------------------- httptools callbacks
    def on_message_begin(self) -> None:
        # Bytes after a complete answer belong to no request of ours.
        self._surplus = self._surplus or self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._response.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if not self._complete:
            self._response.status = self._parser.get_status_code()
            self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        if self._complete:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self._body_bytes_max:
            raise _TooLarge
        self._body.append(body)

    def on_message_complete(self) -> None:
        if 100 <= self._response.status < 200:  # an interim answer announces the real one
            self._response = HttpResponse(0)
            return
        self._complete = True


class _TooLarge(Exception):
    """More bytes than an answer may have."""


def _unzip(body: bytes, headers: dict[str, str], bytes_max: int) -> bytes:
    if headers.get("content-encoding", "").lower() != "gzip":
        return body
    unzip = zlib.decompressobj(wbits=31)
    plain = unzip.decompress(body, bytes_max)
    if unzip.unconsumed_tail:
        raise _TooLarge
    if not unzip.eof:
        raise zlib.error("cut short")
    return plain


async def connect(
    endpoint: Endpoint,
    tls: ssl.SSLContext | None,
    on_closed: Callable[[HttpConnection], None],
    *,
    body_bytes_max: int,
) -> HttpConnection:
    """A warm connection: TCP and TLS done. NetworkError when that fails or takes more than seven
    seconds of real time.

    Real time, whatever clock the engine runs on: a socket's connection is not part of a simulated
    day.
    """
    loop = asyncio.get_running_loop()
    connection = HttpConnection(on_closed, body_bytes_max=body_bytes_max)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await aiofastnet.create_connection(
                loop, lambda: connection, endpoint.host, endpoint.port, ssl=tls
            )
    except ssl.SSLError as exc:
        raise NetworkError(
            f"no verified TLS connection to {endpoint.host}:{endpoint.port}: {exc.reason}"
        ) from exc
    except (OSError, TimeoutError) as exc:
        raise NetworkError(
            f"no connection to {endpoint.host}:{endpoint.port}: {type(exc).__name__}"
        ) from exc
    return connection


async def ask(
    connection: HttpConnection, request: bytes, *, clock: Clock, timeout_ns: int
) -> HttpResponse:
    """Send one question on an idle connection and wait for its answer. NetworkError when none
    comes; no retries.
    """
    answer: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()

    def on_done(response: HttpResponse | None, why: str) -> None:
        if answer.done():
            return
        if response is None:
            answer.set_exception(NetworkError(f"no answer from the broker: {why}"))
        else:
            answer.set_result(response)

    def on_timeout() -> None:
        connection.abandon()
        on_done(None, "it took too long")

    timer = clock.call_at(clock.now_ns() + timeout_ns, on_timeout)
    try:
        if not connection.send(request, on_done):
            raise NetworkError("the connection to the broker was lost before the question was sent")
        return await answer
    except asyncio.CancelledError:
        connection.abandon()
        raise
    finally:
        timer.cancel()
