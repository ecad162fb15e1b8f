"""Results for the page, through the process that reads them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from otrade.contract import results as contract
from otrade.errors import ResultError
from otrade.research.results.writer import ResultWriter
from otrade.server.result_queries import ResultQueries
from tests.cli.test_report import archive_of_a_day
from tests.research.report.test_one_day_sheet import sheet, sheet_trades
from tests.research.results.rows import DAY, at_ns, facts, order, trade


@pytest.fixture
def results(tmp_path: Path) -> ResultQueries:
    sheet(tmp_path / "results" / "mine", sheet_trades())
    return ResultQueries(tmp_path / "results")


def ask(question: Any) -> Any:
    async def body() -> Any:
        return await question

    return asyncio.run(body())


def test_the_list_names_what_cannot_be_used(tmp_path: Path, results: ResultQueries) -> None:
    old = sheet(tmp_path / "results" / "old", sheet_trades()).folder / "result.json"
    old.write_text(old.read_text().replace('"version": 1', '"version": 9'))
    (tmp_path / "results" / ".new-half").mkdir()
    (tmp_path / "results" / "mine.html").touch()
    mine, spoilt = ask(results.summaries())
    assert (mine.name, mine.trades, mine.gross_e4, mine.net_e4) == ("mine", 4, 3_450_000, 2_850_000)
    assert spoilt.name == "old" and "layout 9" in spoilt.trouble
    assert ask(ResultQueries(tmp_path / "nowhere").summaries()) == []


def test_one_whole(results: ResultQueries) -> None:
    view = ask(results.whole(contract.ResultQuery(name="mine")))
    assert view.is_net and [point.value_e4 for point in view.curve] == [
        900_000,
        300_000,
        3_100_000,
        2_850_000,
    ]
    figures = {row.name: row.value for row in view.figures}
    assert figures["Profit net"] == "285.00" and figures["Profit gross"] == "345.00"
    by = {group.by: {row.key: row.net_e4 for row in group.rows} for group in view.groups}
    assert by["strategy"] == {"ema": 300_000, "orb": 2_550_000} and "day" not in by
    assert [day.net_e4 for day in view.days] == [2_850_000]


def test_rows_by_day_and_page(tmp_path: Path, results: ResultQueries) -> None:
    page = ask(results.result_trades(contract.ResultRowsQuery(name="mine", offset=1, limit=2)))
    assert page.total == 4 and [row.id for row in page.rows] == [2, 3]
    assert page.rows[1].slippage_e4 is None and page.rows[1].naked_ms is None
    none = ask(results.result_trades(contract.ResultRowsQuery(name="mine", day="2026-11-19")))
    assert none.total == 0 and none.rows == []
    with ResultWriter(tmp_path / "results" / "orders") as writer:
        writer.add_day(DAY, trades=[trade()], orders=[order()])
        writer.finish(facts())
    [row] = ask(results.result_orders(contract.ResultRowsQuery(name="orders", day=str(DAY)))).rows
    assert (row.order_id, row.leg, row.trigger_e4) == ("OT0000010000E010001", "ENTRY", None)


def test_candles_of_the_archive(tmp_path: Path, results: ResultQueries) -> None:
    query = contract.ResultCandlesQuery(name="mine", symbol="NSE:INFY", day=str(DAY))
    assert ask(results.result_candles(query)) == []
    archive_of_a_day(tmp_path / "data")
    found = ask(results.result_candles(query))
    assert len(found) == 120 and found[0].ts_ms == at_ns(DAY) // 1_000_000


@pytest.mark.parametrize("name", ["nowhere", "..", "mine.html", ".new-half"])
def test_a_name_is_one_of_those_that_are_there(results: ResultQueries, name: str) -> None:
    with pytest.raises(ResultError, match=r"there is no result|\$\.name"):
        ask(results.whole(contract.ResultQuery(name=name)))


def test_a_changed_result_is_said(tmp_path: Path, results: ResultQueries) -> None:
    (tmp_path / "results" / "mine" / "trades.parquet").write_bytes(b"nothing")
    with pytest.raises(ResultError, match="was changed since it was written"):
        ask(results.whole(contract.ResultQuery(name="mine")))


def test_without_the_library_it_is_said(
    results: ResultQueries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hidden" / "pyarrow").mkdir(parents=True)
    (tmp_path / "hidden" / "pyarrow" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'hidden'}{os.pathsep}{os.getcwd()}")
    with pytest.raises(ResultError, match="pip install"):
        ask(results.summaries())
