"""Request limits over sliding windows of virtual time."""

from collections import deque


class RateWindow:
    """At most `limit` events in any `span_ns`; 0 is no limit."""

    __slots__ = ("_limit", "_span_ns", "_times")

    def __init__(self, limit: int, span_ns: int) -> None:
        self._limit = limit
        self._span_ns = span_ns
        self._times: deque[int] = deque()

    def has_room(self, now_ns: int) -> bool:
        times = self._times
        while times and times[0] <= now_ns - self._span_ns:
            times.popleft()
        return not self._limit or len(times) < self._limit

    def add(self, now_ns: int) -> None:
        if self._limit:
            self._times.append(now_ns)
