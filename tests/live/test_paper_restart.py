"""A paper day over several runs: killed at any moment, stopped, or ended, and what the next run finds."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from otrade.live import app
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import Notice
from otrade.live.paper_account import identity_of
from otrade.live.runner import Runner
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from tests.harness.paper_process import facts_of, run_and_die
from tests.harness.paper_run import CONFIG, FRIDAY, on_beat, write
from tests.live.test_app import TEN_NS, trade, without_latency

MINUTE = 60_000_000_000
DAY = {"date": FRIDAY}


def said(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    notices: list[Notice] = []
    keep = Runner._on_notice
    monkeypatch.setattr(
        Runner,
        "_on_notice",
        lambda runner, notice: (notices.append(notice), keep(runner, notice))[1],
    )
    return notices


def codes(notices: list[Notice]) -> set[str]:
    return {notice.code for notice in notices}


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_killed_day_goes_on_with_its_orders_and_takes_its_brackets_back(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broker: str,
) -> None:
    config = write(folder, broker={"kind": broker})
    left = run_and_die(config, "10:00:00+open", **DAY)
    assert left["net"] and left["n_trades"]
    seen: dict[str, Any] = {}

    def look(day: TradingDay, now_ns: int) -> None:
        if not seen:
            assert day.reconciler is not None
            seen.update(now_ns=now_ns, pnl_e4=day.engine.risk()["pnl_e4"])
            seen["net"] = {
                day.plan.symbol_of(i): qty for i, qty in day.plan.net_of().items() if qty
            }
            assert day.journal is not None and day.journal.is_resumed

    on_beat(monkeypatch, look)
    notices = said(monkeypatch)
    assert trade(config) == app.EXIT_OK
    screen = capsys.readouterr()
    assert "PAPER_GOES_ON" in codes(notices) and "goes on at 10:" in screen.err
    assert not codes(notices) & {"UNEXPLAINED", "JOURNAL_ASIDE", "JOURNAL_GONE", "QUARANTINED"}
    assert 0 < seen["now_ns"] - left["now_ns"] < MINUTE
    assert {
        f"NSE:{key}" if ":" not in key else key: qty for key, qty in seen["net"].items()
    } == left["net"]
    assert "Nothing is open." in screen.out and "VERIFIED" in codes(notices)


def test_the_account_of_every_order_and_every_rupee_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(folder)
    left = run_and_die(config, "10:30:00", **DAY)
    restored: dict[str, Any] = {}
    restore = Simulator.restore

    def look(sim: Simulator, saved: Any) -> Any:
        orders = restore(sim, saved)
        restored.update(facts_of(sim))
        return orders

    monkeypatch.setattr(Simulator, "restore", look)
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    assert trade(config) == app.EXIT_OK
    assert left["n_trades"] > 3
    assert restored == {name: left[name] for name in restored}


def test_many_deaths_in_one_day_come_to_a_day_that_explains_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(folder)
    for at in ("09:20:01", "10:07:13+open", "11:30:00", "13:01:59+open", "14:59:00"):
        run_and_die(config, at, **DAY)
    notices = said(monkeypatch)
    assert trade(config) == app.EXIT_OK
    assert not codes(notices) & {"UNEXPLAINED", "JOURNAL_ASIDE", "JOURNAL_GONE", "QUARANTINED"}
    assert "VERIFIED" in codes(notices)
    assert "Nothing is open." in capsys.readouterr().out


def test_a_stopped_day_goes_on_and_fresh_begins_it_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(folder)
    with monkeypatch.context() as patch:
        stopped: list[int] = []

        def press(day: TradingDay, now_ns: int) -> None:
            if not stopped and now_ns >= TEN_NS:
                stopped.append(now_ns)
                os.kill(os.getpid(), signal.SIGINT)

        on_beat(patch, press)
        assert trade(config) == app.EXIT_OK
    begun: list[int] = []
    with monkeypatch.context() as patch:
        on_beat(patch, lambda day, now_ns: (begun.append(now_ns), day.shutdown.stop("test")))
        trade(config)
        assert begun[0] >= stopped[0]
        assert "--fresh begins it anew" in capsys.readouterr().err
        begun.clear()
        notices = said(patch)
        trade(config, fresh=True)
        assert begun[0] < TEN_NS and "EARLIER_PAPER_DAY" in codes(notices)


def test_a_second_clean_run_is_the_same_day_and_no_alarm(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(folder)
    assert trade(config) == app.EXIT_OK
    first = capsys.readouterr()
    notices = said(monkeypatch)
    assert trade(config) == app.EXIT_OK
    second = capsys.readouterr()
    assert without_latency(second.out) == without_latency(first.out)
    assert "goes on" not in second.err
    assert not [n for n in notices if n.severity > 1 and "JOURNAL" in n.code]
    assert re.search(r"^alarms +0", second.out, re.MULTILINE) or "alarm" not in second.out.lower()


def test_another_seed_is_another_world(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(folder)
    run_and_die(config, "10:00:00", **DAY)
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    trade(config, seed=77)
    assert "goes on" not in capsys.readouterr().err


@pytest.mark.parametrize("spoil", ["cut", "nonsense", "no clock", "other format"])
def test_a_spoilt_account_begins_anew_or_goes_on_without_its_last_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    config = write(folder)
    run_and_die(config, "10:00:00", **DAY)
    path, clock = folder / "var" / "paper" / "account.jsonl", folder / "var" / "paper" / "clock.bin"
    match spoil:
        case "cut":
            path.write_bytes(path.read_bytes()[:-20])
        case "nonsense":
            path.write_bytes(b"\x00\xff" * 500)
        case "no clock":
            clock.unlink()
        case "other format":
            path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":0', 1))
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    assert trade(config) in (app.EXIT_OK, app.EXIT_OPEN)


def test_the_second_of_two_days_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = folder / "bars.csv"
    rows = ["time_ist,open,high,low,close"]
    for day in ("2025-09-04", "2025-09-05"):
        for minute in range(90):
            px = 1500 + 10 * ((minute // 12) % 2) - minute % 12
            time = f"{9 + (15 + minute) // 60:02d}:{(15 + minute) % 60:02d}:00"
            rows.append(f"{day} {time},{px},{px + 2},{px - 2},{px + 1}")
    prices.write_text("\n".join(rows) + "\n")
    given = {"prices": {"NSE:INFY": prices}, "date": None}
    config = write(
        folder, instruments=[{"symbol": "NSE:INFY"}], strategies=[CONFIG["strategies"][0]]
    )
    run_and_die(config, "09:30:00+open", on="2025-09-05", **given)
    capsys.readouterr()
    notices = said(monkeypatch)
    assert trade(config, **given) == app.EXIT_OK
    screen = capsys.readouterr()
    assert "2025-09-04" not in screen.out and "2025-09-05" in screen.out
    assert "the paper day 2025-09-05 goes on" in screen.err
    assert "UNEXPLAINED" not in codes(notices)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2},
        {"broker": "kite"},
        {"listing": "whole"},
        {"tick_interval_ms": 500},
        {"funds_rupees": 1.0},
    ],
)
def test_another_world_is_no_account_to_go_on_with(other: dict[str, Any]) -> None:
    """Its prices are others, or it lists others: an order of a contract that is not there could not
    be taken back.
    """
    assert identity_of(SimConfig()) == identity_of(SimConfig())
    assert identity_of(SimConfig(**other)) != identity_of(SimConfig())
