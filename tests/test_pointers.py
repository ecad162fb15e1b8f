"""Files and modules that comments, docstrings and pages name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("otrade", "tests", "bench", "docs", "config", "strategies", "web/src")
NAMED = re.compile(r"`((?:\w+/)*\w+\.(?:py|pyx|pxd|json|md|ts|svelte))`")
MODULE = re.compile(r"(?<![\w./])otrade((?:\.[a-z_]\w*)+)")
MADE = {
    "types.pxd", "notes.pxd", "otk.pxd",  # by the build, out of `types.py` and the kernels
    "first_paint.json",  # by a bench
    "result.json", "secrets.json", "people.json", "engine.json", "server.json", "protection.json",  # by users, engines and backtests
}  # fmt: skip
"""Files that are made, and not kept."""


def sources() -> list[Path]:
    kinds = (".py", ".pyx", ".pxd", ".pyi", ".md", ".ts", ".svelte")
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return [*(p for p in found if p.suffix in kinds), ROOT / "README.md", ROOT / "Makefile"]


def files() -> set[str]:
    found = {str(p.relative_to(ROOT)) for f in FOLDERS for p in (ROOT / f).rglob("*")}
    return {name for name in found if "__pycache__" not in name} | {"otrade"}


def is_there(named: str, there: set[str]) -> bool:
    return any(path == named or path.endswith("/" + named) for path in there)


def test_files_that_are_named_are_there() -> None:
    there = files() | {path.name for path in ROOT.iterdir()}
    gone = {
        f"{path.relative_to(ROOT)}: {named}"
        for path in sources()
        for named in NAMED.findall(path.read_text())
        if Path(named).name not in MADE and not is_there(named, there)
    }
    assert not gone


@pytest.mark.parametrize("path", [ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / "setup.py"])
def test_modules_that_the_build_names_are_there(path: Path) -> None:
    there = {name.rpartition(".")[0] for name in files()} | files()
    for dotted in MODULE.findall(path.read_text()):
        parts = ["otrade", *dotted.strip(".").split(".")]
        at = ["/".join(parts[:n]) for n in (len(parts), len(parts) - 1)]
        assert at[0] in there or at[1] in there, f"otrade{dotted}"


def test_what_is_not_there_is_found() -> None:
    assert NAMED.findall("see `" + "live/nowhere.py`") == ["live/nowhere.py"]
    assert not is_there("live/nowhere.py", files())
