"""Names of what is kept: an instrument's bars of one length, or its ticks; by month."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from otrade.calendar import IST
from otrade.errors import HistoryError
from otrade.units import NS_PER_MINUTE, NS_PER_S

TICK = "tick"
DAILY = "1d"
LENGTHS_NS = {
    TICK: 0,
    "1m": NS_PER_MINUTE,
    "2m": 2 * NS_PER_MINUTE,
    "3m": 3 * NS_PER_MINUTE,
    "5m": 5 * NS_PER_MINUTE,
    "10m": 10 * NS_PER_MINUTE,
    "15m": 15 * NS_PER_MINUTE,
    "30m": 30 * NS_PER_MINUTE,
    "1h": 60 * NS_PER_MINUTE,
    DAILY: 24 * 60 * NS_PER_MINUTE,
}
SYMBOL = re.compile(r"[A-Z]{2,6}:[A-Z0-9][A-Z0-9 &_.+-]{0,60}")
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
OF_OPTION = re.compile(r".*\d(CE|PE)")
SEGMENT_OF_EXCHANGE = {
    "NSE": "cash",
    "BSE": "cash",
    "NFO": "derivatives",
    "BFO": "derivatives",
    "CDS": "currency",
    "BCD": "currency",
    "MCX": "commodity",
    "NCO": "commodity",
}


class PriceSeries(msgspec.Struct, frozen=True, order=True):
    """One instrument's prices of one length."""

    symbol: str
    length: str

    @property
    def length_ns(self) -> int:
        return LENGTHS_NS[self.length]

    @property
    def exchange(self) -> str:
        return self.symbol.partition(":")[0]

    @property
    def is_option(self) -> bool:
        return self.exchange not in ("NSE", "BSE") and bool(OF_OPTION.fullmatch(self.symbol))

    @property
    def place(self) -> Path:
        """Below an archive's folder."""
        return Path(*self.symbol.split(":"), self.length)

    def __str__(self) -> str:
        return f"{self.symbol} {self.length}"


class SeriesFacts(msgspec.Struct, frozen=True):
    """What is known of a series beside its prices. `tick_e4`: 0 when nobody has said it.
    `is_simulated`: no market has made these prices.
    """

    segment: str = ""
    tick_e4: int = 0
    is_simulated: bool = False


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where rows of a month come from: a `csv` file, a `journal`, or a broker's history with the days
    that it was asked for. `first` and `last`: of its rows in this month. `notes`: what was found in
    the source and done about it.
    """

    kind: str
    name: str
    added: str
    rows: int = 0
    first: str = ""
    last: str = ""
    sha256: str = ""
    asked_from: str = ""
    asked_until: str = ""
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The same source told again."""
        return self.kind, self.sha256 or self.name, self.asked_from, self.asked_until


def series_of(symbol: str, length: str) -> PriceSeries:
    """HistoryError for a symbol or a length that cannot be."""
    if not SYMBOL.fullmatch(symbol.upper()) or symbol.endswith((" ", ".")):
        raise HistoryError(f"{symbol!r} is no symbol; write exchange and name, as NSE:INFY")
    if length not in LENGTHS_NS:
        raise HistoryError(f"{length!r} is no length; lengths are {', '.join(LENGTHS_NS)}")
    return PriceSeries(symbol.upper(), length)


def segment_of(symbol: str) -> str:
    """The family of hours of an exchange's instruments; of a share, as if it had no derivatives."""
    return SEGMENT_OF_EXCHANGE.get(symbol.partition(":")[0], "")


def months_between(first: str, last: str) -> list[str]:
    """`2025-11` to `2026-02`: four."""
    found = []
    year, month = int(first[:4]), int(first[5:])
    while (name := f"{year}-{month:02d}") <= last:
        found.append(name)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def month_ranges(months: Sequence[str]) -> str:
    """`2025-11 to 2026-02, 2026-04`; `months` in order."""
    runs: list[list[str]] = []
    for month in months:
        if runs and months_between(runs[-1][-1], month)[1:] == [month]:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def month_of(date: dt.date) -> str:
    return f"{date:%Y-%m}"


def stamp(now_ns: int) -> str:
    """When something was done, Indian time."""
    return dt.datetime.fromtimestamp(now_ns // NS_PER_S, IST).isoformat()


def date_words(ts_ns: int) -> str:
    """`2026-11-20 09:15:00`, Indian time."""
    return f"{dt.datetime.fromtimestamp(ts_ns // NS_PER_S, IST):%Y-%m-%d %H:%M:%S}"
