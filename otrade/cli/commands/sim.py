"""`otrade sim serve`: the simulated exchange as a server for other programs, the vendor's own SDK
among them.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import math
import sys
from typing import Any

from otrade.brokers.registry import BROKERS
from otrade.calendar import Calendar, date_of
from otrade.errors import CalendarError, ConfigError, StartError


def serve(args: argparse.Namespace) -> int:
    """Serve one day and return; Ctrl-C ends it earlier."""
    import time

    import uvloop

    from otrade.simulator.base.config import BOOK_PERCENT, SimConfig
    from otrade.simulator.serve import serve as serve_days

    calendar = Calendar.load()
    if args.date:
        date = dt.date.fromisoformat(args.date)
        if calendar.session("cash", date) is None:
            raise CalendarError(
                f"{date} is no trading day ({calendar.holiday(date)}); choose another"
            )
    else:
        date = calendar.last_trading_day("cash", date_of(time.time_ns()))
    cfg = SimConfig(
        seed=args.seed,
        dates=(date,),
        speed=1.0 if math.isinf(args.speed) else args.speed,
        day_start=args.start,
        broker=args.broker,
        listing=args.listing,
        book_percent=BOOK_PERCENT,
        ports={
            name: getattr(args, name) for row in BROKERS.values() for name in row.simulator_ports
        },
        prices={symbol: str(path) for symbol, path in args.prices or []},
    )

    def ready(sim: Any, ports: Any) -> None:
        for note in sim.exchange.prices.notes:
            print(note, file=sys.stderr)
        print(
            f"{ports.listing}"
            f"day   {date} from {args.start}, speed {cfg.speed:g}\n"
            f"login with api_key {cfg.api_key!r}, api_secret {cfg.api_secret!r} (not a real "
            "exchange). Ctrl-C ends it.",
            flush=True,
        )

    try:
        uvloop.run(_until_interrupted(serve_days(cfg, ready)))
    except OSError as err:
        settings = [
            name
            for row in BROKERS.values()
            for name in row.simulator_ports
            if args.broker in (row.name, "both")
        ]
        numbers = [str(getattr(args, name)) for name in settings]
        names = [f"--{name.replace('_', '-')}" for name in settings]
        raise StartError(
            f"ports {', '.join(numbers)}: {err.strerror or err}; choose others with {', '.join(names)}"
        ) from None
    except ModuleNotFoundError as err:
        if (err.name or "").split(".")[0] != "google":
            raise
        raise StartError("Upstox's feed needs the package protobuf: pip install protobuf") from None
    except ValueError as err:
        raise ConfigError(str(err)) from None
    return 0


async def _until_interrupted(work: Any) -> None:
    import signal

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        print("ended")
