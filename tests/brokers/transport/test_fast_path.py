"""The request that waits alone leaves from the feed's callback: once, after its decision is in the
journal, whatever goes wrong around it.

The exchange's end is a hand-driven server that knows nothing of the writer; what it heard is the
truth.
"""

import ctypes
import functools
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otrade._core.codecs.interface import CallbackSink, FrameSink
from otrade._core.journal_writer import JournalWriter, record_at
from otrade._core.types import Ev, Lane, Reason, Rec
from otrade.brokers.kite import adapter as kite_kit
from otrade.brokers.kite.session import KiteSession
from otrade.brokers.upstox import adapter as upstox_kit
from otrade.brokers.upstox.session import UpstoxSession
from otrade.drill.process import BrokerKind
from otrade.live.plan.engine_builder import sink_of
from tests.brokers.kite.test_session import certificate
from tests.brokers.transport.test_order_pool import OK, PoolSetup, request
from tests.harness import simulated_day as live
from tests.harness.core_engine import MS, OPEN_NS, frame, ltp_packet, make_engine, token_of
from tests.harness.scripted_server import ScriptedPeer, ScriptedServer, idle, run
from tests.harness.waiting import turns, until

SEQ = 5
NO_ANSWER = (Ev.TIMEOUT, Reason.TIMED_OUT)


def sink(seq: int = SEQ, data: bytes | None = None) -> FrameSink:
    """One request waits until it is taken by somebody, as in an engine's queue."""
    return CallbackSink(
        lambda frame, ts_ns: 1, lambda: (seq, request(seq) if data is None else data)
    )


def with_pool(work: Callable[[ScriptedServer, PoolSetup], Any], **options: Any) -> None:
    async def main() -> None:
        async with ScriptedServer(idle) as server:
            bench = PoolSetup(server, **options)
            await bench.warm(options.get("size", 1))
            try:
                await work(server, bench)
            finally:
                await bench.pool.close()

    run(main())


async def hear(peer: ScriptedPeer) -> bytes:
    head, body = await peer.request()
    return head + body


def test_the_bytes_leave_before_the_books_and_once() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        fast_path = bench.pool.fast_path
        assert fast_path.try_write(sink()) and fast_path.n_written == 1
        assert (
            await hear(server.peers[0]) == request(SEQ) and bench.sent == [] and bench.answers == []
        )
        assert not fast_path.try_write(sink(6)), "one at a time"
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        assert bench.sent == [SEQ]
        server.peers[0].answer(200, OK)
        await until(lambda: bench.answers)
        assert bench.outcome()[0] == Ev.ACK and bench.answers[0][0] == SEQ
        assert bench.pool.warm == 1, "the connection is free again"
        bench.pool.submit(6, Lane.ENTRY, request(6))
        assert await hear(server.peers[0]) == request(6), "and nothing came between the two"
        assert len(server.peers) == 1

    with_pool(work)


def test_nothing_is_written_where_no_connection_is_free() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        bench.pool.submit(4, Lane.ENTRY, request(4))
        assert await hear(server.peers[0]) == request(4)
        assert not bench.pool.fast_path.try_write(sink())
        bench.pool.submit(SEQ, Lane.PROTECT, request(SEQ))
        server.peers[0].answer(200, OK)
        assert await hear(server.peers[0]) == request(SEQ)

    with_pool(work)


def test_a_refused_connection_leaves_everything_to_the_usual_way() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
            async with ScriptedServer(idle) as server:
                bench = PoolSetup(server, port=taken.getsockname()[1])
                assert not bench.pool.fast_path.try_write(sink())
                bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
                bench.clock.advance(2)
                assert bench.outcome() == (Ev.REFUSED, Reason.BROKER_NETWORK)
                await bench.pool.close()

    run(main())


def test_a_closing_transport_takes_nothing() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        for peer in server.peers:
            # A linger of 0 resets: the kernel knows at once, the client's loop not before it turns.
            peer.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            peer.writer.transport.abort()
        await turns(1)
        connections = list(bench.pool._idle)
        wrote = bench.pool.fast_path.try_write(sink())
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        if wrote:  # into a socket whose reset has not arrived: in doubt, and never again
            await until(lambda: bench.answers)
            assert bench.outcome() == NO_ANSWER
            await until(lambda: bench.pool.warm == 1)
        else:
            assert bench.pool.fast_path.n_written == 0
            await until(lambda: len(server.peers) == 2)
            assert await hear(server.peers[1]) == request(SEQ)
        assert not any(connection.is_idle for connection in connections)

    with_pool(work)


def test_a_connection_that_we_are_ending_takes_nothing() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        (connection,) = bench.pool._idle
        connection._transport.close()
        assert not bench.pool.fast_path.try_write(sink()) and not connection.socket.send(b"x")
        assert bench.pool.fast_path.claim(SEQ) is None
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        await until(lambda: len(server.peers) == 2)
        assert await hear(server.peers[1]) == request(SEQ)
        assert await server.peers[0].closed(), "not a byte on the old one"

    with_pool(work)


def test_another_request_does_not_claim_it() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        assert bench.pool.fast_path.try_write(sink())
        bench.pool.submit(6, Lane.PROTECT, request(6))
        assert bench.pool.fast_path.claim(7) is None
        heard = {await hear(peer) for peer in server.peers}
        assert heard == {request(SEQ), request(6)}
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        for peer in server.peers:
            peer.answer(200, OK)
        await until(lambda: len(bench.answers) == 2)
        assert sorted(seq for seq, answer in bench.answers if answer.outcome == Ev.ACK) == [SEQ, 6]
        await turns()
        bench.pool.submit(8, Lane.ENTRY, request(8))
        bench.pool.submit(9, Lane.ENTRY, request(9))
        assert {await hear(peer) for peer in server.peers} == {request(8), request(9)}, (
            "each connection had one request of the first two"
        )

    with_pool(work, size=2, size_max=2)


def test_lost_before_it_is_claimed_is_in_doubt() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        assert bench.pool.fast_path.try_write(sink())
        assert await hear(server.peers[0]) == request(SEQ)
        server.peers[0].reset()
        await until(lambda: len(server.peers) == 2)
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        bench.clock.advance(5)
        assert bench.outcome() == NO_ANSWER
        await until(lambda: bench.pool.warm == 1)
        server.peers[1].say(b"")
        bench.pool.submit(6, Lane.ENTRY, request(6))
        assert await hear(server.peers[1]) == request(6), "the first one was not sent again"

    with_pool(work)


def test_claimed_after_the_end_is_in_doubt_and_not_refused() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        assert bench.pool.fast_path.try_write(sink())
        await bench.pool.close()
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        bench.clock.advance(5)
        assert bench.outcome() == NO_ANSWER

    with_pool(work)


def test_what_raises_is_in_doubt() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        bench.pool._idle[0]._transport.write_eof()
        with pytest.raises(RuntimeError):
            bench.pool.fast_path.try_write(sink())
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        bench.clock.advance(5)
        assert bench.outcome() == NO_ANSWER
        assert await server.peers[0].closed() and len(server.peers) == 1

    with_pool(work)


def borrowed(seq: int) -> bytes:
    """A request in memory that nobody else has."""
    return bytes(bytearray(request(seq)))


def spoil(data: bytes) -> None:
    """Other bytes come to stand in the memory that was lent, as when the engine's ring goes round."""
    ctypes.memset(id(data) + bytes.__basicsize__ - 1, ord("X"), len(data))


def stuff(connection: Any) -> int:
    """Fill the socket's way out behind the transport's back, so that the next write is cut short.
    The bytes that it took.
    """
    sock = connection._transport.get_extra_info("socket")._sock
    n = 0
    try:
        while True:
            n += sock.send(b"." * 4096)
    except BlockingIOError:
        return n


def test_a_socket_that_is_full_takes_the_rest_later_from_a_copy() -> None:
    """The request's memory is the engine's ring: what the kernel leaves must not be read from there
    afterwards.
    """

    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        (connection,) = bench.pool._idle
        noise = stuff(connection)
        given = borrowed(SEQ)
        assert bench.pool.fast_path.try_write(sink(SEQ, given)) and connection._writing, (
            "the kernel has not taken it"
        )
        spoil(given)  # the ring goes on
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        assert bench.sent == [], "not sent before its last byte is in the kernel"
        assert not bench.pool.fast_path.try_write(sink(6)), "and nothing on top of it"
        assert await server.peers[0].reader.readexactly(noise) == b"." * noise
        assert await hear(server.peers[0]) == request(SEQ)
        await until(lambda: bench.sent == [SEQ])
        server.peers[0].answer(200, OK)
        await until(lambda: bench.answers)
        assert bench.outcome()[0] == Ev.ACK and bench.pool.warm == 1

    with_pool(work)


def test_a_full_socket_whose_peer_goes_leaves_it_in_doubt() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        (connection,) = bench.pool._idle
        stuff(connection)
        assert bench.pool.fast_path.try_write(sink())
        bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
        server.peers[0].reset()
        await until(lambda: bench.answers)
        assert bench.outcome() == NO_ANSWER and bench.sent == []
        await until(lambda: bench.pool.warm == 1)
        server.peers[1].say(b"")
        bench.pool.submit(6, Lane.ENTRY, request(6))
        assert await hear(server.peers[1]) == request(6), "the one in doubt was not sent again"

    with_pool(work)


@pytest.mark.parametrize("ending", ["answer", "reset"])
def test_over_tls_the_same(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live, every order goes over TLS; the simulator and the drill speak plain HTTP."""
    pem, secret = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    async def main() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem, secret)
        async with ScriptedServer(idle, tls=context) as server:
            bench = PoolSetup(server, root=f"https://localhost:{server.port}")
            await bench.warm()
            given = borrowed(SEQ)
            assert bench.pool.fast_path.try_write(sink(SEQ, given)) and bench.sent == []
            spoil(given)
            assert await hear(server.peers[0]) == request(SEQ)
            bench.pool.submit(SEQ, Lane.ENTRY, request(SEQ))
            assert bench.sent == [SEQ]
            if ending == "answer":
                server.peers[0].answer(200, OK)
                await until(lambda: bench.answers)
                assert bench.outcome()[0] == Ev.ACK
            else:
                server.peers[0].reset()
                await until(lambda: bench.answers)
                assert bench.outcome() == NO_ANSWER
                await until(lambda: bench.pool.warm == 1 and len(server.peers) == 2)
            bench.pool.submit(6, Lane.ENTRY, request(6))
            assert await hear(server.peers[-1]) == request(6), "the first one was not sent again"
            await bench.pool.close()

    run(main())


# ------------------------------------------------------------------------------------------------------------------
# the engine's side
def command_seqs(window: bytearray) -> list[tuple[int, bytes]]:
    """(order of the record, its text) of every command in a journal."""
    at, found = 0, []
    while True:
        verdict, kind, _, seq, _, start, n, following = record_at(window, at)
        if verdict != 0:
            return found
        if kind == Rec.COMMAND:
            found.append((seq, bytes(window[start : start + n])))
        at = following


def test_the_decision_is_in_the_journal_before_a_byte_leaves() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        window = bytearray(1 << 20)
        engine = make_engine()
        writer = JournalWriter(memoryview(window))
        engine.open_journal(writer, b"{}", OPEN_NS)
        feed = sink_of(engine, Rec.FRAME)
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), 9_990)), OPEN_NS)
        assert not bench.pool.fast_path.try_write(feed), "nothing waits"
        assert engine.on_frame_bytes(frame(ltp_packet(token_of(0), 10_010)), OPEN_NS + MS) == 1
        (written,) = command_seqs(window)
        assert b"POST /orders/regular" in written[1]
        assert bench.pool.fast_path.try_write(feed)
        heard = await hear(server.peers[0])
        command = engine.take_command()
        assert command.request == heard and heard.split(b"\r\n\r\n", 1)[1] in written[1]
        bench.pool.submit(command.seq, command.lane, command.request)
        server.peers[0].answer(200, OK)
        await until(lambda: bench.answers)
        assert bench.answers[0][0] == command.seq and engine.take_command() is None

    with_pool(work)


def test_nothing_leaves_once_the_journal_is_dead() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        engine = make_engine()
        writer = JournalWriter(memoryview(bytearray(1 << 20)))
        engine.open_journal(writer, b"{}", OPEN_NS)
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), 9_990)), OPEN_NS)
        writer.last_seq = (
            writer.seq + 1
        )  # the frame's own record is the last one: the decision is not written
        assert engine.on_frame_bytes(frame(ltp_packet(token_of(0), 10_010)), OPEN_NS + MS) == 1
        assert writer.is_dead and not bench.pool.fast_path.try_write(sink_of(engine, Rec.FRAME))
        assert bench.pool.fast_path.n_written == 0

    with_pool(work)


def test_an_entry_that_the_journal_has_no_room_for_does_not_leave() -> None:
    """Frames and decisions fill the journal's last window between two beats: what is decided then
    has no record.
    """

    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        engine = make_engine()
        window = bytearray(1 << 16)
        writer = JournalWriter(memoryview(window))
        engine.open_journal(writer, b"{}", OPEN_NS)
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), 9_990)), OPEN_NS)
        # Room for the frame, and not for what it leads to.
        filler = len(window) - writer.used - 2 * 32 - 64
        assert writer.append(Rec.RAW, OPEN_NS, bytes(filler))
        assert engine.on_frame_bytes(frame(ltp_packet(token_of(0), 10_010)), OPEN_NS + MS) == 1
        assert command_seqs(window) == [] and writer.n_lost > 0 and writer.n_lost_frames == 0
        assert (
            not bench.pool.fast_path.try_write(sink_of(engine, Rec.FRAME))
            and bench.pool.fast_path.n_written == 0
        )
        command = engine.take_command()
        assert command.is_unrecorded and command.lane == Lane.ENTRY and command.request

    with_pool(work)


def test_two_ticks_of_one_frame_and_a_halt_behind_them() -> None:
    """The entry that was decided before leaves once; what the halt asks for waits for its answer."""

    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        engine = make_engine(plan={"size_value": 10.0})
        feed = sink_of(engine, Rec.FRAME)
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), 9_990)), OPEN_NS)
        assert (
            engine.on_frame_bytes(
                frame(ltp_packet(token_of(0), 10_010), ltp_packet(token_of(0), 9_980)), OPEN_NS + MS
            )
            == 1
        )
        assert bench.pool.fast_path.try_write(feed)
        engine.on_halt(2, Reason.OK, OPEN_NS + 2 * MS)
        assert not bench.pool.fast_path.try_write(feed)
        command = engine.take_command()
        assert engine.take_command() is None
        bench.pool.submit(command.seq, command.lane, command.request)
        assert await hear(server.peers[0]) == command.request
        server.peers[0].answer(200, OK)
        await until(lambda: bench.answers)
        bench.pool.submit(99, Lane.PROTECT, request(99))
        assert await hear(server.peers[0]) == request(99), "and nothing came between the two"

    with_pool(work)


def test_several_that_wait_are_left_to_be_sorted() -> None:
    async def work(server: ScriptedServer, bench: PoolSetup) -> None:
        engine = make_engine(instruments=2)
        feed = sink_of(engine, Rec.FRAME)
        for paise, waiting in ((9_990, 0), (10_010, 2)):
            both = frame(*(ltp_packet(token_of(i), paise) for i in range(2)))
            assert engine.on_frame_bytes(both, OPEN_NS + MS) == waiting
        assert not bench.pool.fast_path.try_write(feed)
        assert engine.take_command() is not None
        assert bench.pool.fast_path.try_write(feed), "the one that is left"

    with_pool(work)


# ---------------------------------------------------------------------------------------------------------------------
# both brokers
def broker_of(kind: BrokerKind, **asked: Any) -> Any:
    return {"kite": KiteSession, "upstox": UpstoxSession}[kind](**asked)


async def _day(kind: BrokerKind) -> tuple[object, int, int]:
    """A morning's executions, the requests that left by the fast path, and those that left at all."""
    async with live.simulated_day(broker=kind, hours=0.7, keys=("NSE:INFY",)) as here:
        await here.open()
        await here.run_to_end()
        # Without their times: Upstox's sockets draw their milliseconds in the order in which they
        # happen to be read.
        trades = sorted(
            (t.order.tag or "", t.order.side, t.qty, t.price_e4) for t in here.sim.exchange.trades()
        )
        return trades, here.broker.n_fast_path, here.day.router.n_sent


@pytest.mark.parametrize("kind", ["kite", "upstox"])
def test_a_day_is_the_same_with_and_without(
    kind: BrokerKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    trades, n_fast_path, n_sent = live.run(_day(kind))
    assert trades and 0 < n_fast_path <= n_sent
    where, name = {"kite": (kite_kit, "KiteSession"), "upstox": (upstox_kit, "UpstoxSession")}[kind]
    monkeypatch.setattr(where, name, functools.partial(broker_of, kind, use_fast_path=False))
    again, n_none, n_sent_again = live.run(_day(kind))
    assert n_none == 0 and (again, n_sent_again) == (trades, n_sent)
