"""The workflows run the Makefile's own targets, every long one of them, on actions of fixed commits."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = dict(re.findall(r"(?m)^([a-z-]+):(.*)$", (ROOT / "Makefile").read_text()))


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_they_run_is_a_target(path: Path) -> None:
    asked = [
        word for step in steps(path) for word in re.findall(r"make (\S+)", step.get("run", ""))
    ]
    assert asked and all(word == '"$TARGET"' or word in TARGETS for word in asked)


def test_each_night_runs_what_proof_runs() -> None:
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    (job,) = nightly["jobs"].values()
    assert {"test", *job["strategy"]["matrix"]["target"]} == set(TARGETS["proof"].split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_fixed_and_may_only_read(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_every_python_that_is_promised_is_tried() -> None:
    (job, _) = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"].values()
    tried = job["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={tried[0]}"
    assert [int(one.partition(".")[2]) for one in tried] == list(range(11, 11 + len(tried)))
