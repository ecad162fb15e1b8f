"""The engine's socket: who comes in, what is answered, and what a peer that stalls, floods, tears
messages or vanishes can do, which is nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

import otrade
from otrade.contract import messages, views
from otrade.contract.engine_source import CommandOrder
from otrade.contract.framing import HEAD, FrameReader, FrameWriter
from otrade.errors import StartError
from otrade.live.engine_socket import engine_socket as module
from otrade.live.engine_socket.engine_socket import PLACES, UNDER_WAY_MAX, EngineSocket
from otrade.live.engine_socket.unix_listener import PATH_BYTES_MAX, PeerProcess, listen_unix
from otrade.stream.delta_stream import DROP_AFTER_S, DeltaStream
from tests.harness.waiting import turns, until
from tests.web.fake_engine import STATUS, FakeSource

SERVER = messages.Hello(role="server", version=otrade.__version__)
CLI = messages.Hello(role="cli", version="0.0.1")


class StubRequests:
    """Answers from a hand-made engine. While `holds`, no answer comes."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.n_begun = 0

    async def answer(self, request: messages.QueryRequest) -> messages.QueryAnswer:
        self.n_begun += 1
        await self.go_on.wait()
        found = msgspec.Raw(msgspec.msgpack.encode(self.source.status()))
        return messages.QueryAnswer(id=request.id, found=found)

    async def act(self, request: messages.ActRequest) -> messages.Acted:
        self.n_begun += 1
        await self.go_on.wait()
        args = messages.COMMAND_ARGS[request.name]()
        order = CommandOrder(request.actor, request.via, request.key, request.expires_ms)
        done = await self.source.command(request.name, args, order)
        return msgspec.structs.replace(done, id=request.id)


class SocketEngine:
    """A socket in a folder, a source behind it, and peers."""

    def __init__(self, folder: Path, now_s: Any = None) -> None:
        self.source = FakeSource()
        self.requests = StubRequests(self.source)
        more = {} if now_s is None else {"now_s": now_s}
        self.stream = DeltaStream(
            self.source, interval_s=0.05, encode=msgspec.msgpack.encode, **more
        )
        requests: Any = self.requests
        self.socket = EngineSocket(folder, requests, self.stream, "paper")
        self.peers: list[SocketPeer] = []

    async def peer(self, hello: object = SERVER) -> SocketPeer:
        reader, writer = await asyncio.open_unix_connection(str(self.socket.path))
        peer = SocketPeer(reader, writer)
        self.peers.append(peer)
        if hello is not None:
            await peer.say(hello)
            await peer.hear()
        return peer


class SocketPeer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._in = FrameReader(messages.REPLY_BYTES_MAX)
        self._out = FrameWriter(10**8)
        self.heard: Any = None

    async def say(self, message: object) -> None:
        for chunk in self._out.chunks(msgspec.msgpack.encode(message)):
            self.writer.write(chunk)
        await self.writer.drain()

    async def hear(self) -> Any:
        """The next message; None when it has been hung up on."""
        while (message := self._in.next()) is None:
            try:
                data = await asyncio.wait_for(self.reader.read(1 << 16), 30)
            except ConnectionError:
                data = b""
            if not data:
                self.heard = None
                return None
            self._in.feed(data)
        self.heard = msgspec.msgpack.decode(message, type=messages.Reply)
        return self.heard


@contextlib.asynccontextmanager
async def engine(folder: Path, now_s: Any = None) -> AsyncIterator[SocketEngine]:
    here = SocketEngine(folder, now_s)
    here.socket.open()
    await here.socket.serve()
    try:
        yield here
    finally:
        here.requests.go_on.set()
        for peer in here.peers:
            peer.writer.transport.abort()
        await here.socket.close()
        await turns(5)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def question(n: int) -> messages.QueryRequest:
    return messages.QueryRequest(id=n, name="status")


def command(n: int, key: str, name: Any = "pause", **more: Any) -> messages.ActRequest:
    return messages.ActRequest(id=n, name=name, actor="anand", key=key, **more)


# ------------------------------------------------------------------------------------ who comes in
def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            assert stat.S_IMODE(here.socket.path.stat().st_mode) == 0o600
            if os.geteuid() == 0:
                tmp_path.chmod(0o755)
                code = "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
                done = await asyncio.to_thread(
                    subprocess.run,
                    [sys.executable, "-c", code, str(here.socket.path)],
                    capture_output=True,
                    text=True,
                )
                assert "PermissionError" in done.stderr
        assert not here.socket.path.exists()

    run(test())


def test_another_users_process_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "peer_of", lambda connection: PeerProcess(40_001, frozenset()))

    async def test() -> None:
        async with engine(tmp_path) as here:
            peer = await here.peer()
            assert peer.heard is None

    run(test())


def test_a_path_that_cannot_be_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * PATH_BYTES_MAX)
    with pytest.raises(StartError, match="too long for the name of a Unix socket"):
        listen_unix(long)
    (tmp_path / "a.sock").write_text("a file")
    with pytest.raises(StartError, match="in the way and is no socket"):
        listen_unix(tmp_path / "a.sock")

    def bind(self: socket.socket, address: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(
        StartError, match="must be on a file system of this machine that has sockets"
    ):
        listen_unix(tmp_path / "b.sock")


def test_the_socket_of_an_engine_that_was_killed_is_replaced(tmp_path: Path) -> None:
    listen_unix(tmp_path / "a.sock").close()
    assert (tmp_path / "a.sock").exists()
    listen_unix(tmp_path / "a.sock").close()


def test_a_server_is_of_the_engines_version_and_a_command_line_of_any(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            other = await here.peer(messages.Hello(role="server", version="0.0.1"))
            assert "start the server anew" in other.heard.words
            assert await other.hear() is None
            assert (await here.peer(CLI)).heard.version == otrade.__version__

    run(test())


def test_the_command_line_has_places_that_no_server_takes(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            servers = [await here.peer() for _ in range(PLACES["server"])]
            assert all(isinstance(peer.heard, messages.Welcome) for peer in servers)
            assert "are here already" in (await here.peer()).heard.words
            cli = await here.peer(CLI)
            await cli.say(question(1))
            assert isinstance(await cli.hear(), messages.QueryAnswer)

    run(test())


@pytest.mark.parametrize("said", [question(1), command(1, "a-good-key"), messages.Subscribe(), {}])
def test_who_does_not_say_who_he_is_is_not_heard(tmp_path: Path, said: object) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            peer = await here.peer(None)
            await peer.say(said)
            assert await peer.hear() is None and here.requests.n_begun == 0

    run(test())


# ----------------------------------------------------------------------------------------- answers
def test_who_says_nothing_keeps_no_command_line_out(tmp_path: Path) -> None:
    """One who has just come speaks at once; of the others the first goes."""

    async def test() -> None:
        async with engine(tmp_path) as here:
            silent = [await here.peer(None) for _ in range(2 * module.STRANGERS_MAX)]
            cli = await here.peer(CLI)
            await cli.say(question(1))
            assert isinstance(await cli.hear(), messages.QueryAnswer)
            assert await silent[0].hear() is None
            assert len(here.socket._peers) <= module.STRANGERS_MAX + 1

    run(test())


def test_connections_that_come_faster_than_turns_are_not_kept(tmp_path: Path) -> None:
    """Each has said something that waits for its turn; who was pushed out waits no longer."""

    async def test() -> None:
        async with engine(tmp_path) as here:
            async with here.socket.turn:
                before = len(asyncio.all_tasks())
                for _ in range(6 * module.STRANGERS_MAX):
                    peer = await here.peer(None)
                    peer.writer.write(b"x" * 1000)
                    await turns()
                assert len(asyncio.all_tasks()) - before <= module.STRANGERS_MAX
            cli = await here.peer(CLI)
            assert isinstance(cli.heard, messages.Welcome)

    run(test())


def test_a_command_is_done_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            one, other = await here.peer(), await here.peer(CLI)
            await one.say(command(7, "key-of-one"))
            first = await one.hear()
            assert (first.id, first.result.ok, first.is_again) == (7, True, False)
            await other.say(command(8, "key-of-one"))
            again = await other.hear()
            assert (again.id, again.result, again.is_again) == (8, first.result, True)
            await other.say(command(9, "key-of-one", "kill"))
            assert (await other.hear()).refusal == "reused_key"
            await other.say(command(10, "late-key", expires_ms=1))
            assert (await other.hear()).refusal == "expired"
            await other.say(command(11, "late-kill", "kill", expires_ms=1))
            assert (await other.hear()).result.ok
            assert [name for name, _ in here.source.commands] == ["pause", "kill"]

    run(test())


def test_a_command_is_carried_to_its_end_when_its_giver_is_gone(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            here.requests.go_on.clear()
            peer = await here.peer()
            await peer.say(command(1, "key-of-one"))
            await until(lambda: here.requests.n_begun == 1)
            peer.writer.transport.abort()
            await until(lambda: not here.socket._peers)
            here.requests.go_on.set()
            await until(lambda: here.source.commands)

    run(test())


def test_a_snapshot_then_what_changes_and_at_the_end_a_farewell(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            peer = await here.peer()
            await peer.say(messages.Subscribe())
            first = await peer.hear()
            assert isinstance(first, views.Snapshot) and first.status == STATUS
            assert first.orders == here.source.order_rows
            here.source.change("instrument", 0, ltp_e4=15_072_600)
            while True:
                delta = await peer.hear()
                if isinstance(delta, views.Delta) and delta.instruments:
                    break
            assert [row.ltp_e4 for row in delta.instruments] == [15_072_600]
            ended = msgspec.structs.replace(STATUS, lifecycle="stopped")
            closing = asyncio.create_task(here.socket.close(ended))
            while not isinstance(await peer.hear(), messages.Farewell):
                assert peer.heard is not None
            assert peer.heard.status == ended and await peer.hear() is None
            await closing

    run(test())


def test_a_snapshot_of_many_chunks_arrives_whole(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            row = here.source.order_rows[0]
            here.source.order_rows = [
                msgspec.structs.replace(row, cl_ord_id=f"OT{n:06d}") for n in range(3_000)
            ]
            peer = await here.peer()
            await peer.say(messages.Subscribe())
            first = await peer.hear()
            assert first.orders == here.source.order_rows
            assert len(msgspec.msgpack.encode(first)) > 10 * 65_536

    run(test())


# ------------------------------------------------------------------------------------------ attacks
def test_a_flood_of_questions_is_not_read_further_than_its_room(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine(tmp_path) as here:
            here.requests.go_on.clear()
            flood, cli = await here.peer(), await here.peer(CLI)
            chunks = [
                chunk
                for n in range(20_000)
                for chunk in flood._out.chunks(msgspec.msgpack.encode(question(n)))
            ]
            flood.writer.write(b"".join(chunks))
            await until(lambda: here.requests.n_begun == UNDER_WAY_MAX)
            await turns(200)
            assert here.requests.n_begun == UNDER_WAY_MAX
            await cli.say(question(1))
            await until(lambda: here.requests.n_begun == UNDER_WAY_MAX + 1)
            here.requests.go_on.set()
            assert isinstance(await cli.hear(), messages.QueryAnswer)

    run(test())


def test_who_asks_and_never_reads_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TAKE_WITHIN_S", 0.2)

    async def test() -> None:
        async with engine(tmp_path) as here:
            peer = await here.peer()
            peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
            chunks = [
                chunk
                for n in range(5_000)
                for chunk in peer._out.chunks(msgspec.msgpack.encode(question(n)))
            ]
            peer.writer.write(b"".join(chunks))
            await until(lambda: not here.socket._peers)
            assert here.requests.n_begun < 5_000

    run(test())


def test_a_reader_that_takes_nothing_is_sent_away(tmp_path: Path) -> None:
    now = [1000.0]

    async def test() -> None:
        async with engine(tmp_path, lambda: now[0]) as here:
            row = here.source.order_rows[0]
            here.source.order_rows = [
                msgspec.structs.replace(row, cl_ord_id=f"OT{n:06d}") for n in range(5_000)
            ]
            peer = await here.peer()
            peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
            await peer.say(messages.Subscribe())
            await until(lambda: here.stream.n_clients == 1)
            (told,) = here.stream._clients
            await until(lambda: told._busy_since_s is not None)
            now[0] += DROP_AFTER_S + 1
            await until(lambda: not here.socket._peers)
            assert here.stream.n_dropped == 1

    run(test())


def test_half_a_message_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_WITHIN_S", 0.05)

    async def test() -> None:
        async with engine(tmp_path) as here:
            peer = await here.peer()
            peer.writer.write(HEAD.pack(100, 1, 1) + b"x")
            assert await peer.hear() is None
            quiet = await here.peer(None)
            quiet.writer.write(b"\0")
            assert await quiet.hear() is None

    run(test())


def test_random_bytes_and_torn_messages_end_the_connection_and_nothing_else(
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)

    async def test() -> None:
        async with engine(tmp_path) as here:
            cli = await here.peer(CLI)
            for n in range(150):
                peer = await here.peer(None if rng.random() < 0.3 else SERVER)
                good = b"".join(
                    chunk
                    for said in (question(n), command(n, f"fuzz-key-{n}"), messages.Subscribe())
                    for chunk in peer._out.chunks(msgspec.msgpack.encode(said))
                )
                torn = bytearray(good)
                for _ in range(rng.randrange(1, 4)):
                    torn[rng.randrange(len(torn))] = rng.randrange(256)
                peer.writer.write(bytes(torn[: rng.randrange(1, len(torn))]))
                if rng.random() < 0.5:
                    await peer.writer.drain()
                peer.writer.transport.abort()
                await cli.say(question(n))
                assert isinstance(await cli.hear(), messages.QueryAnswer)
            await until(lambda: len(here.socket._peers) == 1)
            await until(lambda: not here.socket.acts)
            assert here.stream.n_clients == 0

    run(test())
