"""`otrade instruments`: fetch the day's file into its table, look for symbols, show what one means
today.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import msgspec

from otrade.brokers.adapter import BrokerAdapter
from otrade.cli.commands.configured_broker import (
    ask_broker,
    fetch_table,
    resolver,
    todays_table,
)
from otrade.clock import Clock
from otrade.config import manager
from otrade.instruments import Instrument
from otrade.live.startup.instrument_cache import directory_of

DONE, NOTHING = 0, 4


def refresh(config_path: Path, broker: str) -> int:
    """Fetch, and replace today's table. OTradeError when it cannot."""
    config = manager.load(config_path)
    catalog = ask_broker(
        config, broker, lambda adapter, today, _: fetch_table(config, adapter, today)
    )
    print(f"{catalog.source}: ready in {directory_of(config)}", file=sys.stderr)
    return DONE


def find(config_path: Path, broker: str, text: str, limit: int) -> int:
    """Print symbols that hold a text. Exit code 4 when there is none."""
    config = manager.load(config_path)

    async def search(adapter: BrokerAdapter, today: dt.date, _: Clock) -> int:
        catalog = await todays_table(config, adapter, today)
        n = 0
        for n, symbol in enumerate(catalog.search(text, limit), 1):  # noqa: B007
            print(symbol)
        if n == limit:
            print(f"the first {limit}; say more of the name, or --limit", file=sys.stderr)
        if not n:
            print(f"no symbol of {catalog.source} holds {text.upper()!r}", file=sys.stderr)
        return DONE if n else NOTHING

    code: int = ask_broker(config, broker, search)
    return code


def show(config_path: Path, broker: str, symbol: str) -> int:
    """Print what a symbol of the configuration means today, as JSON."""
    config = manager.load(config_path)

    async def search(adapter: BrokerAdapter, today: dt.date, _: Clock) -> Instrument:
        return await (await resolver(config, adapter, today)).find(symbol)

    record = ask_broker(config, broker, search)
    print(msgspec.json.format(msgspec.json.encode(record)).decode())
    return DONE
