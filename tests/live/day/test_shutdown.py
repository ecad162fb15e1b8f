"""When a day ends: not while something is open and the exchange's own time says that it still
trades.
"""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from otrade.live.day.shutdown import CLOSE_GRACE_NS, QUIET_NS, Shutdown

SECOND = 1_000_000_000
CLOSE_NS = 10_000 * SECOND


class DayAtItsEnd:
    """As much of one as its end reads."""

    def __init__(self, n_live: int) -> None:
        self.tick_ns = 0
        self.ended = asyncio.Event()
        self.said: list[str] = []
        self.engine = SimpleNamespace(
            n_live=n_live, newest_exchange_ns=lambda: self.tick_ns, live_brackets=lambda: []
        )
        self.plan = SimpleNamespace(
            close_ns=CLOSE_NS, day="2026-11-23", net_of=dict, engine=self.engine
        )
        self.board = SimpleNamespace(say=lambda severity, code, text: self.said.append(code))
        self.shutdown = Shutdown(
            cast(Any, self.plan),
            cast(Any, None),
            cast(Any, self.board),
            self.ended,
            drain=lambda: None,
            on_stop="flatten",
            stop_timeout_ns=60 * SECOND,
        )

    def check(self, now_ns: int, tick_ns: int) -> bool:
        self.tick_ns = tick_ns
        self.shutdown.check(now_ns)
        return self.ended.is_set()


def test_ticks_before_the_close_hold_a_day_with_something_open() -> None:
    """This process began under a clock that was wrong by an hour, and knows no better."""
    day = DayAtItsEnd(n_live=1)
    now_ns = CLOSE_NS + 3_600 * SECOND
    for second in range(60):
        assert not day.check(now_ns + second * SECOND, CLOSE_NS - (60 - second) * SECOND)
    assert day.check(now_ns + 60 * SECOND, CLOSE_NS), "the exchange has closed by its own time"
    assert day.said == ["DAY_END"]


def test_a_feed_that_says_nothing_more_holds_no_day() -> None:
    day = DayAtItsEnd(n_live=1)
    assert not day.check(CLOSE_NS + CLOSE_GRACE_NS, CLOSE_NS - SECOND)
    assert not day.check(CLOSE_NS + CLOSE_GRACE_NS + QUIET_NS - SECOND, CLOSE_NS - SECOND)
    assert day.check(CLOSE_NS + CLOSE_GRACE_NS + QUIET_NS, CLOSE_NS - SECOND)


def test_a_flat_day_ends_at_its_close_and_not_before() -> None:
    day = DayAtItsEnd(n_live=0)
    assert not day.check(CLOSE_NS + CLOSE_GRACE_NS - 1, CLOSE_NS - SECOND)
    assert day.check(CLOSE_NS + CLOSE_GRACE_NS, CLOSE_NS - SECOND)
    assert DayAtItsEnd(n_live=1).check(CLOSE_NS + CLOSE_GRACE_NS, 0), "no tick has ever come"
