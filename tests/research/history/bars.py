"""Bars and files of bars for tests of price history."""

import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path

from otrade.price_files.bars import FileBar

IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
MINUTE_NS = 60_000_000_000


def ns(date: str, clock: str = "00:00") -> int:
    return int(dt.datetime.fromisoformat(f"{date}T{clock}+05:30").timestamp()) * 10**9


def day_of_bars(
    date: str, level_e4: int = 15_000_000, n: int = 375, begin: str = "09:15", minutes: int = 1
) -> list[FileBar]:
    """A walk on a tick of 0.05, the same for a date each time."""
    rng, px = random.Random(date), level_e4
    found = []
    for i in range(n):
        close = px + rng.randint(-10, 10) * 500
        high, low = (
            max(px, close) + rng.randint(0, 5) * 500,
            min(px, close) - rng.randint(0, 5) * 500,
        )
        volume = rng.randint(1, 900)
        found.append(
            FileBar(ns(date, begin) + i * minutes * MINUTE_NS, px, high, low, close, volume)
        )
        px = close
    return found


def rupees(px_e4: int) -> str:
    return f"{px_e4 / 10_000:.2f}"


def stamped(ts_ns: int, form: str = "%Y-%m-%d %H:%M:%S", zone: dt.tzinfo = IST) -> str:
    return dt.datetime.fromtimestamp(ts_ns // 10**9, zone).strftime(form)


def csv_of(
    folder: Path,
    bars: Sequence[FileBar],
    header: str = "time_ist,open,high,low,close,volume",
    name: str = "bars.csv",
    form: str = "%Y-%m-%d %H:%M:%S",
    zone: dt.tzinfo = IST,
) -> Path:
    lines = [header]
    for bar in bars:
        prices = map(rupees, (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4))
        lines.append(",".join([stamped(bar.ts_ns, form, zone), *prices, str(bar.volume)]))
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path
