"""The same day through sockets, replay and the backtest's loop gives the same executions; and where it does not,
the difference is named.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otrade.calendar import Calendar
from otrade.cli.main import main
from otrade.config import RunOptions, manager
from otrade.live.paper_mode import sim_config_of
from otrade.research.parity.comparison import FAULT
from otrade.research.parity.parity import parity
from otrade.research.results.reader import Result
from tests.harness import paper_run
from tests.harness.paper_process import run_and_die


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_paper_day_and_its_twins(
    broker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = tmp_path / "var"
    path = paper_run.write(
        tmp_path,
        broker={"kind": broker},
        sim={"seed": 11, "ticks_per_s": 0.1},
        paths={"var": str(var)},
        instruments=[{"symbol": "NSE:INFY"}, {"symbol": "NSE:SBIN"}],
    )
    command = [
        "run",
        "--config",
        str(path),
        "--speed",
        "max",
        "--no-page",
        "--date",
        paper_run.FRIDAY,
    ]
    assert main(command) == 0
    capsys.readouterr()
    assert main(["parity", paper_run.FRIDAY, "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "the same: every execution" in said
    config = manager.load(path)
    sim = sim_config_of(config, RunOptions(date=paper_run.FRIDAY), Calendar.load())
    journal = next((var / "journal").glob("*.otj*"))
    report = parity(journal, sim)
    assert report.orders[0] == report.orders[1] == report.n_same > 10 and not report.differences
    assert report.gross_e4[0] == report.gross_e4[1] != 0
    # The day's recorded packets, and its round trips, are a backtest's too.
    data, out = str(tmp_path / "data"), str(tmp_path / "result")
    assert main(["data", "import", str(journal), "--data", data]) == 0
    days = ["--from", paper_run.FRIDAY, "--to", paper_run.FRIDAY, "--data", data, "--out", out]
    models = ["--length", "tick", "--latency", "journal", "--journals", str(journal)]
    assert main(["backtest", str(path), *days, *models, "--progress", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    assert lines[-1] == {"result": out} and lines[0]["trades"] > 5
    facts = Result.open(Path(out)).facts
    assert facts.models["latency"]["samples"] > 10
    assert 20 < facts.models["latency"]["median_ms"] < 80  # of the simulated broker: 30 to 60
    # Another market is another day, and is said to be one.
    other = sim_config_of(config, RunOptions(date=paper_run.FRIDAY, seed=12), Calendar.load())
    report = parity(journal, other)
    assert {one.what for one in report.differences} & {"order", "price", "time", "quantity"}
    assert not report.is_explained
    assert main(["parity", str(journal), "--config", str(path), "--seed", "12"]) == 3


def test_orders_of_a_run_that_went_on_are_drawn_like_those_of_the_day(tmp_path: Path) -> None:
    """Their ids have another run in them, and the simulation draws by the id."""
    path = paper_run.write(
        tmp_path,
        sim={"seed": 7, "ticks_per_s": 0.2},
        paths={"var": str(tmp_path / "var")},
        instruments=[{"symbol": "NSE:INFY"}, {"symbol": "NSE:SBIN"}],
    )
    run_and_die(path, "10:00:00", date=paper_run.FRIDAY)
    command = ["run", "--config", str(path), "--speed", "max", "--no-page"]
    assert main([*command, "--date", paper_run.FRIDAY]) == 0
    (journal,) = (tmp_path / "var" / "journal").glob("*.otj*")
    options = RunOptions(date=paper_run.FRIDAY)
    report = parity(journal, sim_config_of(manager.load(path), options, Calendar.load()))
    assert report.trades[0] == report.trades[1] > 10
    assert report.is_explained and report.n_same > report.orders[0] - 8
    assert {one.why for one in report.differences} <= {FAULT}, "the broker has refused nothing"
    tags = {order.tag[:8] for pair in report.pairs if pair.first for order in pair.first.orders}
    assert len(tags) == 2, "orders of both runs"


def test_a_day_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(paper_run.CONFIG | {"paths": {"var": str(tmp_path / "var")}}))
    assert main(["parity", "2026-11-20", "--config", str(path)]) == 5
    assert "no journal of 2026-11-20" in capsys.readouterr().err
