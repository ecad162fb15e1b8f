"""`otrade drill --strategy FILE` with what users write: taken, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otrade.cli.commands.drill import strategies_of
from otrade.cli.main import main
from otrade.config.manager import default_bytes
from otrade.errors import ConfigError


def config_at(folder: Path, symbol: str) -> Path:
    data = json.loads(default_bytes("paper.json"))
    data["instruments"] = [{"symbol": symbol}]
    data["strategies"] = [data["strategies"][0] | {"instrument": symbol}]
    path = folder / "mine.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    "symbol", ["NSE:INFY", "NFO:NIFTY.FUT", "NFO:NIFTY.ATMCE", "NFO:NIFTY.ATM-2PE"]
)
def test_what_the_market_lists_is_drilled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], symbol: str
) -> None:
    path = config_at(tmp_path, symbol)
    assert [draw.key for draw in strategies_of(path)] == [symbol]
    assert (
        main(["drill", "--seeds", "1", "--jobs", "1", "--faults", "none", "--strategy", str(path)])
        == 0
    )
    assert "violations          0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("NSE:WIPRO", "NSE:WIPRO: the drill's market does not list it.*NSE:INFY"),
        ("NFO:NIFTY.26000CE", "strikes of its own.*NFO:NIFTY.ATMCE"),
        ("NFO:NIFTY.ATMCE@M", "does not list it"),
        ("NFO:NIFTY.ATM+50CE", "does not list it"),
        ("NFO:WIPRO.FUT", "does not list it"),
        ("NSE:NIFTY 50", "is an index"),
    ],
)
def test_what_it_does_not_list_is_refused_by_name(tmp_path: Path, symbol: str, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)strategies\[0\].instrument: .*{words}"):
        strategies_of(config_at(tmp_path, symbol))
