"""The document's own code, run as it stands; and what DataFrames say of what is not known."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import otrade.research as r
from otrade.errors import ResultError
from otrade.live.runtime.child_processes import ChildCommand
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import NewMonth, PriceArchive
from otrade.research.history.month_file import table_of
from otrade.research.history.series import Origin, PriceSeries, SeriesFacts
from otrade.research.notebook import running
from otrade.research.results.writer import ResultWriter
from tests.harness.paper_run import CONFIG
from tests.research.report.test_one_day_sheet import at, sheet, sheet_trades
from tests.research.results.rows import DAY, at_ns, facts, money, trade

DOCUMENT = Path(__file__).parents[3] / "docs" / "report.md"
PIECES = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)


def test_the_documents_code_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet(tmp_path / "var" / "results" / "my-first", sheet_trades())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(PIECES[0], names)
    assert "backtest 2026-11-20 2026-11-20" in capsys.readouterr().out
    assert names["net"] == 285
    assert names["by_reason"]["sum"].to_dict() == {"STOP": -85, "TARGET": 90, "TRAIL": 280}
    assert list(names["worst"]["net"]) == [-60, -25, 90, 280]
    assert names["curve"].iloc[-1] == 285
    assert names["result"]._repr_html_().startswith("<!doctype html>")


def test_the_documents_backtest_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself, in a process of its own, over minutes that were made here."""
    monkeypatch.chdir(tmp_path)
    days = [DAY - dt.timedelta(days=n) for n in range(18, -1, -1)]
    bars: dict[str, list[FileBar]] = {}
    for n, day in enumerate(day for day in days if day.weekday() < 5):
        for minute in range(375):
            px = 15_000_000 + 30_000 * (
                (minute + n) % 40 if (minute + n) % 80 < 40 else 40 - (minute + n) % 40
            )
            bars.setdefault(str(day)[:7], []).append(
                FileBar(at_ns(day, minute), px, px + 10_000, px - 10_000, px + 5_000, 1_000)
            )
    series = PriceSeries("NSE:INFY", "1m")
    archive = PriceArchive(tmp_path / "var" / "data")
    with archive.changing():
        months = {
            month: NewMonth(
                table_of(series, some),
                Origin("csv", "made", "2026-11-20 16:00", len(some), "", "", "0"),
            )
            for month, some in bars.items()
        }
        archive.merge(series, SeriesFacts("cash", 500), months, "refuse")
    (tmp_path / "config").mkdir()
    one = {"instruments": [{"symbol": "NSE:INFY"}], "strategies": CONFIG["strategies"][:1]}
    (tmp_path / "config" / "paper.json").write_text(json.dumps(CONFIG | one))
    names: dict[str, Any] = {"r": r}
    exec(PIECES[1], names)
    tested = names["tested"]
    assert tested.facts.kind == "backtest" and tested.facts.name == "tighter"
    assert len(tested.trades) > 10 and tested.days["net"].sum() == pytest.approx(
        tested.trades["net"].sum()
    )
    assert tested.equity["net"].iloc[-1] == pytest.approx(tested.days["net"].sum())
    assert tested.report.total.n_trades == len(tested.trades)


def test_units_and_times(tmp_path: Path) -> None:
    result = r.open(sheet(tmp_path / "r", sheet_trades()).folder)
    row = result.trades.iloc[1]
    assert (row["entry"], row["exit"], row["gross"], row["charges"]) == (102.0, 102.5, -50.0, 10.0)
    assert row["entry_time"] == pd.Timestamp("2026-11-20 09:30", tz="Asia/Kolkata")
    assert result.trades["naked_ns"].isna().tolist() == [False, False, True, False]
    assert result.equity.index[0] == pd.Timestamp(at("9:35"), tz="UTC")
    assert result.days["net"].tolist() == [285.0] and result.days["trades"].tolist() == [4]
    assert result.orders.empty and result.fills.empty
    assert result.report.total.net_paise == 28_500 and result.report.ratios.sharpe is None


def test_what_is_not_known_is_missing(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY, trades=[trade(), trade(trade_id=2, **money(-500, None))])
        writer.finish(facts())
    result = r.open(tmp_path / "r")
    assert result.trades["net"].isna().tolist() == [False, True]
    assert pd.isna(result.trades["net"].sum(skipna=False)) and result.days["net"].isna().all()


# -------------------------------------------------------------------------------------- backtest
def stand_in(monkeypatch: pytest.MonkeyPatch, program: str) -> list[str]:
    """A program in the place of `otrade backtest`; the words that it was given."""
    given: list[str] = []

    def command(words: list[str]) -> ChildCommand:
        given.extend(words)
        return ChildCommand([sys.executable, "-c", program], {})

    monkeypatch.setattr(running, "backtest_command", command)
    return given


def test_a_backtest_is_run_and_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sheet(tmp_path / "r", sheet_trades()).folder
    program = f"""
print('{{"day": "2026-11-20", "done": 1, "of": 1, "trades": 4, "net_paise": 28500}}')
print('{{"result": "{folder}"}}')"""
    given = stand_in(monkeypatch, program)
    seen: list[dict[str, object]] = []
    result = r.backtest(
        "c.json", "2026-11-20", DAY, on_day=seen.append, replace=True, lot=["A=1", "B=2"], data="d", queue=False,
    )  # fmt: skip
    assert result.trades["net"].sum() == 285 and seen[0]["done"] == 1
    assert given == [
        "c.json", "--from", "2026-11-20", "--to", "2026-11-20", "--progress", "json", "--replace", "--lot=A=1", "--lot=B=2",
        "--data=d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "import sys; print('otrade: no prices of July', file=sys.stderr); sys.exit(1)",
            "^no prices",
        ),
        ("import os; os.kill(os.getpid(), 9)", "ended with -9"),
        ("", "ended with 0"),
    ],
)
def test_a_refusal_comes_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    stand_in(monkeypatch, program)
    with pytest.raises(ResultError, match=words):
        r.backtest("c.json", DAY, DAY)


def test_an_option_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResultError, match="no such option"):
        r.backtest("c.json", DAY, DAY, **{"x --out=/etc": True})
