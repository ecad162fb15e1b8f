"""The order transport: one answer for each request, in doubt whenever it may have arrived, and
never a second send.
"""

import random
import socket
import struct
from typing import Any

import pytest

from otrade._core.types import Ev, Lane, Reason
from otrade.brokers.kite.error_map import answer_of
from otrade.brokers.session import Answer
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.order_pool import OrderPool
from otrade.errors import NetworkError
from tests.harness.scripted_server import ManualClock, ScriptedServer, idle, run
from tests.harness.waiting import turns, until

SEED = 7
OK = b'{"status":"success","data":{"order_id":"1234567890123456789"}}'


def request(n: int) -> bytes:
    body = b"tag=%d" % n
    return b"POST /orders/regular HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


class PoolSetup:
    """A pool on a hand-driven server, and what the pool said."""

    def __init__(
        self, server: ScriptedServer, *, port: int = 0, root: str = "", **options: Any
    ) -> None:
        self.clock = ManualClock()
        self.answers: list[tuple[int, Answer]] = []
        self.sent: list[int] = []
        self.react: Any = None
        self.pool = OrderPool(
            parse(root or f"http://127.0.0.1:{port or server.port}", ("http", "https")),
            clock=self.clock,
            rng=random.Random(SEED),
            on_answer=self._on_answer,
            on_sent=lambda seq, ts_ns: self.sent.append(seq),
            answer_of=answer_of,
            **({"size": 1, "size_max": 1} | options),
        )
        self.server = server

    def _on_answer(self, seq: int, answer: Answer) -> None:
        self.answers.append((seq, answer))
        if self.react is not None:
            self.react(seq, answer)

    async def warm(self, n: int = 1) -> None:
        await self.pool.start()
        await until(lambda: self.pool.warm == n and len(self.server.peers) == n)

    def outcome(self) -> tuple[Ev, int]:
        assert len(self.answers) == 1, self.answers
        return self.answers[0][1].outcome, self.answers[0][1].reason


ERROR = '{"status":"error","message":"%s","error_type":"%s","data":null}'
ANSWERS: list[tuple[int, str, Ev, Reason]] = [
    (200, OK.decode(), Ev.ACK, Reason.OK),
    (200, '{"status":"success","data":{"order_id":15}}', Ev.ACK, Reason.OK),
    (
        200,
        '{"status":"success","data":[{"order_id":"1"},{"error":{"error_type":"MarginException"}}]}',
        Ev.ACK,
        Reason.OK,
    ),
    (
        200,
        '{"status":"success","data":{"order_id":"1","children":[{"order_id":"2"}]}}',
        Ev.ACK,
        Reason.OK,
    ),
    (
        200,
        '{"status":"success","data":[{"error":{"error_type":"MarginException"}}]}',
        Ev.REFUSED,
        Reason.BROKER_MARGIN,
    ),
    (200, '{"status":"success","data":{}}', Ev.TIMEOUT, Reason.BROKER_OTHER),
    (200, '{"status":"success","data":null}', Ev.TIMEOUT, Reason.BROKER_OTHER),
    (200, '{"status":"succ', Ev.TIMEOUT, Reason.BROKER_OTHER),
    (200, "<html>welcome</html>", Ev.TIMEOUT, Reason.BROKER_OTHER),
    (200, "[1,2]", Ev.TIMEOUT, Reason.BROKER_OTHER),
    (400, ERROR % ("Invalid price", "InputException"), Ev.REFUSED, Reason.BROKER_INPUT),
    (400, ERROR % ("Insufficient funds", "MarginException"), Ev.REFUSED, Reason.BROKER_MARGIN),
    (400, ERROR % ("Insufficient holdings", "HoldingException"), Ev.REFUSED, Reason.BROKER_MARGIN),
    (400, ERROR % ("Order not open", "OrderException"), Ev.REFUSED, Reason.BROKER_ORDER),
    (
        400,
        ERROR % ("Order cannot be modified as it is being processed. Try later.", "InputException"),
        Ev.REFUSED,
        Reason.BROKER_BUSY,
    ),
    (
        400,
        ERROR
        % ("Order cannot be cancelled as it is being processed. Try later.", "OrderException"),
        Ev.REFUSED,
        Reason.BROKER_BUSY,
    ),
    (
        400,
        ERROR % ("Order cannot be modified as it is already COMPLETE.", "OrderException"),
        Ev.REFUSED,
        Reason.BROKER_BUSY,
    ),
    (
        400,
        ERROR % ("Maximum allowed order modifications exceeded.", "OrderException"),
        Ev.REFUSED,
        Reason.MODIFY_CAP,
    ),
    (400, ERROR % ("Something", "BrandNewException"), Ev.REFUSED, Reason.BROKER_INPUT),
    (400, ERROR % ("OMS unreachable", "NetworkException"), Ev.TIMEOUT, Reason.BROKER_NETWORK),
    (
        403,
        ERROR % ("Incorrect api_key or access_token", "TokenException"),
        Ev.REFUSED,
        Reason.BROKER_TOKEN,
    ),
    (403, ERROR % ("2FA is not done", "TwoFAException"), Ev.REFUSED, Reason.BROKER_TOKEN),
    (400, ERROR % ("2FA is not done", "twofa exception"), Ev.REFUSED, Reason.BROKER_TOKEN),
    (403, ERROR % ("No permission", "PermissionException"), Ev.REFUSED, Reason.BROKER_PERMISSION),
    (
        403,
        ERROR % ("Request from unregistered IP", "TokenException"),
        Ev.REFUSED,
        Reason.BROKER_PERMISSION,
    ),
    (403, "<html>forbidden</html>", Ev.REFUSED, Reason.BROKER_PERMISSION),
    (404, "", Ev.REFUSED, Reason.BROKER_INPUT),
    (408, "", Ev.TIMEOUT, Reason.BROKER_OTHER),
    (429, ERROR % ("Too many requests", "NetworkException"), Ev.REFUSED, Reason.BROKER_RATE),
    (429, "slow down", Ev.REFUSED, Reason.BROKER_RATE),
    (500, ERROR % ("x", "GeneralException"), Ev.TIMEOUT, Reason.BROKER_OTHER),
    (500, ERROR % ("x", "OrderException"), Ev.TIMEOUT, Reason.BROKER_ORDER),
    (502, "<html>bad gateway</html>", Ev.TIMEOUT, Reason.BROKER_OTHER),
    (503, ERROR % ("x", "NetworkException"), Ev.TIMEOUT, Reason.BROKER_NETWORK),
    (504, "", Ev.TIMEOUT, Reason.BROKER_OTHER),
]


@pytest.mark.parametrize(("status", "body", "outcome", "reason"), ANSWERS)
def test_every_kind_of_answer(status: int, body: str, outcome: Ev, reason: Reason) -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(3, Lane.ENTRY, request(3))
            assert bench.sent == [3]  # in the kernel's hands before submit returned
            head, sent_body = await server.peers[0].request()
            assert head.startswith(b"POST /orders/regular ") and sent_body == b"tag=3"
            server.peers[0].answer(status, body.encode())
            await until(lambda: bench.answers)
            assert bench.outcome() == (outcome, reason)
            assert bench.answers[0][0] == 3
            if outcome == Ev.ACK:
                number = bench.answers[0][1].broker_order_id
                assert number and number == body.split('order_id":')[1].split("}")[0].split(",")[
                    0
                ].strip('"')
            assert bench.pool.warm == 1  # a whole answer leaves the connection good
            assert bench.clock.waiting() == []
            await bench.pool.close()

    run(main())


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e\r\n" + OK[:30],
    ],
)
@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_connection_that_ends_before_the_answer_is_in_doubt(part: bytes, how: str) -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.EXIT, request(1))
            peer = server.peers[0]
            await peer.request()
            peer.say(part)
            await peer.writer.drain()
            if how == "reset":
                peer.reset()
            else:
                peer.writer.close()
            await until(lambda: bench.answers)
            assert bench.outcome() == (Ev.TIMEOUT, Reason.TIMED_OUT)
            # The place is taken by a fresh connection, and the request is not repeated on it.
            await until(lambda: bench.pool.warm == 1)
            await bench.pool.close()
            assert await server.peers[1].closed()

    run(main())


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nA\x00: b\r\n\r\n",
    ],
)
def test_garbage_is_in_doubt_and_ends_the_connection(noise: bytes) -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.EXIT, request(1))
            await server.peers[0].request()
            server.peers[0].say(noise)
            await until(lambda: bench.answers)
            assert bench.outcome() == (Ev.TIMEOUT, Reason.TIMED_OUT)
            assert await server.peers[0].closed()
            await bench.pool.close()

    run(main())


def test_a_huge_answer_is_in_doubt() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.EXIT, request(1))
            await server.peers[0].request()
            server.peers[0].answer(200, b" " * (1 << 21))
            await until(lambda: bench.answers)
            assert bench.outcome()[0] == Ev.TIMEOUT
            await bench.pool.close()

    run(main())


def test_silence_is_in_doubt_by_the_clock_and_a_late_answer_meets_nobody() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.ENTRY, request(1))
            await server.peers[0].request()
            bench.clock.advance(4.999)
            assert bench.answers == []
            bench.clock.advance(0.001)
            assert bench.outcome() == (Ev.TIMEOUT, Reason.TIMED_OUT)
            server.peers[0].answer(200, OK)
            await until(lambda: len(server.peers) == 2 and bench.pool.warm == 1)
            bench.pool.submit(2, Lane.ENTRY, request(2))
            assert (await server.peers[1].request())[1] == b"tag=2"
            server.peers[1].answer(400, b"{}")
            await until(lambda: len(bench.answers) == 2)
            assert bench.answers[1][0] == 2 and bench.answers[1][1].outcome == Ev.REFUSED
            await bench.pool.close()

    run(main())


def test_an_answer_given_twice_does_not_answer_the_next_request() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.ENTRY, request(1))
            bench.pool.submit(2, Lane.ENTRY, request(2))
            await server.peers[0].request()
            twice = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(OK), OK)
            server.peers[0].say(twice * 2)
            await until(lambda: bench.answers)
            assert await server.peers[0].closed()
            await until(lambda: len(server.peers) == 2)
            assert (await server.peers[1].request())[1] == b"tag=2"
            assert [seq for seq, _ in bench.answers] == [1]
            await bench.pool.close()

    run(main())


def test_waiting_requests_leave_by_lane() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            lanes = {
                1: Lane.ENTRY,
                2: Lane.ENTRY,
                3: Lane.EXIT,
                4: Lane.PROTECT,
                5: Lane.ENTRY,
                6: Lane.PROTECT,
            }
            for seq, lane in lanes.items():
                bench.pool.submit(seq, lane, request(seq))
            assert bench.sent == [1]
            for expected in (1, 4, 6, 3, 2, 5):
                assert (await server.peers[0].request())[1] == b"tag=%d" % expected
                server.peers[0].answer(200, OK)
            await until(lambda: len(bench.answers) == 6)
            assert [seq for seq, _ in bench.answers] == [1, 4, 6, 3, 2, 5] == bench.sent
            await bench.pool.close()

    run(main())


def test_a_reaction_leaves_inside_the_answer_and_by_lane() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.ENTRY, request(1))
            bench.pool.submit(2, Lane.ENTRY, request(2))

            def protect(seq: int, answer: Answer) -> None:
                if seq == 1:
                    bench.pool.submit(9, Lane.PROTECT, request(9))
                    assert bench.sent == [1, 9]

            bench.react = protect
            await server.peers[0].request()
            server.peers[0].answer(200, OK)
            assert (await server.peers[0].request())[1] == b"tag=9"
            await bench.pool.close()

    run(main())


def test_a_burst_opens_more_connections_and_never_pipelines() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server, size=2, size_max=5)
            await bench.warm(2)
            for seq in range(1, 9):
                bench.pool.submit(seq, Lane.EXIT, request(seq))
            await until(lambda: len(bench.sent) == 5)
            await turns()
            assert len(server.peers) == 5 and len(bench.sent) == 5
            for peer in server.peers:
                await peer.request()
            for peer in server.peers[:3]:
                peer.answer(200, OK)
            await until(lambda: len(bench.sent) == 8)
            await bench.pool.close()

    run(main())


def test_a_dead_idle_connection_is_replaced_and_costs_no_order() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server, size=2, size_max=2)
            await bench.warm(2)
            server.peers[0].writer.close()
            await until(lambda: len(server.peers) == 3 and bench.pool.warm == 2)
            bench.pool.submit(1, Lane.ENTRY, request(1))
            bench.pool.submit(2, Lane.ENTRY, request(2))
            assert {(await peer.request())[1] for peer in server.peers[1:]} == {b"tag=1", b"tag=2"}
            await bench.pool.close()

    run(main())


def test_no_connection_in_time_is_a_certain_refusal() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.ENTRY, request(1))
            bench.pool.submit(2, Lane.ENTRY, request(2))
            bench.clock.advance(2)
            assert bench.answers == [(2, bench.answers[0][1])]
            assert bench.answers[0][1].outcome == Ev.REFUSED
            assert bench.answers[0][1].reason == Reason.BROKER_NETWORK
            assert bench.sent == [1]
            await bench.pool.close()
            assert [seq for seq, _ in bench.answers] == [2, 1]
            assert bench.answers[1][1].outcome == Ev.TIMEOUT

    run(main())


def test_reconnects_back_off_and_come_back() -> None:
    async def main() -> None:
        server = ScriptedServer(idle)
        async with server:
            bench = PoolSetup(server)
            await bench.warm()
        await until(lambda: bench.clock.waiting())
        delays = []
        for _ in range(9):
            (delay,) = bench.clock.waiting()
            delays.append(delay)
            bench.clock.advance(delay)
            await until(lambda: bench.clock.waiting())
        for n, delay in enumerate(delays):
            full = min(10.0, 0.1 * 2**n)
            assert full / 2 <= delay <= full
        async with server:
            bench.clock.advance(10)
            await until(lambda: bench.pool.warm == 1)
            await bench.pool.close()

    run(main())


def test_start_without_a_server_is_an_error_that_says_where() -> None:
    async def main() -> None:
        server = ScriptedServer(idle)
        async with server:
            bench = PoolSetup(server)
        with pytest.raises(NetworkError, match=f"127.0.0.1:{server.port}"):
            await bench.pool.start()
        await bench.pool.close()

    run(main())


def test_a_closing_answer_and_an_interim_one() -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server)
            await bench.warm()
            bench.pool.submit(1, Lane.ENTRY, request(1))
            await server.peers[0].request()
            server.peers[0].say(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            server.peers[0].answer(200, OK, "Connection: close\r\n")
            await until(lambda: bench.answers)
            assert bench.outcome() == (Ev.ACK, Reason.OK)
            await until(lambda: len(server.peers) == 2 and bench.pool.warm == 1)
            await bench.pool.close()

    run(main())


def test_a_connection_that_died_unseen_takes_nothing_and_another_one_is_used() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            bench = PoolSetup(
                ScriptedServer(idle), port=listener.getsockname()[1], size=2, size_max=2
            )
            await bench.pool.start()
            await until(lambda: bench.pool.warm == 2)
            first, second = listener.accept()[0], listener.accept()[0]
            # A reset reaches the kernel at once; our loop has no turn to see it before the order.
            first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            first.close()
            bench.pool.submit(1, Lane.PROTECT, request(1))
            assert bench.sent == [1] and bench.answers == []
            assert second.recv(4096) == request(1)
            await bench.pool.close()
            second.close()

    run(main())
