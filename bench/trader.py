"""One engine process for `test_process.py`: the parts of a live run, against a simulator in another
process.

    python -m bench.trader REST_URL FEED_URL SHIFT_NS [page]

Prints "ready" when the gate is open. With `page`: serves the page, takes one page's socket, and
prints its peak memory in kB. The clock is the wall clock shifted into a trading session, so that
the figure does not depend on the hour.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
from pathlib import Path

import uvloop

from otrade.brokers.kite.adapter import KiteAdapter
from otrade.calendar import Calendar, date_of
from otrade.config import ConfigManager, RunOptions
from otrade.live.runner import Runner
from otrade.live.runtime.server_file import read_server_info
from otrade.live.startup.credentials import PaperAccess
from otrade.live.startup.day_builder import DayBuilder
from tests.harness.engine_process import ShiftedClock

CONFIG = Path(__file__).parents[1] / "config" / "paper.json"


async def main(rest_url: str, feed_url: str, shift_ns: int, page: bool) -> None:
    clock = ShiftedClock(shift_ns)
    manager = ConfigManager(CONFIG)
    date: dt.date = date_of(clock.now_ns())
    account = f"bench-{os.getpid()}"  # nobody goes on from the journal of the process before
    adapter = KiteAdapter(
        "paper",
        "paper-secret",
        clock=clock,
        rest_root=rest_url,
        feed_root=feed_url,
        login_root=f"{rest_url}/connect/login",
    )
    access = PaperAccess(adapter, account)
    with Runner(
        manager,
        RunOptions(config=CONFIG, page=page, port=0),
        clock,
        mode="paper",
        broker_kind="sim",
        speed=1.0,
    ) as runner:
        prepared = await DayBuilder(
            manager.config, Calendar.load(), access, clock, runner.board, is_paper=True
        ).build(date)
        runner.begin(prepared.day)
        await runner.open(prepared.day, prepared.day.open(prepared.session))
        print("ready", flush=True)
        if page:
            await look_at_page(runner)
            status = Path("/proc/self/status").read_text()
            print(
                next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")),
                flush=True,
            )
            await runner.stop_page()
        await prepared.day.close()


async def look_at_page(runner: Runner) -> None:
    """Be one page for five seconds: a WebSocket that reads snapshots and deltas."""
    info = read_server_info(Path(runner.config.paths.var))
    assert info is not None
    url = info.url.removeprefix("http://").rstrip("/")
    name, _, port = url.rpartition(":")
    reader, writer = await asyncio.open_connection(name.strip("[]"), int(port))
    writer.write(
        (
            f"GET /api/v1/ws HTTP/1.1\r\nHost: {url}\r\nAuthorization: Bearer {info.token}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head, head
    n = 0
    loop = asyncio.get_running_loop()
    end = loop.time() + 5
    while loop.time() < end:
        n += len(await asyncio.wait_for(reader.read(1 << 16), 10))
    assert n > 1_000, "the page was sent nothing"
    writer.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4))
