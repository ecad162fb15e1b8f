"""Sessions with the real page's server at the engine's socket: killed, hung and brought back while
they trade. Each session trades what it trades with nobody there, and the server finds its engine again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

from otrade.journal.memory import MemoryJournal
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.command_keys import CommandKeys
from otrade.live.control.commands import Commands
from otrade.live.engine_socket.engine_socket import EngineSocket
from otrade.live.engine_socket.requests import Requests
from otrade.live.runtime.child_processes import serve_command
from otrade.stream.delta_stream import DeltaStream
from tests.harness.simulated_day import MINUTE, SimulatedDay, run, simulated_day
from tests.harness.waiting import until
from tests.server.test_process import config_in

SESSIONS = int(os.environ.get("OTRADE_SOAK_SESSIONS", "4"))
"""`make soak` has twenty."""
MINUTES = 30


class Server:
    """`otrade serve`, killed and hung."""

    def __init__(self, config: Path) -> None:
        self._command = serve_command(config, 0, shows_code=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command.args, env=self._command.env, stdout=subprocess.DEVNULL
        )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def traded(here: SimulatedDay, until_ns: int) -> list[tuple[object, ...]]:
    return [
        (one.order.tag, one.order.side, one.qty, one.price_e4, one.ts_ns)
        for one in here.sim.exchange.trades()
        if one.ts_ns <= until_ns
    ]


async def quiet(seed: int) -> list[tuple[object, ...]]:
    async with simulated_day(journal=MemoryJournal(), seed=seed) as here:
        await here.open()
        end_ns = here.now_ns + MINUTES * MINUTE
        await here.sim.run_until(end_ns)
        return traded(here, end_ns)


async def beside(seed: int, server: Server, run_dir: Path) -> tuple[list[tuple[object, ...]], int]:
    """What was traded, and how often the server had a connection."""
    rng = random.Random(f"soak {seed}")
    way, n_came = rng.choice(("kill", "hang")), 0
    async with simulated_day(journal=MemoryJournal(), seed=seed) as here:
        source = LiveEngineSource(
            here.board, Commands(), mode="paper", broker_kind="sim", speed=0.0
        )
        source.set_day(here.day)
        source.lifecycle = "running"
        stream = DeltaStream(source, interval_s=0.05, encode=msgspec.msgpack.encode)
        door = EngineSocket(run_dir, Requests(source, CommandKeys(), bytes), stream, "paper")
        door.open()
        await door.serve()
        try:
            await here.open()
            begin_ns = here.now_ns
            for minute in range(MINUTES):
                if minute == 2 and seed % 2 == 0:
                    # The server is given the moment that a real day would have; time goes on.
                    await here.sim.during(until(lambda: stream.n_clients, pause_s=0.01))
                if minute == 4:
                    n_came += stream.n_clients
                    server.signal(signal.SIGKILL if way == "kill" else signal.SIGSTOP)
                if minute == 8:
                    if way == "kill":
                        server.end()
                        server.start()
                    else:
                        server.signal(signal.SIGCONT)
                await here.sim.run_until(begin_ns + (minute + 1) * MINUTE)
            return traded(here, begin_ns + MINUTES * MINUTE), n_came
        finally:
            await door.close()


@pytest.mark.timeout(900)
def test_a_server_that_is_killed_or_hung_changes_no_trade(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    run_dir = tmp_path / "var" / "run"
    run_dir.mkdir(parents=True)
    server = Server(config)
    server.start()
    n_trades = n_came = 0
    try:
        for seed in range(SESSIONS):
            alone = run(quiet(seed))
            with_server, came = run(beside(seed, server, run_dir))
            assert with_server == alone, f"seed {seed}"
            n_trades, n_came = n_trades + len(alone), n_came + came
    finally:
        server.end()
    print(f"{SESSIONS} sessions, {n_trades} trades, the server was there in {n_came}")
    assert n_trades > 2 * SESSIONS and n_came >= SESSIONS // 2
