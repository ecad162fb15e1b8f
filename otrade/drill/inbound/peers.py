"""Peers at the engine's own socket that stall, flood, tear messages or vanish, while it trades. The
trading must not notice, which the judge sees; a good peer beside them is answered, which is asked here.
"""

import asyncio
import contextlib
import random
import tempfile
from pathlib import Path
from typing import Any

import msgspec

import otrade
from otrade.contract import messages
from otrade.contract.framing import FrameReader, FrameWriter
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.command_keys import CommandKeys
from otrade.live.control.commands import Commands
from otrade.live.engine_socket.engine_socket import PEER_ERRORS, EngineSocket
from otrade.live.engine_socket.requests import Requests
from otrade.live.notices.board import NoticeBoard
from otrade.stream.delta_stream import DeltaStream

FLOOD = 2_000
"""Questions of one flood, whose answers nobody reads."""
ANSWER_WITHIN_S = 60.0
"""Of real time, on the busiest machine."""


class HostilePeers:
    """`await begin(...)`, let time pass, `await end()`: words of what went wrong, or none."""

    def __init__(self, day: Any, board: NoticeBoard, control: Commands) -> None:
        source = LiveEngineSource(board, control, mode="paper", broker_kind="sim", speed=0.0)
        source.set_day(day)
        source.lifecycle = "running"
        self._folder = tempfile.TemporaryDirectory(prefix="otd")
        self._socket = EngineSocket(
            Path(self._folder.name),
            Requests(source, CommandKeys(), bytes),
            DeltaStream(source, interval_s=0.05, encode=msgspec.msgpack.encode),
            "paper",
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def begin(self, way: str, seed: int) -> None:
        """They come; what they do goes on by itself."""
        self._socket.open()
        await self._socket.serve()
        rng = random.Random(seed)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            self._tasks.append(loop.create_task(self._misbehave(way, rng)))

    async def _misbehave(self, way: str, rng: random.Random) -> None:
        with contextlib.suppress(*PEER_ERRORS):
            writer, out = await self._come()
            subscribe = b"".join(out.chunks(msgspec.msgpack.encode(messages.Subscribe())))
            questions = b"".join(
                chunk
                for n in range(FLOOD if way == "flood" else 8)
                for chunk in out.chunks(
                    msgspec.msgpack.encode(messages.QueryRequest(id=n, name="limits"))
                )
            )
            said = bytearray(subscribe + questions)
            if way == "stall":
                del said[-rng.randrange(1, 20) :]
            elif way == "tear":
                said[rng.randrange(len(said))] ^= 1 << rng.randrange(8)
            writer.write(bytes(said))
            if way == "vanish":
                writer.transport.abort()
                return
            await writer.drain()

    async def _come(self) -> tuple[asyncio.StreamWriter, FrameWriter]:
        """A connection that has said who it is, and whose answers nobody reads."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket.path))
        self._writers.append(writer)
        out = FrameWriter(messages.REQUEST_BYTES_MAX)
        hello = messages.Hello(role="server", version=otrade.__version__)
        for chunk in out.chunks(msgspec.msgpack.encode(hello)):
            writer.write(chunk)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        return writer, out

    async def end(self) -> str:
        """A command line asks for the status beside them; then all of them go."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._ask()
        except TimeoutError:
            return "a command line at the engine's socket was not answered beside hostile peers"
        finally:
            for task in self._tasks:
                task.cancel()
            for writer in self._writers:
                writer.transport.abort()
            await self._socket.close()
            self._folder.cleanup()

    async def _ask(self) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self._socket.path))
        self._writers.append(writer)
        out, frames = FrameWriter(messages.REQUEST_BYTES_MAX), FrameReader(messages.REPLY_BYTES_MAX)
        for said in (
            messages.Hello(role="cli", version=otrade.__version__),
            messages.QueryRequest(id=1, name="status"),
        ):
            for chunk in out.chunks(msgspec.msgpack.encode(said)):
                writer.write(chunk)
        while data := await reader.read(1 << 16):
            frames.feed(data)
            while (message := frames.next()) is not None:
                reply = msgspec.msgpack.decode(message, type=messages.Reply)
                if isinstance(reply, messages.QueryAnswer):
                    return reply.trouble
        return "a command line at the engine's socket was hung up on beside hostile peers"
