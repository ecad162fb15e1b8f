"""The way from the hooks to the engine: a Unix socket that is opened again when it breaks, and two
short queues, so that notices that anybody can post keep no proved hint from its way.
"""

import asyncio
import contextlib
from collections import deque
from pathlib import Path

import msgspec

from otrade.contract.framing import FrameWriter
from otrade.contract.hints import HINT_BYTES_MAX, SOCKET, Hint, OrderHint, TokenNotice

ORDERS_MAX = 64
NOTICES_MAX = 8
AGAIN_S = 0.5
TAKE_WITHIN_S = 5.0
"""For the engine to take a hint; one that hangs is asked anew."""


class HintLink:
    """`run` as a task; `offer` at any time."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / SOCKET
        self._orders: deque[OrderHint] = deque()
        self._notices: deque[TokenNotice] = deque()
        self._more = asyncio.Event()
        self.is_connected = False

    def offer(self, hint: Hint) -> bool:
        """Send it soon. False when there is no engine, or its queue is full: the sender may come
        again.
        """
        if not self.is_connected:
            return False
        if isinstance(hint, OrderHint):
            if len(self._orders) >= ORDERS_MAX:
                return False
            self._orders.append(hint)
        else:
            if len(self._notices) >= NOTICES_MAX:
                return False
            self._notices.append(hint)
        self._more.set()
        return True

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                await self._deliver()
            self.is_connected = False
            await asyncio.sleep(AGAIN_S)

    async def _deliver(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        # The engine answers nothing: what can be read is its end.
        end = asyncio.create_task(reader.read(1))
        frames = FrameWriter(HINT_BYTES_MAX)
        self.is_connected = True
        try:
            while not end.done():
                while hint := self._next():
                    for chunk in frames.chunks(msgspec.msgpack.encode(hint)):
                        writer.write(chunk)
                    async with asyncio.timeout(TAKE_WITHIN_S):
                        await writer.drain()
                self._more.clear()
                more = asyncio.create_task(self._more.wait())
                await asyncio.wait([end, more], return_when=asyncio.FIRST_COMPLETED)
                more.cancel()
        finally:
            self.is_connected = False
            end.cancel()
            writer.transport.abort()

    def _next(self) -> Hint | None:
        if self._orders:
            return self._orders.popleft()
        return self._notices.popleft() if self._notices else None
