"""A paper day with strategy files from the configuration to the last trade: compiled at the start, traded,
journalled with their sources, and replayed bit for bit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from otrade._core.types import Rec
from otrade.cli.commands.journal import replay
from otrade.config import RunOptions
from otrade.journal.scan import records
from otrade.journal.words import words_of
from otrade.live import app
from tests.harness.paper_run import CONFIG, FRIDAY, MAX, write

EXAMPLES = Path(__file__).parents[2] / "strategies"


def _strategy(name: str, file: str, **params: float) -> dict[str, Any]:
    return {
        "kind": "file",
        "name": name,
        "file": file,
        "instrument": "NSE:INFY",
        "sizing": {"mode": "fixed", "value": 10},
        "bracket": {"stop": {"kind": "pct", "value": 0.5}},
        "params": params,
    }


def test_strategy_files_trade_a_paper_day(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(
        folder,
        strategies=[
            _strategy("range", "opening_range.py", minutes=5),
            _strategy("trend", "supertrend_trailing.py", period=5, factor=1.0),
            CONFIG["strategies"][1],
        ],
        paths={"var": str(folder / "var"), "strategies": str(EXAMPLES)},
    )
    asked = RunOptions(config=config, speed=MAX, date=FRIDAY, page=False)
    assert app.run(asked) == app.EXIT_OK
    screen = capsys.readouterr().out
    (n_trades,) = re.findall(r"^trades +(\d+)", screen, re.MULTILINE)
    assert int(n_trades) > 5
    (path,) = (folder / "var" / "journal").glob("*.otj")
    calls, said = [], []
    for record in records(path):
        if record.kind == Rec.CALL:
            calls.append(orjson.loads(record.payload))
        elif record.kind == Rec.DECISION:
            said.append(words_of(record))
    sources = [call["k"]["source"] for call in calls if call["m"] == "add_compiled"]
    assert ["class OpeningRange" in sources[0], "class SupertrendTrailing" in sources[1]] == [
        True,
        True,
    ]
    taken = [row for row in said if row["taken"]]
    assert {row["decision"]["action"] for row in taken} >= {"BUY", "SELL", "MOVE_STOP"}
    assert all(row["decision"]["stop_is"] == "PRICE" for row in taken)
    assert replay(path) == 0
    assert "bit for bit" in capsys.readouterr().out
