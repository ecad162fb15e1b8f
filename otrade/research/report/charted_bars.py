"""Minutes for the charts of trades, out of the price archive where it has them. A chart is a help: what
cannot be read is said, and the report goes on without.
"""

from __future__ import annotations

from pathlib import Path

from otrade.errors import HistoryError
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import series_of
from otrade.research.report.source import TradeRow, clock_words

LENGTH = "1m"
MONTHS_KEPT = 4


class ChartedBars:
    """Call it with a trade. `troubles` is what could not be read."""

    def __init__(self, root: Path) -> None:
        self._archive = PriceArchive(root)
        self._months: dict[tuple[str, str], dict[str, list[FileBar]]] = {}
        self.troubles: list[str] = []

    def __call__(self, trade: TradeRow) -> list[FileBar]:
        return self.of_day(trade.symbol, str(trade.day))

    def of_day(self, symbol: str, day: str) -> list[FileBar]:
        """`day` is YYYY-MM-DD."""
        month = day[:7]
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
