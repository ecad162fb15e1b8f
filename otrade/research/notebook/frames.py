"""A result's tables as DataFrames: money and prices in rupees, times in India. What is not known is
missing (NaN): `sum(skipna=False)` keeps it so.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from otrade.errors import ResultError
from otrade.research.report.page import html_page
from otrade.research.report.report import Report, report_of
from otrade.research.report.source import ReportSource
from otrade.research.results.facts import ResultFacts
from otrade.research.results.reader import Result

try:
    import pandas as pd
except ImportError:
    raise ResultError(
        "DataFrames need the pandas library: pip install 'otrade[notebook]'"
    ) from None

INDIA = "Asia/Kolkata"
DURATIONS = ("naked_ns",)
UNITS = {"_paise": 100, "_e4": 10_000}
"""How many of it are a rupee, by the ending of a column's name, which goes."""


class ResultFrames:
    """`trades`, `orders`, `fills`, `equity`, `days` are DataFrames; `facts` is what `result.json` says;
    `report` has all figures of `otrade report`. In a notebook it shows itself as that report.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    @property
    def folder(self) -> Path:
        return self._result.folder

    @property
    def facts(self) -> ResultFacts:
        return self._result.facts

    @cached_property
    def trades(self) -> pd.DataFrame:
        return self._frame("trades")

    @cached_property
    def orders(self) -> pd.DataFrame:
        return self._frame("orders")

    @cached_property
    def fills(self) -> pd.DataFrame:
        return self._frame("fills")

    @cached_property
    def equity(self) -> pd.DataFrame:
        """By time."""
        return self._frame("equity").set_index("time")

    @cached_property
    def days(self) -> pd.DataFrame:
        """By date, a day without a trade too."""
        rows: list[dict[str, Any]] = [msgspec.structs.asdict(day) for day in self.facts.days]
        columns = ["date", "trades", "net_paise", "gross_paise", "note"]
        frame = _in_rupees(pd.DataFrame(rows, columns=columns))
        return frame.assign(date=pd.to_datetime(frame["date"])).set_index("date")

    @cached_property
    def report(self) -> Report:
        return self.report_with()

    def report_with(self, capital_rupees: int | None = None) -> Report:
        """`capital_rupees` counts before what the result says."""
        capital = None if capital_rupees is None else capital_rupees * 100
        return report_of(ReportSource([self._result]), capital)

    def _frame(self, name: str) -> pd.DataFrame:
        return _in_rupees(self._result.table(name).to_pandas(types_mapper=_nullable))

    def _repr_html_(self) -> str:
        return html_page(self.report, lambda _trade: [])


def _nullable(kind: Any) -> Any:
    """Whole numbers stay whole where some are not known."""
    return pd.Int64Dtype() if str(kind) == "int64" else None


def _in_rupees(frame: pd.DataFrame) -> pd.DataFrame:
    found = {}
    for name in frame.columns:
        column = frame[name]
        ending = next((unit for unit in UNITS if name.endswith(unit)), "")
        if ending:
            found[name.removesuffix(ending)] = (
                column.astype("Float64").astype("float64") / UNITS[ending]
            )
        elif name in DURATIONS:
            found[name] = column
        elif name.endswith("_ns"):
            told = pd.to_datetime(column, unit="ns", utc=True).dt.tz_convert(INDIA)
            found["time" if name == "ts_ns" else f"{name.removesuffix('_ns')}_time"] = told
        else:
            found[name] = column
    return pd.DataFrame(found)


def frames_of(folder: Path) -> ResultFrames:
    return ResultFrames(Result.open(folder))
