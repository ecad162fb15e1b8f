"""Minutes for the charts of trades, out of the price archive where it has them. A chart is a help: what
cannot be read is said, and the report goes on without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from otrade.errors import HistoryError
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import series_of
from otrade.research.report.source import TradeRow, clock_words
from otrade.research.results.facts import ResultFacts

LENGTH = "1m"
MONTHS_KEPT = 4
FUTURE = re.compile(r"([A-Z]+:[A-Z0-9&-]+?)\d{2}[A-Z]{3}FUT")


def other_series(facts: Sequence[ResultFacts]) -> dict[str, str]:
    """What backtests say of instruments that traded at another series' prices."""
    found: dict[str, str] = {}
    for one in facts:
        told = one.models.get("prices")
        if isinstance(told, dict):
            found |= {str(symbol): str(series) for symbol, series in told.items()}
    return found


def series_traded(symbol: str, series: Mapping[str, str]) -> str:
    """Of `NFO:NIFTY26NOVFUT` what is said of `NFO:NIFTY.FUT`; else its own."""
    if symbol in series:
        return series[symbol]
    future = FUTURE.fullmatch(symbol)
    return series.get(f"{future[1]}.FUT", symbol) if future else symbol


class ChartedBars:
    """Call it with a trade. `series` says at whose prices an instrument has traded, where that is another
    one's. `troubles` is what could not be read.
    """

    def __init__(self, root: Path, series: Mapping[str, str]) -> None:
        self._archive = PriceArchive(root)
        self._series = series
        self._months: dict[tuple[str, str], dict[str, list[FileBar]]] = {}
        self.troubles: list[str] = []

    def __call__(self, trade: TradeRow) -> list[FileBar]:
        return self.of_day(trade.symbol, str(trade.day))

    def of_day(self, symbol: str, day: str) -> list[FileBar]:
        """`day` is YYYY-MM-DD."""
        month = day[:7]
        symbol = series_traded(symbol, self._series)
        key = symbol, month
        if key not in self._months:
            while len(self._months) >= MONTHS_KEPT:
                del self._months[next(iter(self._months))]
            self._months[key] = self._read(symbol, month)
        return self._months[key].get(day, [])

    def _read(self, symbol: str, month: str) -> dict[str, list[FileBar]]:
        days: dict[str, list[FileBar]] = {}
        try:
            series = series_of(symbol, LENGTH)
            if not self._archive.path(series, month).exists():
                return days
            for bar in self._archive.bars(series, [month]):
                days.setdefault(clock_words(bar.ts_ns)[:10], []).append(bar)
        except HistoryError as error:
            self.troubles.append(str(error))
        return days
