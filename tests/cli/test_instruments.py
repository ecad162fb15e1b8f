"""`otrade instruments find`: what it prints, and that nothing found is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otrade.cli.main import main
from otrade.config.manager import default_bytes


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("find")
    data = json.loads(default_bytes("paper.json"))
    data["paths"] = data.get("paths", {}) | {"var": str(folder / "var")}
    path = folder / "paper.json"
    path.write_text(json.dumps(data))
    return path


def find(config: Path, *words: str) -> int:
    return main(["instruments", "find", *words, "--config", str(config)])


def test_what_holds_the_text_is_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find(config, "infy") == 0
    out = capsys.readouterr().out.split()
    assert "NSE:INFY" in out and all("INFY" in symbol for symbol in out)


def test_a_search_without_a_hit_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find(config, "nowhere") == 4
    said = capsys.readouterr()
    assert not said.out
    assert said.err.splitlines()[-1].startswith("no symbol of ")
    assert "'NOWHERE'" in said.err
