"""The lock files: exact versions with hashes of all that pyproject.toml asks for, and of nothing that
only the tests need in the file that the engine is installed from.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN = [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
TEST = PROJECT["project"]["optional-dependencies"]["test"]
DOCS = PROJECT["project"]["optional-dependencies"]["docs"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@cache
def pins(name: str, python: str) -> dict[str, str]:
    """Version by package, as that Python on Linux would install them; each with a hash."""
    found: dict[str, str] = {}
    text = (ROOT / "requirements" / name).read_text()
    here = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    for row in re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text).strip()):
        line, *hashes = row.replace("\\\n", "\n").split()
        asked = Requirement(row.partition("--hash")[0].replace("\\", "").strip())
        assert "--hash=sha256:" in row, line
        if asked.marker and not asked.marker.evaluate(here):
            continue
        (spec,) = asked.specifier
        assert spec.operator == "==", row
        assert canonicalize_name(asked.name) not in found
        found[canonicalize_name(asked.name)] = spec.version
    return found


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("run.txt", RUN),
        ("test.txt", RUN + TEST),
        ("docs.txt", PROJECT["project"]["dependencies"] + DOCS),
    ],
)
def test_each_requirement_is_locked_within_its_bounds(
    name: str, asked: list[str], python: str
) -> None:
    found = pins(name, python)
    for one in map(Requirement, asked):
        version = found.get(canonicalize_name(one.name))
        assert version is not None, f"{one.name} is missing: run make lock"
        assert one.specifier.contains(version), f"{one} is locked at {version}: run make lock"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tests_run_against_what_is_deployed(python: str) -> None:
    run, test = pins("run.txt", python), pins("test.txt", python)
    assert {name: test.get(name) for name in run} == run


@pytest.mark.parametrize("python", PYTHONS)
def test_the_documentation_changes_no_version(python: str) -> None:
    """It may be made in the environment that runs and tests."""
    docs = pins("docs.txt", python)
    for name in ("run.txt", "test.txt"):
        others = pins(name, python)
        assert {one: docs[one] for one in docs.keys() & others.keys()} == {
            one: others[one] for one in docs.keys() & others.keys()
        }
    assert "zensical" in docs and "zensical" not in pins("test.txt", python)


def test_what_only_tests_need_is_not_deployed() -> None:
    only = {
        "pytest",
        "hypothesis",
        "playwright",
        "mypy",
        "ruff",
        "kiteconnect",
        "upstox-python-sdk",
    }
    assert only <= pins("test.txt", "3.11").keys()
    assert not only & pins("run.txt", "3.11").keys()


def test_installations_check_the_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if " pip install " in line and "-r" in line]
    assert len(installs) == 3 and all("--require-hashes" in line for line in installs)
    assert "npm ci --ignore-scripts" in makefile
