"""The fan-out: one delta an interval, built and encoded once, the same bytes for every client.

The engine tells the page's server in this way, and the server its pages. Neither waits for a client,
nor for all of them: building and sending go in small steps with a turn of the loop between them, so
that a frame of the feed that comes meanwhile waits for one step and not for a hundred clients.

A client that lags has its queue replaced by one fresh snapshot; a client that takes nothing for
`DROP_AFTER_S` is dropped. While nobody looks nothing is built. Building may take at most one part in
`BUILD_SHARE` of the loop's time: with more rows the interval grows.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from otrade.contract.engine_views import EngineViews
from otrade.contract.views import Delta, NoticesMessage, NoticeView, SignalView, Snapshot, Status
from otrade.stream.row_tables import RowTables

log = logging.getLogger("otrade")

INTERVAL_S = 0.1
BUILD_SHARE = 20
QUEUED_MAX = 4
DROP_AFTER_S = 10.0
STEP_S = 0.0001
"""Of building, before the loop has its turn."""
CLIENTS_MAX = 128
KEPT_MAX = 500  # signals and notices in a snapshot

CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL = 1011
CLOSE_TRY_LATER = 1013
CLOSE_NOT_LOGGED_IN = 4401
"""The session behind the socket has ended."""


class StreamClient:
    """One reader: a short queue, and whether it must be told everything afresh."""

    def __init__(self, stream: "DeltaStream", may_stay: Callable[[], bool]) -> None:
        self._stream = stream
        self.may_stay = may_stay
        self._queue: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._wants_all = True
        self._busy_since_s: float | None = None
        self.closed = asyncio.Event()
        self.close_code = 0

    def offer(self, text: bytes) -> None:
        """Queue a message, or note that only a snapshot will do when too many wait already."""
        if self._wants_all:
            return
        if len(self._queue) >= QUEUED_MAX:
            self.void()
            return
        self._queue.append(text)

    def void(self) -> None:
        """The next message is a snapshot; what waits is void."""
        self._queue.clear()
        self._wants_all = True

    def resync(self) -> None:
        """The same, on the client's own word."""
        self.void()
        if self._stream.is_fresh:
            self.wake()

    def wake(self) -> None:
        """There is something for it."""
        if self._wants_all or self._queue:
            self._ready.set()

    async def next(self) -> bytes:
        """The next message. Calling again says that the one before it has left."""
        self._busy_since_s = None
        await self._ready.wait()
        self._busy_since_s = self._stream.now_s()
        if self._wants_all:
            self._wants_all = False
            text = self._stream.snapshot()
        else:
            text = self._queue.popleft()
        if not self._queue:
            self._ready.clear()
        return text

    def is_stuck(self, now_s: float) -> bool:
        return self._busy_since_s is not None and now_s - self._busy_since_s > DROP_AFTER_S

    def close(self, code: int) -> None:
        self.close_code = code
        self.closed.set()


class DeltaStream:
    """Knows what every client was told last, and tells the difference.

    `now_s` is a monotonic clock in seconds; it only paces the sending, the engine's time comes in
    `Status`.
    """

    def __init__(
        self,
        source: EngineViews,
        *,
        interval_s: float = INTERVAL_S,
        now_s: Callable[[], float] = time.monotonic,
        encode: Callable[[Any], bytes] = msgspec.json.encode,
    ) -> None:
        """`encode`: of msgspec, JSON or msgpack."""
        if not 0.05 <= interval_s <= 10:
            raise ValueError(f"the page's interval is {interval_s} s; it must be 0.05 to 10 s")
        self.now_s = now_s
        self.n_dropped = 0
        self._source = source
        self._interval_s = interval_s
        self._clients: set[StreamClient] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._seq = 0
        self._status: Status | None = None
        self._encode = encode
        self._tables = RowTables(source, encode)
        self.is_fresh = False
        """What is kept was true one interval ago; not so while nobody looks."""
        self._signals: deque[SignalView] = deque(maxlen=KEPT_MAX)
        self._notices: deque[NoticeView] = deque(maxlen=KEPT_MAX)
        self._snapshot: bytes | None = None

    # ---------------------------------------------------------------------------------- clients
    @property
    def n_clients(self) -> int:
        return len(self._clients)

    def join(self, may_stay: Callable[[], bool] = lambda: True) -> StreamClient | None:
        """A new reader, whose first message is a snapshot, and who is sent away once `may_stay`
        says no. None when there are `CLIENTS_MAX`, or when the stream is closed.
        """
        if self._is_closed or len(self._clients) >= CLIENTS_MAX:
            return None
        if not self._clients:
            self.is_fresh = False
        client = StreamClient(self, may_stay)
        self._clients.add(client)
        client.resync()
        return client

    def leave(self, client: StreamClient) -> None:
        self._clients.discard(client)

    def run(self) -> None:
        """Tick in the running loop until nobody looks any more. Harmless when it ticks already."""
        if self._task is None and self._clients:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._clients:
                started_s = self.now_s()
                interval_s = await self.tick()
                await asyncio.sleep(max(0.0, started_s + interval_s - self.now_s()))
        finally:
            self._task = None

    def close(self) -> None:
        """Tell every client to go. The ticking ends by itself with the last of them."""
        self._is_closed = True
        self._close_all(CLOSE_GOING_AWAY)

    def _close_all(self, code: int) -> None:
        for client in self._clients:
            client.close(code)
        self._clients.clear()

    # ---------------------------------------------------------------------------------- ticking
    async def tick(self) -> float:
        """Send what changed to all clients. Returns the seconds from its beginning to the next
        one's.
        """
        busy_s = 0.0
        started_s = self.now_s()
        try:
            for is_turn_due in self._steps():
                if is_turn_due or self.now_s() - started_s > STEP_S:
                    busy_s += self.now_s() - started_s
                    await asyncio.sleep(0)
                    started_s = self.now_s()
        except Exception:
            # A view that cannot be built must not take the engine's loop down with it, nor fill
            # the log ten times a second.
            log.exception("the page's data could not be built; its clients are disconnected")
            self._close_all(CLOSE_INTERNAL)
        busy_s += self.now_s() - started_s
        return max(self._interval_s, busy_s * BUILD_SHARE)

    def _steps(self) -> Iterator[bool]:
        """One tick. True: the loop must have its turn now; False: it may."""
        for client in list(self._clients):
            if client.is_stuck(self.now_s()):
                self.n_dropped += 1
                self._send_away(client, CLOSE_TRY_LATER)
            elif not client.may_stay():
                self._send_away(client, CLOSE_NOT_LOGGED_IN)
            yield False
        yield from self._send_changes()
        for client in list(self._clients):
            client.wake()
            yield True

    def _send_away(self, client: StreamClient, code: int) -> None:
        self._clients.discard(client)
        client.close(code)

    def _send_changes(self) -> Iterator[bool]:
        for _ in self._tables.read():
            yield False
        status = self._source.status()
        is_new_day = self._status is not None and status.day != self._status.day
        self._status = status
        if not self.is_fresh or is_new_day or self._tables.is_less:
            self._start_afresh()
            return
        signals = self._source.signals(_last_seq(self._signals))
        notices = self._source.notices(_last_seq(self._notices))
        self._signals.extend(signals)
        self._notices.extend(notices)
        changed: dict[str, Any] = self._tables.changed
        self._offer(Delta(seq=self._seq + 1, status=status, signals=list(signals), **changed))
        if notices:
            self._offer(NoticesMessage(seq=self._seq + 1, notices=list(notices)))

    def _start_afresh(self) -> None:
        """Nobody looked for a while, there is a new day, or rows are gone: everybody is told
        everything.
        """
        self._signals = deque(self._source.signals(0), maxlen=KEPT_MAX)
        self._notices = deque(self._source.notices(0), maxlen=KEPT_MAX)
        self._seq += 1
        self._snapshot = None
        self.is_fresh = True
        for client in self._clients:
            client.void()

    def _offer(self, message: Delta | NoticesMessage) -> None:
        self._seq = message.seq
        self._snapshot = None
        text = self._encode(message)
        for client in self._clients:
            client.offer(text)

    # ------------------------------------------------------------------------------------ state
    def snapshot(self) -> bytes:
        """Everything as of the last message; encoded once between two messages."""
        if self._snapshot is None:
            assert self._status is not None, "a client is woken only after the first reading"
            tables: dict[str, Any] = self._tables.all()
            message = Snapshot(
                seq=self._seq,
                status=self._status,
                signals=list(self._signals),
                notices=list(self._notices),
                **tables,
            )
            self._snapshot = self._encode(message)
        return self._snapshot


def _last_seq(rows: Sequence[SignalView | NoticeView] | deque[Any]) -> int:
    return int(rows[-1].seq) if rows else 0
