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

from otrade.guard import places
from otrade.guard.client_address import address_group
from otrade.guard.limits import Limits
from otrade.web.auth.access_control import AccessControl
from otrade.web.http.tls import Tls, context_of
from otrade.web.server import WebServer, WebServerError
from tests.web.fake_engine import FakeSource
from tests.web.logins import BEARER, PASSWORD, TOKEN


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
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 411, "no_length"),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "bad_request"),
        (HEAD + b"X: " + b"x" * (Limits().head_bytes + 1), 431, "head_too_large"),
        (b"GET /" + b"x" * (Limits().head_bytes + 1), 431, "head_too_large"),
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
    text: bytes,
) -> None:
    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir, limits=Limits(head_s=0.05))
        await web.start()
        answer = await say(web, text)
        assert b"HTTP/1.1 408 Request Timeout" in answer and b"head_too_slow" in answer
        await web.stop()

    asyncio.run(test())


def port_of(web: WebServer) -> int:
    return int(web.url.rstrip("/").rpartition(":")[2])


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def come(web: WebServer, whence: str = "127.0.0.1", text: bytes = b"") -> Pair:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(web), local_addr=(whence, 0)
    )
    writer.write(text)
    return reader, writer


def test_a_newcomer_has_the_place_of_the_stranger_who_sat_longest(
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    """The owner's connections stay, whoever else comes."""
    proof = f"Authorization: Bearer {TOKEN}\r\n".encode()
    status = HEAD.replace(b"/healthz", b"/api/v1/status") + proof + b"\r\n"

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir, limits=Limits(connections=8))
        await web.start()
        owner, owners = await come(web, text=status)
        assert b"200 OK" in await owner.readuntil(b"\r\n\r\n")
        others = [await come(web) for _ in range(20)]
        assert [await reader.read() for reader, _ in others[:13]] == [b""] * 13
        assert b"200 OK" in await say(web, HEAD + b"Connection: close\r\n\r\n")
        owners.write(status.replace(proof, proof + b"Connection: close\r\n"))
        assert b"200 OK" in await owner.read()
        for _, writer in [*others, (owner, owners)]:
            writer.close()
        await web.stop()

    asyncio.run(test())


def test_where_all_have_proved_who_they_are_one_more_is_turned_away(
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    status = HEAD.replace(b"/healthz", b"/api/v1/status")
    status += f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir, limits=Limits(connections=3))
        await web.start()
        others = [await come(web, text=status) for _ in range(3)]
        for reader, _ in others:
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        answer = await say(web, b"")
        assert answer.startswith(b"HTTP/1.1 503") and b'"code":"too_busy"' in answer
        assert b"default-src 'none'" in answer and b"Retry-After: 5" in answer
        for _, writer in others:
            writer.close()
        await web.stop()

    asyncio.run(test())


def test_one_address_cannot_take_all_connections(
    source: FakeSource, access: AccessControl, static_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one computer there are no strangers: 127.0.0.2 stands for one."""
    monkeypatch.setattr(places, "is_this_computer", lambda address: address == "127.0.0.1")

    async def test() -> None:
        limits = Limits(per_address=4, new_burst=8)
        web = WebServer(source, access, port=0, static_dir=static_dir, limits=limits)
        await web.start()
        mine = await come(web, "127.0.0.3")
        theirs = [await come(web, "127.0.0.2") for _ in range(8)]
        assert [await reader.read() for reader, _ in theirs[:4]] == [b""] * 4
        reader, writer = await come(web, "127.0.0.2")
        assert b'"code":"too_busy"' in await reader.read(), "that address comes too often"
        assert web._server.listener is not None and len(web._server.listener.places) == 5
        mine[1].write(HEAD + b"Connection: close\r\n\r\n")
        assert b"200 OK" in await mine[0].read()
        for _, each in [*theirs, mine, (reader, writer)]:
            each.close()
        await web.stop()

    asyncio.run(test())


def test_a_body_says_how_long_it_is(
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    """Chunks have extensions and trailers: nothing of them is read."""
    head = b"POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def test() -> None:
        web = WebServer(source, access, port=0, static_dir=static_dir)
        await web.start()
        for rest in (b"", b"2\r\n{}\r\n0\r\n\r\n", b"0\r\nX: 1\r\n\r\n"):
            answer = await say(web, head + rest)
            assert answer.startswith(b"HTTP/1.1 411") and b'"code":"no_length"' in answer
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
    source: FakeSource, access: AccessControl, static_dir: Path
) -> None:
    async def test() -> None:
        limits = Limits(head_s=0.05)
        web = WebServer(
            source, access, port=0, static_dir=static_dir, interval_s=0.05, limits=limits
        )
        await web.start()
        async with websockets.connect(
            web.url.replace("http", "ws") + "api/v1/ws", additional_headers=BEARER
        ) as ws:
            for _ in range(5):
                assert await ws.recv()
        await web.stop()

    asyncio.run(test())
