"""One live engine in a process of its own, against a simulated broker in another: what `otrade run`
wires, on a shifted wall clock.

    python -m tests.harness.engine_process CONFIG REST_URL FEED_URL SHIFT_NS TOKEN

Prints "resumed N" or "fresh" and then "ready". Ends in order at SIGTERM, and at SIGKILL like any
process.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import uvloop

from otrade.brokers.kite.adapter import KiteAdapter
from otrade.calendar import Calendar, date_of
from otrade.clock import WallClock
from otrade.config import ConfigManager, RunOptions
from otrade.live.runner import Runner
from otrade.live.startup.day_builder import DayBuilder


class ShiftedClock(WallClock):
    """The wall clock, as if it were another time."""

    def __init__(self, shift_ns: int) -> None:
        super().__init__()
        self._shift_ns = shift_ns

    def now_ns(self) -> int:
        return super().now_ns() + self._shift_ns


@dataclass(frozen=True)
class GivenAccess:
    """A token that somebody has got already."""

    adapter: KiteAdapter
    given: str
    account: str = "kite-test"

    async def token(self, *, ask: bool = True) -> str:
        self.adapter.use(self.given)
        return self.given

    def fresh_token(self, old: str) -> str | None:
        return None


async def main(config: str, rest_url: str, feed_url: str, shift_ns: int, token: str) -> None:
    clock = ShiftedClock(shift_ns)
    manager = ConfigManager(Path(config))
    access = GivenAccess(
        KiteAdapter("paper", "", clock=clock, rest_root=rest_url, feed_root=feed_url), token
    )
    options = RunOptions(config=Path(config), page=False)
    with Runner(manager, options, clock, mode="live", broker_kind="kite", speed=1.0) as runner:
        maker = DayBuilder(
            manager.config, Calendar.load(), access, clock, runner.board, is_paper=True
        )
        prepared = await maker.build(date_of(clock.now_ns()))
        day = prepared.day
        assert day.journal is not None
        print(f"resumed {day.journal.n_events}" if day.journal.is_resumed else "fresh", flush=True)
        runner.begin(day)
        await runner.open(day, day.open(prepared.session))
        print("ready", flush=True)
        await day.ended.wait()
        await day.close()
        runner.finish()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
