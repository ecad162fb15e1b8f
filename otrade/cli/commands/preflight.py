"""`otrade preflight`: the checks before the day, on the terminal."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import orjson

from otrade.calendar import Calendar
from otrade.clock import WallClock
from otrade.config import manager
from otrade.config.schema import Config
from otrade.live.control.preflight import PreflightBoard, PreflightVerdict
from otrade.live.control.preflight import preflight as check
from otrade.live.paper_mode import date_of_run, paper_adapter
from otrade.live.startup.credentials import LiveAccess
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator

GO, NO_GO = 0, 4
WORDS = {PreflightVerdict.GO: "go  ", PreflightVerdict.LOOK: "LOOK", PreflightVerdict.NO_GO: "NO  "}


def preflight(config_path: Path, *, as_json: bool) -> int:
    """Exit code 0 when nothing forbids the day, else 4."""
    config = manager.load(config_path)
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    board = asyncio.run(
        _paper(config, calendar) if config.mode == "paper" else _live(config, calendar)
    )
    if as_json:
        rows = [
            {"name": i.name, "verdict": i.verdict.name, "words": i.words, "fix": i.fix}
            for i in board.lines
        ]
        print(
            orjson.dumps(
                {"verdict": board.verdict.name, "lines": rows}, option=orjson.OPT_INDENT_2
            ).decode()
        )
    else:
        print(render(board))
    return NO_GO if board.verdict == PreflightVerdict.NO_GO else GO


def render(board: PreflightBoard) -> str:
    """A line for each check, the fix below what is not go."""
    out = []
    for line in board.lines:
        out.append(f"{WORDS[line.verdict]}  {line.name:<12}  {line.words}")
        if line.fix:
            out.append(f"{'':20}fix: {line.fix}")
    said = {
        PreflightVerdict.GO: "GO",
        PreflightVerdict.LOOK: "GO, with a look at the lines above",
        PreflightVerdict.NO_GO: "NO-GO",
    }
    return "\n".join([*out, "", said[board.verdict]])


async def _live(config: Config, calendar: Calendar) -> PreflightBoard:
    clock = WallClock()
    access = LiveAccess(config, clock)
    return await check(config, access.adapter, lambda: access.token(ask=False), calendar, clock)


async def _paper(config: Config, calendar: Calendar) -> PreflightBoard:
    """The same questions, asked of the simulated broker on the morning of the simulated day."""
    date: dt.date = date_of_run(config.sim.date, calendar)
    sim = Simulator(
        SimConfig(
            broker=config.broker.kind,
            dates=(date,),
            day_start="08:45",
            funds_rupees=config.sim.funds_rupees,
            listing=config.sim.listing,
        )
    )
    ports = await sim.start()
    try:
        adapter = paper_adapter(config.broker, sim, ports)
        session = await sim.during(adapter.log_in_here())

        async def token() -> str:
            return session.access_token

        return await sim.during(check(config, adapter, token, calendar, sim.clock))
    finally:
        await sim.stop()
