"""Questions and login over a scripted server: good answers, every kind of bad one, no secret."""

import asyncio
import gzip
import hashlib
import json
import os
import random
from collections.abc import Awaitable, Callable
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from otrade.brokers import token_store as session_file
from otrade.brokers.kite import login
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.parse import ist_ns
from otrade.brokers.transport.backoff import Backoff
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.rest_client import http_date_s
from otrade.errors import BrokerError, NetworkError, RateLimitError, TokenError
from tests.harness.scripted_server import ManualClock, ScriptedPeer, ScriptedServer, idle, run
from tests.harness.waiting import until

SECRETS = ("apisecret", "accesstoken")
HOUR_NS = 3_600_000_000_000


ist = ist_ns


def talk(
    script: Callable[[ScriptedPeer], Awaitable[None]],
    use: Callable[[KiteRest, ScriptedServer], Awaitable[None]],
) -> None:
    async def main() -> None:
        async with ScriptedServer(script) as server:
            endpoint = parse(f"http://127.0.0.1:{server.port}", ("http",))
            rest = KiteRest(endpoint, "key", "accesstoken", clock=ManualClock())
            await use(rest, server)
            rest.close()

    run(main())


def test_questions_on_one_connection() -> None:
    heads: list[bytes] = []
    bodies = [
        b'{"status":"success","data":[{"order_id":"1"}]}',
        b'{"status":"success","data":null}',
        b'{"status":"success","data":{"NSE:M&M":{"last_price":5}}}',
        b'{"status":"success","data":{"net":[{"quantity":-5}],"day":null}}',
    ]

    async def script(peer: ScriptedPeer) -> None:
        for body in bodies:
            heads.append((await peer.request())[0])
            peer.answer(200, body)
        heads.append((await peer.request())[0])
        peer.answer(
            200, gzip.compress(b"instrument_token,exchange\n1,NSE\n"), "Content-Encoding: gzip\r\n"
        )

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        assert await rest.orders() == [{"order_id": "1"}]
        assert await rest.trades() == []
        assert (await rest.quote(["NSE:M&M", "NSE:A B"], "ltp"))["NSE:M&M"]["last_price"] == 5
        assert await rest.positions() == {"net": [{"quantity": -5}], "day": []}
        assert (await rest.instruments_csv("NSE")).endswith(b"1,NSE\n")
        assert len(server.peers) == 1

    talk(script, use)
    lines = [head.decode().split("\r\n") for head in heads]
    targets = [urlsplit(line[0].split(" ")[1]) for line in lines]
    assert [t.path for t in targets] == [
        "/orders",
        "/trades",
        "/quote/ltp",
        "/portfolio/positions",
        "/instruments/NSE",
    ]
    assert parse_qsl(targets[2].query) == [("i", "NSE:M&M"), ("i", "NSE:A B")]
    for line in lines:
        assert "Authorization: token key:accesstoken" in line and "X-Kite-Version: 3" in line


ERROR = '{"status":"error","message":"%s","error_type":"%s"}'


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (403, ERROR % ("Incorrect token", "TokenException"), TokenError, "log in again"),
        (429, ERROR % ("Too many requests", "NetworkException"), RateLimitError, "ask less often"),
        (429, "<html/>", RateLimitError, "429"),
        (503, ERROR % ("Kite is down", "NetworkException"), NetworkError, "Kite is down"),
        (500, ERROR % ("Oops", "GeneralException"), NetworkError, "Oops"),
        (502, "<html>bad gateway</html>", NetworkError, "502"),
        (400, ERROR % ("Bad interval", "InputException"), BrokerError, "Bad interval"),
        (403, ERROR % ("No access to history", "PermissionException"), BrokerError, "No access"),
        (200, "<html>login</html>", NetworkError, "not JSON"),
        (200, '{"status":"succ', NetworkError, "not JSON"),
        (200, '{"status":"error","message":"odd"}', BrokerError, "odd"),
        (200, '{"status":"success","data":{"a":1}}', BrokerError, "table"),
        (200, '{"status":"success","data":[1]}', BrokerError, "table"),
    ],
)
def test_bad_answers_raise_by_name_and_tell_no_secret(
    status: int, body: str, error: type[Exception], words: str
) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.request()
        peer.answer(status, body.encode())
        await idle(peer)

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        with pytest.raises(error, match=words) as caught:
            await rest.orders()
        assert not any(secret in str(caught.value) + repr(rest) for secret in SECRETS)

    talk(script, use)


@pytest.mark.parametrize(
    "cut",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"nonsense\r\n\r\n"],
)
def test_a_cut_answer_is_a_network_error_and_is_not_asked_again(cut: bytes) -> None:
    asked: list[bytes] = []

    async def script(peer: ScriptedPeer) -> None:
        asked.append((await peer.request())[0])
        peer.say(cut)
        await peer.writer.drain()
        peer.writer.close()

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        with pytest.raises(NetworkError):
            await rest.profile()
        assert len(asked) == 1
        with pytest.raises(NetworkError):
            await rest.profile()
        assert len(asked) == 2

    talk(script, use)


def test_a_zip_bomb_and_a_broken_zip_are_network_errors() -> None:
    bodies = [gzip.compress(b"x" * (1 << 28)), gzip.compress(b"instrument_token,x")[:-6], b"plain"]

    async def script(peer: ScriptedPeer) -> None:
        await peer.request()
        peer.answer(200, bodies[0], "Content-Encoding: gzip\r\n")
        await peer.writer.drain()
        await idle(peer)

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        while bodies:
            with pytest.raises(NetworkError):
                await rest.instruments_csv()
            del bodies[0]

    talk(script, use)


def test_silence_ends_by_the_clock() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            clock = ManualClock()
            rest = KiteRest(parse(f"http://127.0.0.1:{server.port}", ("http",)), "k", clock=clock)
            asking = asyncio.ensure_future(rest.profile())
            await until(lambda: clock.waiting() == [10])
            clock.advance(10)
            with pytest.raises(NetworkError, match="too long"):
                await asking
            closing = asyncio.ensure_future(rest.profile())
            await until(lambda: clock.waiting() == [10])
            rest.close()
            with pytest.raises(NetworkError, match="closed"):
                await closing

    run(main())


def test_addresses_in_clear_are_for_loopback_only() -> None:
    with pytest.raises(BrokerError, match="in clear"):
        parse("http://api.kite.trade", ("https", "http"))
    assert parse("https://api.kite.trade", ("https",)).port == 443


# ---------------------------------------------------------------------------- login
def test_checksum_and_session() -> None:
    forms: list[dict[str, str]] = []

    async def script(peer: ScriptedPeer) -> None:
        forms.append(dict(parse_qsl((await peer.request())[1].decode())))
        peer.answer(200, b'{"status":"success","data":{"access_token":"T","user_id":"AB1234"}}')
        assert b"Authorization: token key:T\r\n" in (await peer.request())[0]
        peer.answer(200, b'{"status":"success","data":{"access_token":""}}')

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        now_ns = ist("2026-11-23 08:30:00")
        session = await login.exchange(rest, "key", "apisecret", "REQ", now_ns)
        assert session.access_token == "T" and session.user_id == "AB1234"
        assert session.expires_ns == ist("2026-11-24 06:00:00")
        assert "T" not in repr(session).replace("TokenError", "")
        with pytest.raises(TokenError, match="no access token"):
            await login.exchange(rest, "key", "apisecret", "REQ", now_ns)

    talk(script, use)
    assert forms[0] == {
        "api_key": "key",
        "request_token": "REQ",
        "checksum": hashlib.sha256(b"keyREQapisecret").hexdigest(),
    }


@pytest.mark.parametrize(
    ("login_at", "expires"),
    [
        ("2026-11-23 08:30:00", "2026-11-24 06:00:00"),
        ("2026-11-23 05:59:59", "2026-11-23 06:00:00"),
        ("2026-11-23 06:00:00", "2026-11-24 06:00:00"),
        ("2026-12-31 23:59:59", "2027-01-01 06:00:00"),
    ],
)
def test_a_session_ends_at_six(login_at: str, expires: str) -> None:
    assert session_file.expiry_ns(ist(login_at), login.EXPIRY_HOUR_IST) == ist(expires)


def test_session_file(tmp_path: Path) -> None:
    path = tmp_path / "var" / "session.json"
    session = session_file.AccessSession("key", "T", "AB", 5, HOUR_NS)
    assert session_file.load_session(path, "key", 0) is None
    session_file.save_session(path, session)
    assert path.stat().st_mode & 0o777 == 0o600 and list(path.parent.iterdir()) == [path]
    assert session_file.load_session(path, "key", HOUR_NS - 1) == session
    assert session_file.load_session(path, "key", HOUR_NS) is None
    assert session_file.load_session(path, "other", 0) is None
    path.write_text("{}")
    assert session_file.load_session(path, "key", 0) is None
    path.write_text("{")
    assert session_file.load_session(path, "key", 0) is None
    os.chmod(path, 0o644)
    with pytest.raises(TokenError, match="readable by others"):
        session_file.load_session(path, "key", 0)


def test_login_addresses() -> None:
    assert login.login_url("k&1") == "https://kite.zerodha.com/connect/login?v=3&api_key=k%261"
    url = "https://me.example/cb?action=login&status=success&request_token=abc"
    assert login.request_token_of(url) == "abc"
    for bad in ("https://me.example/cb", "https://me.example/cb?status=error&request_token=x"):
        with pytest.raises(BrokerError, match="request token"):
            login.request_token_of(bad)


@pytest.mark.parametrize("hops", [1, 2])
def test_auto_login_follows_the_redirect_of_a_simulator(hops: int) -> None:
    asked: list[str] = []

    async def script(peer: ScriptedPeer) -> None:
        head, _ = await peer.request()
        target = head.split(b" ")[1].decode()
        asked.append(target)
        if target.startswith("/session/token"):
            peer.answer(
                200, json.dumps({"status": "success", "data": {"access_token": "T"}}).encode()
            )
        elif len(asked) < hops:
            peer.answer(302, b"", "Location: /connect/finish?sess=1\r\n")
        else:
            where = "https://my.app/cb?status=success&request_token=REQ"
            peer.answer(302, b"", f"Location: {where}\r\n")
        await idle(peer)

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        root = f"http://127.0.0.1:{server.port}"
        session = await login.auto_login(rest, "key", "s", login_root=root, clock=ManualClock())
        assert session.access_token == "T"
        assert asked[0] == "/connect/login?v=3&api_key=key" and len(asked) == hops + 1

    talk(script, use)


@pytest.mark.parametrize(
    ("status", "location"), [(200, ""), (302, "https://evil.example/"), (302, ""), (302, "/loop")]
)
def test_auto_login_gives_up_with_a_reason(status: int, location: str) -> None:
    async def script(peer: ScriptedPeer) -> None:
        await peer.request()
        peer.answer(status, b"", f"Location: {location}\r\n" if location else "")
        await idle(peer)

    async def use(rest: KiteRest, server: ScriptedServer) -> None:
        root = f"http://127.0.0.1:{server.port}"
        with pytest.raises(BrokerError, match="redirect"):
            await login.auto_login(rest, "key", "s", login_root=root, clock=ManualClock())
        with pytest.raises(BrokerError, match="must start with"):
            await login.auto_login(
                rest, "key", "s", login_root="https://kite.zerodha.com", clock=ManualClock()
            )

    talk(script, use)


def test_the_seed_of_jitter_decides_the_waits() -> None:
    one, two = Backoff(random.Random(3)), Backoff(random.Random(3))
    assert [one.next_ns() for _ in range(50)] == [two.next_ns() for _ in range(50)]
    assert max(one.next_ns() for _ in range(200)) <= 60 * 10**9


@pytest.mark.parametrize("seed", range(3))
def test_dates_of_servers_are_read_as_the_standard_library_reads_them(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(f"dates {seed}")
    for _ in range(200):
        s = rng.randrange(0, 4_000_000_000)
        text = formatdate(s, usegmt=True)
        assert http_date_s(text) == s == int(parsedate_to_datetime(text).timestamp())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT GMT",
    ],
)
def test_what_is_no_such_date(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        http_date_s(text)
