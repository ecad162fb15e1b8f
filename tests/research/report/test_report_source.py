"""Several results as one: in order, each day once, the equity going on from one to the next."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from otrade.errors import ResultError
from otrade.research.report.charted_bars import other_series, series_traded
from otrade.research.report.curve import curve_of
from otrade.research.report.report import report_of
from otrade.research.report.source import EquityRow, ReportSource
from otrade.research.results.reader import Result
from otrade.research.results.writer import ResultWriter
from tests.research.results.rows import DAY, at_ns, facts, money, point, trade


def one_day(folder: Path, day: dt.date, gross: int, charges: int | None, kind: str) -> Result:
    with ResultWriter(folder) as writer:
        writer.add_day(
            day,
            trades=[trade(day, **money(gross, charges))],
            equity=[point(at_ns(day, 10), gross, charges, day=day)],
        )
        return Result.open(writer.finish(facts(kind=kind, first=day, last=day)))


def test_days_go_on_from_each_other(tmp_path: Path) -> None:
    next_day = DAY + dt.timedelta(days=3)
    results = [
        one_day(tmp_path / "b", next_day, -4_000, 100, "live"),
        one_day(tmp_path / "a", DAY, 10_000, 500, "live"),
    ]
    report = report_of(ReportSource(results), 1_000_000)
    assert [p.value_paise for p in report.curve.points] == [9_500, 5_400]
    assert report.total.net_paise == 5_400 and (report.first, report.last) == (DAY, next_day)
    assert list(report.groups["day"]) == [str(DAY), str(next_day)]
    assert report.curve.deepest is not None and report.curve.deepest.depth_paise == -4_100
    assert report.ratios.sharpe is not None


def test_one_unknown_day_leaves_the_rest_unknown(tmp_path: Path) -> None:
    next_day = DAY + dt.timedelta(days=3)
    results = [
        one_day(tmp_path / "a", DAY, 10_000, None, "live"),
        one_day(tmp_path / "b", next_day, -4_000, 100, "paper"),
    ]
    report = report_of(ReportSource(results))
    assert not report.curve.is_net and report.curve.points[-1].value_paise == 6_000
    assert any("different kinds: live, paper" in note for note in report.notes)


def test_a_day_counts_once(tmp_path: Path) -> None:
    results = [one_day(tmp_path / name, DAY, 1, 0, "live") for name in "ab"]
    with pytest.raises(ResultError, match=r"2026-11-20 is in .*/a and in .*/b"):
        ReportSource(results)
    with pytest.raises(ResultError, match="needs a result"):
        ReportSource([])


@pytest.mark.parametrize("seed", range(20))
def test_drawdowns_are_those_of_the_definition(seed: int) -> None:
    """Against every pair of points, looked at one by one."""
    draw = random.Random(seed)
    values = [draw.randint(-50, 50) for _ in range(draw.randint(1, 60))]
    rows = [EquityRow(n, value, value) for n, value in enumerate(values)]
    curve = curve_of(rows, len(rows), is_net=True)
    peaks = [max(0, *values[: n + 1]) for n in range(len(values))]
    deepest = min(value - peak for value, peak in zip(values, peaks, strict=True))
    found = curve.deepest.depth_paise if curve.deepest else 0
    assert found == deepest, f"seed {seed}"
    for fall in (curve.deepest, curve.longest):
        if fall is not None:
            end = len(values) if fall.until_ns is None else fall.until_ns
            inside = values[fall.from_ns + 1 : end]
            assert all(value < peaks[fall.from_ns] for value in inside), f"seed {seed}"
            assert values[fall.bottom_ns] - peaks[fall.bottom_ns] == fall.depth_paise


def test_thinning_keeps_the_extremes() -> None:
    draw = random.Random(5)
    values = [draw.randint(-(10**6), 10**6) for _ in range(20_000)]
    curve = curve_of([EquityRow(n, v, v) for n, v in enumerate(values)], len(values), is_net=True)
    kept = {point.value_paise for point in curve.points}
    assert {values[0], values[-1], min(values), max(values)} <= kept and len(curve.points) <= 2_004


def test_what_is_so_on_many_days_is_said_once(tmp_path: Path) -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(5)]
    with ResultWriter(tmp_path / "r") as writer:
        for n, day in enumerate(days):
            writer.add_day(day, note="no prices; a hole" if n == 1 else "no prices")
        report = report_of(ReportSource([Result.open(writer.finish(facts()))]))
    assert report.notes[1:] == [
        "5 days from 2026-11-20 to 2026-11-24: no prices",
        "2026-11-21: a hole",
    ]


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        ("NFO:NIFTY24APRFUT", "NSE:NIFTY 50"),
        ("NFO:NIFTYNXT5024APRFUT", "NFO:NIFTYNXT5024APRFUT"),
        ("NFO:BANKNIFTY24APRFUT", "NFO:BANKNIFTY24APRFUT"),
        ("NFO:M&M24APRFUT", "NSE:M&M"),
        ("NSE:INFY", "NSE:TCS"),
        ("NSE:SBIN", "NSE:SBIN"),
    ],
)
def test_charts_are_of_the_prices_that_were_traded_at(symbol: str, found: str) -> None:
    told = {"NFO:NIFTY.FUT": "NSE:NIFTY 50", "NSE:INFY": "NSE:TCS", "NFO:M&M.FUT": "NSE:M&M"}
    series = other_series([facts(models={"prices": told}), facts(models={"prices": "none"})])
    assert series_traded(symbol, series) == found
