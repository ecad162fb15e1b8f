"""The feed's supervision against a scripted WebSocket server: frames, life, loss, refusal, and what
is remembered.
"""

import asyncio
import base64
import hashlib
import json
import logging
import random
import struct
from functools import partial
from typing import Any

import pytest

from otrade._core.codecs.interface import FrameSink
from otrade.brokers.kite.stream import KiteStream, StreamCallbacks
from otrade.brokers.transport.endpoint import parse
from otrade.errors import BrokerError
from tests.harness.scripted_server import ManualClock, ScriptedPeer, ScriptedServer, run
from tests.harness.waiting import turns, until

SEED = 11
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
SECRET = "very+secret/token"


def frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """One unmasked server frame."""
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + bytes([126]) + struct.pack(">H", len(payload)) + payload


class WsPeer:
    """The server's end: the handshake, then whatever the client says."""

    def __init__(self, status: int = 101) -> None:
        self.status = status
        self.target = ""
        self.headers: dict[str, str] = {}
        self.heard: list[tuple[int, bytes]] = []
        self.peer: ScriptedPeer | None = None
        self.gone = False

    async def play(self, peer: ScriptedPeer) -> None:
        head = (await peer.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        self.target = first.split(" ")[1]
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        if self.status != 101:
            peer.answer(self.status, b"no", "Connection: close\r\n")
            peer.writer.close()
            return
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        peer.say(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self.peer = peer
        try:
            while True:
                head2 = await peer.reader.readexactly(2)
                size = head2[1] & 0x7F
                if size == 126:
                    size = struct.unpack(">H", await peer.reader.readexactly(2))[0]
                mask = await peer.reader.readexactly(4)
                data = await peer.reader.readexactly(size)
                self.heard.append(
                    (head2[0] & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
                )
        finally:
            self.gone = True

    def say(self, data: bytes) -> None:
        assert self.peer is not None
        self.peer.say(data)

    def said(self, opcode: int) -> list[bytes]:
        return [payload for code, payload in self.heard if code == opcode]


class StreamSetup:
    """A stream on scripted peers: `statuses` of the handshakes to come, 101 after those."""

    def __init__(self, statuses: tuple[int, ...] = ()) -> None:
        self.statuses = list(statuses)
        self.peers: list[WsPeer] = []
        self.clock = ManualClock()
        self.events: list[Any] = []
        self.server = ScriptedServer(self._play)
        self.stream: KiteStream = None

    async def _play(self, peer: ScriptedPeer) -> None:
        ws = WsPeer(self.statuses.pop(0) if self.statuses else 101)
        self.peers.append(ws)
        await ws.play(peer)

    async def __aenter__(self) -> "StreamSetup":
        await self.server.__aenter__()
        note = self.events.append
        self.stream = KiteStream(
            parse(f"ws://127.0.0.1:{self.server.port}", ("ws",)),
            "key",
            SECRET,
            sink=FrameSink(),
            clock=self.clock,
            rng=random.Random(SEED),
            now_ns=self.clock.now_ns,
            callbacks=StreamCallbacks(
                on_up=lambda: note("up"),
                on_down=lambda why: note(("down", why)),
                on_token_dead=lambda: note("dead"),
                on_order=lambda row: note(("order", row)),
                on_message=lambda kind, text: note((kind, text)),
                on_commands=lambda: note("commands"),
            ),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stream.stop()
        await self.server.__aexit__(*exc)

    async def up(self) -> WsPeer:
        n = len(self.peers)
        self.stream.start()
        await until(lambda: len(self.peers) > n and self.peers[-1].peer and self.stream.is_up)
        return self.peers[-1]


def _heard_at(bench: StreamSetup, ts_ns: int) -> bool:
    return bench.stream.ts_recv_ns == ts_ns


def _has_peers(bench: StreamSetup, n: int) -> bool:
    return len(bench.peers) == n


def test_handshake_subscription_frames_and_messages() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            bench.stream.subscribe([(408065, "full"), (884737, "ltp"), (5633, "full")])
            peer = await bench.up()
            assert peer.target == "/?api_key=key&access_token=very%2Bsecret%2Ftoken"
            assert peer.headers["x-kite-version"] == "3"
            await until(lambda: len(peer.said(TEXT)) == 4)
            assert [json.loads(m) for m in peer.said(TEXT)] == [
                {"a": "subscribe", "v": [884737]},
                {"a": "mode", "v": ["ltp", [884737]]},
                {"a": "subscribe", "v": [408065, 5633]},
                {"a": "mode", "v": ["full", [408065, 5633]]},
            ]
            peer.say(
                frame(BINARY, b"\x00") + frame(BINARY, struct.pack(">HHII", 1, 8, 408065, 150025))
            )
            order = {"order_id": "1", "status": "OPEN"}
            peer.say(frame(TEXT, json.dumps({"type": "order", "data": order}).encode()))
            peer.say(
                frame(TEXT, b'{"type":"error","data":"too many"}')
                + frame(TEXT, b'{"type":"message","data":"hi"}')
            )
            peer.say(frame(TEXT, b"not json") + frame(TEXT, b"[1]") + frame(TEXT, b'{"type":7}'))
            await until(lambda: len(bench.events) == 4)
            assert bench.events == [
                "up",
                ("order", order),
                ("error", "too many"),
                ("message", "hi"),
            ]
            assert bench.stream.latency.frame.n == 2 and bench.stream.latency.order.n == 0
            bench.stream.subscribe([(884737, "full")])
            bench.stream.unsubscribe([5633, 1])
            await until(lambda: len(peer.said(TEXT)) == 7)
            assert [json.loads(m) for m in peer.said(TEXT)[4:]] == [
                {"a": "subscribe", "v": [884737]},
                {"a": "mode", "v": ["full", [884737]]},
                {"a": "unsubscribe", "v": [5633]},
            ]

    run(main())


def test_a_pong_follows_the_frames_before_its_ping() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            peer = await bench.up()
            order = b'{"type":"order","data":{"n":1}}'
            peer.say(frame(TEXT, order) * 3 + frame(PING, b"step-7"))
            await until(lambda: peer.said(PONG))
            assert peer.said(PONG) == [b"step-7"]
            assert bench.events.count(("order", {"n": 1})) == 3

    run(main())


def test_fragments_are_put_together() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            peer = await bench.up()
            whole = b'{"type":"order","data":{"n":2}}'
            peer.say(
                frame(TEXT, whole[:5], fin=False)
                + frame(0, whole[5:9], fin=False)
                + frame(0, whole[9:])
            )
            peer.say(frame(BINARY, b"\x00\x00", fin=False) + frame(0, b""))
            await until(lambda: bench.stream.latency.frame.n == 1)
            assert bench.events[1:] == [("order", {"n": 2})]

    run(main())


def test_five_silent_seconds_drop_the_connection_and_any_frame_is_life() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            bench.stream.subscribe([(1, "quote")])
            peer = await bench.up()
            for _ in range(3):
                bench.clock.advance(4.9)
                now_ns = bench.clock.now_ns()
                peer.say(frame(BINARY, b"\x00"))
                await until(partial(_heard_at, bench, now_ns))
            assert bench.events == ["up"]
            bench.clock.advance(4.9)
            assert bench.stream.is_up
            bench.clock.advance(0.1)
            assert (
                bench.events == ["up", ("down", "silent for 5 seconds")] and not bench.stream.is_up
            )
            await until(lambda: peer.gone)
            (delay,) = bench.clock.waiting()
            assert 0.5 <= delay <= 1.0
            bench.clock.advance(delay)
            await until(lambda: bench.stream.is_up)
            await until(lambda: len(bench.peers[1].said(TEXT)) == 2)
            assert json.loads(bench.peers[1].said(TEXT)[1]) == {"a": "mode", "v": ["quote", [1]]}
            assert bench.events[-1] == "up" and bench.stream.n_connects == 2

    run(main())


@pytest.mark.parametrize("how", ["reset", "close frame", "hang up"])
def test_a_lost_connection_comes_back_by_back_off(how: str) -> None:
    async def main() -> None:
        async with StreamSetup((101, 500, 502, 503)) as bench:
            peer = await bench.up()
            peer.say(frame(BINARY, b"\x00"))
            await until(lambda: bench.stream.latency.frame.n == 1)
            assert peer.peer is not None
            if how == "reset":
                peer.peer.reset()
            elif how == "hang up":
                peer.peer.writer.close()
            else:
                peer.say(frame(CLOSE, struct.pack(">H", 1001)))
            await until(lambda: not bench.stream.is_up)
            assert bench.events == ["up", ("down", "the connection was lost")]
            delays = []
            for tries in range(1, 5):
                await until(lambda: bench.clock.waiting())
                (delay,) = bench.clock.waiting()
                delays.append(delay)
                bench.clock.advance(delay)
                await until(partial(_has_peers, bench, tries + 1))
            await until(lambda: bench.stream.is_up)
            for n, delay in enumerate(delays):
                assert 2**n / 2 <= delay <= 2**n

    run(main())


def test_the_back_off_is_capped_and_keeps_its_place_when_accepted_for_nothing() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            await bench.up()
            for n in range(10):
                peer = bench.peers[-1].peer
                assert peer is not None
                peer.writer.close()
                await until(lambda: not bench.stream.is_up)
                (delay,) = bench.clock.waiting()
                assert min(60, 2**n) / 2 <= delay <= min(60, 2**n)
                bench.clock.advance(delay)
                await until(partial(_has_peers, bench, n + 2))
                await until(lambda: bench.stream.is_up and bench.peers[-1].peer)

    run(main())


def test_403_is_a_dead_token_until_there_is_a_new_one() -> None:
    async def main() -> None:
        async with StreamSetup((403,)) as bench:
            bench.stream.subscribe([(9, "ltp")])
            bench.stream.start()
            await until(lambda: bench.events)
            assert bench.events == ["dead"]
            bench.clock.advance(3600)
            await turns()
            assert len(bench.peers) == 1
            bench.stream.set_access_token("fresh")
            await until(lambda: bench.stream.is_up)
            assert bench.peers[1].target.endswith("access_token=fresh")
            await until(lambda: len(bench.peers[1].said(TEXT)) == 2)

    run(main())


def test_a_new_token_swaps_a_live_connection() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            old = await bench.up()
            bench.stream.set_access_token("fresh")
            await until(lambda: bench.stream.is_up and len(bench.peers) == 2)
            await until(lambda: old.gone)
            assert bench.events == ["up", ("down", "new access token"), "up"]
            await turns()
            assert len(bench.peers) == 2

    run(main())


def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with StreamSetup((500, 403)) as bench:
            bench.stream.start()
            await until(lambda: bench.clock.waiting())
            bench.clock.advance(1)
            await until(lambda: bench.events)

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("picows").setLevel(logging.DEBUG)
        run(main())
    assert caplog.records
    text = "\n".join(f"{record.getMessage()} {record.exc_info}" for record in caplog.records)
    assert "secret" not in text


def test_limits_and_addresses() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            with pytest.raises(ValueError, match="mode"):
                bench.stream.subscribe([(1, "deep")])
            with pytest.raises(ValueError, match="3000"):
                bench.stream.subscribe([(n, "ltp") for n in range(3001)])

    run(main())
    for url in ("ws://ws.kite.trade", "ftp://127.0.0.1", "127.0.0.1:80", "ws://"):
        with pytest.raises(BrokerError):
            parse(url, ("wss", "ws"))
    assert parse("wss://ws.kite.trade", ("wss", "ws")).authority == "ws.kite.trade"
    assert parse("http://[::1]:8000/base/", ("http",)).authority == "[::1]:8000"


def test_a_fault_in_a_callback_does_not_end_the_feed(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            peer = await bench.up()

            def fail(row: dict[str, Any]) -> None:
                raise RuntimeError("boom")

            bench.stream._calls.on_order = fail
            peer.say(frame(TEXT, b'{"type":"order","data":{}}') + frame(PING, b"x"))
            await until(lambda: peer.said(PONG))
            assert bench.stream.is_up

    run(main())
    assert "boom" in caplog.text


def test_no_task_is_left_behind() -> None:
    async def main() -> None:
        async with StreamSetup() as bench:
            await bench.up()
            await bench.stream.stop()
            await bench.stream.stop()
        await until(lambda: len(asyncio.all_tasks()) == 1)
        assert bench.clock.waiting() == []

    run(main())
