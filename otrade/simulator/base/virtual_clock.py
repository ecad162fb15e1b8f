"""Virtual time: a heap of events. Time stands still between two events and never goes back.

`call_at` is for a client under test (the engine's timers): after each of its events the driver
waits until the client has reacted. `schedule` is for the simulator's own events, which need that
only when they wrote to a socket.
"""

import heapq
import time
from collections.abc import Callable

Callback = Callable[[], None]


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
    """Clock and event queue of one simulation; events at the same instant run in the order in which
    they were made.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._heap: list[tuple[int, int, VirtualTimer]] = []
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
        return self._push(ts_ns, callback, True)

    def schedule(self, ts_ns: int, callback: Callback, /) -> VirtualTimer:
        """The same for an event of the simulator itself."""
        return self._push(ts_ns, callback, False)

    def _push(self, ts_ns: int, callback: Callback, external: bool) -> VirtualTimer:
        timer = VirtualTimer(ts_ns, callback, external)
        self._count += 1
        heapq.heappush(
            self._heap, (ts_ns if ts_ns > self._now_ns else self._now_ns, self._count, timer)
        )
        if self.on_scheduled is not None:
            self.on_scheduled()
        return timer

    def next_ns(self) -> int | None:
        """Time of the next event, None when there is none."""
        heap = self._heap
        while heap:
            if heap[0][2].callback is not None:
                return heap[0][0]
            heapq.heappop(heap)
        return None

    @property
    def is_next_external(self) -> bool:
        """Is the next event a client's own timer?"""
        return self.next_ns() is not None and self._heap[0][2].external

    def pop(self) -> VirtualTimer:
        """Take the next event (`next_ns` must have said there is one) and move time to it."""
        ts_ns, _, timer = heapq.heappop(self._heap)
        self.advance(ts_ns)
        return timer

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
