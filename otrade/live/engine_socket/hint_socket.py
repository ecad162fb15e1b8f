"""`hooks.sock`: hints come in, nothing goes out. One peer, the hooks' process: a newer one takes the
older one's place. A hint a turn of the loop, and no more in a second than brokers send; a peer that
says anything else is hung up on.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

import msgspec

from otrade.contract.framing import FrameError, FrameReader
from otrade.contract.hints import HINT_BYTES_MAX, SOCKET, Hint, OrderHint, TokenNotice
from otrade.live.engine_socket.unix_listener import group_id, listen_unix, may_enter, peer_of

log = logging.getLogger("otrade")

READ_BYTES = 16 * 1024
NOTICES_MAX = 8
"""Token notices that wait; of more, nobody hears."""
BETWEEN_HINTS_S = 0.05
"""Twenty a second; what comes faster waits on the other side."""
WHOLE_WITHIN_S = 5.0
"""For a hint that has begun to come."""


class HintHandler(Protocol):
    """What the engine does with hints."""

    def order(self, hint: OrderHint) -> None: ...

    def token(self, broker: str, body: bytes) -> Awaitable[None]: ...


class HintSocket:
    """`open`, `await close()`. One each."""

    def __init__(self, run_dir: Path, handler: HintHandler, group: str = "") -> None:
        """`group`: its members may give hints too."""
        self.path = run_dir / SOCKET
        self._group = group
        self._gid: int | None = None
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._peer: asyncio.StreamWriter | None = None
        self._taking: asyncio.Task[None] | None = None
        self._decode = msgspec.msgpack.Decoder(Hint).decode
        self._notices: asyncio.Queue[TokenNotice] = asyncio.Queue(NOTICES_MAX)
        self._worker: asyncio.Task[None] | None = None
        self.n_taken = 0

    async def open(self) -> None:
        """Listen. StartError in words."""
        listener = listen_unix(self.path, self._group)
        self._gid = group_id(self._group) if self._group else None
        self._server = await asyncio.start_unix_server(
            self._on_connection, sock=listener, limit=READ_BYTES
        )
        self._worker = asyncio.create_task(self._take_notices())

    async def close(self) -> None:
        """Harmless when it never began."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        if self._worker is not None:
            self._worker.cancel()
        if self._peer is not None:
            self._peer.transport.abort()
        with contextlib.suppress(OSError):
            self.path.unlink()

    async def _on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        if self._server is None or not may_enter(peer_of(connection), self._gid):
            writer.transport.abort()
            return
        if self._peer is not None:
            self._peer.transport.abort()
        if self._taking is not None:
            self._taking.cancel()  # what the older one has said and was not taken is not kept
        self._peer, self._taking = writer, asyncio.current_task()
        try:
            await self._take(reader, writer)
        except (FrameError, msgspec.MsgspecError, RecursionError) as error:
            log.warning("hooks.sock: the peer is hung up on: %s", error)
        except (OSError, TimeoutError):
            pass
        finally:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(HINT_BYTES_MAX)
        while not writer.transport.is_closing():
            while (message := frames.next()) is not None:
                self._hand_on(self._decode(message))
                await asyncio.sleep(BETWEEN_HINTS_S)
            within_s = WHOLE_WITHIN_S if frames.n_buffered else None
            async with asyncio.timeout(within_s):
                data = await reader.read(READ_BYTES)
            if not data:
                return
            frames.feed(data)

    def _hand_on(self, hint: Hint) -> None:
        self.n_taken += 1
        if isinstance(hint, OrderHint):
            self._handler.order(hint)
        elif not self._notices.full():
            self._notices.put_nowait(hint)

    async def _take_notices(self) -> None:
        """The broker is asked about each: no order's hint waits behind one."""
        while True:
            notice = await self._notices.get()
            await self._handler.token(notice.broker, notice.body)
