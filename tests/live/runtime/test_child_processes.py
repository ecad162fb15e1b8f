"""Modules that are started by name exist, can be run, and take the words that they are given."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from otrade.live.runtime import child_processes as children

ROOT = Path(__file__).parents[3]


def started(name: str) -> ModuleType:
    """The module that `python -m` runs."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)


@pytest.mark.parametrize("name", children.STARTED_BY_NAME)
def test_each_exists_and_has_a_main(name: str) -> None:
    module = started(name)
    assert callable(module.main)
    source = Path(str(module.__file__)).read_text()
    assert 'if __name__ == "__main__":\n    sys.exit(main(' in source


@pytest.mark.parametrize(
    "command",
    [
        children.watchdog_command(Path("a.json")),
        children.refresh_command(Path("a.json"), "kite"),
        children.serve_command(Path("a.json"), 0, shows_code=True),
        children.alert_command("secrets.json", 3, ["phone"]),
    ],
    ids=lambda command: command[2],
)
def test_its_words_are_known(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With `--help` behind them, words that nobody knows end with 2."""
    assert command[:2] == [sys.executable, "-m"]
    with pytest.raises(SystemExit) as ended:
        started(command[2]).main([*command[3:], "--help"])
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out


def test_nobody_else_starts_a_module_by_name() -> None:
    """A search for `-m` among the words of the engine's sources."""
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "otrade").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == "-m"
    }
    assert found == {"otrade/live/runtime/child_processes.py"}
