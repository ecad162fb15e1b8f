"""Archives of invented bars, and configurations that trade them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from otrade.calendar import Calendar, at_ns
from otrade.config.manager import from_bytes
from otrade.config.schema import Config
from otrade.price_files.bars import FileBar
from otrade.research.backtest.backtest import Backtest, BacktestReport, BacktestWish
from otrade.research.history.archive import NewMonth, PriceArchive, by_month
from otrade.research.history.month_file import table_of
from otrade.research.history.series import Origin, SeriesFacts, series_of
from otrade.research.results.reader import Result

MINUTE_NS = 60_000_000_000
DAYS = (dt.date(2025, 9, 1), dt.date(2025, 9, 2), dt.date(2025, 9, 3))
TICK = 500


def bars_of(date: dt.date, seed: int, level_e4: int, n: int = 375) -> list[FileBar]:
    """A walk of one session, on the tick."""
    rng = random.Random(f"{date} {seed}")
    first_ns = at_ns(date, "09:15")
    price, found = level_e4, list[FileBar]()
    for i in range(n):
        steps = [rng.randint(-12, 12) * TICK for _ in range(4)]
        opened = price + steps[0] // 4 // TICK * TICK
        closed = opened + steps[1]
        high = max(opened, closed) + abs(steps[2])
        low = min(opened, closed) - abs(steps[3])
        found.append(
            FileBar(first_ns + i * MINUTE_NS, opened, high, low, closed, rng.randint(100, 9_000))
        )
        price = closed
    return found


def put(root: Path, symbol: str, bars: Sequence[FileBar], length: str = "1m") -> None:
    """Into an archive."""
    series = series_of(symbol, length)
    new = {
        month: NewMonth(table_of(series, rows), Origin("csv", "invented.csv", "2026-01-01"))
        for month, rows in by_month(series, bars).items()
    }
    archive = PriceArchive(root)
    root.mkdir(parents=True, exist_ok=True)
    with archive.changing():
        archive.merge(series, SeriesFacts(tick_e4=TICK), new, "replace")


def archive(
    root: Path, symbols: Sequence[str] = ("NSE:INFY",), days: Sequence[dt.date] = DAYS
) -> None:
    for n, symbol in enumerate(symbols):
        put(
            root, symbol, [bar for day in days for bar in bars_of(day, n, 15_000_000 + n * 500_000)]
        )


def strategy(name: str, instrument: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "ema_cross",
        "name": name,
        "instrument": instrument,
        "sizing": {"mode": "fixed", "value": 40},
        "bracket": {
            "stop": {"kind": "pct", "value": 0.25},
            "target": {"kind": "pct", "value": 0.4},
            "on_opposite": "reverse",
        },
        "params": {
            "bar_s": 60,
            "on": "bar_close",
            "side": "both",
            "fast_period": 4,
            "slow_period": 11,
        },
        **more,
    }


def config(strategies: Sequence[dict[str, Any]], var: Path, **more: Any) -> Config:
    symbols = list(dict.fromkeys(one["instrument"] for one in strategies))
    given = {
        "mode": "paper",
        "instruments": [{"symbol": symbol} for symbol in symbols],
        "strategies": list(strategies),
        "risk": {
            "max_order_notional_rupees": 5_000_000,
            "max_trades_per_day": 1_000,
            "max_daily_loss_rupees": 10_000_000,
            "max_drawdown_rupees": 10_000_000,
            "max_open_positions": 10,
        },
        "paths": {"var": str(var), "strategies": str(Path(__file__).parents[3] / "strategies")},
        **more,
    }
    return from_bytes(orjson.dumps(given), "test.json")


def run(tmp: Path, made: Config, out: str = "result", **more: Any) -> tuple[BacktestReport, Result]:
    """A whole backtest, and its result as a reader sees it."""
    wish = BacktestWish(
        config=made,
        first=more.pop("first", DAYS[0]),
        last=more.pop("last", DAYS[-1]),
        data=more.pop("data", tmp / "data"),
        out=tmp / out,
        **more,
    )
    report = Backtest(wish, Calendar.load()).run()
    return report, Result.open(report.folder)


def rows(result: Result, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.table(name).to_pylist()
    return found
