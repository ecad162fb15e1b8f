"""`engine.sock`: the door through which the page's server and the command line speak to the engine.

The trading loop never waits for a peer, nor does anybody's flood reach it: of all peers together one
message is taken in a turn of the loop, and one chunk written; each peer has few requests under way
and is not read meanwhile; what is streamed waits in a short queue, and who does not take it is told
everything once more and then hung up on (`otrade.stream`). The command line has places of its own,
whatever servers do.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

import otrade
from otrade.contract import messages, views
from otrade.contract.framing import CHUNK_BYTES_MAX, FrameError, FrameReader, FrameWriter
from otrade.errors import StartError
from otrade.live.engine_socket.requests import Requests
from otrade.live.engine_socket.unix_listener import (
    group_id,
    is_owner,
    listen_unix,
    may_enter,
    peer_of,
)
from otrade.stream.delta_stream import DeltaStream, StreamClient

log = logging.getLogger("otrade")

PLACES: dict[messages.PeerRole, int] = {"server": 3, "cli": 4}
STRANGERS_MAX = 8
"""Connections that have not said yet who they are."""
HELLO_WITHIN_S = 2.0
WHOLE_WITHIN_S = 5.0
"""For a message that has begun to come."""
TAKE_WITHIN_S = 10.0
"""For a peer to take a chunk."""
FAREWELL_WITHIN_S = 0.5
UNDER_WAY_MAX = 16
"""Requests of one peer that are not answered yet."""
PEER_ERRORS = (FrameError, msgspec.MsgspecError, OSError, TimeoutError, RecursionError)
"""How a connection ends from the other side, or by what it says."""


class SharedPlace(NamedTuple):
    """A folder that other users can enter, and the group whose members may open the socket there."""

    folder: Path
    group: str


class EngineSocket:
    """`open`, then `serve` as a task, `await close()`. One each."""

    def __init__(
        self,
        run_dir: Path,
        requests: Requests,
        stream: DeltaStream,
        mode: views.Mode,
        shared: SharedPlace | None = None,
    ) -> None:
        """`shared`: where servers of other users come in."""
        self.path = run_dir / messages.SOCKET
        self._requests = requests
        self._stream = stream
        self._mode = mode
        self._shared = shared
        self._listeners: list[tuple[Path, socket.socket, int | None]] = []
        self._servers: list[asyncio.Server] = []
        self._peers: dict[EnginePeer, None] = {}
        self.acts: set[asyncio.Task[None]] = set()
        """Commands that are being carried out."""
        self.turn = asyncio.Lock()
        """One message, or one chunk, of all peers in a turn of the loop."""

    def open(self) -> None:
        """Listen; who connects waits for `serve`. StartError in words."""
        self._listeners.append((self.path, listen_unix(self.path), None))
        if self._shared is None:
            return
        path, group = self._shared.folder / messages.SOCKET, self._shared.group
        try:
            self._listeners.append((path, listen_unix(path, group), group_id(group)))
        except StartError:
            self.shut()
            raise

    async def serve(self) -> None:
        """Begin to answer."""
        for _, listener, gid in self._listeners:
            server = await asyncio.start_unix_server(
                partial(self._on_connection, gid=gid), sock=listener, limit=CHUNK_BYTES_MAX
            )
            self._servers.append(server)

    async def close(self, last: views.Status | None = None) -> None:
        """Tell those who listen that the engine ends, and hang up. Harmless when it never began."""
        for server in self._servers:
            server.close()
        peers = list(self._peers)
        if last is not None and peers:
            farewell = msgspec.msgpack.encode(messages.Farewell(status=last))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_WITHIN_S):
                    await asyncio.gather(*(peer.say_farewell(farewell) for peer in peers))
        self._stream.close()
        for peer in peers:
            peer.hang_up()
        self.shut()

    def shut(self) -> None:
        """Listen no more; the last thing, where nothing could be waited for. Harmless when it never
        did.
        """
        for path, listener, _ in self._listeners:
            listener.close()
            with contextlib.suppress(OSError):
                path.unlink()
        self._listeners.clear()

    async def _on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, gid: int | None
    ) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        there = peer_of(connection)
        if not may_enter(there, gid):
            writer.transport.abort()
            return
        is_ours = is_owner(there)
        strangers = [peer for peer in self._peers if peer.role is None and peer.is_ours == is_ours]
        if len(strangers) >= STRANGERS_MAX:
            # The one who has said nothing for longest goes, or they would keep a command line out.
            self._peers.pop(strangers[0])
            strangers[0].hang_up()
        peer = EnginePeer(self, reader, writer, is_ours=is_ours)
        self._peers[peer] = None
        try:
            await peer.serve()
        except PEER_ERRORS as error:
            if not isinstance(error, ConnectionError):
                log.warning("engine.sock: a peer is hung up on: %s", error or type(error).__name__)
        finally:
            self._peers.pop(peer, None)
            peer.hang_up()

    def admit(self, hello: messages.Hello, *, is_ours: bool) -> str:
        """Why that peer may not come in; empty when it may."""
        if hello.role == "cli" and not is_ours:
            return "the command line's places are for the engine's own user"
        if hello.role == "server" and hello.version != otrade.__version__:
            return f"this engine is of version {otrade.__version__} and the server of {hello.version}: start the server anew"
        if sum(peer.role == hello.role for peer in self._peers) >= PLACES[hello.role]:
            return f"{PLACES[hello.role]} of your kind ({hello.role}) are here already"
        return ""

    def welcome(self) -> messages.Welcome:
        return messages.Welcome(version=otrade.__version__, pid=os.getpid(), mode=self._mode)

    @property
    def requests(self) -> Requests:
        return self._requests

    @property
    def stream(self) -> DeltaStream:
        return self._stream


class EnginePeer:
    """One connection."""

    def __init__(
        self,
        engine: EngineSocket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_ours: bool,
    ) -> None:
        """`is_ours`: it is the engine's own user, or root."""
        self.is_ours = is_ours
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._frames_in = FrameReader(messages.REQUEST_BYTES_MAX)
        self._frames_out = FrameWriter(messages.REPLY_BYTES_MAX)
        self._sending = asyncio.Lock()
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: StreamClient | None = None
        self._decode = msgspec.msgpack.Decoder(messages.Request).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._is_over = False
        self._serving: asyncio.Task[None] | None = None
        self.role: messages.PeerRole | None = None

    async def serve(self) -> None:
        """Until it hangs up, or is hung up on. Raises one of `PEER_ERRORS`."""
        self._serving = asyncio.current_task()
        self._writer.transport.set_write_buffer_limits(high=CHUNK_BYTES_MAX)
        coming = self._messages()
        async with asyncio.timeout(HELLO_WITHIN_S):
            hello = await anext(coming, None)
        if not isinstance(hello, messages.Hello):
            return
        if why := self._engine.admit(hello, is_ours=self.is_ours):
            await self.send(self._encode(messages.Refused(words=why)))
            return
        self.role = hello.role
        await self.send(self._encode(self._engine.welcome()))
        async for request in coming:
            await self._room.acquire()
            self._start(request)

    async def _messages(self) -> AsyncIterator[messages.Request]:
        """What it says, one message in a turn of the loop."""
        loop = asyncio.get_running_loop()
        frames, begun_s = self._frames_in, 0.0
        while not self._is_over:
            async with self._engine.turn:
                message = frames.next()
                request = self._decode(message) if message is not None else None
                await asyncio.sleep(0)
            if request is not None:
                begun_s = 0.0
                yield request
                continue
            if frames.n_buffered and not begun_s:
                begun_s = loop.time()
            async with asyncio.timeout_at(begun_s + WHOLE_WITHIN_S if begun_s else None):
                data = await self._reader.read(CHUNK_BYTES_MAX)
            if not data:
                return
            frames.feed(data)

    def _start(self, request: messages.Request) -> None:
        # A command is carried to its end, whatever becomes of who gave it.
        tasks = self._engine.acts if isinstance(request, messages.ActRequest) else self._tasks
        task = asyncio.get_running_loop().create_task(self._do(request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _do(self, request: messages.Request) -> None:
        try:
            match request:
                case messages.Subscribe():
                    self._subscribe()
                    return
                case messages.QueryRequest():
                    reply: messages.Reply = await self._engine.requests.answer(request)
                case messages.ActRequest():
                    reply = await self._engine.requests.act(request)
                case messages.FinishLogin():
                    reply = await self._engine.requests.finish_login(request)
                case messages.PersonRecord():
                    self._engine.requests.record(request)
                    return
                case messages.Hello():
                    self.hang_up()
                    return
            await self.send(self._encode(reply))
        except PEER_ERRORS:
            self.hang_up()
        finally:
            self._room.release()

    # ---------------------------------------------------------------------------------- telling
    def _subscribe(self) -> None:
        if self._client is not None:
            self._client.resync()
            return
        self._client = self._engine.stream.join()
        if self._client is None:
            self.hang_up()
            return
        self._engine.stream.run()
        for work in (self._tell(self._client), self._watch(self._client)):
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, client: StreamClient) -> None:
        try:
            while True:
                await self.send(await client.next())
        except PEER_ERRORS:
            self.hang_up()

    async def _watch(self, client: StreamClient) -> None:
        """The stream may send a reader away."""
        await client.closed.wait()
        self.hang_up()

    async def send(self, message: bytes) -> None:
        """One message, a chunk in a turn of the loop."""
        async with self._sending:
            for chunk in self._frames_out.chunks(message):
                if self._is_over:
                    raise ConnectionResetError("hung up on")
                async with self._engine.turn:
                    self._writer.write(chunk)
                    await asyncio.sleep(0)
                async with asyncio.timeout(TAKE_WITHIN_S):
                    await self._writer.drain()

    async def say_farewell(self, message: bytes) -> None:
        """The last message, if it can be taken."""
        with contextlib.suppress(*PEER_ERRORS):
            await self.send(message)

    def hang_up(self) -> None:
        """Harmless when it is done twice. What it has said and was not looked at is not looked at, nor
        kept until its turn: connections can come faster than turns.
        """
        self._is_over = True
        if self._client is not None:
            self._engine.stream.leave(self._client)
        for task in self._tasks:
            task.cancel()
        if self._serving is not None and self._serving is not asyncio.current_task():
            self._serving.cancel()
        self._writer.transport.abort()
