"""How often somebody may try to log in. Attempts are counted by person and address together, by
address, by person, and all together; each count has its own limit.

A login that succeeds forgives what the same person has got wrong at the same address, and nothing
else: nobody's login makes room for guesses at another's password. A browser in which a person has
logged in before is known by a cookie (`device_cookies.py`) and has a count of its own for that person: what
strangers try, at whatever address, cannot lock its owner out. Time is a monotonic clock, passed in.

Why not a library: `limits` (5.8) asks the wall clock by itself, and its memory is a thread that wakes
every 10 ms.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otrade.guard.client_address import address_group

Limits = tuple[tuple[float, int], ...]
"""In how many seconds how many attempts may begin."""
PER_PERSON_AND_ADDRESS: Limits = ((60.0, 5), (3600.0, 20))
PER_ADDRESS: Limits = ((60.0, 10), (3600.0, 60))
PER_PERSON: Limits = ((60.0, 10), (3600.0, 100))
TOGETHER: Limits = ((60.0, 30), (3600.0, 200))
PER_DEVICE: Limits = ((60.0, 5), (3600.0, 20))
KEYS_MAX = 1024
"""Of each count. More than can begin within an hour, so that nobody pushes another's count out."""


class AttemptCount:
    """Attempts by a key, and when the next one may begin."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._longest_s = max(window_s for window_s, _ in limits)
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def wait_s(self, key: str, now_s: float) -> float:
        times = self._times.get(key, deque())
        while times and times[0] <= now_s - self._longest_s:
            times.popleft()
        waits = [
            times[-count] + window_s - now_s
            for window_s, count in self._limits
            if len(times) >= count
        ]
        return max(waits, default=0.0)

    def add(self, key: str, now_s: float) -> None:
        self._times.setdefault(key, deque()).append(now_s)
        self._times.move_to_end(key)
        if len(self._times) > KEYS_MAX:
            self._times.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The last one was no guess."""
        times = self._times.get(key)
        if times:
            times.pop()

    def forget(self, key: str) -> None:
        self._times.pop(key, None)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """`wait_s`: 0 when it may begin, else the seconds until the next one may."""

    wait_s: float
    counts: Sequence[tuple[AttemptCount, str]]
    """Where it is counted."""


class LoginThrottle:
    """Counts what begins. `device` is what a known browser is known by, for that person; empty for
    an unknown one.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._by_pair = AttemptCount(PER_PERSON_AND_ADDRESS)
        self._by_address = AttemptCount(PER_ADDRESS)
        self._by_person = AttemptCount(PER_PERSON)
        self._together = AttemptCount(TOGETHER)
        self._by_device = AttemptCount(PER_DEVICE)

    def begin(self, name: str, address: str, device: str = "") -> LoginAttempt:
        """An attempt, counted from now on; one with a wait may not begin, and is not counted."""
        now_s = self._now_s()
        counts = self._counts(name, address)
        wait_s = max(count.wait_s(key, now_s) for count, key in counts)
        if device:
            own = ((self._by_device, _pair(name, device)),)
            own_wait_s = self._by_device.wait_s(own[0][1], now_s)
            # A known browser that has used up its own count is as good as an unknown one.
            if own_wait_s <= wait_s or own_wait_s == 0:
                counts, wait_s = own, own_wait_s
        if wait_s == 0:
            for count, key in counts:
                count.add(key, now_s)
        return LoginAttempt(wait_s, counts)

    def succeeded(self, attempt: LoginAttempt, name: str, address: str) -> None:
        """It was no guess, and what that person has got wrong there before is forgiven."""
        for count, key in attempt.counts:
            count.take_back(key)
        self._by_pair.forget(_pair(name, address_group(address)))

    def _counts(self, name: str, address: str) -> Sequence[tuple[AttemptCount, str]]:
        group = address_group(address)
        return (
            (self._by_pair, _pair(name, group)),
            (self._by_address, group),
            (self._by_person, name),
            (self._together, ""),
        )


def _pair(name: str, place: str) -> str:
    return f"{name}\n{place}"
