"""`otrade preflight`: the morning board on the terminal."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import orjson

from otrade.brokers.sim.config import SimConfig
from otrade.brokers.sim.simulator import Simulator
from otrade.calendar import Calendar
from otrade.config import manager
from otrade.config.schema import Config
from otrade.live.access import LiveAccess
from otrade.live.clock import WallClock
from otrade.live.paper import date_of_run, paper_kit
from otrade.live.preflight import Board, Verdict
from otrade.live.preflight import preflight as look

GO, NO_GO = 0, 4
WORDS = {Verdict.GO: "go  ", Verdict.LOOK: "LOOK", Verdict.NO_GO: "NO  "}


def preflight(config_path: Path, *, as_json: bool) -> int:
    """Exit code 0 when nothing forbids the day, else 4."""
    config = manager.load(config_path)
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    board = asyncio.run(_paper(config, calendar) if config.mode == "paper" else _live(config, calendar))
    if as_json:
        rows = [{"name": i.name, "verdict": i.verdict.name, "words": i.words, "fix": i.fix} for i in board.lines]
        print(orjson.dumps({"verdict": board.verdict.name, "lines": rows}, option=orjson.OPT_INDENT_2).decode())
    else:
        print(render(board))
    return NO_GO if board.verdict == Verdict.NO_GO else GO


def render(board: Board) -> str:
    """A line for each check, the fix below what is not go."""
    out = []
    for line in board.lines:
        out.append(f"{WORDS[line.verdict]}  {line.name:<12}  {line.words}")
        if line.fix:
            out.append(f"{'':20}fix: {line.fix}")
    said = {Verdict.GO: "GO", Verdict.LOOK: "GO, with a look at the lines above", Verdict.NO_GO: "NO-GO"}
    return "\n".join([*out, "", said[board.verdict]])


async def _live(config: Config, calendar: Calendar) -> Board:
    clock = WallClock()
    access = LiveAccess(config, clock)
    return await look(config, access.kit, lambda: access.token(ask=False), calendar, clock)


async def _paper(config: Config, calendar: Calendar) -> Board:
    """The same questions, asked of the simulated broker on the morning of the simulated day."""
    date: dt.date = date_of_run(config.sim.date, calendar)
    sim = Simulator(SimConfig(broker=config.broker.kind, dates=(date,), day_start="08:45", funds_rupees=config.sim.funds_rupees))
    ports = await sim.start()
    try:
        kit = paper_kit(config.broker, sim, ports)
        session = await sim.during(kit.log_in_here())

        async def token() -> str:
            return session.access_token

        return await sim.during(look(config, kit, token, calendar, sim.clock))
    finally:
        await sim.stop()
