"""Virtual time: a heap of events. Time stands still between two events and never goes back.

`call_at` is for a client under test (the engine's timers): after each of its events the driver
waits until the client has reacted. `schedule` is for the simulator's own events, which need that
only when they wrote to a socket.
"""

import heapq
import time
from collections.abc import Callable
from enum import IntEnum

Callback = Callable[[], None]


class EventKind(IntEnum):
    """What happens first among the events of one instant."""

    TRADES = 0
    """The market trades, order books move."""
    SESSION = 1
    """A session ends, a square-off is due, the state of a market changes."""
    EXCHANGE = 2
    """An order, its change or its cancel is at the exchange."""
    REQUEST = 3
    """A request is at the broker."""
    ANSWER = 4
    """An answer or a frame leaves."""
    FAULT = 5
    """A fault begins or ends, and whatever else has no place of its own."""
    CLIENT = 6
    """A client's timer."""


class VirtualTimer:
    """One event to come."""

    __slots__ = ("callback", "external", "ts_ns")

    def __init__(self, ts_ns: int, callback: Callback, external: bool) -> None:
        self.ts_ns = ts_ns
        self.callback: Callback | None = callback
        self.external = external

    def cancel(self) -> None:
        """Forget the event; harmless when it has run."""
        self.callback = None


class VirtualClock:
    """Clock and event queue of one simulation. Events of the same instant run by kind, then by the
    instrument's token, then by the order's name (its ClOrdID), and those that are alike in all of
    it in the order in which they were made.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._heap: list[tuple[int, int, int, str, int, VirtualTimer]] = []
        self._count = 0
        self._follow: tuple[int, int, float] | None = None
        self.on_scheduled: Callback | None = None
        """Called after each new event; a driver that sleeps wakes up on it."""
        self.on_advance: Callable[[int], None] | None = None
        """Called with each new time before anything happens at it."""

    def now_ns(self) -> int:
        """Virtual time, nanoseconds since the UNIX epoch."""
        if self._follow is None:
            return self._now_ns
        ts_ns, wall_ns, speed = self._follow
        self._now_ns = max(self._now_ns, ts_ns + int((time.monotonic_ns() - wall_ns) * speed))
        return self._now_ns

    def call_at(self, ts_ns: int, callback: Callback, /) -> VirtualTimer:
        """Run a client's callback at `ts_ns`, or as the next event when that has passed."""
        return self._push(EventKind.CLIENT, VirtualTimer(ts_ns, callback, True), 0, "")

    def schedule(
        self,
        ts_ns: int,
        callback: Callback,
        /,
        kind: EventKind = EventKind.FAULT,
        token: int = 0,
        name: str = "",
    ) -> VirtualTimer:
        """The same for an event of the simulator itself, with its place among those of its instant."""
        return self._push(kind, VirtualTimer(ts_ns, callback, False), token, name)

    def _push(self, kind: EventKind, timer: VirtualTimer, token: int, name: str) -> VirtualTimer:
        self._count += 1
        due_ns = timer.ts_ns if timer.ts_ns > self._now_ns else self._now_ns
        heapq.heappush(self._heap, (due_ns, kind, token, name, self._count, timer))
        if self.on_scheduled is not None:
            self.on_scheduled()
        return timer

    def next_ns(self) -> int | None:
        """Time of the next event, None when there is none."""
        heap = self._heap
        while heap:
            if heap[0][-1].callback is not None:
                return heap[0][0]
            heapq.heappop(heap)
        return None

    @property
    def is_next_external(self) -> bool:
        """Is the next event a client's own timer?"""
        return self.next_ns() is not None and self._heap[0][-1].external

    def pop(self) -> VirtualTimer:
        """Take the next event (`next_ns` must have said there is one) and move time to it."""
        due = heapq.heappop(self._heap)
        self.advance(due[0])
        return due[-1]

    def advance(self, ts_ns: int) -> None:
        """Move time forward to `ts_ns`; an earlier time is ignored."""
        if ts_ns > self._now_ns:
            self._now_ns = ts_ns
            if self.on_advance is not None:
                self.on_advance(ts_ns)

    def follow_wall(self, speed: float) -> None:
        """From now on time runs with the wall clock, `speed` virtual seconds a second."""
        self._follow = (self.now_ns(), time.monotonic_ns(), speed)

    def stand_still(self) -> None:
        """Back to time that moves from event to event."""
        self._now_ns = self.now_ns()
        self._follow = None
