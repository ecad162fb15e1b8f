"""The server on the wire: TLS where others can reach it, and connections that say nothing, too
much, or no HTTP.
"""

import asyncio
import http.client
import json
import ssl
import subprocess
from pathlib import Path

import pytest
import websockets

from otrade.web.auth.access_control import AccessControl
from otrade.web.http import http_limits
from otrade.web.http.client_address import address_group
from otrade.web.http.tls import Tls, context_of
from otrade.web.server import CONNECTIONS_MAX, WebServer, WebServerError
from tests.harness.waiting import until
from tests.web.fake_engine import FakeSource
from tests.web.logins import BEARER, PASSWORD


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate of our own for an address that the command line does not use."""
    return certificate(tmp_path_factory.mktemp("tls"), "desk.example")


def certificate(folder: Path, name: str) -> Tls:
    tls = Tls(folder / f"{name}.pem", folder / f"{name}.key")
    openssl = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(
        [*openssl, *names, "-keyout", tls.key, "-out", tls.cert], check=True, capture_output=True
    )
    tls.key.chmod(0o600)
    return tls


def status(web: WebServer, tls: Tls) -> int:
    """Of a request that believes this certificate and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(tls.cert)
    connection = http.client.HTTPSConnection("127.0.0.1", port_of_tls(web), context=context)
    try:
        connection.request("GET", "/api/v1/status", headers=BEARER)
        return connection.getresponse().status
    finally:
        connection.close()


def port_of_tls(web: WebServer) -> int:
    return int(web.url.rstrip("/").rpartition(":")[2])


# -----------------------------------------------------------------------------------------------
# TLS
def test_by_tls_this_very_certificate_is_shown(
    source: FakeSource, access: AccessControl, static_dir: Path, made: Tls, tmp_path: Path
) -> None:
    async def test() -> None:
        web = WebServer(
            source,
            access,
            host="0.0.0.0",
            port=0,
            names=["desk.example"],
            tls=made,
            static_dir=static_dir,
        )
        await web.start()
        assert web.url.startswith("https://127.0.0.1:")
        assert await asyncio.to_thread(status, web, made) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(status, web, certificate(tmp_path, "desk.example"))
        context = ssl.create_default_context(cafile=made.cert)
        context.check_hostname = False
        async with websockets.connect(
            web.url.replace("https", "wss") + "api/v1/ws", ssl=context, additional_headers=BEARER
        ) as ws:
            assert '"type":"snapshot"' in str(await ws.recv())
        await web.stop()

    asyncio.run(test())


def test_a_login_by_tls_from_elsewhere(
    source: FakeSource, access: AccessControl, static_dir: Path, made: Tls
) -> None:
    async def test() -> None:
        web = WebServer(
            source,
            access,
            host="127.0.0.1",
            port=0,
            names=["desk.example"],
            tls=made,
            static_dir=static_dir,
        )
        await web.start()
        port = int(web.url.rstrip("/").rpartition(":")[2])
        context = ssl.create_default_context(cafile=made.cert)
        body = json.dumps({"password": PASSWORD})
        for host, origin, expected in (
            ("desk.example", "https://desk.example", b"200"),
            ("desk.example", "http://desk.example", b"403"),
            ("evil.example", "https://evil.example", b"403"),
        ):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="desk.example"
            )
            writer.write(
                f"POST /api/v1/login HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {origin}:{port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
            )
            answer = await reader.read()
            writer.close()
            assert answer.split(b" ", 2)[1] == expected
            assert (b"set-cookie: __Host-otrade_" in answer and b"Secure" in answer) == (
                expected == b"200"
            )
            assert b"strict-transport-security: max-age=31536000" in answer
        await web.stop()

    asyncio.run(test())


def test_old_tls_is_not_spoken(made: Tls) -> None:
    assert context_of(made).minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_cannot_be_used_are_named(
    source: FakeSource, access: AccessControl, made: Tls, tmp_path: Path
) -> None:
    def refused(tls: Tls, words: str) -> None:
        with pytest.raises(WebServerError, match=words):
            WebServer(source, access, host="0.0.0.0", tls=tls)

    refused(Tls(tmp_path / "no.pem", made.key), "web.tls_cert: there is no file")
    refused(Tls(made.cert, tmp_path / "no.key"), "web.tls_key: there is no file")
    refused(
        Tls(made.cert, certificate(tmp_path, "other").key),
        "web.tls_cert .* web.tls_key .* together",
    )
    open_key = tmp_path / "open.key"
    open_key.write_bytes(made.key.read_bytes())
    open_key.chmod(0o644)
    refused(Tls(made.cert, open_key), "web.tls_key: anybody")
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:x1234", "-in", made.key, "-out", locked],
        check=True,
        capture_output=True,
    )
    locked.chmod(0o600)
    refused(Tls(made.cert, locked), "together")


# ------------------------------------------------------------------------------------------ the
# wire
async def say(web: WebServer, text: bytes) -> bytes:
    """What comes back until the server hangs up."""
    host, _, port = web.url.removeprefix("http://").rstrip("/").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(text)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
            "bad_request",
        ),  # TLS where there is none
        (b"hello\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request"),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "bad_request"),
        (HEAD + b"X: " + b"x" * (http_limits.HEAD_BYTES_MAX + 1), 431, "head_too_large"),
        (b"GET /" + b"x" * (http_limits.HEAD_BYTES_MAX + 1), 431, "head_too_large"),
    ],
)
def test_what_is_no_request(
    source: FakeSource, access: AccessControl, static_dir: Path, text: bytes, status: int, code: str
) -> None:
    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        head, _, body = (await say(web, text)).partition(b"\r\n\r\n")
        assert int(head.split(b" ")[1]) == status
        assert (
            b"content-type: application/problem+json" in head.lower()
            and b"default-src 'none'" in head
        )
        assert json.loads(body)["code"] == code
        assert b"200 OK" in await say(web, HEAD + b"Connection: close\r\n\r\n")
        await web.stop()

    asyncio.run(test())


@pytest.mark.parametrize(
    "text", [b"", b"GET /heal", HEAD, HEAD + b"Connection: keep-alive\r\n\r\n" + b"GET /"]
)
def test_who_says_nothing_is_hung_up_on(
    source: FakeSource,
    access: AccessControl,
    static_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: bytes,
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 0.05)

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        answer = await say(web, text)
        assert b"HTTP/1.1 408 Request Timeout" in answer and b"head_too_slow" in answer
        await web.stop()

    asyncio.run(test())


def test_one_connection_too_many_is_turned_away(
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        host, _, port = web.url.removeprefix("http://").rstrip("/").rpartition(":")
        others = [await asyncio.open_connection(host, int(port)) for _ in range(CONNECTIONS_MAX)]
        answer = await say(web, HEAD + b"\r\n")
        assert (
            answer.startswith(b"HTTP/1.1 503")
            and b'"code":"too_busy"' in answer
            and b"default-src 'none'" in answer
        )
        others.pop()[1].close()
        await until(lambda: len(web._server.server_state.connections) < CONNECTIONS_MAX)
        assert b"200 OK" in await say(web, HEAD + b"Connection: close\r\n\r\n")
        for _, writer in others:
            writer.close()
        await web.stop()

    asyncio.run(test())


def test_one_address_cannot_take_all_connections(
    source: FakeSource, access: AccessControl, static_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one computer there are no strangers: 127.0.0.2 stands for one."""
    monkeypatch.setattr(http_limits, "is_this_computer", lambda address: address == "127.0.0.1")

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        host, _, port = web.url.removeprefix("http://").rstrip("/").rpartition(":")

        async def come(whence: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(host, int(port), local_addr=(whence, 0))

        theirs = [await come("127.0.0.2") for _ in range(http_limits.PER_ADDRESS_MAX)]
        reader, writer = await come("127.0.0.2")
        answer = await reader.read()
        assert (
            answer.startswith(b"HTTP/1.1 503")
            and b'"code":"too_busy"' in answer
            and b"Retry-After: 5" in answer
        )
        writer.close()
        assert len(web._server.server_state.connections) == http_limits.PER_ADDRESS_MAX
        for whence in ("127.0.0.1", "127.0.0.3"):
            reader, writer = await come(whence)
            writer.write(HEAD + b"Connection: close\r\n\r\n")
            assert b"200 OK" in await reader.read()
            writer.close()
        for _, writer in theirs:
            writer.close()
        await web.stop()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("a unix socket" * 9, ("a unix socket" * 9)[:64]),
    ],
)
def test_what_counts_as_one_address(address: str, place: str) -> None:
    assert address_group(address) == place


def test_many_requests_on_one_connection_are_not_added_up(
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        one = HEAD + b"X: " + b"x" * 8000 + b"\r\n\r\n"
        last = HEAD + b"Connection: close\r\n\r\n"
        answer = await say(web, one * 20 + last)
        assert answer.count(b"HTTP/1.1 200 OK") == 21
        await web.stop()

    asyncio.run(test())


def test_a_socket_outlives_the_heads_time(
    source: FakeSource, access: AccessControl, static_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_WITHIN_S", 0.05)

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir, interval_s=0.05)
        await web.start()
        async with websockets.connect(
            web.url.replace("http", "ws") + "api/v1/ws", additional_headers=BEARER
        ) as ws:
            for _ in range(5):
                assert await ws.recv()
        await web.stop()

    asyncio.run(test())
