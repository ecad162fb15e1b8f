"""`otrade instruments`: fetch the day's file into its table, look for symbols, show what one means
today.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from otrade.brokers.adapter import BrokerAdapter, InstrumentFileReader
from otrade.calendar import Calendar, date_of
from otrade.clock import WallClock
from otrade.config import manager
from otrade.config.schema import BrokerConfig, Config
from otrade.errors import BrokerError, ConfigError, InstrumentError
from otrade.instruments import Instrument
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

DONE, NOTHING = 0, 4


def refresh(config_path: Path, broker: str) -> int:
    """Fetch, and replace today's table. OTradeError when it cannot."""
    config = manager.load(config_path)
    catalog = asyncio.run(
        _with_adapter(config, broker, lambda adapter, today: _fetch(config, adapter, today))
    )
    print(f"{catalog.source}: ready in {directory_of(config)}", file=sys.stderr)
    return DONE


def find(config_path: Path, broker: str, text: str, limit: int) -> int:
    """Print symbols that hold a text. Exit code 4 when there is none."""
    config = manager.load(config_path)

    async def search(adapter: BrokerAdapter, today: dt.date) -> int:
        catalog = await _table(config, adapter, today)
        n = 0
        for n, symbol in enumerate(catalog.search(text, limit), 1):  # noqa: B007
            print(symbol)
        if n == limit:
            print(f"the first {limit}; say more of the name, or --limit", file=sys.stderr)
        if not n:
            print(f"no symbol of {catalog.source} holds {text.upper()!r}", file=sys.stderr)
        return DONE if n else NOTHING

    code: int = asyncio.run(_with_adapter(config, broker, search))
    return code


def show(config_path: Path, broker: str, symbol: str) -> int:
    """Print what a symbol of the configuration means today, as JSON."""
    config = manager.load(config_path)

    async def search(adapter: BrokerAdapter, today: dt.date) -> Instrument:
        board = NoticeBoard(WallClock().now_ns)
        board.listen(lambda notice: print(notice.text, file=sys.stderr))
        source = await _table(config, adapter, today)
        return await SymbolResolver(source, today, board, adapter.last_price_e4, no_pause).find(
            symbol
        )

    record = asyncio.run(_with_adapter(config, broker, search))
    print(msgspec.json.format(msgspec.json.encode(record)).decode())
    return DONE


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


async def _with_adapter(
    config: Config, broker: str, work: Callable[[BrokerAdapter, dt.date], Awaitable[Any]]
) -> Any:
    """Run with the adapter of a configured broker; on paper with the simulated one, on its day."""
    wanted = _broker(config, broker)
    if config.mode == "live":
        clock = WallClock()
        access = LiveAccess(config, clock, wanted)
        try:
            await access.token(ask=False)
            return await work(access.adapter, date_of(clock.now_ns()))
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
            return await work(adapter, today)

        found = await sim.during(inner())
        adapter.close()
        return found
    finally:
        await sim.stop()


async def _table(config: Config, adapter: BrokerAdapter, today: dt.date) -> Catalog:
    """Today's table, fetched when it is not there."""
    path = table_path(_directory(config), adapter.name, today)
    try:
        return open_table(path, adapter.name, today)
    except InstrumentError:
        return await _fetch(config, adapter, today)


async def _fetch(config: Config, adapter: BrokerAdapter, today: dt.date) -> Catalog:
    file: InstrumentFileReader = await patiently(adapter.instruments, WallClock(), _say_busy)
    build(_directory(config), adapter.name, today, file)
    return open_table(table_path(_directory(config), adapter.name, today), adapter.name, today)


def _say_busy(error: BrokerError) -> None:
    print(f"{error}; asked again", file=sys.stderr)


def _directory(config: Config) -> Path:
    """A simulated market's instruments are not the real one's."""
    return directory_of(config) if config.mode == "live" else directory_of(config) / "paper"
