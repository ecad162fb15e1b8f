"""Prices of the archive, a day at a time: arrays for the loop, minutes for the warm start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from otrade._core.kernels.layout import dtype
from otrade._core.types import Has
from otrade.brokers.candle_rows import MinuteCandle
from otrade.calendar import TradingSession
from otrade.errors import BacktestError, HistoryError
from otrade.research.arrow import pc
from otrade.research.history.archive import PriceArchive
from otrade.research.history.month_file import DEPTH_COLUMNS, TICK_NUMBERS
from otrade.research.history.series import TICK, PriceSeries, SeriesFacts, month_of
from otrade.units import IST_NS, NS_PER_DAY, ist_hms, ist_midnight_ns

Numbers = np.ndarray[Any, np.dtype[np.int64]]
TICK_TYPE = dtype("tick_t")
KEPT_MONTHS = 3
HAS_OF_COLUMN = {
    "ltp_e4": Has.TRADE,
    "volume": Has.VOLUME,
    "oi": Has.OI,
    "avg_px_e4": Has.AVERAGE,
    "buy_qty": Has.WANTED,
    "sell_qty": Has.OFFERED,
    "open_e4": Has.QUOTE,
}


class DayBars(msgspec.Struct, frozen=True):
    """One instrument's bars of one session. `volume` is empty where a bar has none."""

    ts_ns: Numbers
    open_e4: Numbers
    high_e4: Numbers
    low_e4: Numbers
    close_e4: Numbers
    volume: Numbers
    n_outside: int
    n_missing: int
    n_off_tick: int = 0

    @property
    def n(self) -> int:
        return len(self.ts_ns)


class DayTicks(msgspec.Struct, frozen=True):
    """One instrument's packets of one session, as `tick_t`."""

    ts_ns: Numbers
    ticks: np.ndarray[Any, Any]
    n_outside: int

    @property
    def n(self) -> int:
        return len(self.ts_ns)


class PriceReader:
    """One series. Months are read once, and a few are kept."""

    def __init__(self, archive: PriceArchive, series: PriceSeries) -> None:
        self.series = series
        self._archive = archive
        self._months: dict[str, dict[str, Numbers]] = {}
        self.there = frozenset(archive.months(series))
        self.facts: SeriesFacts = archive.facts(series)
        self.used: dict[str, tuple[str, list[str]]] = {}
        """By month: hash of its rows, and its origins in words."""

    def require(self, months: Sequence[str]) -> None:
        """HistoryError for the first month that is not there, with the way to get it."""
        for month in months:
            if month not in self.there:
                self._archive.table(self.series, month)

    def _columns(self, month: str) -> dict[str, Numbers]:
        found = self._months.get(month)
        if found is None:
            table = self._archive.table(self.series, month)
            facts = self._archive.facts_of_month(self.series, month)
            self.used[month] = (
                facts.rows_sha256,
                [f"{origin.kind} {origin.name}" for origin in facts.origins],
            )
            found = {}
            for name in table.column_names:
                if name == "symbol":
                    continue
                column = table[name].combine_chunks()
                if name == "time":
                    found[name] = column.cast("int64").to_numpy(zero_copy_only=False) * 1000
                    continue
                found[f"?{name}"] = pc.is_valid(column).to_numpy(zero_copy_only=False)
                found[name] = np.ascontiguousarray(
                    pc.fill_null(column, 0).to_numpy(zero_copy_only=False), dtype=np.int64
                )
            while len(self._months) >= KEPT_MONTHS:
                del self._months[next(iter(self._months))]
            self._months[month] = found
        return found

    def _rows(self, session: TradingSession) -> tuple[dict[str, Numbers], slice, int]:
        """Columns of the month, the rows inside the session, and how many of the day lie outside."""
        month = month_of(session.date)
        if month not in self.there:
            return {}, slice(0, 0), 0
        columns = self._columns(month)
        times = columns["ts_ns"] if self.series.length == TICK else columns["time"]
        midnight_ns = ist_midnight_ns(session.open_ns)
        day = np.searchsorted(times, (midnight_ns, midnight_ns + NS_PER_DAY))
        first, behind = np.searchsorted(times, (session.open_ns, session.close_ns))
        n_outside = int(day[1] - day[0]) - int(behind - first)
        moved = np.searchsorted(times, (session.open_ns - IST_NS, session.close_ns - IST_NS))
        if moved[1] - moved[0] > behind - first and n_outside > behind - first:
            at_ns = int(times[day[0]])
            raise BacktestError(
                f"{self.series}: {n_outside} of {day[1] - day[0]} rows of {session.date} lie outside its session "
                f"({ist_hms(session.open_ns)[:5]}-{ist_hms(session.close_ns)[:5]}), the first at {ist_hms(at_ns)}: they look like another "
                "zone's (UTC); import them again with --zone"
            )
        return columns, slice(int(first), int(behind)), n_outside

    def bars(self, session: TradingSession, tick_e4: int) -> DayBars:
        """Of one session; none where there are none."""
        columns, rows, n_outside = self._rows(session)
        if not columns:
            empty = np.empty(0, np.int64)
            return DayBars(empty, empty, empty, empty, empty, empty, 0, 0)
        prices = {
            name: columns[name][rows] for name in ("open_e4", "high_e4", "low_e4", "close_e4")
        }
        has_volume = bool(columns["?volume"][rows].all())
        n_wanted = -(-(session.close_ns - session.open_ns) // self.series.length_ns)
        off_tick = sum(int(np.count_nonzero(column % tick_e4)) for column in prices.values())
        return DayBars(
            columns["time"][rows],
            **prices,
            volume=columns["volume"][rows] if has_volume else np.empty(0, np.int64),
            n_outside=n_outside,
            n_missing=int(n_wanted - (rows.stop - rows.start)),
            n_off_tick=off_tick,
        )

    def ticks(self, session: TradingSession) -> DayTicks:
        """Packets of one session."""
        columns, rows, n_outside = self._rows(session)
        if not columns:
            return DayTicks(np.empty(0, np.int64), np.empty(0, TICK_TYPE), 0)
        ticks = np.zeros(rows.stop - rows.start, TICK_TYPE)
        for name in TICK_NUMBERS:
            if name in DEPTH_COLUMNS:
                base, _, level = name.rpartition("_")
                ticks[base][:, int(level) - 1] = columns[name][rows]
            else:
                ticks[name] = columns[name][rows]
        for name, bit in HAS_OF_COLUMN.items():
            ticks["has"] |= np.where(columns[f"?{name}"][rows], int(bit), 0).astype(np.int32)
        depth = columns["?bid_px_e4_1"][rows] | columns["?ask_px_e4_1"][rows]
        ticks["has"] |= np.where(depth, int(Has.DEPTH), 0).astype(np.int32)
        ticks["tradable"] = 1
        # What a second feed has told again is no second market.
        own = np.flatnonzero(columns["feed"][rows] == 0)
        times = columns["ts_ns"][rows][own]
        order = np.argsort(times, kind="stable")
        return DayTicks(np.ascontiguousarray(times[order]), ticks[own][order], n_outside)

    def minutes(self, session: TradingSession) -> list[MinuteCandle]:
        """The bars of a session as a broker's history would have them."""
        try:
            day = self.bars(session, 1)
        except HistoryError:
            return []
        volume = day.volume if len(day.volume) else np.zeros(day.n, np.int64)
        columns = (day.ts_ns, day.open_e4, day.high_e4, day.low_e4, day.close_e4, volume)
        return list(map(MinuteCandle, *(column.tolist() for column in columns)))

    def last_close_e4(self, session: TradingSession) -> int:
        """The last price of a session; 0 where there is none."""
        columns, rows, _ = self._rows(session)
        if not columns or rows.stop == rows.start:
            return 0
        name = "ltp_e4" if self.series.length == TICK else "close_e4"
        return int(columns[name][rows.stop - 1])

    def first_price_e4(self, session: TradingSession) -> int:
        """The first price of a session; 0 where there is none."""
        columns, rows, _ = self._rows(session)
        if not columns or rows.stop == rows.start:
            return 0
        name = "ltp_e4" if self.series.length == TICK else "open_e4"
        return int(columns[name][rows.start])
