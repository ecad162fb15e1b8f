"""A header's names, and which column is what."""

from collections.abc import Iterator
from dataclasses import dataclass

from otrade.price_files.rules import FIELDS, ReadingRules

TIME_COLUMNS = ("time_ist", "datetime", "timestamp", "date", "time")
"""What a time column may be called; `date` and `time` side by side are one time."""
PRICE_COLUMNS = ("open", "high", "low", "close")
VOLUME_COLUMNS = ("volume", "shares traded", "tottrdqty", "total traded quantity")
OI_COLUMNS = ("oi", "open_interest", "open interest")
SYMBOL_COLUMNS = ("symbol", "ticker", "tradingsymbol", "trading_symbol", "instrument_key")
COLUMNS_WORDS = (
    "time_ist (or datetime, timestamp, date, time), open, high, low, close and optionally volume"
)


class HeaderError(ValueError):
    """A header that cannot be used: its line, the column, and the fix."""

    def __init__(self, line: int, column: str, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Which cell is what; -1: the file has none. `symbol_told`: by a header of yfinance."""

    names: list[str]
    time: tuple[int, ...]
    prices: tuple[int, ...]
    volume: int
    oi: int
    symbol: int
    symbol_told: str

    @property
    def time_column(self) -> str:
        return self.names[self.time[0]]


def read_layout(rows: Iterator[list[str]], rules: ReadingRules) -> ColumnLayout:
    """From the first lines of a file. HeaderError when they cannot be used."""
    names, told = [name.strip().lower() for name in next(rows, [])], ""
    if names[:1] == ["price"] and "close" in names and "price" not in rules.columns.values():
        names, told = _of_yfinance(names, next(rows, []), next(rows, []))
    where: dict[str, int] = {}
    for i, name in enumerate(names):
        where.setdefault(name, i)
    named = {field: _told(field, name, where) for field, name in rules.columns.items()}
    if "time" in named:
        time: tuple[int, ...] = (named["time"],)
    elif "date" in where and "time" in where:
        time = (where["date"], where["time"])
    else:
        time = tuple(where[name] for name in TIME_COLUMNS if name in where)[:1]
    found = {name: named.get(name, where.get(name, -1)) for name in PRICE_COLUMNS}
    missing = ([] if time else [TIME_COLUMNS[0]]) + [name for name, i in found.items() if i < 0]
    if missing:
        raise HeaderError(
            1, missing[0], f"missing; the first line names the columns: {COLUMNS_WORDS}"
        )

    def other(field: str, spellings: tuple[str, ...]) -> int:
        return named.get(field, next((where[name] for name in spellings if name in where), -1))

    return ColumnLayout(
        names,
        time,
        tuple(found.values()),
        other("volume", VOLUME_COLUMNS),
        other("oi", OI_COLUMNS),
        other("symbol", SYMBOL_COLUMNS),
        told,
    )


def _told(field: str, name: str, where: dict[str, int]) -> int:
    """The column that a person has named."""
    if field not in FIELDS:
        raise HeaderError(1, field, f"no such field; fields are {', '.join(FIELDS)}")
    if name.strip().lower() not in where:
        raise HeaderError(
            1, name, f"missing, and was named as {field}; the file has {', '.join(where)}"
        )
    return where[name.strip().lower()]


def _of_yfinance(names: list[str], tickers: list[str], index: list[str]) -> tuple[list[str], str]:
    """yfinance writes three lines above the prices: the columns, each column's symbol, the name of
    the time.
    """
    if tickers[:1] != ["Ticker"] or not index:
        raise HeaderError(
            2,
            "price",
            "a header of yfinance without its line of tickers; write it anew with DataFrame.to_csv",
        )
    symbols = sorted(set(tickers[1:]))
    if len(symbols) != 1:
        raise HeaderError(
            2,
            "ticker",
            f"{len(symbols)} symbols ({', '.join(symbols[:3])}); write one file a symbol",
        )
    return [index[0].strip().lower(), *names[1:]], symbols[0]
