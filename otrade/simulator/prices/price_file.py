"""A file of bars, read as brokers and charts export it: our own columns, Kite's, TradingView's,
yfinance's.

Whatever is refused is named by file, line and column, with the fix; nothing is guessed that could
change a price or a time.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import E4

TIME_COLUMNS = ("time_ist", "datetime", "timestamp", "date", "time")
"""What a time column may be called; `date` and `time` side by side are one time."""
PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS_WORDS = (
    "time_ist (or datetime, timestamp, date, time), open, high, low, close and optionally volume"
)
MINUTES_WORDS = (
    "intraday trading needs minutes. Ask for them: Kite's historical candles with interval `minute`, a TradingView chart of 1 minute "
    "before its export, yfinance with interval='1m'"
)
EPOCH_S_DIGITS, EPOCH_MS_DIGITS = (9, 10), (12, 13)


class PriceFileError(ValueError):
    """A price file that cannot be used: names file, line, column and the fix."""


@dataclass(frozen=True, slots=True)
class FileBar:
    """One bar; `ts_ns` is its opening time. Volume is -1 when the file has none."""

    ts_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int


@dataclass(slots=True)
class PriceFile:
    """Bars of each day, in order of time."""

    path: str
    time_column: str = "time_ist"
    days: dict[dt.date, list[FileBar]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    """By a bar's time: its line."""

    def error(self, line: int, column: str, text: str) -> PriceFileError:
        return _error(self.path, line, column, text)

    def line_of(self, date: dt.date) -> int:
        """The first line of a day."""
        return self.lines[self.days[date][0].ts_ns]


@dataclass(frozen=True, slots=True)
class _ColumnLayout:
    """Which cell is what."""

    path: str
    names: list[str]
    time: tuple[int, ...]
    prices: tuple[int, ...]
    volume: int | None

    @property
    def time_column(self) -> str:
        return self.names[self.time[0]]


def read(path: str) -> PriceFile:
    """PriceFileError (or OSError) when the file cannot be used."""
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


def _error(path: str, line: int, column: str, text: str) -> PriceFileError:
    return PriceFileError(f"{path}, line {line}, column {column}: {text}")


def _parse(path: str, file: TextIO) -> PriceFile:
    rows = csv.reader(file)
    layout = _layout(path, rows)
    found = PriceFile(path, layout.time_column)
    n_midnight = 0
    last: dt.datetime | None = None
    for cells in rows:
        line = rows.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(layout.names):
            column = layout.names[min(len(cells), len(layout.names) - 1)]
            raise _error(
                path,
                line,
                column,
                f"{len(cells)} cells where the header has {len(layout.names)}; complete or remove the line",
            )
        time = _time(layout, line, " ".join(cells[i].strip() for i in layout.time))
        ts_ns = int(time.timestamp()) * NS_PER_S
        if ts_ns in found.lines:
            raise _error(
                path,
                line,
                layout.time_column,
                f"{time:%Y-%m-%d %H:%M:%S} is a duplicate: line {found.lines[ts_ns]} has that bar already; remove one of the two",
            )
        if last is not None and time < last:
            raise _error(
                path,
                line,
                layout.time_column,
                f"{time:%Y-%m-%d %H:%M:%S} is not after the line before; sort the lines by time",
            )
        last = time
        found.lines[ts_ns] = line
        n_midnight += time.time() == dt.time()
        found.days.setdefault(time.date(), []).append(_bar(layout, line, ts_ns, cells))
    if not found.days:
        raise PriceFileError(f"{path}: no bars below the header; add at least one line")
    _refuse_daily(found, n_midnight)
    return found


def _layout(path: str, rows: Iterator[list[str]]) -> _ColumnLayout:
    names = [name.strip().lower() for name in next(rows, [])]
    if names[:1] == ["price"] and "close" in names:
        names = _of_yfinance(path, names, next(rows, []), next(rows, []))
    where: dict[str, int] = {}
    for i, name in enumerate(names):
        where.setdefault(name, i)
    if "date" in where and "time" in where:
        time: tuple[int, ...] = (where["date"], where["time"])
    else:
        time = tuple(where[name] for name in TIME_COLUMNS if name in where)[:1]
    missing = ([] if time else [TIME_COLUMNS[0]]) + [
        name for name in PRICE_COLUMNS if name not in where
    ]
    if missing:
        raise _error(
            path, 1, missing[0], f"missing; the first line names the columns: {COLUMNS_WORDS}"
        )
    return _ColumnLayout(
        path, names, time, tuple(where[name] for name in PRICE_COLUMNS), where.get("volume")
    )


def _of_yfinance(path: str, names: list[str], tickers: list[str], index: list[str]) -> list[str]:
    """yfinance writes three lines above the prices: the columns, each column's symbol, the name of
    the time.
    """
    if tickers[:1] != ["Ticker"] or not index:
        raise _error(
            path,
            2,
            "price",
            "a header of yfinance without its line of tickers; write it anew with DataFrame.to_csv",
        )
    symbols = sorted(set(tickers[1:]))
    if len(symbols) != 1:
        raise _error(
            path,
            2,
            "ticker",
            f"{len(symbols)} symbols ({', '.join(symbols[:3])}); write one file a symbol",
        )
    return [index[0].strip().lower(), *names[1:]]


def _time(layout: _ColumnLayout, line: int, text: str) -> dt.datetime:
    """Without a zone it is Indian time; a bare number is seconds or milliseconds since 1970, which
    have none.
    """
    if text.isdecimal() and len(text) in (*EPOCH_S_DIGITS, *EPOCH_MS_DIGITS):
        return dt.datetime.fromtimestamp(
            int(text) / (1000 if len(text) in EPOCH_MS_DIGITS else 1), IST
        )
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _error(
            layout.path,
            line,
            layout.time_column,
            f"{text!r} is not a time; write IST as 2025-09-04 09:15:00, or with its zone",
        ) from None
    return time.replace(tzinfo=IST) if time.tzinfo is None else time.astimezone(IST)


def _bar(layout: _ColumnLayout, line: int, ts_ns: int, cells: list[str]) -> FileBar:
    path = layout.path
    o, h, low, c = (
        _price(path, line, name, cells[i])
        for name, i in zip(PRICE_COLUMNS, layout.prices, strict=True)
    )
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
    return FileBar(
        ts_ns,
        o,
        h,
        low,
        c,
        -1 if layout.volume is None else _volume(path, line, cells[layout.volume]),
    )


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


def _volume(path: str, line: int, text: str) -> int:
    """-1 where the file has none: charts write NaN for an index."""
    if text.strip().lower() in ("", "nan"):
        return -1
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _error(
            path, line, "volume", f"{text!r} is not a number; write units traded, 0 for none"
        )
    if value < 0:
        raise _error(
            path, line, "volume", f"volume {text} is negative; write units traded, 0 for none"
        )
    return int(value)


def _refuse_daily(found: PriceFile, n_midnight: int) -> None:
    """A bar a day is no intraday price, whatever hour it is stamped with."""
    n_bars = len(found.lines)
    a_day_each = len(found.days) > 1 and n_bars == len(found.days)
    if n_midnight == n_bars or a_day_each:
        line = min(found.lines.values())
        raise found.error(
            line,
            found.time_column,
            f"daily bars ({n_bars} in {len(found.days)} days): {MINUTES_WORDS}",
        )
