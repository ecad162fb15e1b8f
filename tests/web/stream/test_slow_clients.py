"""A hundred clients that take nothing, on real sockets: what is kept for them is bounded, and goes
with them when they are hung up on.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from otrade.stream.delta_stream import CLOSE_NOT_LOGGED_IN, DROP_AFTER_S, QUEUED_MAX
from otrade.web.auth.access_control import AccessControl
from otrade.web.server import WebServer
from otrade.web.stream.websocket import FAREWELL_S
from tests.web.fake_engine import FakeSource, order
from tests.web.logins import TOKEN, Time

N = 100
N_TICKS = 60
ROWS = 400
"""A snapshot of theirs is larger than what a socket that is not read takes."""


def deaf_socket(host: str) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    name, _, port = host.rpartition(":")
    made.connect((name, int(port)))
    made.sendall(
        f"GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return made


@contextlib.asynccontextmanager
async def serving(source: FakeSource, folder: Path, clock: Time) -> AsyncIterator[WebServer]:
    """Its stream ticks once at the beginning, and then only when the test says so."""
    web = WebServer(
        source,
        AccessControl(folder / "access", local_token=TOKEN),
        port=0,
        static_dir=folder,
        interval_s=10,
    )
    web._stream.now_s = clock
    await web.start()
    try:
        yield web
    finally:
        await web.stop()


async def turns(n: int) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


async def all_in(web: WebServer, n: int) -> None:
    """Until all have joined, and each is being sent what it does not take."""
    while len(web._stream._clients) < n or any(
        client._busy_since_s is None for client in web._stream._clients
    ):
        await web._stream.tick()
        await turns(10)


def in_buffers(web: WebServer) -> int:
    return sum(
        connection.transport.get_write_buffer_size()
        for connection in web._server.server_state.connections
    )


@pytest.fixture
def clock() -> Time:
    return Time()


def test_what_is_kept_for_a_hundred_deaf_clients_is_bounded(
    source: FakeSource, tmp_path: Path, clock: Time
) -> None:
    source.order_rows = [order(f"OT{n:05d}") for n in range(ROWS)]

    async def test() -> None:
        async with serving(source, tmp_path, clock) as web:
            host = web.url.removeprefix("http://").rstrip("/")
            stream = web._stream
            with contextlib.ExitStack() as stack:
                for _ in range(N):
                    stack.enter_context(contextlib.closing(deaf_socket(host)))
                    await turns(20)
                await all_in(web, N)
                snapshot_bytes = len(stream.snapshot())
                sent = in_buffers(web)
                assert 0 < sent <= N * (snapshot_bytes + 1024), "one snapshot each is on its way"
                for tick in range(N_TICKS):
                    for row in range(ROWS):
                        source.change("order", row, ts_last_ms=tick)
                    await stream.tick()
                    await turns(3)
                    waiting = [len(client._queue) for client in stream._clients]
                    assert len(waiting) == N and max(waiting) <= QUEUED_MAX
                    # Clients wait for the same texts: a message is kept once, and not a hundred
                    # times.
                    texts = {
                        id(text): len(text) for client in stream._clients for text in client._queue
                    }
                    assert sum(texts.values()) <= QUEUED_MAX * 2 * snapshot_bytes
                assert in_buffers(web) <= sent, "sixty messages later not a byte more is on its way"

                clock.s += DROP_AFTER_S + 0.1
                await stream.tick()
                await turns(20)
                assert (stream.n_clients, stream.n_dropped) == (0, N)
                assert web._server.server_state.connections == set(), (
                    "hung up on: nobody waits for them to take the rest"
                )

    asyncio.run(asyncio.wait_for(test(), 60))


def test_a_deaf_client_whose_session_ends_is_not_waited_for(
    source: FakeSource, tmp_path: Path, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would never take the words of farewell either."""
    source.order_rows = [order(f"OT{n:05d}") for n in range(20_000)]
    monkeypatch.setattr("otrade.web.stream.websocket.FAREWELL_S", 0.0)
    assert 0 < FAREWELL_S < DROP_AFTER_S

    async def test() -> None:
        async with serving(source, tmp_path, clock) as web:
            with contextlib.closing(deaf_socket(web.url.removeprefix("http://").rstrip("/"))):
                await all_in(web, 1)
                (client,) = web._stream._clients
                client.may_stay = lambda: False
                await web._stream.tick()
                assert client.close_code == CLOSE_NOT_LOGGED_IN
                while web._server.server_state.connections:
                    await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(test(), 60))
