"""A live engine with its page and hooks, against a simulated broker, and a probe of its loop:
`python -m tests.attack.engine_target CONFIG REST_URL FEED_URL SHIFT_NS TOKEN TURNS HOOKS_PORT`.

What `otrade run` wires, on a shifted wall clock. Prints "ready"; ends in order at SIGTERM.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import uvloop

from otrade.brokers.kite.adapter import KiteAdapter
from otrade.calendar import Calendar, date_of
from otrade.config import ConfigManager, RunOptions
from otrade.hooks.settings import HookSender, HooksSettings
from otrade.live.broker_io.hint_receiver import HintReceiver
from otrade.live.runner import Runner
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.day_builder import DayBuilder
from otrade.live.startup.login_flow import LoginFlow
from tests.attack.turns import TurnProbe
from tests.harness.engine_process import GivenAccess, ShiftedClock
from tests.hooks.test_postbacks import SENDER


async def main(
    config: str, rest_url: str, feed_url: str, shift_ns: int, token: str, turns: str, port: int
) -> None:
    clock = ShiftedClock(shift_ns)
    manager = ConfigManager(Path(config))
    access = GivenAccess(
        KiteAdapter("paper", "", clock=clock, rest_root=rest_url, feed_root=feed_url), token
    )
    options = RunOptions(config=Path(config), page=True, port=0)
    with Runner(manager, options, clock, mode="live", broker_kind="kite", speed=1.0) as runner:
        maker = DayBuilder(
            manager.config, Calendar.load(), access, clock, runner.board, is_paper=True
        )
        try:
            day = (prepared := await maker.build(date_of(clock.now_ns()))).day
            runner.begin(day)
            await runner.open(day, day.open(prepared.session))
            run_dir = str((Path(manager.config.paths.var) / "run").absolute())
            senders = {
                "/hooks/kite/order": SENDER,
                "/hooks/upstox/token": HookSender("upstox"),
            }
            login = LoginFlow(cast(LiveAccess, access), clock, lambda session: None)
            await runner.take_hints(
                HintReceiver(login, runner.board, clock, day.want_book),
                HooksSettings("127.0.0.1", port, run_dir, senders),
            )
            TurnProbe(Path(turns)).start()
            print("ready", flush=True)
            await day.ended.wait()
            await day.close()
            runner.finish()
        finally:
            await runner.close()


if __name__ == "__main__":
    words = sys.argv[1:]
    uvloop.run(main(words[0], words[1], words[2], int(words[3]), words[4], words[5], int(words[6])))
