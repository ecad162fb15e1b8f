"""The workflows run the Makefile's own targets, every long one of them, on actions of fixed commits, and only the
release may write.
"""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from otrade import __version__

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = dict(re.findall(r"(?m)^([a-z-]+):(.*)$", (ROOT / "Makefile").read_text()))


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_they_run_is_a_target(path: Path) -> None:
    asked = [
        word
        for step in steps(path)
        for word in re.findall(r'make ([\w-]+|"\$TARGET")', step.get("run", ""))
    ]
    assert asked and all(word == '"$TARGET"' or word in TARGETS for word in asked)


def test_each_night_runs_what_proof_runs() -> None:
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    job = nightly["jobs"]["proof"]
    assert {"test", *job["strategy"]["matrix"]["target"]} == set(TARGETS["proof"].split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_fixed_and_may_only_read(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_every_python_that_is_promised_is_tried() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]
    tried = job["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={tried[0]}"
    assert [int(one.partition(".")[2]) for one in tried] == list(range(11, 11 + len(tried)))


def test_wheels_are_built_for_the_same_pythons() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]
    tried = [one.replace(".", "") for one in job["strategy"]["matrix"]["python"]]
    wheels = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert wheels["build"] == [f"cp{one}-*" for one in tried]


def test_only_what_publishes_a_tag_may_write() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    writing = {name for name, job in jobs.items() if "permissions" in job}
    assert writing == {"publish", "pages"} and jobs["pages"]["needs"] == "publish"
    assert jobs["publish"]["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    others = [path for path in FILES if path.name != "release.yml"]
    assert not any(": write" in path.read_text() for path in others)


def test_a_release_builds_for_what_readme_promises() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    rows = jobs["wheels"]["strategy"]["matrix"]["include"]
    sure = [row["machine"] for row in rows if not row["best_effort"]]
    assert sure == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    assert [row["machine"].partition("-")[0] for row in rows if row["best_effort"]] == ["macos"]


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "release-notes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith(f"## [{__version__}] - ") and len(re.findall(r"(?m)^## ", told)) == 1


def test_owners_own_what_is_there() -> None:
    rows = [
        line.split()
        for line in (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rows[0][0] == "*"
    assert all((ROOT / path.strip("/")).is_dir() for path, *_ in rows[1:])
    assert all(re.fullmatch(r"@[\w-]+/[\w-]+", one) for _, *owners in rows for one in owners)
