"""The real server on a real loopback socket, inside the running loop."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest
import websockets

from otrade.errors import StartError
from otrade.web.auth.access_control import AccessControl
from otrade.web.server import WebServer, WebServerError
from tests.web.fake_engine import FakeSource, order
from tests.web.logins import BEARER, TOKEN

ROOT = Path(__file__).parents[2]


def server(source: FakeSource, static_dir: Path, port: int = 0) -> WebServer:
    access = AccessControl(static_dir.parent / "access", local_token=TOKEN)
    return WebServer(source, access, port=port, static_dir=static_dir, interval_s=0.05)


def listen(web: WebServer) -> websockets.connect:
    """The socket, as the local user."""
    return websockets.connect(
        web.url.replace("http", "ws") + "api/v1/ws", max_size=None, additional_headers=BEARER
    )


async def get(url: str, path: str) -> bytes:
    """One HTTP request by hand."""
    host = url.removeprefix("http://").rstrip("/")
    reader, writer = await asyncio.open_connection(*host.rsplit(":", 1))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def test_it_serves_and_stops(source: FakeSource, static_dir: Path) -> None:
    async def test() -> None:
        before = signal.getsignal(signal.SIGINT)
        web = server(source, static_dir)
        await web.start()
        assert web.url.startswith("http://127.0.0.1:")
        assert signal.getsignal(signal.SIGINT) is before
        answer = await get(web.url, "/healthz")
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok\n")
        assert b"uvicorn" not in answer.lower()
        async with listen(web) as ws:
            assert '"type":"snapshot"' in str(await ws.recv())
            assert '"type":"delta"' in str(await ws.recv())
            await web.stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                while True:
                    await ws.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code in (1001, 1012)
        with pytest.raises(ConnectionRefusedError):
            await get(web.url, "/healthz")

    asyncio.run(test())


def test_two_on_one_port(source: FakeSource, static_dir: Path) -> None:
    async def test() -> None:
        first = server(source, static_dir)
        await first.start()
        port = int(first.url.rstrip("/").rsplit(":", 1)[1])
        second = server(source, static_dir, port)
        with pytest.raises(WebServerError, match=rf"port {port} .* in use.*web\.port"):
            await second.start()
        await second.stop()
        assert (await get(first.url, "/healthz")).startswith(b"HTTP/1.1 200")
        await first.stop()

    asyncio.run(test())


def test_a_port_that_is_bound_but_silent_is_in_use_too(
    source: FakeSource, static_dir: Path
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(WebServerError, match=f"port {port}"):
            asyncio.run(server(source, static_dir, port).start())


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_no_such_port(source: FakeSource, static_dir: Path, port: int) -> None:
    with pytest.raises(WebServerError, match=r"web\.port"):
        asyncio.run(server(source, static_dir, port).start())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "", "127.0.0.1 "])
def test_only_this_computer_without_tls(
    source: FakeSource, access: AccessControl, host: str
) -> None:
    with pytest.raises(WebServerError, match=r"web\.host") as refused:
        WebServer(source, access, host=host)
    assert isinstance(refused.value, StartError)


def test_a_client_that_takes_nothing_does_not_hold_up_the_end(
    source: FakeSource, static_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source.order_rows = [order(f"OT{n:05d}") for n in range(20_000)]  # more than sockets hold

    async def test() -> None:
        web = server(source, static_dir)
        await web.start()
        host = web.url.removeprefix("http://").rstrip("/")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", int(host.rsplit(":", 1)[1])))
            deaf.sendall(
                f"GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            async with listen(web) as ws:
                assert '"type":"snapshot"' in str(await ws.recv())
                assert '"type":"delta"' in str(await ws.recv())
            await asyncio.wait_for(web.stop(), 10)
        assert web._server.server_state.connections == set()

    asyncio.run(test())
    assert caplog.text == ""


def test_a_huge_websocket_message_is_refused(source: FakeSource, static_dir: Path) -> None:
    async def test() -> None:
        web = server(source, static_dir)
        await web.start()
        async with listen(web) as ws:
            await ws.send(" " * 5000)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                while True:
                    await ws.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        await web.stop()

    asyncio.run(test())
