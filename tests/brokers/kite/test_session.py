"""The session as a whole: one server for feed and REST, and TLS that is verified."""

import asyncio
import datetime
import json
import random
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import Ev, Lane, Reason, Source
from otrade.brokers.kite.session import KiteSession
from otrade.brokers.session import Callbacks
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.http_connection import connect
from otrade.errors import BrokerError, NetworkError, TokenError
from tests.brokers.kite.test_reports import ROW
from tests.brokers.transport.test_frame_reader import TEXT, WsPeer, frame
from tests.harness.scripted_server import ManualClock, ScriptedPeer, ScriptedServer, run
from tests.harness.waiting import until

SEED = 5


@dataclass
class QueuedRequest:
    seq: int
    lane: int
    request: bytes


class SessionSetup:
    """A broker on two scripted servers; `rest` maps a path to (status, body)."""

    def __init__(self, rest: dict[str, tuple[int, Any]]) -> None:
        self.rest = {"/user/profile": (200, {"status": "success", "data": {}})} | rest
        self.events: list[Any] = []
        self.heads: list[bytes] = []
        self.ws = WsPeer()
        self.clock = ManualClock()
        self.api = ScriptedServer(self._answer)
        self.feed = ScriptedServer(self.ws.play)
        self.broker: KiteSession = None

    async def _answer(self, peer: ScriptedPeer) -> None:
        while True:
            head, _ = await peer.request()
            self.heads.append(head)
            status, body = self.rest[head.split(b" ")[1].decode().split("?")[0]]
            peer.answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def __aenter__(self) -> "SessionSetup":
        await self.api.__aenter__()
        await self.feed.__aenter__()
        note = self.events.append
        self.encoder = KiteEncoder(b"127.0.0.1", b"", b"token key:T")
        self.broker = KiteSession(
            api_key="key",
            access_token="T",
            encoder=self.encoder,
            sink=FrameSink(),
            clock=self.clock,
            rng=random.Random(SEED),
            rest_root=f"http://127.0.0.1:{self.api.port}",
            feed_root=f"ws://127.0.0.1:{self.feed.port}",
            feed_now_ns=self.clock.now_ns,
            callbacks=Callbacks(
                on_report=lambda report: note(("report", report)),
                on_answer=lambda seq, answer: note(("answer", seq, answer.outcome, answer.reason)),
                on_sent=lambda seq, ts_ns: note(("sent", seq)),
                on_feed=lambda alive, why: note(("feed", alive)),
                on_push=lambda alive, why: None,
                on_token_dead=lambda: note("dead"),
                on_commands=lambda: note("commands"),
                on_message=lambda kind, text: note((kind, text)),
            ),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.broker.close()
        await self.feed.__aexit__(*exc)
        await self.api.__aexit__(*exc)


def test_a_day_in_small() -> None:
    async def main() -> None:
        foreign = ROW | {"order_id": "2", "tag": None, "tags": []}
        book = {"status": "success", "data": [ROW, foreign]}
        position = {"quantity": -5, "buy_value": 10.5, "sell_quantity": 5, "multiplier": None}
        margins = {
            "equity": {"enabled": True, "net": 99.5, "utilised": {"debits": 1}},
            "commodity": {},
        }
        rest = {
            "/orders/regular": (200, {"status": "success", "data": {"order_id": "77"}}),
            "/orders": (200, book),
            "/portfolio/positions": (200, {"status": "success", "data": {"net": [position]}}),
            "/user/margins": (200, {"status": "success", "data": margins}),
        }
        async with SessionSetup(rest) as bench:
            broker = bench.broker
            broker.subscribe([(519937, "full")])
            await broker.connect()
            await until(lambda: broker.is_feed_up and len(bench.ws.said(TEXT)) == 2)
            bench.ws.say(frame(TEXT, json.dumps({"type": "order", "data": ROW}).encode()))
            bad = json.dumps({"type": "order", "data": ROW | {"quantity": "x"}}).encode()
            bench.ws.say(frame(TEXT, bad))
            await until(lambda: len(bench.events) == 3)
            assert bench.events[0] == ("feed", True)
            assert bench.events[1][1].source == Source.PUSH and bench.events[1][1].ev == Ev.WORKING
            assert bench.events[2][0] == "error" and "quantity" in bench.events[2][1]

            del bench.events[:]
            request = b"POST /orders/regular HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            broker.send(QueuedRequest(4, Lane.ENTRY, request))
            await until(lambda: len(bench.events) == 2)
            assert bench.events == [("sent", 4), ("answer", 4, Ev.ACK, Reason.OK)]

            rows = await broker.order_book()
            assert [(row.cl_ord_id, row.source) for row in rows] == [("K0001ABC", 2), ("", 2)]
            assert [
                (p.net_qty, p.buy_value_e4, p.multiplier) for p in await broker.positions()
            ] == [(-5, 105_000, 1)]
            assert [(f.segment, f.net_e4) for f in await broker.funds()] == [("equity", 995_000)]
            assert "T" not in repr(broker)

            book["data"].append({"order_id": 1.5})
            table = await broker.order_book()
            assert [row.cl_ord_id for row in table] == ["K0001ABC", ""], (
                "the rest of the book is read"
            )
            assert "order_id" in table.unread[0].why
            for shape in ({"status": "success", "data": None}, {"status": "success", "data": []}):
                bench.rest["/orders"] = (200, shape)
                assert await broker.order_book() == []
            bench.rest["/orders"] = (200, {"status": "partial_success", "data": [ROW]})
            with pytest.raises(BrokerError, match="not whole"):
                await broker.order_book()
            bench.rest["/orders"] = (
                403,
                "<html>no entry</html>",
            )  # a gate before the broker: it says nothing about the token
            with pytest.raises(NetworkError):
                await broker.order_book()
            bench.rest["/orders"] = (
                403,
                {"status": "error", "message": "2FA", "error_type": "TwoFAException"},
            )
            with pytest.raises(TokenError):
                await broker.order_book()

    run(main())


def test_a_dead_token_is_told_at_login_and_at_an_order() -> None:
    dead = {"status": "error", "message": "Incorrect access_token", "error_type": "TokenException"}

    async def main() -> None:
        async with SessionSetup({"/orders/regular": (403, dead)}) as bench:
            await bench.broker.connect()
            request = b"POST /orders/regular HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            bench.broker.send(QueuedRequest(1, Lane.EXIT, request))
            await until(lambda: "dead" in bench.events)
            assert ("answer", 1, Ev.REFUSED, Reason.BROKER_TOKEN) in bench.events
            bench.rest["/user/profile"] = (403, dead)
            with pytest.raises(TokenError):
                await bench.broker.connect()

    run(main())


# ---------------------------------------------------------------------------- TLS
def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost: (certificate, key)."""
    pytest.importorskip("cryptography", reason="makes the test's certificate")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2099, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_is_verified(
    trusted: bool, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, secret = certificate(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    async def main() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem, secret)
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        endpoint = parse(f"https://{host}:{port}", ("https",))
        opening = connect(endpoint, endpoint.tls(), lambda _: None, body_bytes_max=1)
        if trusted and host == "localhost":
            connection = await opening
            assert connection.is_idle
            connection.abandon()
        else:  # not trusted, or a certificate that names somebody else
            with pytest.raises(NetworkError, match="verified"):
                await opening
        server.close()

    run(main())
