"""The broker that a configuration names, for a command that asks it something: logged in, or on paper the
simulated one on its day; and today's table of its instruments.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from otrade.brokers.adapter import BrokerAdapter, InstrumentFileReader
from otrade.calendar import Calendar, date_of
from otrade.clock import Clock, WallClock
from otrade.config.schema import BrokerConfig, Config
from otrade.errors import BrokerError, ConfigError, InstrumentError
from otrade.instruments.cache import build, open_table, table_path
from otrade.instruments.catalog import Catalog
from otrade.live.notices.board import NoticeBoard
from otrade.live.paper_mode import date_of_run, paper_adapter
from otrade.live.startup.credentials import LiveAccess, secondary_broker
from otrade.live.startup.instrument_cache import directory_of
from otrade.live.startup.symbol_resolver import SymbolResolver
from otrade.patience import patiently
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator

BrokerWork = Callable[[BrokerAdapter, dt.date, Clock], Awaitable[Any]]
"""What is asked, given the broker's today and the clock on which to wait between two questions."""


def ask_broker(config: Config, broker: str, work: BrokerWork) -> Any:
    """Run with the adapter of a configured broker."""
    return asyncio.run(_with_adapter(config, broker, work))


async def resolver(config: Config, adapter: BrokerAdapter, today: dt.date) -> SymbolResolver:
    """Finds what a symbol of the configuration means today; what it has to say goes to the error
    stream.
    """
    board = NoticeBoard(WallClock().now_ns)
    board.listen(lambda notice: print(notice.text, file=sys.stderr))
    source = await todays_table(config, adapter, today)
    return SymbolResolver(source, today, board, adapter.last_price_e4, no_pause)


async def no_pause() -> None:
    """One question needs none after it."""


def _broker(config: Config, kind: str) -> BrokerConfig:
    for found in (config.broker, secondary_broker(config)):
        if found is not None and kind in ("", found.kind):
            return found
    raise ConfigError(
        f"{kind} is neither the configured broker nor the second feed",
        path="--broker",
        allowed=config.broker.kind,
    )


async def _with_adapter(config: Config, broker: str, work: BrokerWork) -> Any:
    """Run with the adapter of a configured broker; on paper with the simulated one, on its day."""
    wanted = _broker(config, broker)
    if config.mode == "live":
        clock = WallClock()
        access = LiveAccess(config, clock, wanted)
        try:
            await access.token(ask=False)
            return await work(access.adapter, date_of(clock.now_ns()), clock)
        finally:
            access.close()
    today = date_of_run(
        config.sim.date,
        Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None),
    )
    sim = Simulator(
        SimConfig(
            broker=wanted.kind, dates=(today,), seed=config.sim.seed, listing=config.sim.listing
        )
    )
    ports = await sim.start()
    try:
        adapter = paper_adapter(wanted, sim, ports)
        await sim.during(adapter.log_in_here())

        async def inner() -> Any:
            return await work(adapter, today, sim.clock)

        found = await sim.during(inner())
        adapter.close()
        return found
    finally:
        await sim.stop()


async def todays_table(config: Config, adapter: BrokerAdapter, today: dt.date) -> Catalog:
    """Today's table of instruments, fetched when it is not there."""
    path = table_path(_directory(config), adapter.name, today)
    try:
        return open_table(path, adapter.name, today)
    except InstrumentError:
        return await fetch_table(config, adapter, today)


async def fetch_table(config: Config, adapter: BrokerAdapter, today: dt.date) -> Catalog:
    """Fetch the broker's file, and replace today's table."""
    file: InstrumentFileReader = await patiently(adapter.instruments, WallClock(), _say_busy)
    build(_directory(config), adapter.name, today, file)
    return open_table(table_path(_directory(config), adapter.name, today), adapter.name, today)


def _say_busy(error: BrokerError) -> None:
    print(f"{error}; asked again", file=sys.stderr)


def _directory(config: Config) -> Path:
    """A simulated market's instruments are not the real one's."""
    return directory_of(config) if config.mode == "live" else directory_of(config) / "paper"
