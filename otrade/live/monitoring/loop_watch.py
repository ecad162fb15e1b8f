"""Whether the event loop itself keeps time: everything that trades waits while one turn of it lasts.

A callback is due every `PERIOD_NS` and notes how much later it runs: that is the lag. A loop runs what
is due at the beginning of a turn, so a turn that kept it waiting was at least as long as the lag, and
at most a period longer. A turn behind some of these callbacks is timed besides, so that a quiet loop
has a figure too. All of it is numbers that are added up: nothing is kept, and ticks make no object here.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from otrade._core.types import Severity
from otrade.clock import NS_PER_S
from otrade.live.notices.board import NoticeBoard
from otrade.units import NS_PER_MS

PERIOD_NS = 20 * NS_PER_MS
TIMED_EVERY = 8
"""Of so many callbacks one has its next turn timed: each of those is two more calls."""
RECENT_NS = 60 * NS_PER_S
"""How long a lag is a recent one: until twice this time, and at least this long."""
SAY_NS = 60 * NS_PER_S
"""Between two notices; the stalls between are counted in the next one."""


class LoopScheduler(Protocol):
    """What is wanted of an event loop."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle: ...
    def call_soon(self, callback: Callable[[], None]) -> asyncio.Handle: ...


class LoopWatch:
    """`start()` once the loop runs, `stop()` at the end. `now_ns` is the engine's clock, for saying
    when; `elapsed_ns` measures turns. `board` None: stalls are counted and not said.
    """

    def __init__(
        self,
        loop: LoopScheduler,
        *,
        stall_ns: int,
        now_ns: Callable[[], int],
        board: NoticeBoard | None,
        elapsed_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._loop = loop
        self._stall_ns = stall_ns
        self._now_ns = now_ns
        self._board = board
        self._elapsed_ns = elapsed_ns
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns = 0
        self._n_callbacks = 0
        self._turn_began_ns = 0
        self._recent_until_ns = 0
        self._recent_ns = self._before_ns = 0
        self._say_from_ns = 0
        self._unsaid = self._unsaid_longest_ns = 0
        self.longest_turn_ns = 0
        self.ts_longest_ns = 0
        """Engine time at its end; 0: none has been timed."""
        self.n_stalls = 0
        self.stalled_ns = 0
        """Of all stalls together."""

    @property
    def lag_ns(self) -> int:
        """The longest recent lag."""
        return max(self._recent_ns, self._before_ns)

    def start(self) -> None:
        self._recent_until_ns = self._elapsed_ns() + RECENT_NS
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._due_ns = self._elapsed_ns() + PERIOD_NS
        self._timer = self._loop.call_later(PERIOD_NS / NS_PER_S, self._on_due)

    def _on_due(self) -> None:
        elapsed_ns = self._elapsed_ns()
        lag_ns = max(elapsed_ns - self._due_ns, 0)  # uvloop counts whole milliseconds
        if elapsed_ns >= self._recent_until_ns:
            self._before_ns, self._recent_ns = self._recent_ns, 0
            self._recent_until_ns = elapsed_ns + RECENT_NS
        self._recent_ns = max(self._recent_ns, lag_ns)
        self._count(lag_ns, elapsed_ns)
        self._arm()
        self._n_callbacks += 1
        if self._n_callbacks % TIMED_EVERY == 0:
            self._loop.call_soon(self._on_turn)

    def _on_turn(self) -> None:
        """A turn begins here, and ends where what is called now runs."""
        self._turn_began_ns = self._elapsed_ns()
        self._loop.call_soon(self._on_next_turn)

    def _on_next_turn(self) -> None:
        self._note_turn(self._elapsed_ns() - self._turn_began_ns)

    def _note_turn(self, turn_ns: int) -> None:
        if turn_ns > self.longest_turn_ns:
            self.longest_turn_ns, self.ts_longest_ns = turn_ns, self._now_ns()

    def _count(self, lag_ns: int, elapsed_ns: int) -> None:
        self._note_turn(lag_ns)
        if lag_ns >= self._stall_ns:
            self.n_stalls += 1
            self.stalled_ns += lag_ns
            self._unsaid += 1
            self._unsaid_longest_ns = max(self._unsaid_longest_ns, lag_ns)
        if self._unsaid and elapsed_ns >= self._say_from_ns:
            self._say_from_ns = elapsed_ns + SAY_NS
            self._say()

    def _say(self) -> None:
        n, longest_ms = self._unsaid, self._unsaid_longest_ns // NS_PER_MS
        self._unsaid = self._unsaid_longest_ns = 0
        if self._board is None:
            return
        times = "" if n == 1 else f"{n} times, the longest "
        self._board.say(
            Severity.ERROR,
            "LOOP_STALLED",
            f"the trading loop stood still: {times}{longest_ms:,} ms in which no tick was read and no order sent. Stops at the exchange "
            "were not touched by it. Look at what else runs on this machine (top, `otrade doctor`), and at speed.core.",
        )
