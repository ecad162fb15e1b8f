"""A paper day with strategy files from the configuration to the last trade: compiled at the start, traded,
journalled with their sources, and replayed bit for bit.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from otrade._core.types import Rec
from otrade.config import RunOptions
from otrade.contract.queries import DecisionView
from otrade.journal.scan import records
from otrade.journal.words import words_of
from otrade.live import app
from otrade.live.api.decision_card import why_signal
from otrade.live.day.trading_day import TradingDay
from tests.harness.paper_run import CONFIG, FRIDAY, MAX, file_strategy, on_beat, write

OTRADE = [sys.executable, "-m", "otrade"]
EXAMPLES = Path(__file__).parents[2] / "strategies"


def test_strategy_files_trade_a_paper_day(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cards: dict[int, DecisionView] = {}

    def look(day: TradingDay, now_ns: int) -> None:
        for seen in day.signals.since(max(cards, default=0)):
            cards[seen.seq] = why_signal(day, seen)

    on_beat(monkeypatch, look)
    config = write(
        folder,
        strategies=[
            file_strategy("range", "opening_range.py", minutes=5),
            file_strategy("trend", "supertrend_trailing.py", period=5, factor=1.0),
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
    rules = {card.rule for card in cards.values()}
    assert {"The trend turned up.", "The trend turned down."} <= rules, "the file's own words"
    turned = next(card for card in cards.values() if card.rule == "The trend turned up.")
    facts = {fact.name: fact.value for fact in turned.facts}
    assert turned.title.startswith("trend says buy at ")
    assert facts["Size that it said"] == "sized by the plan"
    assert facts["Target that it said"] == "the plan's"
    band = float(facts["Input 1"])
    assert abs(float(facts["Stop that it said"].replace(",", "")) - band) < 0.01
    assert all(gate.code != "RSI_FILTER" for gate in turned.gates)
    assert _in_another_process("moment", path)["trouble"] == ""
    shutil.rmtree(folder / "var" / "strategies")
    assert "`otrade replay " in _in_another_process("moment", path)["trouble"]
    assert (
        subprocess.run([*OTRADE, "replay", path], capture_output=True, check=True).returncode == 0
    )
    assert _in_another_process("moment", path)["trouble"] == "", "it is compiled again"


def _in_another_process(what: str, path: Path) -> dict[str, Any]:
    """What the page's reader of journals answers: that process has loaded no strategy."""
    command = [
        sys.executable,
        "-m",
        "otrade.journal.peek",
        what,
        path,
        b'{"ts_ns": 0, "curve": false}',
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    return dict(orjson.loads(done.stdout))
