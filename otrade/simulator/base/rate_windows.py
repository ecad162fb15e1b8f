"""Request limits over sliding windows of virtual time."""

from collections import deque

from otrade.simulator.base.config import NS_PER_S, KiteLimits
from otrade.simulator.base.errors import KiteError, too_many


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


class RateWindows:
    """All windows of one account. Placing, modifying and cancelling share the second; only placing
    counts a minute and a day.
    """

    def __init__(self, limits: KiteLimits) -> None:
        self._limits = limits
        self._second = RateWindow(limits.orders_per_second, NS_PER_S)
        self._minute = RateWindow(limits.orders_per_minute, 60 * NS_PER_S)
        self._others = {
            "quote": RateWindow(limits.quotes_per_second, NS_PER_S),
            "historical": RateWindow(limits.historical_per_second, NS_PER_S),
            "other": RateWindow(limits.others_per_second, NS_PER_S),
        }
        self._placed_today = 0

    def new_day(self) -> None:
        self._placed_today = 0

    def admit(self, kind: str, now_ns: int) -> None:
        """Count one request of kind `place`, `order` (modify or cancel), `quote`, `historical` or
        `other`. KiteError 429.
        """
        if kind not in ("place", "order"):
            window = self._others[kind]
            if not window.has_room(now_ns):
                raise too_many()
            window.add(now_ns)
            return
        placing = kind == "place"
        day = self._limits.orders_per_day
        if placing and day and self._placed_today >= day:
            raise KiteError(429, "NetworkException", f"Maximum {day} orders a day exceeded.")
        if not self._second.has_room(now_ns) or (placing and not self._minute.has_room(now_ns)):
            raise too_many()
        self._second.add(now_ns)
        if placing:
            self._minute.add(now_ns)
            self._placed_today += 1
