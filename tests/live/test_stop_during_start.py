"""Ctrl-C and SIGTERM at each step of a start: none is lost, and nothing is entered after one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.kite.adapter import KiteAdapter
from otrade.brokers.kite.session import KiteSession
from otrade.brokers.upstox.adapter import UpstoxAdapter
from otrade.brokers.upstox.session import UpstoxSession
from otrade.cli.main import BAD_INPUT, INTERRUPTED, LEFT_OPEN, main
from otrade.config import ConfigManager
from otrade.errors import NetworkError, StoppedError
from otrade.live import app
from otrade.live.control.os_signals import StopSignals
from otrade.live.day.trading_day import TradingDay
from otrade.live.paper_mode import DayBuilder
from otrade.live.runner import Runner
from tests.harness.paper_run import write
from tests.live.test_app import trade

BEFORE_THE_DAY = [
    (KiteAdapter, "log_in_here"),
    (KiteAdapter, "instruments"),
    (KiteAdapter, "bands"),
    (UpstoxAdapter, "log_in_here"),
    (UpstoxAdapter, "instruments"),
    (UpstoxAdapter, "bands"),
    (KiteSession, "connect"),
    (UpstoxSession, "connect"),
]
WITH_THE_ACCOUNT = [
    (KiteSession, "order_book"),
    (KiteSession, "positions"),
    (KiteSession, "subscribe"),
    (UpstoxSession, "order_book"),
    (UpstoxSession, "positions"),
    (UpstoxSession, "subscribe"),
]


def before(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, do: Callable[[], None]
) -> list[int]:
    """Do something just before each call of a method. How often it came to that."""
    calls: list[int] = []
    real = getattr(owner, name)

    def first(*args: Any, **options: Any) -> Any:
        calls.append(1)
        do()
        return real(*args, **options)

    monkeypatch.setattr(owner, name, first)
    return calls


def press(number: signal.Signals = signal.SIGINT) -> Callable[[], None]:
    """Once, whatever comes later."""
    left = [number]
    return lambda: os.kill(os.getpid(), left.pop()) if left else None


def broker_of(owner: type) -> dict[str, Any]:
    return {"broker": {"kind": "upstox" if "upstox" in owner.__module__ else "kite"}}


def rows_of_orders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request that leaves for a broker."""
    sent: list[str] = []
    for session in (KiteSession, UpstoxSession):
        monkeypatch.setattr(session, "send", lambda self, command: sent.append(command.cl_ord_id))
    return sent


@pytest.mark.parametrize(("owner", "name"), BEFORE_THE_DAY)
def test_before_the_broker_has_let_us_in_the_start_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    sent = rows_of_orders(monkeypatch)
    n_calls = before(monkeypatch, owner, name, press())
    with pytest.raises(StoppedError, match=r"stopped during the start \(SIGINT\)") as stopped:
        trade(write(folder, **broker_of(owner)))
    assert n_calls and not stopped.value.is_open and not sent
    assert not (folder / "var" / "run" / "engine.json").exists()


@pytest.mark.parametrize(("owner", "name"), WITH_THE_ACCOUNT)
def test_once_it_has_the_account_is_made_known_and_then_the_day_ends(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: type,
    name: str,
) -> None:
    sent = rows_of_orders(monkeypatch)
    n_calls = before(monkeypatch, owner, name, press(signal.SIGTERM))
    assert trade(write(folder, **broker_of(owner))) == app.EXIT_OK
    screen = capsys.readouterr()
    assert n_calls and not sent
    assert "stopped (SIGTERM)" in screen.out and "Nothing is open." in screen.out
    assert "stopping (SIGTERM)" in screen.err


def test_between_the_day_s_making_and_its_opening(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, Runner, "set_broker_queries", press())
    with pytest.raises(StoppedError, match="SIGINT"):
        trade(write(folder))


def test_a_broker_that_does_not_answer_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(session: KiteSession) -> Any:
        stop()
        raise NetworkError("no answer")

    stop = press()
    monkeypatch.setattr(KiteSession, "order_book", silent)
    with pytest.raises(StoppedError, match="Nothing is open"):
        trade(write(folder))


def test_a_second_one_ends_an_opening_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def twice() -> None:
        for _ in range(2):
            signals[0]._heard(signal.SIGTERM)

    signals: list[StopSignals] = []
    enter = StopSignals.__enter__
    monkeypatch.setattr(StopSignals, "__enter__", lambda s: (signals.append(s), enter(s))[1])
    before(monkeypatch, KiteSession, "positions", twice)
    with pytest.raises(StoppedError, match="SIGTERM"):
        trade(write(folder))
    assert "VERIFIED" not in capsys.readouterr().err


def test_what_the_journal_knows_to_be_open_is_said_and_is_the_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before(monkeypatch, KiteSession, "connect", press())
    make = DayBuilder.build

    async def build(builder: DayBuilder, *args: Any, **options: Any) -> Any:
        prepared = await make(builder, *args, **options)
        monkeypatch.setattr(type(prepared.day.plan), "net_of", lambda plan: {0: 75})
        return prepared

    monkeypatch.setattr(DayBuilder, "build", build)
    config = write(folder)
    assert main(["run", "--config", str(config), "--no-page", "--speed", "max"]) == LEFT_OPEN
    assert "the broker has not been asked" in capsys.readouterr().err


def test_a_day_that_is_stopped_after_another_was_traded_ends_the_run_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = folder / "bars.csv"
    rows = ["time_ist,open,high,low,close"]
    for day in ("2025-09-04", "2025-09-05"):
        rows += [f"{day} 09:{minute}:00,1500,1501,1499,1500" for minute in range(15, 60)]
    prices.write_text("\n".join(rows) + "\n")
    opened: list[str] = []

    async def open_day(day: TradingDay, session: Any) -> None:
        if opened:
            os.kill(os.getpid(), signal.SIGINT)
        opened.append(day.plan.day)
        await real(day, session)

    real = TradingDay.open
    monkeypatch.setattr(TradingDay, "open", open_day)
    assert trade(write(folder), prices={"NSE:INFY": prices}, date=None) in (app.EXIT_OK,)
    assert opened == ["2025-09-04", "2025-09-05"]
    assert "2025-09-05" not in capsys.readouterr().out


def test_the_command_line_says_that_nothing_was_begun(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before(monkeypatch, KiteAdapter, "bands", press(signal.SIGTERM))
    config = write(folder)
    assert main(["run", "--config", str(config), "--no-page", "--speed", "max"]) == INTERRUPTED
    assert "no order was sent" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_before_the_engine_listens_for_itself(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    kept = [(signal_, signal.getsignal(signal_)) for signal_ in (signal.SIGTERM, signal.SIGHUP)]
    try:
        n_calls = before(monkeypatch, ConfigManager, "__init__", press(number))
        assert main(["run", "--config", str(write(folder)), "--no-page"]) == INTERRUPTED
    finally:
        for signal_, handler in kept:
            signal.signal(signal_, handler)
    assert n_calls == [1] and capsys.readouterr().err == "otrade: interrupted\n"
    assert not (folder / "var").exists()


WHILE_MODULES_LOAD = """
import os, runpy, signal, sys

class Presser:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})

if {is_nohup}:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.meta_path.insert(0, Presser())
sys.argv = ["otrade", *{arguments}]
runpy.run_module("otrade", run_name="__main__", alter_sys=True)
"""


def started(
    folder: Path,
    number: int,
    module: str,
    *,
    arguments: Sequence[str] = ("run", "--config", "config/none.json"),
    is_nohup: bool = False,
) -> subprocess.CompletedProcess[str]:
    """A process of its own that is sent a signal when it begins to load a module."""
    code = WHILE_MODULES_LOAD.format(
        module=module, number=int(number), arguments=list(arguments), is_nohup=is_nohup
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["otrade.cli.main", "argparse", "otrade.live.app"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_modules_are_loaded(folder: Path, number: signal.Signals, module: str) -> None:
    """It ended without a word (SIGTERM), or in a traceback (SIGINT)."""
    done = started(folder, number, module)
    assert (done.returncode, done.stderr) == (INTERRUPTED, "otrade: interrupted\n")


def test_with_nohup_a_terminal_that_goes_away_while_modules_are_loaded_is_nothing(
    folder: Path,
) -> None:
    done = started(folder, signal.SIGHUP, "otrade.cli.main", is_nohup=True)
    assert done.returncode == BAD_INPUT and "config/none.json" in done.stderr


def test_a_command_that_is_no_run_ends_as_any_program_does(folder: Path) -> None:
    done = started(folder, signal.SIGTERM, "otrade.cli.main", arguments=["config", "schema"])
    assert done.returncode == -signal.SIGTERM and not done.stdout
