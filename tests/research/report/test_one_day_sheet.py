"""One day on a hand-made sheet: every figure here was worked out with a pencil, from these four trades.

    #  strategy  symbol     side  qty  in      out     gross      charges  net       reason  in    out
    1  ema       NSE:INFY   BUY   100  100.00  101.00  +100.00    10.00    +90.00    TARGET  9:20  9:35
    2  ema       NSE:INFY   SELL  100  102.00  102.50   -50.00    10.00    -60.00    STOP    9:30  10:10
    3  orb       NSE:SBIN   BUY    10  500.00  530.00  +300.00    20.00   +280.00    TRAIL  10:00  11:00
    4  orb       NSE:SBIN   BUY    10  530.00  529.50    -5.00    20.00    -25.00    STOP   12:00  12:30

gross 100 - 50 + 300 - 5 = 345; charges 60; net 285. Won 2 of 4. Expectancy 285 / 4 = 71.25. Profit
factor (90 + 280) / (60 + 25) = 370 / 85. Equity after each exit: 90, 30, 310, 285: the deepest fall
is 60, from 9:35 to 11:00, 85 minutes long; the last one (25) is not recovered.
Open: 9:20 to 11:00 without a gap, and 12:00 to 12:30: 130 minutes. Values: 10,000, 10,200, 5,000,
5,300. At once: 9:30 to 9:35 trades 1 and 2 (20,200), 10:00 to 10:10 trades 2 and 3 (15,200).
Mean: (15 x 10,000 + 40 x 10,200 + 60 x 5,000 + 30 x 5,300) / 130 = 1,017,000 / 130 = 7,823.07.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from otrade.research.report.report import Report, report_of
from otrade.research.report.source import ReportSource
from otrade.research.report.tables import csv_of, json_of
from otrade.research.report.words import screen
from otrade.research.results.reader import Result
from otrade.research.results.writer import ResultWriter
from tests.research.results.rows import DAY, at_ns, facts, money, point, trade

MINUTE_NS = 60_000_000_000


def at(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    return at_ns(DAY, hours * 60 + minutes - 9 * 60 - 15)


def sheet_trades() -> list[dict[str, Any]]:
    infy, sbin = {"strategy": "ema"}, {"strategy": "orb", "symbol": "NSE:SBIN", "quantity": 10}
    return [
        trade(trade_id=1, entry_ns=at("9:20"), exit_ns=at("9:35"), **money(10_000, 1_000), **infy),
        trade(
            trade_id=2, side="SELL", entry_ns=at("9:30"), exit_ns=at("10:10"), entry_e4=1_020_000,
            exit_e4=1_025_000, exit_reason="STOP", mae_paise=-6_000, mfe_paise=1_000, **money(-5_000, 1_000), **infy,
        ),
        trade(
            trade_id=3, entry_ns=at("10:00"), exit_ns=at("11:00"), entry_e4=5_000_000, exit_e4=5_300_000,
            exit_reason="TRAIL", exit_slippage_paise=None, naked_ns=None, **money(30_000, 2_000), **sbin,
        ),
        trade(
            trade_id=4, entry_ns=at("12:00"), exit_ns=at("12:30"), entry_e4=5_300_000, exit_e4=5_295_000,
            exit_reason="STOP", **money(-500, 2_000), **sbin,
        ),
    ]  # fmt: skip


def sheet(folder: Path, rows: list[dict[str, Any]], **told: Any) -> Result:
    points = [
        point(at("9:35"), 10_000, 1_000),
        point(at("10:10"), 5_000, 2_000),
        point(at("11:00"), 35_000, 4_000),
        point(at("12:30"), 34_500, 6_000),
    ]
    with ResultWriter(folder) as writer:
        writer.add_day(DAY, trades=rows, equity=points)
        return Result.open(writer.finish(facts(**told)))


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return report_of(ReportSource([sheet(tmp_path / "day", sheet_trades())]))


def test_the_whole_day(report: Report) -> None:
    total = report.total
    assert (total.gross_paise, total.charges_paise, total.net_paise) == (34_500, 6_000, 28_500)
    assert total.kinds["brokerage_paise"] == 6_000 and total.kinds["stt_paise"] == 0
    assert (total.n_trades, total.n_won, total.n_lost, total.win_rate) == (4, 2, 2, 0.5)
    assert total.expectancy_paise == 7_125
    assert total.profit_factor == 37_000 / 8_500
    assert (total.average_win_paise, total.average_loss_paise) == (18_500, -4_250)
    assert (total.best_paise, total.worst_paise) == (28_000, -6_000)
    assert total.held_ns == (15 + 40 + 60 + 30) * MINUTE_NS


def test_what_is_known_of_some_trades_is_said_of_them(report: Report) -> None:
    total = report.total
    assert (total.slippage.total, total.slippage.n) == (1_500, 3)
    assert (total.naked_ns.total, total.naked_ns.n) == (120_000_000, 3)
    assert (total.mae.total, total.mae.n) == (-15_000, 4)
    assert "15.00 (3 of 4 trades)" in screen(report)


def test_drawdown(report: Report) -> None:
    curve = report.curve
    assert curve.is_net and curve.deepest is not None and curve.longest is not None
    assert curve.deepest.depth_paise == -6_000
    assert curve.deepest.from_ns == at("9:35") and curve.deepest.bottom_ns == at("10:10")
    assert curve.deepest.until_ns == at("11:00")
    assert curve.longest.depth_paise == -2_500 and curve.longest.until_ns is None
    assert [p.below_paise for p in curve.points] == [0, -6_000, 0, -2_500]


def test_exposure(report: Report) -> None:
    open_time = report.exposure
    assert open_time.in_market_ns == 130 * MINUTE_NS
    assert (open_time.most_paise, open_time.most_trades) == (2_020_000, 2)
    assert open_time.mean_paise == 101_700_000 // 130


def test_groups(report: Report) -> None:
    def nets(by: str) -> dict[str, int | None]:
        return {name: figures.net_paise for name, figures in report.groups[by].items()}

    assert nets("day") == {"2026-11-20": 28_500}
    assert nets("week") == {"2026-W47": 28_500}
    assert nets("strategy") == {"ema": 3_000, "orb": 25_500}
    assert nets("instrument") == {"NSE:INFY": 3_000, "NSE:SBIN": 25_500}
    assert nets("hour") == {"09:00": 3_000, "10:00": 28_000, "12:00": -2_500}
    assert nets("reason") == {"STOP": -8_500, "TARGET": 9_000, "TRAIL": 28_000}
    assert report.groups["reason"]["STOP"].profit_factor == 0
    assert report.groups["reason"]["TRAIL"].profit_factor is None


def test_the_screen_says_net_and_gross(report: Report) -> None:
    text = screen(report)
    assert "Profit net                   285.00" in text
    assert "Profit gross                 345.00" in text
    assert "Charges                      60.00" in text
    assert "2 won, 2 lost, 50.0 %" in text and "not known: the capital" in text


def test_csv_has_each_figure_and_trade(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    by_kind = {(row["by"], row["key"]): row for row in rows}
    assert by_kind["all", ""]["net_paise"] == "28500"
    assert by_kind["strategy", "orb"]["charges_paise"] == "4000"
    third = by_kind["trade", "2026-11-20/3"]
    assert third["slippage_paise"] == "" and third["slippage_known"] == "0"
    assert third["entry_rupees"] == "500.0000" and third["exit_time"] == "2026-11-20 11:00:00"
    assert len([row for row in rows if row["by"] == "trade"]) == 4


def test_json_has_everything_but_the_configuration(report: Report) -> None:
    told = json.loads(json_of(report))
    assert told["total"]["net_paise"] == 28_500 and len(told["trades"]) == 4
    assert told["ratios"]["sharpe"] is None and "capital" in told["ratios"]["why"]
    assert "configuration" not in told["facts"][0]


# ------------------------------------------------------------------------------ unknown charges
def test_unknown_charges_are_said_and_never_0(tmp_path: Path) -> None:
    rows = sheet_trades()
    rows[1] |= money(-5_000, None) | {"brokerage_paise": 700, "stt_paise": None}
    points = [point(at("9:35"), 10_000, 1_000), point(at("10:10"), 5_000, None)]
    with ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY, trades=rows, equity=points)
        result = Result.open(writer.finish(facts(capital_paise=1_000_000)))
    report = report_of(ReportSource([result]))
    total = report.total
    assert total.net_paise is None and total.charges_paise is None and total.gross_paise == 34_500
    assert total.win_rate is None and total.expectancy_paise is None and total.n_uncharged == 1
    assert total.kinds["stt_paise"] is None and total.kinds["brokerage_paise"] == 5_700
    assert report.groups["strategy"]["orb"].net_paise == 25_500
    assert report.groups["strategy"]["ema"].net_paise is None
    assert not report.curve.is_net and report.curve.points[-1].value_paise == 5_000
    assert report.ratios.sharpe is None and "charges of 1 of 1 days" in report.ratios.why
    text = screen(report)
    assert "charges of 1 of 4 trades are not known" in text
    assert "Profit net                   not known" in text
    assert "Deepest drawdown (gross, as charges are not known)" in text
    trade_row = next(
        r for r in csv.DictReader(io.StringIO(csv_of(report))) if r["key"].endswith("/2")
    )
    assert trade_row["net_paise"] == "" and trade_row["gross_paise"] == "-5000"


def test_a_result_without_a_trade(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY)
        result = Result.open(writer.finish(facts(capital_paise=1_000_000)))
    report = report_of(ReportSource([result]))
    assert report.total.net_paise == 0 and report.total.win_rate is None
    assert report.curve.deepest is None and "Trades                       0" in screen(report)
