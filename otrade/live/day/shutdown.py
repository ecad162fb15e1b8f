"""How a day ends: at the last instrument's close, or earlier when somebody asks.

A stop that comes before the account is known waits for that: what an earlier run has left open is
only then to be closed, and until then no entry can be taken anyhow.

A graceful stop takes the entries out first. Then it flattens, or leaves positions under their
stops, as configured. Nothing ends silently with open quantity: `what_is_open` names each position
and the order that protects it.
"""

import asyncio
from collections.abc import Callable

from otrade._core.types import Halt, PauseBy, Reason, Severity
from otrade.clock import NS_PER_S, Clock
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.open_exposure import entries_pending, what_is_open

CLOSE_GRACE_NS = 2 * NS_PER_S
QUIET_NS = 5 * NS_PER_S
"""For so long after the close a feed that still speaks is waited for, while something is open."""
LEAVE_TIMEOUT_NS = 10 * NS_PER_S


class Shutdown:
    """Decides when the day is over, and sets `ended`. `check` is called on every beat."""

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        board: NoticeBoard,
        ended: asyncio.Event,
        *,
        drain: Callable[[], None],
        on_stop: str,
        stop_timeout_ns: int,
    ) -> None:
        """`drain` sends what the core has asked for. `on_stop` is "flatten" or "leave"."""
        self._plan = plan
        self._engine = plan.engine
        self._clock = clock
        self._board = board
        self._ended = ended
        self._drain = drain
        self._stop_timeout_ns = stop_timeout_ns
        self._stop_ns = 0
        self._flatten: bool | None = None
        self._is_open = False
        self.wanted = asyncio.Event()
        """Set as soon as somebody asks for a stop."""
        self._tick_ns = self._tick_seen_ns = 0
        self.on_stop = on_stop
        """What a graceful stop does with open positions; it may change during the day."""
        self.why = ""

    @property
    def is_stopping(self) -> bool:
        return self.wanted.is_set()

    def open(self) -> None:
        """The account is known, and nothing is traded yet: a stop that came before begins."""
        self._is_open = True
        if self.is_stopping:
            self._begin()

    def stop(self, why: str, *, flatten: bool | None = None) -> str:
        """Begin a graceful stop; says in words what happens. Asking again changes nothing."""
        if self._ended.is_set():
            return "the day has ended already"
        if self.is_stopping:
            return "the engine is stopping already"
        self._flatten = flatten
        self.why = why
        self.wanted.set()
        if not self._is_open:
            return f"stopping ({why}) before anything is traded"
        return self._begin()

    def _begin(self) -> str:
        now_ns = self._clock.now_ns()
        self._stop_ns = now_ns
        if self._flatten is None:
            self._flatten = self.on_stop == "flatten"
        why = self.why
        self._engine.on_pause(True, now_ns, PauseBy.STOP)
        if self._flatten:
            self._engine.on_flatten(-1, now_ns)
            words = f"stopping ({why}): open positions are being closed"
        else:
            if self._engine.risk()["halt"] == Halt.ACTIVE:
                self._engine.on_halt(Halt.REDUCING, Reason.STOPPING, now_ns)
            words = f"stopping ({why}): entries are taken out, positions stay under their stops"
        self._board.say(Severity.WARN, "STOPPING", words)
        self._drain()
        return words

    def insist(self, why: str) -> None:
        """End now, whatever is open; say what that is."""
        self._end(f"stopped at once ({why})")

    def check(self, now_ns: int) -> None:
        """Has the day's end come?"""
        if self._stop_ns:
            waited_ns = now_ns - self._stop_ns
            if self._flatten:
                if self._engine.n_live == 0:
                    self._end(f"stopped ({self.why})")
                elif waited_ns >= self._stop_timeout_ns:
                    self._end(f"stopped ({self.why}), but not everything could be closed in time")
            elif not entries_pending(self._plan) or waited_ns >= LEAVE_TIMEOUT_NS:
                self._end(f"stopped ({self.why})")
        elif now_ns >= self._plan.close_ns + CLOSE_GRACE_NS and not self._still_trades(now_ns):
            self._end("the last session has closed")

    def _still_trades(self, now_ns: int) -> bool:
        """Something of ours is open, and the exchange goes on putting times before the close on its
        ticks: then our clock is wrong, from this process's start perhaps, and the day is not over.
        """
        tick_ns = self._engine.newest_exchange_ns()
        if tick_ns != self._tick_ns:
            self._tick_ns, self._tick_seen_ns = tick_ns, now_ns
        return bool(
            self._engine.n_live > 0
            and 0 < tick_ns < self._plan.close_ns
            and now_ns - self._tick_seen_ns < QUIET_NS
        )

    def _end(self, why: str) -> None:
        if self._ended.is_set():
            return
        self.why = why
        is_open = any(self._plan.net_of().values())
        severity = Severity.ALARM if is_open else Severity.INFO
        self._board.say(severity, "DAY_END", f"{self._plan.day}: {why}. {what_is_open(self._plan)}")
        self._ended.set()
