"""The commands of docs/index.md that lead from minutes of one's own to a report, played as they stand in a fresh folder."""

from __future__ import annotations

import csv
import random
import re
import shlex
from pathlib import Path

import pytest

from otrade.calendar import Calendar, at_ns
from otrade.cli.main import main
from otrade.research.results.reader import Result
from otrade.units import ist_hms
from tests.research.backtest.worlds import DAYS

START = Path(__file__).parents[2] / "docs" / "index.md"
COMMAND = re.compile(r"^\.venv/bin/otrade (.*)$", re.M)


def commands(heading: str) -> list[list[str]]:
    """Of the first block behind a heading."""
    behind = START.read_text().partition(heading)[2]
    block = behind.split("```")[1]
    return [shlex.split(line, comments=True) for line in COMMAND.findall(block)]


def minutes_of(path: Path) -> None:
    """Three days of an index, in the shape in which people have them: no volume, decimals, Indian time."""
    rng = random.Random(5)
    price = 24_900.0
    with path.open("w") as file:
        table = csv.writer(file)
        table.writerow(["time_ist", "open", "high", "low", "close"])
        for day in DAYS:
            assert Calendar.load().session("derivatives", day)
            for i in range(375):
                opened, price = price, price + rng.gauss(0, 6)
                edges = sorted((opened, price))
                high, low = edges[1] + abs(rng.gauss(0, 3)), edges[0] - abs(rng.gauss(0, 3))
                time = f"{day} {ist_hms(at_ns(day, '09:15') + i * 60 * 10**9)}"
                table.writerow([time, *(f"{px:.2f}" for px in (opened, high, low, price))])


def test_from_minutes_to_a_report_in_fewer_than_ten_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    minutes_of(tmp_path / "nifty-2025.csv")
    told = commands("**A strategy of your own on minutes of your own")
    assert 3 < len(told) < 10
    for command in told:
        if command[0] == "backtest":  # three days are enough
            command[command.index("--to") + 1] = f"{DAYS[-1]}"
        assert main(command) == 0, f"{command}: {capsys.readouterr().err}"
    said = capsys.readouterr().out
    assert "Profit net" in said and "my_first" in said and "Sharpe" in said
    result = Result.open(tmp_path / "september")
    assert result.facts.name == "my_first" and result.n_rows("trades") > 5
    assert {row["symbol"] for row in result.table("trades").to_pylist()} == {"NFO:NIFTY25SEPFUT"}
    page = (tmp_path / "september.html").read_text()
    assert "<svg" in page and "my_first" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "NSE:INFY"], "--on and --quantity belong to --strategy"),
        (["--strategy", "strategies/none.py"], "say how much an entry"),
        (["--strategy", "strategies/none.py", "--quantity", "1"], "otrade strategy new none"),
    ],
)
def test_what_is_missing_is_said(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert main(["backtest", *words, "--from", "2025-09-01", "--to", "2025-09-01"]) == 5
    assert said in capsys.readouterr().err
