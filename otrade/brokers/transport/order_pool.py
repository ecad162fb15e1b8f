"""Order transport: a few warm connections, each with one request in flight, and exactly one answer
for each request.

Nothing is ever sent twice. Once a byte of a request may have left, whatever goes wrong makes it
TIMEOUT (in doubt). Before that, a dead connection only means that another one is taken; a request
that found none in time is REFUSED, because it certainly was not placed. Waiting requests leave by
lane: protection first, then exits, then entries.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec

from otrade._core.types import Ev, Reason
from otrade.brokers.session import Answer
from otrade.brokers.transport.backoff import NS_PER_S, Backoff
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.fast_path import FastPath
from otrade.brokers.transport.http_connection import HttpConnection, HttpResponse, connect
from otrade.clock import Clock, TimerHandle
from otrade.errors import NetworkError

ANSWER_BYTES_MAX = 1 << 20


class _Request(msgspec.Struct):
    seq: int
    lane: int
    data: bytes
    timer: TimerHandle | None = None
    is_written: bool = False

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class OrderPool:
    """`size` connections are kept warm; a burst may open more, up to `size_max`. `answer_of` reads
    a broker's answer.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        rng: random.Random,
        on_answer: Callable[[int, Answer], None],
        on_sent: Callable[[int, int], None],
        answer_of: Callable[[int, bytes], Answer],
        answer_timeout_ns: int = 5 * NS_PER_S,
        queue_timeout_ns: int = 2 * NS_PER_S,
        size: int = 4,
        size_max: int = 10,
    ) -> None:
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._clock = clock
        self._on_answer = on_answer
        self._on_sent = on_sent
        self._answer_of = answer_of
        self._answer_timeout_ns = answer_timeout_ns
        self._queue_timeout_ns = queue_timeout_ns
        self._size = size
        self._size_max = size_max
        self._backoff = Backoff(rng, first_ns=NS_PER_S // 10, cap_ns=10 * NS_PER_S)
        self._idle: deque[HttpConnection] = deque()
        self.fast_path = FastPath(self._idle)
        """For a feed: writes the request that waits alone before it is submitted."""
        self._busy: dict[HttpConnection, _Request] = {}
        self._queue: list[tuple[int, int, _Request]] = []
        self._queued_total = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._retry: TimerHandle | None = None
        self._closed = False

    @property
    def warm(self) -> int:
        """Connections that are ready for an order now."""
        return sum(connection.is_idle for connection in self._idle)

    @property
    def is_opening(self) -> bool:
        return bool(self._opening)

    async def start(self) -> None:
        """Open the connections. NetworkError when not one can be made; those that fail later are
        retried behind the scenes.
        """
        first = await connect(
            self._endpoint, self._tls, self._on_lost, body_bytes_max=ANSWER_BYTES_MAX
        )
        self._add(first)
        self._keep_warm()

    def submit(self, seq: int, lane: int, data: bytes) -> None:
        """Send a whole encoded request now, or as soon as a connection is free."""
        request = _Request(seq, lane, data)
        written_to = self.fast_path.claim(seq)
        if written_to is not None:
            self._book(written_to, request)
            return
        if self._closed:
            self._on_answer(
                seq,
                Answer(Ev.REFUSED, "", Reason.BROKER_NETWORK, "not sent: the session is closed"),
            )
            return
        self._queue_up(request)
        self._pump()
        if not request.is_written:
            due_ns = self._clock.now_ns() + self._queue_timeout_ns
            request.timer = self._clock.call_at(due_ns, lambda: self._expire(request))
        if self._queue:
            # An order is worth a try at once, whatever the back-off says.
            self._cancel_retry()
            self._keep_warm()

    async def close(self) -> None:
        """Stop. What is in flight becomes in doubt, what waits is refused."""
        self._closed = True
        self._cancel_retry()
        opening = list(self._opening)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        self.fast_path.drop()
        for connection in self._idle:
            connection.abandon()
        self._idle.clear()
        for connection, request in list(self._busy.items()):
            connection.abandon()
            self._settle(
                connection,
                request,
                Answer(Ev.TIMEOUT, "", Reason.TIMED_OUT, "the session was closed"),
            )
        while self._queue:
            self._give_up(heapq.heappop(self._queue)[2], "not sent: the session is closed")

    # ---------------------------------------------------------------------------------- one request
    def _queue_up(self, request: _Request) -> None:
        self._queued_total += 1
        heapq.heappush(self._queue, (request.lane, self._queued_total, request))

    def _pump(self) -> None:
        """Give the first waiting request to a free connection, as long as there is one of each."""
        while self._queue and self._idle:
            connection, entry = self._idle.popleft(), heapq.heappop(self._queue)
            if not self._write(connection, entry[2]):
                # A dead connection took nothing, and its end replaces it: back to the same place.
                heapq.heappush(self._queue, entry)

    def _write(self, connection: HttpConnection, request: _Request) -> bool:
        if not connection.socket.send(request.data):
            return False
        self._book(connection, request)
        return True

    def _book(self, connection: HttpConnection, request: _Request) -> None:
        """A request's bytes have been written: from now on it is owed one answer."""
        self._busy[connection] = request
        request.is_written = True
        connection.expect(
            lambda response, why: self._on_done(connection, request, response, why),
            lambda: self._on_sent(request.seq, self._clock.now_ns()),
        )
        request.stop_timer()
        due_ns = self._clock.now_ns() + self._answer_timeout_ns
        request.timer = self._clock.call_at(due_ns, lambda: self._time_out(connection, request))

    def _on_done(
        self, connection: HttpConnection, request: _Request, response: HttpResponse | None, why: str
    ) -> None:
        if response is None:
            answer = Answer(Ev.TIMEOUT, "", Reason.TIMED_OUT, why)
        else:
            answer = self._answer_of(response.status, response.body)
        self._settle(connection, request, answer)

    def _time_out(self, connection: HttpConnection, request: _Request) -> None:
        # A late answer must not be taken for the next request's: this connection has ended.
        connection.abandon()
        self._settle(
            connection, request, Answer(Ev.TIMEOUT, "", Reason.TIMED_OUT, "no answer in time")
        )

    def _settle(self, connection: HttpConnection, request: _Request, answer: Answer) -> None:
        """The one place where a request that was written gets its answer."""
        request.stop_timer()
        del self._busy[connection]
        if connection.is_idle:
            # First again: what was used last is still in the processor's caches.
            self._idle.appendleft(connection)
        self._on_answer(request.seq, answer)
        self._pump()

    def _expire(self, request: _Request) -> None:
        self._queue = [entry for entry in self._queue if entry[2] is not request]
        heapq.heapify(self._queue)
        self._give_up(request, "not sent: no connection to the broker")

    def _give_up(self, request: _Request, why: str) -> None:
        request.stop_timer()
        self._on_answer(request.seq, Answer(Ev.REFUSED, "", Reason.BROKER_NETWORK, why))

    # ---------------------------------------------------------------------------------- connections
    def _add(self, connection: HttpConnection) -> None:
        self._idle.append(connection)
        self._backoff.reset()
        self._pump()

    def _on_lost(self, connection: HttpConnection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        self._keep_warm()

    def _keep_warm(self) -> None:
        """Open what is missing: the warm set, and one for each waiting request while the cap
        allows.
        """
        if self._closed or self._retry is not None:
            return
        have = len(self._idle) + len(self._busy) + len(self._opening)
        wanted = min(max(self._size, len(self._busy) + len(self._queue)), self._size_max)
        for _ in range(wanted - have):
            self._opening.add(asyncio.get_running_loop().create_task(self._open()))

    async def _open(self) -> None:
        try:
            connection = await connect(
                self._endpoint, self._tls, self._on_lost, body_bytes_max=ANSWER_BYTES_MAX
            )
        except NetworkError:
            connection = None
        # Out of the count before anything reacts: a task that has done its work is not opening any
        # more.
        self._opening.discard(cast(asyncio.Task[None], asyncio.current_task()))
        if connection is None:
            if not self._closed and self._retry is None:
                self._retry = self._clock.call_at(
                    self._clock.now_ns() + self._backoff.next_ns(), self._try_again
                )
        elif self._closed:
            connection.abandon()
        else:
            self._add(connection)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _try_again(self) -> None:
        self._retry = None
        self._keep_warm()
