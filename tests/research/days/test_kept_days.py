"""A paper day, kept as a result: to the paisa and the fill what the engine itself says of that day."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from otrade.charges import ChargeTable
from otrade.config import RunOptions
from otrade.config.manager import load
from otrade.config.schema import Config
from otrade.errors import JournalError
from otrade.journal.archive import compress
from otrade.journal.layout import HEADER_BYTES
from otrade.live import app
from otrade.live.history.trade_ledger import ClosedTrade
from otrade.live.monitoring.day_report import DaySummary
from otrade.live.runner import Runner
from otrade.research.days.day_reader import JournalDay
from otrade.research.days.keeping import journal_of, keep_day, keep_days, kept_of
from otrade.research.days.process import main
from otrade.research.report.report import report_of
from otrade.research.report.source import ReportSource
from otrade.research.results.reader import Result
from tests.harness.paper_process import run_and_die
from tests.harness.paper_run import CONFIG, FRIDAY, MAX, write

DAY = dt.date.fromisoformat(FRIDAY)
NOW = dt.datetime(2026, 11, 20, 16, tzinfo=dt.UTC)


class TradedDay(NamedTuple):
    """What the engine said at the end, and the folder where its journal lies."""

    summary: DaySummary
    trades: list[ClosedTrade]
    orders: list[dict[str, Any]]
    var: Path


def trade_it(folder: Path, config: Path) -> TradedDay:
    """`otrade run` in this process, to the day's end."""
    kept: list[TradedDay] = []
    with pytest.MonkeyPatch.context() as patch:
        finish = Runner.finish

        def finish_and_keep(runner: Runner, *args: Any) -> DaySummary:
            assert runner.day is not None
            engine = runner.day.engine
            orders = [dict(engine.order(slot)) for slot in range(engine.n_orders)]
            summary = finish(runner, *args)
            kept.append(TradedDay(summary, runner.day.trades.trades, orders, folder / "var"))
            return summary

        patch.setattr(Runner, "finish", finish_and_keep)
        patch.chdir(folder)
        assert app.run(RunOptions(config=config, speed=MAX, date=FRIDAY, page=False)) == app.EXIT_OK
    return kept[0]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> TradedDay:
    folder = tmp_path_factory.mktemp("day")
    return trade_it(folder, write(folder, paths={"var": str(folder / "var")}))


def journal(traded: TradedDay) -> Path:
    found = journal_of(traded.var / "journal", DAY)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def day(traded: TradedDay) -> JournalDay:
    read = JournalDay(journal(traded), ChargeTable.load())
    read.read()
    return read


def test_trades_are_those_of_the_engine(traded: TradedDay, day: JournalDay) -> None:
    assert len(day.trades) == len(traded.trades) > 3 and not day.trouble
    for row, told in zip(
        day.trades,
        sorted(traded.trades, key=lambda one: (one.ts_exit_ns, one.bracket_id)),
        strict=True,
    ):
        assert row["gross_paise"] * 100 == told.gross_e4
        assert told.charges_e4 is not None and row["charges_paise"] * 100 == told.charges_e4
        assert row["net_paise"] * 100 == told.net_e4
        assert row["brokerage_paise"] * 100 == told.charges.brokerage
        assert (row["entry_ns"], row["exit_ns"]) == (told.ts_entry_ns, told.ts_exit_ns)
        assert (row["entry_e4"], row["exit_e4"]) == (told.entry_px_e4, told.exit_px_e4)
        assert row["exit_reason"] == told.exit_reason.name
        assert row["naked_ns"] == told.naked_total_ns
        assert row["strategy"] in ("INFY cross", "SBIN cross")
        assert row["mae_paise"] <= min(0, row["gross_paise"])
        assert row["mfe_paise"] >= max(0, row["gross_paise"])
        assert row["entry_slippage_paise"] == told.slippage_e4 * told.qty // 100
        assert row["bars_held"] == (told.ts_exit_ns - told.ts_entry_ns) // 60_000_000_000
        assert row["exit_slippage_paise"] is not None
    by_signal = [row for row in day.trades if row["exit_reason"] == "SIGNAL"]
    assert by_signal, "trades that a crossover has left"
    for row in by_signal:
        # Held against the last price at the decision: a spread or two away, and never a bar.
        worst = 0.001 * row["exit_e4"] * row["quantity"] / 100
        assert abs(row["exit_slippage_paise"]) < worst


def test_fills_come_to_the_orders_and_the_trades(traded: TradedDay, day: JournalDay) -> None:
    by_order: dict[str, list[int]] = {}
    for fill in day.fills:
        both = by_order.setdefault(fill["order_id"], [0, 0])
        both[0] += fill["quantity"]
        both[1] += fill["quantity"] * fill["price_e4"]
    told = {
        o["cl_ord_id"]: [o["cum_qty"], o["cum_value_e4"]] for o in traded.orders if o["cum_qty"]
    }
    assert {key: both[0] for key, both in by_order.items()} == {k: v[0] for k, v in told.items()}
    assert {key: both[1] for key, both in by_order.items()} == {k: v[1] for k, v in told.items()}
    for trade in day.trades:
        of_trade = [fill for fill in day.fills if fill["trade_id"] == trade["trade_id"]]
        signs = {"BUY": 1, "SELL": -1}
        assert sum(signs[fill["side"]] * fill["quantity"] for fill in of_trade) == 0
        paid_e4 = sum(signs[f["side"]] * f["quantity"] * f["price_e4"] for f in of_trade)
        assert paid_e4 == -100 * trade["gross_paise"]
        assert {fill["reason"] for fill in of_trade} == {"", trade["exit_reason"]}


def test_every_order_is_there(traded: TradedDay, day: JournalDay) -> None:
    assert {row["order_id"] for row in day.orders} == {o["cl_ord_id"] for o in traded.orders}
    assert all(row["ended_ns"] for row in day.orders)


def test_the_curve_ends_at_the_day(traded: TradedDay, day: JournalDay) -> None:
    last = day.equity[-1]
    assert last["gross_paise"] * 100 == traded.summary.gross_e4 and last["open_paise"] == 0
    assert last["net_paise"] * 100 == traded.summary.net_e4
    assert len(day.equity) >= len({fill["ts_ns"] for fill in day.fills})
    times = [row["ts_ns"] for row in day.equity]
    assert times == sorted(times)


def test_a_day_is_kept_and_reported(traded: TradedDay, tmp_path: Path) -> None:
    folder = keep_day(journal(traded), tmp_path, NOW)
    assert folder.name == "2026-11-20-paper"
    report = report_of(ReportSource([Result.open(folder)]))
    assert report.total.net_paise is not None and traded.summary.net_e4 is not None
    assert report.total.net_paise * 100 == traded.summary.net_e4
    assert report.curve.points[-1].value_paise == report.total.net_paise
    assert not [note for note in report.notes if "2026-11-20:" in note]
    assert kept_of(tmp_path, DAY) == [folder]
    facts = Result.open(folder).facts
    assert facts.capital_paise == 100_000_000, "the funds that the configuration gives"
    kept = msgspec.convert(
        {key: facts.configuration[key] for key in Config.__struct_encode_fields__}, Config
    )
    assert kept == load(traded.var.parent / "config.json"), "the whole configuration"
    assert facts.configuration["trouble"] == "" and facts.configuration["config_hash"]


def test_it_is_made_once_and_anew_when_the_journal_has_grown(
    traded: TradedDay, tmp_path: Path
) -> None:
    source = tmp_path / "journal" / f"{DAY}.otj"
    source.parent.mkdir()
    shutil.copy(journal(traded), source)
    whole = source.read_bytes()
    cut = HEADER_BYTES + (len(whole.rstrip(b"\0")) - HEADER_BYTES) // 2
    source.write_bytes(whole[:cut].ljust(len(whole), b"\0"))
    results = tmp_path / "results"
    folder = keep_day(source, results, NOW)
    first = Result.open(folder)
    assert first.facts.days[0].note and "did not end in order" in first.facts.days[0].note
    source.write_bytes(whole)
    assert keep_day(source, results, NOW) == folder
    second = Result.open(folder)
    assert second.n_rows("trades") > first.facts.days[0].trades
    stamp = (folder / "result.json").stat().st_ino
    compress(source)
    assert keep_days(source.parent, results, [DAY], NOW) == []
    assert (folder / "result.json").stat().st_ino == stamp, "the same records: nothing is made anew"


def test_damage_ends_the_day_in_words(traded: TradedDay, tmp_path: Path) -> None:
    source = tmp_path / f"{DAY}.otj"
    content = bytearray(journal(traded).read_bytes())
    content[(len(bytes(content).rstrip(b"\0")) + HEADER_BYTES) // 2] ^= 0xFF
    source.write_bytes(content)
    note = Result.open(keep_day(source, tmp_path / "results", NOW)).facts.days[0].note
    assert note and "damaged" in note and "this is the day until" in note


def test_a_whole_result_is_not_given_up_for_less(traded: TradedDay, tmp_path: Path) -> None:
    source = tmp_path / f"{DAY}.otj"
    content = bytearray(journal(traded).read_bytes())
    source.write_bytes(content)
    folder = keep_day(source, tmp_path / "results", NOW)
    before = (folder / "result.json").read_bytes()
    content[(len(bytes(content).rstrip(b"\0")) + HEADER_BYTES) // 2] ^= 0xFF
    source.write_bytes(content)
    assert keep_day(source, tmp_path / "results", NOW) == folder
    assert (folder / "result.json").read_bytes() == before


def test_a_core_that_begins_in_the_middle_of_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run dies with a position open, and the next one has another configuration: a core of its own
    takes the position over before it hears a price. The day is whole, and nothing is worth nothing.
    """
    monkeypatch.chdir(tmp_path)
    paths = {"var": str(tmp_path / "var")}
    run_and_die(write(tmp_path, paths=paths), "10:00:00+open", date=FRIDAY)
    other = [one | {"params": {"fast_period": 4, "slow_period": 9}} for one in CONFIG["strategies"]]
    traded = trade_it(tmp_path, write(tmp_path, paths=paths, strategies=other))
    day = JournalDay(journal(traded), ChargeTable.load())
    day.read()
    assert day.found.n_sections == 2 and not day.trouble
    assert sum(row["gross_paise"] for row in day.trades) * 100 == traded.summary.gross_e4
    assert sum(row["net_paise"] for row in day.trades) * 100 == traded.summary.net_e4
    assert day.equity[-1]["net_paise"] * 100 == traded.summary.net_e4
    signs = {"BUY": 1, "SELL": -1}
    paid_e4 = sum(signs[one["side"]] * one["quantity"] * one["price_e4"] for one in day.fills)
    assert -paid_e4 == traded.summary.gross_e4, "money is exact, whatever the book told first"
    most = max(row["entry_e4"] * row["quantity"] // 100 for row in day.trades)
    assert all(abs(row["open_paise"]) < most // 10 for row in day.equity)
    assert all(
        -most // 10 < row["mae_paise"] and row["mfe_paise"] < most // 10 for row in day.trades
    )


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.otj").write_bytes(b"nothing")
    with pytest.raises(JournalError):
        keep_day(tmp_path / f"{DAY}.otj", tmp_path / "results", NOW)
    told = keep_days(tmp_path, tmp_path / "results", [DAY, DAY + dt.timedelta(days=3)], NOW)
    assert len(told) == 2 and "there is no journal of 2026-11-23" in told[1]


def test_the_process_keeps_days(
    traded: TradedDay,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.nice", lambda _n: 0)
    (tmp_path / "journal").mkdir()
    shutil.copy(journal(traded), tmp_path / "journal")
    assert main(["--var", str(tmp_path), FRIDAY]) == 0
    assert kept_of(tmp_path / "results", DAY)
    assert main(["--var", str(tmp_path), "2026-11-23"]) == 1
    assert "no journal of 2026-11-23" in capsys.readouterr().err
