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

import msgspec

NS_PER_S = 1_000_000_000


def boottime_ns() -> int:
    """The monotonic clock that counts a machine's sleep."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


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


class ClockStep(msgspec.Struct):
    """The machine's clock was set, and nobody knows yet whether it is right now. `error_ns`: so far
    it is ahead of the engine's time.
    """

    error_ns: int
    since_ns: int
    """On the monotonic clock: when it was seen, or when a tick spoke against it last."""
    n_for: int = 0
    """Ticks in a row that agree with the machine's clock and not with the engine's."""
    is_denied: bool = False
    """A tick has spoken against it."""
    is_believed: bool = False


class WallClock:
    """Real time that never goes back, and that a machine's clock which is set wrong does not
    mislead.

    Time advances with the monotonic clock (which counts a machine's sleep) from an anchor. The
    anchor is compared with the machine's clock once a second. Up to `STEP_NS` of difference is
    drift: a lag is made up at once, a lead is spread over the seconds to come. More is a step, and
    a step may be wrong: a day that ends on the word of a clock that was wrong for four seconds
    leaves its positions open. It is believed when the exchange's own time on `AGREE` ticks agrees
    with it and not with ours, or when for `BELIEVE_NS` no tick has spoken against it; then time
    jumps forward at once, or waits for a tenth of each second. While ticks agree with ours it never
    is.
    """

    RESYNC_NS = NS_PER_S
    SLEW_MAX_NS = NS_PER_S // 10
    STEP_NS = NS_PER_S
    BELIEVE_NS = 30 * NS_PER_S
    AGREE = 3
    LATE_MAX_NS = 5 * NS_PER_S // 2
    """How far a fresh tick's exchange time, in whole seconds on some feeds, lies behind a clock
    that is right.
    """
    EARLY_MAX_NS = NS_PER_S // 2

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = boottime_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._tick_ns = 0
        self.step: ClockStep | None = None
        """The step that is in doubt, or believed and not made up yet."""
        self._followers: list[Callable[[int, int], None]] = []
        self._set(wall_ns(), monotonic_ns())

    def follow(self, set_anchor: Callable[[int, int], None]) -> None:
        """Tell a reader of the same time, in C, each anchor: the engine's time and the monotonic
        clock's at one moment.
        """
        self._followers.append(set_anchor)
        set_anchor(self._anchor_ns, self._anchor_mono_ns)

    def now_ns(self) -> int:
        mono_ns = self._monotonic_ns()
        elapsed_ns = mono_ns - self._anchor_mono_ns
        now_ns = self._anchor_ns + elapsed_ns
        if elapsed_ns >= self.RESYNC_NS:
            error_ns = self._believed(self._wall_ns() - now_ns, mono_ns)
            now_ns += max(error_ns, 0)
            # A slow-down is spread over the second to come: the anchor may not fall below what was
            # already returned.
            self._set(now_ns, mono_ns + min(max(-error_ns, 0), self.SLEW_MAX_NS))
        return max(now_ns, self._anchor_ns)

    def _set(self, anchor_ns: int, anchor_mono_ns: int) -> None:
        self._anchor_ns = anchor_ns
        self._anchor_mono_ns = anchor_mono_ns
        for set_anchor in self._followers:
            set_anchor(anchor_ns, anchor_mono_ns)

    def _believed(self, error_ns: int, mono_ns: int) -> int:
        """How much of a difference to the machine's clock is to be made up."""
        if abs(error_ns) <= self.STEP_NS:
            self.step = None
            return error_ns
        step = self.step
        if step is not None and step.is_believed and error_ns < 0:
            # On the way; a second step meanwhile would only be a longer or a shorter one
            return error_ns
        if step is None or step.is_believed or abs(step.error_ns - error_ns) > self.STEP_NS:
            self.step = ClockStep(error_ns, mono_ns)
            return 0
        if step.n_for < self.AGREE and mono_ns - step.since_ns < self.BELIEVE_NS:
            return 0
        step.is_believed = True
        return error_ns

    @property
    def is_in_doubt(self) -> bool:
        """Is a step waiting to be judged by ticks?"""
        return self.step is not None and not self.step.is_believed

    def testify(self, tick_ns: int) -> None:
        """The newest time that the exchange has put on a tick. Only one that is newer than the last
        says anything.
        """
        if tick_ns <= self._tick_ns:
            return
        self._tick_ns = tick_ns
        step = self.step
        if step is None or step.is_believed:
            return
        now_ns = self.now_ns()
        ours, theirs = self._fits(now_ns - tick_ns), self._fits(now_ns + step.error_ns - tick_ns)
        if theirs and not ours:
            step.n_for += 1
        elif ours and not theirs:
            step.n_for = 0
            step.since_ns = self._monotonic_ns()
            step.is_denied = True

    def _fits(self, lag_ns: int) -> bool:
        return -self.EARLY_MAX_NS <= lag_ns <= self.LATE_MAX_NS

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
