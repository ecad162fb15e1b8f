"""How often somebody may try to log in: few times from one address, and not much more often from
all of them together.

An address from which somebody has logged in before is not held to the common limit: strangers who
try passwords cannot lock the owner out of the page. Time is a monotonic clock, passed in.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from otrade.guard.client_address import address_group

PER_ADDRESS = ((60.0, 5), (3600.0, 20))
"""In how many seconds how many attempts may begin."""
TOGETHER = ((60.0, 30), (3600.0, 200))
ADDRESSES_MAX = 1024


class LoginThrottle:
    """Counts what begins; a success forgives its address what was before."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._by_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._together: deque[float] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()

    def begin(self, address: str) -> float:
        """0 when an attempt may begin (it is counted then), else the seconds until the next one
        may.
        """
        group, now_s = address_group(address), self._now_s()
        mine = self._by_address.get(group, deque())
        is_known = group in self._known
        wait_s = max(
            _wait_s(mine, PER_ADDRESS, now_s),
            0.0 if is_known else _wait_s(self._together, TOGETHER, now_s),
        )
        if wait_s > 0:
            return wait_s
        mine.append(now_s)
        self._by_address[group] = mine
        self._by_address.move_to_end(group)
        if len(self._by_address) > ADDRESSES_MAX:
            self._by_address.popitem(last=False)
        if not is_known:
            self._together.append(now_s)
        return 0.0

    def succeeded(self, address: str) -> None:
        group = address_group(address)
        self._by_address.pop(group, None)
        self._known[group] = None
        self._known.move_to_end(group)
        if len(self._known) > ADDRESSES_MAX:
            self._known.popitem(last=False)


def _wait_s(times: deque[float], limits: tuple[tuple[float, int], ...], now_s: float) -> float:
    longest_s = max(window_s for window_s, _ in limits)
    while times and times[0] <= now_s - longest_s:
        times.popleft()
    waits = [times[-count] + window_s - now_s for window_s, count in limits if len(times) >= count]
    return max(waits, default=0.0)
