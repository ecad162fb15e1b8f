"""A file of bars, read as brokers, charts and vendors export it: our own columns, Kite's, Upstox's,
TradingView's, yfinance's, the NSE's; with others, what a person says of them.

Whatever is refused is named by file, line and column, with the fix; nothing is guessed that could
change a price or a time.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import TextIO

from otrade.price_files.bars import MINUTE_NS, FileBar, PriceFile, PriceFileError, bar_length_ns
from otrade.price_files.cells import CellError, count_of, price_e4, time_of
from otrade.price_files.header import PRICE_COLUMNS, ColumnLayout, HeaderError, read_layout
from otrade.price_files.rules import IST, ReadingRules

NS_PER_S = 1_000_000_000
MINUTES_WORDS = (
    "intraday trading needs minutes. Ask for them: Kite's historical candles with interval `minute`, a TradingView chart of 1 minute "
    "before its export, yfinance with interval='1m'"
)
STAMPED_LENGTHS_NS = tuple(n * MINUTE_NS for n in (1, 3, 5, 15))
"""Of which a session holds a whole number, so that an end tells the beginning."""
ZONE_MARKS = ("+", "Z", "z")


def read(path: str, rules: ReadingRules | None = None) -> PriceFile:
    """PriceFileError (or OSError) when the file cannot be used."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return _FileParser(path, rules or ReadingRules()).parse(file)
    except UnicodeDecodeError as exc:
        raise PriceFileError(
            f"{path}: not a text file in UTF-8 ({exc.reason}); save it as plain CSV"
        ) from None
    except csv.Error as exc:
        raise PriceFileError(
            f"{path}: not a CSV file ({exc}); save it as plain CSV with commas"
        ) from None


class _FileParser:
    """Reads one file, and keeps what is to be said of it."""

    def __init__(self, path: str, rules: ReadingRules) -> None:
        self._rules = rules
        self._found = PriceFile(path)
        self._rows: list[tuple[int, dt.datetime, FileBar]] = []
        self._others: set[str] = set()
        """Symbols of rows that were not asked for."""

    def parse(self, file: TextIO) -> PriceFile:
        found, lines = self._found, csv.reader(file)
        try:
            layout = read_layout(lines, self._rules)
        except HeaderError as error:
            raise found.error(error.line, error.column, str(error)) from None
        found.time_column = layout.time_column
        if layout.symbol_told:
            found.symbols.add(layout.symbol_told)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                self._add(layout, lines.line_num, cells)
            except PriceFileError as error:
                if not self._rules.keeps_going:
                    raise
                found.bad_lines.append(str(error))
        self._require_one_symbol(layout)
        self._in_order()
        if not found.days:
            raise PriceFileError(f"{found.path}: {self._nothing_words()}")
        self._from_their_opening()
        if not self._rules.may_be_daily:
            _refuse_daily(found)
        return found

    def _nothing_words(self) -> str:
        if self._rules.only and self._others:
            return f"no row of {self._rules.only}; it has {', '.join(sorted(self._others)[:10])}"
        if self._found.bad_lines:
            return f"none of its lines can be read; the first: {self._found.bad_lines[0]}"
        return "no bars below the header; add at least one line"

    def _add(self, layout: ColumnLayout, line: int, cells: list[str]) -> None:
        found, rules = self._found, self._rules
        if len(cells) != len(layout.names):
            column = layout.names[min(len(cells), len(layout.names) - 1)]
            raise found.error(
                line,
                column,
                f"{len(cells)} cells where the header has {len(layout.names)}; complete or remove the line",
            )
        if layout.symbol >= 0:
            symbol = cells[layout.symbol].strip()
            if rules.only and symbol != rules.only:
                self._others.add(symbol)
                return
            found.symbols.add(symbol)
        column = layout.time_column
        try:
            text = " ".join(cells[i].strip() for i in layout.time)
            time = time_of(text, rules)
            prices = list[int]()
            for name, i in zip(PRICE_COLUMNS, layout.prices, strict=True):
                column = name
                px_e4, is_rounded = price_e4(cells[i].strip())
                prices.append(px_e4)
                if is_rounded and found.rounded[-1:] != [line]:
                    found.rounded.append(line)
            column = "volume"
            volume = -1 if layout.volume < 0 else count_of(cells[layout.volume].strip(), column)
            column = "oi"
            oi = -1 if layout.oi < 0 else count_of(cells[layout.oi].strip(), "open interest")
        except CellError as error:
            raise found.error(line, column, str(error)) from None
        o, h, low, c = prices
        if h < max(o, c, low):
            raise found.error(
                line,
                "high",
                "below another price of the bar; the high must be the greatest of the four",
            )
        if low > min(o, c):
            raise found.error(
                line, "low", "above another price of the bar; the low must be the least of the four"
            )
        found.n_without_zone += not _says_zone(text)
        ts_ns = int(time.timestamp()) * NS_PER_S
        self._rows.append((line, time, FileBar(ts_ns, o, h, low, c, volume, oi)))

    def _require_one_symbol(self, layout: ColumnLayout) -> None:
        symbols = sorted(self._found.symbols)
        if len(symbols) > 1:
            name = layout.names[layout.symbol] if layout.symbol >= 0 else "symbol"
            raise self._found.error(
                2,
                name,
                f"{len(symbols)} symbols ({', '.join(symbols[:3])}); write one file a symbol, or say which one is meant",
            )

    def _in_order(self) -> None:
        """Bars by day, each time once, in the order of time."""
        found, rows = self._found, self._rows
        if self._rules.may_be_newest_first and len(rows) > 1:
            found.is_newest_first = all(a[1] >= b[1] for a, b in pairwise(rows))
            if found.is_newest_first:
                rows = rows[::-1]
        kept: dict[int, FileBar] = {}
        last: dt.datetime | None = None
        for line, time, bar in rows:
            try:
                if bar.ts_ns in kept:
                    self._refuse_duplicate(line, time, bar, kept[bar.ts_ns])
                elif last is not None and time < last:
                    raise found.error(
                        line,
                        found.time_column,
                        f"{time:%Y-%m-%d %H:%M:%S} is not after the line before; sort the lines by time",
                    )
                else:
                    last = time
                    kept[bar.ts_ns] = bar
                    found.lines[bar.ts_ns] = line
                    found.days.setdefault(time.date(), []).append(bar)
            except PriceFileError as error:
                if not self._rules.keeps_going:
                    raise
                found.bad_lines.append(str(error))

    def _refuse_duplicate(self, line: int, time: dt.datetime, bar: FileBar, first: FileBar) -> None:
        found = self._found
        other = found.lines[bar.ts_ns]
        if bar == first and self._rules.keeps_going:
            found.same_lines.append(
                f"{found.path}, line {line}: says what line {other} has said, to the last digit"
            )
            return
        differs = "" if bar == first else ", and they differ"
        raise found.error(
            line,
            found.time_column,
            f"{time:%Y-%m-%d %H:%M:%S} is a duplicate: line {other} has that bar already{differs}; remove one of the two",
        )

    def _from_their_opening(self) -> None:
        """Bars that were stamped at their end, by their beginning."""
        if not self._rules.is_stamped_at_close:
            return
        found = self._found
        length_ns = bar_length_ns(found.days.values())
        if length_ns not in STAMPED_LENGTHS_NS:
            raise PriceFileError(
                f"{found.path}: bars of {length_ns // NS_PER_S} seconds cannot be read by their end; 1, 3, 5 and 15 minutes can"
            )
        lines: dict[int, int] = {}
        for date, bars in found.days.items():
            moved = [
                replace(bar, ts_ns=-(-bar.ts_ns // MINUTE_NS) * MINUTE_NS - length_ns)
                for bar in bars
            ]
            lines |= {
                new.ts_ns: found.lines[old.ts_ns] for new, old in zip(moved, bars, strict=True)
            }
            if len({bar.ts_ns for bar in moved}) < len(moved):
                raise PriceFileError(
                    f"{found.path}: two bars of {date} end in one minute; their times are no ends of bars"
                )
            found.days[date] = moved
        found.lines = lines


def _says_zone(text: str) -> bool:
    """Whether a time's text names its zone, or needs none."""
    return text.isdecimal() or any(mark in text[10:] for mark in (*ZONE_MARKS, "-"))


def _refuse_daily(found: PriceFile) -> None:
    """A bar a day is no intraday price, whatever hour it is stamped with."""
    n_bars = len(found.lines)
    n_midnight = sum(
        dt.datetime.fromtimestamp(ts_ns // NS_PER_S, IST).time() == dt.time()
        for ts_ns in found.lines
    )
    a_day_each = len(found.days) > 1 and n_bars == len(found.days)
    if n_midnight == n_bars or a_day_each:
        line = min(found.lines.values())
        raise found.error(
            line,
            found.time_column,
            f"daily bars ({n_bars} in {len(found.days)} days): {MINUTES_WORDS}",
        )
