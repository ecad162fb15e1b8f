"""A backtest end to end: from an archive to a result that a reader opens."""

from __future__ import annotations

import dataclasses
import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade._core.types import Reason
from otrade.calendar import Calendar, at_ns
from otrade.cli.main import main
from otrade.config.manager import to_bytes
from otrade.config.schema import BacktestConfig
from otrade.errors import BacktestError, HistoryError
from otrade.live.notices.messages import reason_words
from otrade.price_files.bars import FileBar
from otrade.research.backtest.backtest import Backtest
from otrade.research.backtest.day_rows import DayRows
from otrade.research.backtest.models import Models, models_of
from otrade.research.results.reader import Result
from tests.research.backtest import worlds
from tests.research.backtest.worlds import DAYS, MINUTE_NS, TICK

SHIPPED = (
    "ema_crossover",
    "opening_range",
    "rsi_reversion",
    "supertrend_trailing",
    "volatility_breakout",
    "vwap_reversion",
)
TABLES = ("trades", "orders", "fills", "equity")


def of_file(name: str, instrument: str = "NSE:INFY") -> dict[str, Any]:
    return {
        "kind": "file",
        "name": name.replace("_", "-"),
        "file": f"{name}.py",
        "instrument": instrument,
        "sizing": {"mode": "fixed", "value": 40},
        "bracket": {
            "stop": {"kind": "pct", "value": 0.25},
            "target": {"kind": "pct", "value": 0.5},
        },
        "bar_s": 60,
    }


def test_days_instruments_and_strategies_add_up(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data", ("NSE:INFY", "NSE:SBIN"))
    made = worlds.config(
        [worlds.strategy("a", "NSE:INFY"), worlds.strategy("b", "NSE:SBIN")], tmp_path / "var"
    )
    report, result = worlds.run(tmp_path, made)
    trades = worlds.rows(result, "trades")
    assert report.days == 3 and len(trades) == report.trades > 30
    assert {row["strategy"] for row in trades} == {"a", "b"}
    assert {row["day"] for row in trades} == set(DAYS)
    assert result.facts.n_days == 3 and [day.trades for day in result.facts.days] == [
        sum(row["day"] == day for row in trades) for day in DAYS
    ]
    # Every execution belongs to a trade, and each trade is flat at its end.
    fills = worlds.rows(result, "fills")
    for row in trades:
        own = [fill for fill in fills if fill["trade_id"] == row["trade_id"]]
        bought = sum(fill["quantity"] for fill in own if fill["side"] == "BUY")
        sold = sum(fill["quantity"] for fill in own if fill["side"] == "SELL")
        assert bought == sold == row["quantity"]
        paid = sum(
            fill["quantity"] * fill["price_e4"] * (1 if fill["side"] == "SELL" else -1)
            for fill in own
        )
        assert paid == row["gross_paise"] * 100
    # The curve ends where the trades' sum is, after every day.
    equity = worlds.rows(result, "equity")
    for day in DAYS:
        until = [row for row in trades if row["day"] <= day]
        last = [point for point in equity if point["day"] == day][-1]
        assert last["gross_paise"] == sum(row["gross_paise"] for row in until)
        assert last["net_paise"] == sum(row["net_paise"] for row in until)
        assert last["open_paise"] == 0
    assert report.net_paise == sum(row["net_paise"] for row in trades)
    # Nothing is bought or sold outside the bars of its minute.
    by_time = {
        (symbol, bar.ts_ns): bar
        for n, symbol in enumerate(("NSE:INFY", "NSE:SBIN"))
        for day in DAYS
        for bar in worlds.bars_of(day, n, 15_000_000 + n * 500_000)
    }
    for fill in fills:
        bar = by_time[fill["symbol"], fill["ts_ns"] // MINUTE_NS * MINUTE_NS]
        assert bar.low_e4 - TICK <= fill["price_e4"] <= bar.high_e4 + TICK


def test_the_same_run_gives_the_same_rows(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data")
    made = worlds.config(
        [worlds.strategy("a", "NSE:INFY"), of_file("supertrend_trailing")], tmp_path / "var"
    )
    models = Models(latency_ms=40.0)
    _, one = worlds.run(tmp_path, made, "one", models=models)
    _, two = worlds.run(tmp_path, made, "two", models=models)
    assert one.facts.files == two.facts.files
    assert one.n_rows("trades") > 10


@pytest.mark.parametrize("latency_ms", [0.0, 250.0])
def test_beats_that_are_passed_over_change_nothing(tmp_path: Path, latency_ms: float) -> None:
    worlds.archive(tmp_path / "data", ("NSE:INFY", "NSE:SBIN"))
    trailing = {
        "stop": {"kind": "pct", "value": 0.2},
        "trail": {"kind": "pct", "distance": 0.15, "step": 0.02, "activate": 0.1},
        "time_exit_min": 9,
    }
    both = {
        "stop": {"kind": "pct", "value": 0.2},
        "target": {"kind": "pct", "value": 0.3},
        "exit_mode": "oco",
    }
    made = worlds.config(
        [
            worlds.strategy("a", "NSE:INFY"),
            worlds.strategy("b", "NSE:SBIN", bracket=trailing),
            worlds.strategy("c", "NSE:SBIN", bracket=both),
            of_file("vwap_reversion"),
        ],
        tmp_path / "var",
    )
    models = Models(latency_ms=latency_ms)
    _, one = worlds.run(tmp_path, made, "one", models=models)
    _, two = worlds.run(tmp_path, made, "two", models=models, every_beat=True)
    for name in ("trades", "orders", "fills"):
        assert worlds.rows(one, name) == worlds.rows(two, name)
    assert one.n_rows("trades") > 30


@pytest.mark.parametrize("name", [*SHIPPED, "ema_cross"])
def test_what_comes_later_changes_nothing_that_was_decided(tmp_path: Path, name: str) -> None:
    """Look-ahead: on data cut at any moment every execution up to there is the same."""
    made = worlds.config(
        [worlds.strategy("a", "NSE:INFY") if name == "ema_cross" else of_file(name)],
        tmp_path / "var",
    )
    worlds.archive(tmp_path / "data")
    _, whole = worlds.run(tmp_path, made, "whole")
    fills = worlds.rows(whole, "fills")
    orders = worlds.rows(whole, "orders")
    day = DAYS[1]
    for minute in (20, 97, 211, 340):
        cut_ns = at_ns(day, "09:15") + minute * MINUTE_NS
        data = tmp_path / f"cut-{minute}"
        kept = [
            bar
            for date in DAYS[:2]
            for bar in worlds.bars_of(date, 0, 15_000_000)
            if bar.ts_ns < cut_ns
        ]
        worlds.put(data, "NSE:INFY", kept)
        _, cut = worlds.run(tmp_path, made, f"result-{minute}", data=data, last=day)

        def before(
            rows: list[dict[str, Any]], key: str, cut_ns: int = cut_ns
        ) -> list[tuple[Any, ...]]:
            # A bar's last price is a second before its end; what follows the cut is a market that stands still.
            return [
                (row["order_id"], row["side"], row[key], row.get("price_e4"))
                for row in rows
                if row[key] < cut_ns - MINUTE_NS
            ]

        assert before(worlds.rows(cut, "orders"), "placed_ns") == before(orders, "placed_ns")
        shown = {row["order_id"] for row in worlds.rows(cut, "fills")}
        whole_fills = [row for row in fills if row["order_id"] in shown]
        assert before(worlds.rows(cut, "fills"), "ts_ns") == before(whole_fills, "ts_ns")


def test_indicators_go_on_over_the_night(tmp_path: Path) -> None:
    """The second day is warm: its first entry may come before a cold average is ready."""
    worlds.archive(tmp_path / "data")
    slow = {"bar_s": 60, "on": "bar_close", "side": "both", "fast_period": 20, "slow_period": 60}
    made = worlds.config([worlds.strategy("a", "NSE:INFY", params=slow)], tmp_path / "var")
    _, result = worlds.run(tmp_path, made)
    ready_ns = 60 * MINUTE_NS
    first = {}
    for row in worlds.rows(result, "orders"):
        first.setdefault(row["day"], row["placed_ns"])
    assert first[DAYS[0]] - at_ns(DAYS[0], "09:15") >= ready_ns
    assert any(first[day] - at_ns(day, "09:15") < ready_ns for day in DAYS[1:])


def bar_at(minute: int, opened: int, high: int, low: int, closed: int) -> FileBar:
    return FileBar(at_ns(DAYS[0], "09:15") + minute * MINUTE_NS, opened, high, low, closed, 10_000)


def one_bar_of_both(tmp_path: Path, **models: Any) -> dict[str, Any]:
    """An entry, then one bar in which both stop and target lie, and whose high is nearer to its open."""
    flat = 10_000_000
    bars = [bar_at(i, flat, flat, flat, flat) for i in range(8)]
    bars += [
        bar_at(8, flat, flat + 40 * TICK, flat, flat + 40 * TICK),
        bar_at(9, flat + 40 * TICK, flat + 40 * TICK, flat + 40 * TICK, flat + 40 * TICK),
    ]
    entered = flat + 40 * TICK
    bars.append(bar_at(10, entered, entered + 900 * TICK, entered - 1_000 * TICK, entered))
    bars += [bar_at(i, entered, entered, entered, entered) for i in range(11, 375)]
    worlds.put(tmp_path / "data", "NSE:INFY", bars)
    made = worlds.config(
        [
            worlds.strategy(
                "level",
                "NSE:INFY",
                kind="price_level",
                params={"bar_s": 60, "on": "bar_close", "side": "long", "level_rupees": 1_001.0},
                bracket={
                    "stop": {"kind": "pct", "value": 2.0},
                    "target": {"kind": "pct", "value": 2.0},
                },
            )
        ],
        tmp_path / "var",
    )
    _, result = worlds.run(tmp_path, made, last=DAYS[0], models=Models(**models))
    (trade,) = worlds.rows(result, "trades")
    return trade


def test_the_stop_counts_where_stop_and_target_lie_in_one_bar(tmp_path: Path) -> None:
    assert one_bar_of_both(tmp_path)["exit_reason"] == "STOP"


def test_unless_the_target_is_asked_for(tmp_path: Path) -> None:
    trade = one_bar_of_both(tmp_path, stop_first=False)
    assert trade["exit_reason"] == "TARGET" and trade["gross_paise"] > 0


# ------------------------------------------------------------------------------------------- refusals
def test_a_month_that_is_not_there(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data")
    made = worlds.config([worlds.strategy("a", "NSE:INFY")], tmp_path / "var")
    with pytest.raises(HistoryError, match=r"NSE:INFY 1m: no prices of 2025-10 .*otrade data"):
        worlds.run(tmp_path, made, last=dt.date(2025, 10, 6))
    assert not (tmp_path / "result").exists()


def test_bars_of_another_zone(tmp_path: Path) -> None:
    behind = [
        FileBar(
            bar.ts_ns - 330 * MINUTE_NS,
            *(bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume),
        )
        for bar in worlds.bars_of(DAYS[0], 0, 15_000_000)
    ]
    worlds.put(tmp_path / "data", "NSE:INFY", behind)
    made = worlds.config([worlds.strategy("a", "NSE:INFY")], tmp_path / "var")
    with pytest.raises(BacktestError, match="look like another zone's"):
        worlds.run(tmp_path, made, last=DAYS[0])


def test_holes_and_prices_off_the_tick_are_said(tmp_path: Path) -> None:
    bars = worlds.bars_of(DAYS[0], 0, 15_000_000)
    bars[50] = FileBar(
        bars[50].ts_ns,
        *(bars[50].open_e4 + 1, bars[50].high_e4 + 1, bars[50].low_e4, bars[50].close_e4, 5),
    )
    worlds.put(tmp_path / "data", "NSE:INFY", bars[:100] + bars[112:])
    made = worlds.config([worlds.strategy("a", "NSE:INFY")], tmp_path / "var")
    _, result = worlds.run(tmp_path, made, last=DAYS[1])
    first, second = result.facts.days
    assert "12 bars of the session are missing" in str(first.note)
    assert "2 prices are off the tick" in str(first.note)
    assert second.note == "no prices of NSE:INFY: it is not traded"
    for row in worlds.rows(result, "fills"):
        assert row["price_e4"] % TICK == 0


def test_an_index_is_not_traded_and_its_future_may_have_its_prices(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data", ("NSE:NIFTY 50",))
    on_index = worlds.config([worlds.strategy("a", "NSE:NIFTY 50")], tmp_path / "var")
    with pytest.raises(BacktestError, match=r"--prices 'NFO:NIFTY.FUT=NSE:NIFTY 50'"):
        worlds.run(tmp_path, on_index)
    sized = worlds.strategy("a", "NFO:NIFTY.FUT", sizing={"mode": "fixed", "value": 75})
    made = worlds.config([sized], tmp_path / "var")
    with pytest.raises(HistoryError, match=r"NFO:NIFTY.FUT is NFO:NIFTY25SEPFUT .*--prices"):
        worlds.run(tmp_path, made)
    _, result = worlds.run(tmp_path, made, prices={"NFO:NIFTY.FUT": "NSE:NIFTY 50"})
    assert {row["symbol"] for row in worlds.rows(result, "trades")} == {"NFO:NIFTY25SEPFUT"}
    assert result.facts.models["prices"] == {"NFO:NIFTY.FUT": "NSE:NIFTY 50"}
    assert result.facts.data[0].symbol == "NSE:NIFTY 50"


@pytest.mark.parametrize("symbol", ["NFO:NIFTY.ATMCE", "NFO:NIFTY.25000PE@M", "NFO:NIFTY.FUT@+1"])
def test_a_contract_that_no_archive_names_is_refused(symbol: str, tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data", days=DAYS[:1])
    made = worlds.config([worlds.strategy("one", symbol)], tmp_path / "var")
    with pytest.raises(BacktestError, match="strikes and weeks were listed"):
        worlds.run(tmp_path, made, last=DAYS[0])


def test_a_latency_makes_fills_later(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data")
    made = worlds.config([worlds.strategy("a", "NSE:INFY")], tmp_path / "var")
    _, slow = worlds.run(tmp_path, made, models=Models(latency_ms=300.0))
    placed = {row["order_id"]: row["placed_ns"] for row in worlds.rows(slow, "orders")}
    entries = [row for row in worlds.rows(slow, "fills") if row["leg"] == "ENTRY"]
    assert entries and all(row["ts_ns"] - placed[row["order_id"]] >= 300_000_000 for row in entries)


def test_calendar_reaches_the_years_before() -> None:
    from otrade.research.backtest.past_calendar import with_the_past

    calendar = with_the_past(Calendar.load())
    days = [calendar.session("derivatives", dt.date(2024, 1, day)) for day in (19, 20, 21, 22, 23)]
    assert [day is not None for day in days] == [True, True, False, False, True]
    assert calendar.session("cash", dt.date(2026, 11, 20)) == Calendar.load().session(
        "cash", dt.date(2026, 11, 20)
    )
    assert all(
        a is not None and b is not None and a.open_ns < b.open_ns
        for a, b in pairwise([days[0], days[1]])
    )


# ------------------------------------------------------------------------------------------ where models come from
def test_models_are_the_configurations_and_the_options_go_before() -> None:
    plain, origins = models_of(BacktestConfig(), {}, "1m")
    assert plain == Models() and set(origins.values()) == {"default"}
    assert models_of(BacktestConfig(), {}, "tick")[0].queue == "ahead"
    configured = BacktestConfig(
        latency_ms=20.0, queue="touch", slippage_bps=1.5, share_percent=10.0, path="low"
    )
    models, origins = models_of(configured, {"queue": "through", "slippage_ticks": 3}, "1m")
    assert models == Models(
        latency_ms=20.0, queue="through", slippage_ticks=3, share_percent=10.0, path="low"
    ), "an option says all of its model"
    assert origins == {
        "latency": "configuration",
        "queue": "option",
        "slippage": "option",
        "partial_fills": "configuration",
        "path": "configuration",
        "stop_first": "default",
        "funds": "default",
    }


def test_the_command_says_where_each_came_from(tmp_path: Path) -> None:
    worlds.archive(tmp_path / "data", days=DAYS[:1])
    made = worlds.config([worlds.strategy("one", "NSE:INFY")], tmp_path / "var")
    told = BacktestConfig(latency_ms=25.0, path="high")
    path = tmp_path / "config.json"
    path.write_bytes(to_bytes(msgspec.structs.replace(made, backtest=told)))
    out = tmp_path / "result"
    command = ["backtest", str(path), "--from", f"{DAYS[0]}", "--to", f"{DAYS[0]}"]
    places = ["--data", str(tmp_path / "data"), "--out", str(out), "--progress", "none"]
    assert main([*command, *places, "--target-first"]) == 0
    models = Result.open(out).facts.models
    assert models["latency"] == {"model": "constant", "ms_each_way": 25.0}
    assert models["path"].startswith("open, high, low, close")
    assert models["origins"] == {
        "latency": "configuration",
        "queue": "default",
        "slippage": "default",
        "partial_fills": "default",
        "path": "configuration",
        "stop_first": "option",
        "funds": "default",
    }


def test_the_brokers_own_exit_is_one_order_however_it_trades(tmp_path: Path) -> None:
    """Three positions of 55 shares together, closed five at a time: each pays the fee once, and money adds up."""
    flat, up = 10_000_000, 10_000_000 + 40 * TICK
    bars = [bar_at(i, flat, flat, flat, flat) for i in range(8)]
    bars.append(bar_at(8, flat, up, flat, up))
    bars += [bar_at(i, up, up, up, up) for i in range(9, 355)]
    bars += [dataclasses.replace(bar_at(i, up, up, up, up), volume=0) for i in range(355, 369)]
    for i in range(369, 375):
        level = up - (i - 369) * 3 * TICK
        bars.append(dataclasses.replace(bar_at(i, level, level, level, level), volume=41))
    worlds.put(tmp_path / "data", "NSE:INFY", bars)
    wanted = {"a": 37, "b": 7, "c": 11}
    strategies = [
        worlds.strategy(
            name,
            "NSE:INFY",
            kind="price_level",
            sizing={"mode": "fixed", "value": qty},
            params={"bar_s": 60, "on": "bar_close", "side": "long", "level_rupees": 1_001.0},
            bracket={"stop": {"kind": "pct", "value": 2.0}},
        )
        for name, qty in wanted.items()
    ]
    made = worlds.config(strategies, tmp_path / "var")
    _, result = worlds.run(tmp_path, made, last=DAYS[0], models=Models(share_percent=50.0))
    trades, fills = worlds.rows(result, "trades"), worlds.rows(result, "fills")
    assert {row["strategy"]: row["quantity"] for row in trades} == wanted
    assert {row["exit_reason"] for row in trades} == {"BROKER"}
    assert {row["other_paise"] for row in trades} == {5_900}, "one order of each position"
    exits = [row for row in fills if row["side"] == "SELL"]
    assert {row["trade_id"]: row["order_id"] for row in exits}.keys() == {1, 2, 3}
    assert len({row["order_id"] for row in exits}) == 3
    signs = {"BUY": -1, "SELL": 1}
    earned_e4 = sum(signs[row["side"]] * row["quantity"] * row["price_e4"] for row in fills)
    assert abs(earned_e4 - 100 * sum(row["gross_paise"] for row in trades)) < 300


def test_no_option_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A share that the exchange would round to no bound, and journals that nobody draws from."""
    worlds.archive(tmp_path / "data", days=DAYS[:1])
    path = tmp_path / "config.json"
    made = worlds.config([worlds.strategy("one", "NSE:INFY")], tmp_path / "var")
    path.write_bytes(to_bytes(made))
    days = ["--from", f"{DAYS[0]}", "--to", f"{DAYS[0]}", "--data", str(tmp_path / "data")]
    command = ["backtest", str(path), *days, "--out", str(tmp_path / "result")]
    for more, words in (
        (["--share", "0.004"], "--share 0.004: 0.01 to 100 per cent"),
        (["--journals", "day.otj"], "--latency journal"),
        (["--latency", "5", "--journals", "day.otj"], "--latency journal"),
    ):
        assert main([*command, *more]) == 5
        assert words in capsys.readouterr().err
    told = BacktestConfig(share_percent=0.004)
    path.write_bytes(to_bytes(msgspec.structs.replace(made, backtest=told)))
    assert main(command) == 5
    assert "0.004" in capsys.readouterr().err


def test_the_extreme_that_comes_first_may_be_chosen(tmp_path: Path) -> None:
    high = one_bar_of_both(tmp_path / "high", stop_first=False, path="high")
    low = one_bar_of_both(tmp_path / "low", stop_first=False, path="low")
    assert (high["exit_reason"], low["exit_reason"]) == ("TARGET", "STOP")


# ------------------------------------------------------------------------------- funds, the broker's own square-off
def test_an_entry_that_the_funds_do_not_cover_is_refused(tmp_path: Path) -> None:
    """40 shares at 1,500 rupees block 12,000 intraday; of two strategies the first one has them."""
    worlds.archive(tmp_path / "data", ("NSE:INFY", "NSE:SBIN"), days=DAYS[:1])
    made = worlds.config(
        [worlds.strategy("one", "NSE:INFY"), worlds.strategy("two", "NSE:SBIN")], tmp_path / "var"
    )
    rich, poor = (
        worlds.run(tmp_path / name, made, last=DAYS[0], data=tmp_path / "data", models=models)[1]
        for name, models in (("rich", Models()), ("poor", Models(funds_rupees=13_000.0)))
    )
    entries = [row for row in worlds.rows(poor, "orders") if row["leg"] == "ENTRY"]
    refused = [row for row in entries if row["words"] == reason_words(Reason.BROKER_MARGIN)]
    assert refused and all(row["filled_quantity"] == 0 for row in refused)
    assert 0 < len(worlds.rows(poor, "trades")) < len(worlds.rows(rich, "trades"))
    assert not [row for row in worlds.rows(rich, "orders") if row["words"] == refused[0]["words"]]
    assert poor.facts.capital_paise == 1_300_000 and rich.facts.capital_paise is None
    # At no moment more than one of the two is open.
    spans = sorted((row["entry_ns"], row["exit_ns"]) for row in worlds.rows(poor, "trades"))
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_funds_of_the_next_day_have_paid_all_charges_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned: list[int] = []
    run_day, trades = Backtest._run_day, DayRows.trades

    def noted(backtest: Backtest, *args: Any) -> Any:
        earned.append(args[-1])
        return run_day(backtest, *args)

    def first_not_known(rows: DayRows) -> list[dict[str, Any]]:
        found = trades(rows)
        unknown = dict.fromkeys(("charges_paise", "net_paise", "stt_paise"))
        return [row | unknown for row in found[:1]] + found[1:]

    monkeypatch.setattr(Backtest, "_run_day", noted)
    monkeypatch.setattr(DayRows, "trades", first_not_known)
    worlds.archive(tmp_path / "data", days=DAYS[:2])
    made = worlds.config([worlds.strategy("one", "NSE:INFY")], tmp_path / "var")
    models = Models(funds_rupees=1_000_000.0)
    _, result = worlds.run(tmp_path, made, last=DAYS[1], models=models)
    first = [row for row in worlds.rows(result, "trades") if row["day"] == DAYS[0]]
    gross = sum(row["gross_paise"] for row in first)
    known = sum(row["charges_paise"] for row in first if row["charges_paise"] is not None)
    assert known > 0 and earned == [0, gross - known]


def test_the_broker_closes_what_our_exit_could_not(tmp_path: Path) -> None:
    """Nobody trades from 15:10 to 15:24: our exit finds nothing, and the broker's own one (Kite, 15:20 then) does."""
    flat, up = 10_000_000, 10_000_000 + 40 * TICK
    bars = [bar_at(i, flat, flat, flat, flat) for i in range(8)]
    bars.append(bar_at(8, flat, up, flat, up))
    bars += [bar_at(i, up, up, up, up) for i in range(9, 375)]
    quiet = range(bars[0].ts_ns + 355 * MINUTE_NS, bars[0].ts_ns + 369 * MINUTE_NS)
    bars = [dataclasses.replace(bar, volume=0) if bar.ts_ns in quiet else bar for bar in bars]
    worlds.put(tmp_path / "data", "NSE:INFY", bars)
    strategy = worlds.strategy(
        "level",
        "NSE:INFY",
        kind="price_level",
        params={"bar_s": 60, "on": "bar_close", "side": "long", "level_rupees": 1_001.0},
        bracket={"stop": {"kind": "pct", "value": 2.0}},
    )
    made = worlds.config([strategy], tmp_path / "var")
    _, result = worlds.run(
        tmp_path, made, last=DAYS[0], models=Models(share_percent=50.0, slippage_ticks=1)
    )
    (last,) = worlds.rows(result, "trades")
    assert last["exit_reason"] == "BROKER" and last["exit_ns"] >= at_ns(DAYS[0], "15:24")
    assert last["other_paise"] == 5_900, "the broker's fee for it, GST included"
    fills = [row for row in worlds.rows(result, "fills") if row["trade_id"] == last["trade_id"]]
    signs = {"BUY": 1, "SELL": -1}
    paid_e4 = sum(signs[f["side"]] * f["quantity"] * f["price_e4"] for f in fills)
    assert paid_e4 == -100 * last["gross_paise"] and fills[-1]["reason"] == "BROKER"
