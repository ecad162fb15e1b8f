"""The version stands in one place; what repeats it says the same."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from otrade import __version__

ROOT = Path(__file__).parents[1]


def test_the_changelog_begins_with_this_version() -> None:
    released = re.findall(
        r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert released and released[0] == __version__


def test_the_page_has_it_too() -> None:
    assert json.loads((ROOT / "web" / "package.json").read_text())["version"] == __version__


def test_the_build_reads_it_and_does_not_repeat_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "otrade.__version__"}
