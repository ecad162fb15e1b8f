"""Bars from a CSV file, and the trades inside each bar that would have made it."""

from __future__ import annotations

import csv
import datetime as dt
import random
from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import TextIO

from .config import NS_PER_S
from .hours import IST
from .paths import Reference
from .universe import E4

COLUMNS = ("time_ist", "open", "high", "low", "close")


class PriceFileError(ValueError):
    """A price file that cannot be used: names file, line, column and the fix."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `ts_ns` is its opening time. Volume is -1 when the file has none."""

    ts_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int


def _error(path: str, line: int, column: str, text: str) -> PriceFileError:
    return PriceFileError(f"{path}, line {line}, column {column}: {text}")


def _price(path: str, line: int, column: str, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        raise _error(
            path, line, column, f"{text!r} is not a number; write a price in rupees such as 24970.3"
        ) from None
    if not 0 < value < 1e8:
        raise _error(
            path,
            line,
            column,
            f"price {text} is out of range; it must be above 0 and below 100000000",
        )
    return round(value * E4)


def _time(path: str, line: int, text: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise _error(
            path, line, "time_ist", f"{text!r} is not a time; write IST as 2025-09-04 09:15:00"
        ) from None
    return time.replace(tzinfo=IST) if time.tzinfo is None else time.astimezone(IST)


def _volume(path: str, line: int, text: str) -> int:
    try:
        value = int(float(text))
    except (ValueError, OverflowError):
        raise _error(
            path, line, "volume", f"{text!r} is not a number; write units traded, 0 for none"
        ) from None
    if value < 0:
        raise _error(
            path, line, "volume", f"volume {text} is negative; write units traded, 0 for none"
        )
    return value


def read_days(path: str) -> dict[dt.date, list[Bar]]:
    """Bars of each day in the file, in order of time. PriceFileError (or OSError) when it cannot be
    read.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return _parse(path, file)
    except UnicodeDecodeError as exc:
        raise PriceFileError(
            f"{path}: not a text file in UTF-8 ({exc.reason}); save it as plain CSV"
        ) from None
    except csv.Error as exc:
        raise PriceFileError(
            f"{path}: not a CSV file ({exc}); save it as plain CSV with commas"
        ) from None


def _parse(path: str, file: TextIO) -> dict[dt.date, list[Bar]]:
    rows = csv.reader(file)
    header = [name.strip().lower() for name in next(rows, [])]
    where = {name: i for i, name in enumerate(header)}
    missing = [name for name in COLUMNS if name not in where]
    if missing:
        raise _error(
            path,
            1,
            missing[0],
            f"missing; the first line must be {','.join(COLUMNS)} and optionally volume",
        )
    days: dict[dt.date, list[Bar]] = {}
    last: dt.datetime | None = None
    for cells in rows:
        line = rows.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise _error(
                path,
                line,
                header[min(len(cells), len(header) - 1)],
                f"{len(cells)} cells where the header has {len(header)}; "
                "complete or remove the line",
            )
        time = _time(path, line, cells[where["time_ist"]])
        if last is not None and time <= last:
            raise _error(
                path,
                line,
                "time_ist",
                f"{time:%Y-%m-%d %H:%M:%S} is not after the line before; sort the lines by time",
            )
        last = time
        o, h, low, c = (_price(path, line, name, cells[where[name]]) for name in COLUMNS[1:])
        if h < max(o, c, low):
            raise _error(
                path,
                line,
                "high",
                "below another price of the bar; the high must be the greatest of the four",
            )
        if low > min(o, c):
            raise _error(
                path,
                line,
                "low",
                "above another price of the bar; the low must be the least of the four",
            )
        volume = _volume(path, line, cells[where["volume"]]) if "volume" in where else -1
        days.setdefault(time.date(), []).append(
            Bar(int(time.timestamp()) * NS_PER_S, o, h, low, c, volume)
        )
    if not days:
        raise PriceFileError(f"{path}: no bars below the header; add at least one line")
    return days


def bar_length_ns(bars: list[Bar]) -> int:
    """The shortest distance of two bars; a minute when there is only one."""
    return min((b.ts_ns - a.ts_ns for a, b in pairwise(bars)), default=60 * NS_PER_S)


def ticks_of(bar: Bar, count: int, rng: random.Random) -> list[int]:
    """`count` prices which open, reach the high and the low, and close as the bar did, and never
    leave it.
    """
    rising = bar.close_e4 >= bar.open_e4
    # A rising bar more often made its low first.
    low_first = (rng.random() < 0.75) == rising
    first, second = sorted(rng.sample(range(1, count - 1), 2)) if count > 3 else (1, 2)
    a, b = (bar.low_e4, bar.high_e4) if low_first else (bar.high_e4, bar.low_e4)
    knots = [(0, bar.open_e4), (first, a), (second, b), (count - 1, bar.close_e4)]
    span = bar.high_e4 - bar.low_e4
    prices = [bar.open_e4]
    for (i0, p0), (i1, p1) in pairwise(knots):
        for i in range(i0 + 1, i1):
            between = p0 + (p1 - p0) * (i - i0) / (i1 - i0) + rng.gauss(0, 0.08 * span)
            prices.append(min(bar.high_e4, max(bar.low_e4, round(between))))
        prices.append(p1)
    return prices


def reference(bars: list[Bar], count: int, seed: str) -> tuple[Reference, array[int]]:
    """The day's trades as (time, price), and the quantity of each (all -1 when the file has no
    volume).
    """
    ts_ns, px_e4, qty = array("q"), array("d"), array("q")
    length_ns = bar_length_ns(bars)
    per_bar = max(4, round(count * length_ns / (60 * NS_PER_S)))
    for bar in bars:
        rng = random.Random(f"{seed}:{bar.ts_ns}")
        share, rest = divmod(max(bar.volume, 0), per_bar)
        for i, price_e4 in enumerate(ticks_of(bar, per_bar, rng)):
            ts_ns.append(bar.ts_ns + i * length_ns // per_bar)
            px_e4.append(price_e4)
            qty.append(-1 if bar.volume < 0 else share + (i < rest))
    return Reference(ts_ns, px_e4), qty
