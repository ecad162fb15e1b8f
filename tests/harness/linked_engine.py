"""An engine's socket and the server's link to it in one loop: what `otrade run` and `otrade serve` wire,
without their processes. And a stub of an engine that says what a test wants.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from otrade.config.manager import load, to_bytes
from otrade.contract import messages, views
from otrade.contract.framing import FrameReader, FrameWriter
from otrade.engine_link.link import EngineLink
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.command_keys import CommandKeys
from otrade.live.engine_socket.engine_socket import EngineSocket
from otrade.live.engine_socket.requests import Requests
from otrade.server.source import RemoteEngine
from otrade.stream.delta_stream import DeltaStream
from tests.harness.waiting import until


@dataclass
class LinkedEngine:
    """Both ends."""

    source: LiveEngineSource
    socket: EngineSocket
    link: EngineLink
    remote: RemoteEngine
    keys: CommandKeys

    async def told(self) -> None:
        """Until the other end knows what is so now."""
        now = self.source.status()
        n_signals, n_notices = (len(rows(0)) for rows in (self.source.signals, self.source.notices))

        def knows() -> bool:
            last, replica = self.link.replica.last, self.link.replica
            return (
                last is not None
                and (last.now_ms, last.day, last.lifecycle) >= (now.now_ms, now.day, now.lifecycle)
                and len(replica.signals(0)) >= n_signals
                and len(replica.notices(0)) >= n_notices
            )

        await until(knows, pause_s=0.001)


@contextlib.asynccontextmanager
async def linked(source: LiveEngineSource, config_path: Path) -> AsyncIterator[LinkedEngine]:
    config = load(config_path)
    run_dir = Path(config.paths.var) / "run"
    run_dir.mkdir(parents=True, exist_ok=True)
    keys = CommandKeys()
    stream = DeltaStream(source, interval_s=0.05, encode=msgspec.msgpack.encode)
    requests = Requests(source, keys, lambda: to_bytes(config))
    door = EngineSocket(run_dir, requests, stream, "paper")
    door.open()
    await door.serve()
    try:
        async with EngineLink(door.path) as link:
            await until(lambda: link.is_up and link.replica.last is not None, pause_s=0.001)
            remote = RemoteEngine(link, config_path, config)
            yield LinkedEngine(source, door, link, remote, keys)
    finally:
        await door.close()


Say = Callable[[dict[str, Any]], list[bytes] | bytes | object]


@contextlib.contextmanager
def engine_stub(var: Path, say: Say) -> Iterator[list[dict[str, Any]]]:
    """A thread that listens where an engine would. `say` is given each request after the hello: bytes
    are sent as they are, anything else as msgpack in chunks, None not at all. Yields what it was
    asked.
    """
    path = var / "run" / messages.SOCKET
    path.parent.mkdir(parents=True, exist_ok=True)
    asked: list[dict[str, Any]] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                talk(peer)

    def talk(peer: socket.socket) -> None:
        frames, out = FrameReader(messages.REQUEST_BYTES_MAX), FrameWriter(messages.REPLY_BYTES_MAX)

        def tell(answer: object) -> None:
            said = (
                [answer]
                if isinstance(answer, bytes)
                else list(out.chunks(msgspec.msgpack.encode(answer)))
            )
            for chunk in said:
                peer.sendall(chunk)

        while data := peer.recv(1 << 16):
            frames.feed(data)
            while (message := frames.next()) is not None:
                request = msgspec.msgpack.decode(message)
                if request["type"] == "hello":
                    tell(messages.Welcome(version="0", pid=1, mode="paper"))
                    continue
                asked.append(request)
                answer = say(request)
                if answer is not None:
                    tell(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        path.unlink()
        thread.join()


def acted(words: dict[str, tuple[bool, str]]) -> Say:
    """An engine that answers these commands."""

    def say(request: dict[str, Any]) -> object:
        ok, said = words[request["name"]]
        result = views.CommandResult(ok=ok, words=said)
        return messages.Acted(id=request["id"], result=result)

    return say


def answered(found: object) -> Say:
    """An engine that answers any question with this."""

    def say(request: dict[str, Any]) -> object:
        raw = msgspec.Raw(msgspec.msgpack.encode(found))
        return messages.QueryAnswer(id=request["id"], found=raw)

    return say
