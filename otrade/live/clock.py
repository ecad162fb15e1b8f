"""Where the time comes from. Nothing else in a running engine reads a clock, except to stamp a
latency.

`Clock` is what the orchestrator needs: the time now, and a call at a later time. Live trading uses
`WallClock`; a paper day uses the simulator's own clock, which has the same two methods and jumps
from one event to the next. So a six-hour session takes six hours, six minutes or six seconds, and
runs the same code.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

NS_PER_S = 1_000_000_000


class TimerHandle(Protocol):
    """A call that is still to come."""

    def cancel(self) -> object:
        """Forget the call; harmless when it has already been made."""
        ...


class Clock(Protocol):
    """Engine time: int nanoseconds since the UNIX epoch (UTC), never going back."""

    def now_ns(self) -> int: ...

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> TimerHandle: ...


class _WallTimer:
    """One pending call of a `WallClock`. The loop's timers are counted in whole milliseconds, hence
    the second look.
    """

    __slots__ = ("_callback", "_clock", "_handle", "_loop", "_ts_ns")

    def __init__(
        self,
        clock: "WallClock",
        loop: asyncio.AbstractEventLoop,
        ts_ns: int,
        callback: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._ts_ns = ts_ns
        self._callback = callback
        self._handle: asyncio.TimerHandle = self._arm()

    def _arm(self) -> asyncio.TimerHandle:
        delay_s = max(0, self._ts_ns - self._clock.now_ns()) / NS_PER_S
        return self._loop.call_later(delay_s, self._fire)

    def _fire(self) -> None:
        if self._clock.now_ns() < self._ts_ns:
            self._handle = self._arm()
            return
        self._callback()

    def cancel(self) -> None:
        self._handle.cancel()


class WallClock:
    """Real time that never goes back, even when the system's clock is set.

    Time advances with the monotonic clock from an anchor. The anchor is compared with the system's
    clock once a second: when that is ahead, time jumps forward at once (a session boundary must not
    be missed); when it is behind, time waits for at most a tenth of each second until the two
    agree, so that no timestamp ever decreases.
    """

    RESYNC_NS = NS_PER_S
    SLEW_MAX_NS = NS_PER_S // 10

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._anchor_mono_ns = monotonic_ns()
        self._anchor_ns = wall_ns()

    def now_ns(self) -> int:
        mono_ns = self._monotonic_ns()
        elapsed_ns = mono_ns - self._anchor_mono_ns
        now_ns = self._anchor_ns + elapsed_ns
        if elapsed_ns >= self.RESYNC_NS:
            error_ns = self._wall_ns() - now_ns
            now_ns += max(error_ns, 0)
            # A slow-down is spread over the second to come: the anchor may not fall below what was
            # already returned.
            self._anchor_ns = now_ns
            self._anchor_mono_ns = mono_ns + min(max(-error_ns, 0), self.SLEW_MAX_NS)
        return max(now_ns, self._anchor_ns)

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> _WallTimer:
        """Call back at engine time `ts_ns`, or at the next turn of the running loop when that has
        passed.
        """
        return _WallTimer(self, asyncio.get_running_loop(), ts_ns, callback)


async def pause(clock: Clock, duration_ns: int) -> None:
    """Let engine time pass."""
    done = asyncio.Event()
    clock.call_at(clock.now_ns() + duration_ns, done.set)
    await done.wait()
