"""What these tests stand on: a clock that only the test moves, and a server that does exactly what
the test says.

Nothing here sleeps. A test waits for a thing to happen (`until`), never for time to pass; the only
real time limit is a guard that turns a hang into a failure.
"""

import asyncio
import heapq
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import uvloop

from tests.harness.waiting import PATIENCE_S

NS_PER_S = 1_000_000_000
START_NS = 1_790_000_000 * NS_PER_S


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run one test on uvloop; a hang becomes TimeoutError."""

    async def guarded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await main

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(guarded())


class ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Time stands still until `advance`, which fires what has become due, in order."""

    def __init__(self) -> None:
        self.ts_ns = START_NS
        self._timers: list[tuple[int, int, ManualTimer]] = []
        self._n = 0

    def now_ns(self) -> int:
        return self.ts_ns

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> ManualTimer:
        timer = ManualTimer(callback)
        self._n += 1
        heapq.heappush(self._timers, (ts_ns, self._n, timer))
        return timer

    def waiting(self) -> list[float]:
        """Seconds until each timer that has not been cancelled."""
        return sorted(
            (ts - self.ts_ns) / NS_PER_S for ts, _, timer in self._timers if timer.callback
        )

    def advance(self, seconds: float) -> None:
        end_ns = self.ts_ns + round(seconds * NS_PER_S)
        while self._timers and self._timers[0][0] <= end_ns:
            ts_ns, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                self.ts_ns = max(self.ts_ns, ts_ns)
                timer.callback()
        self.ts_ns = end_ns


class ScriptedPeer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> tuple[bytes, bytes]:
        """The next whole HTTP request: head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return head, await self.reader.readexactly(length)

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def answer(self, status: int, body: bytes, extra: str = "") -> None:
        self.say(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body
        )

    def reset(self) -> None:
        self.writer.transport.abort()

    async def closed(self) -> bool:
        """Wait until the client has hung up; True when it said nothing more before that."""
        return await self.reader.read() == b""


class ScriptedServer:
    """A loopback listener whose connections are played by `script`."""

    def __init__(
        self,
        script: Callable[[ScriptedPeer], Awaitable[None]],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._script = script
        self._tls = tls
        self.peers: list[ScriptedPeer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "ScriptedServer":
        self._server = await asyncio.start_server(self._play, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for peer in self.peers:
            peer.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = ScriptedPeer(reader, writer)
        self.peers.append(peer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(peer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the test has ended or the client has gone: both are the script's end
        finally:
            self._tasks.discard(task)


async def idle(peer: ScriptedPeer) -> None:
    """A script for servers that the test drives by hand."""
    await asyncio.Event().wait()
