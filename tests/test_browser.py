"""`.ci/browser` sees to a browser for the page's tests, or says loudly that there is none. Every
program it could call is a stand-in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "browser"
PYTHON = """case "$*" in
  *tests.page.browser) test -e "$HERE/browser" ;;
  *"install chromium") test -e "$HERE/online" && touch "$HERE/browser" ;;
  *install-deps*) test -e "$HERE/lacks_libraries" && touch "$HERE/browser" ;;
esac"""
APT = """case "$*" in *install*) test -e "$HERE/packages" && touch "$HERE/browser" ;; esac"""


class Machine:
    """A search path on which there is nothing but what a test puts there."""

    def __init__(self, folder: Path, *has: str, user: int = 0) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("bash", "env", "touch"):
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)
        for one in has:
            (folder / one).touch()
        self.program("python", PYTHON)
        self.program("id", f"echo {user}", is_told=False)
        self.program("timeout", 'shift; exec "$@"', is_told=False)

    def program(self, name: str, does: str, *, is_told: bool = True) -> None:
        path = self.bin / name
        told = f'echo "{name} $*" >> "$HERE/calls"\n' if is_told else ""
        path.write_text(f"#!/usr/bin/env bash\n{told}{does}\n")
        path.chmod(0o755)

    def run(self) -> tuple[int, str, list[str]]:
        """Its code, what it said, and what it called; looks for a browser left out."""
        env = {"PATH": str(self.bin), "HERE": str(self.folder)}
        done = subprocess.run(
            [self.bin / "bash", SCRIPT, "python"],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        calls = self.folder / "calls"
        told = calls.read_text().splitlines() if calls.exists() else []
        return (
            done.returncode,
            done.stdout + done.stderr,
            [call for call in told if "tests.page.browser" not in call],
        )


def test_a_browser_that_is_there_is_taken(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "browser", "online", "packages")
    machine.program("apt-get", APT)
    assert machine.run() == (0, "", [])


def test_playwrights_own_comes_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "online", "packages")
    machine.program("apt-get", APT)
    code, _, calls = machine.run()
    assert (code, calls) == (0, ["python -m playwright install chromium"])


@pytest.mark.parametrize("user", [0, 1000])
def test_then_the_systems_package(tmp_path: Path, user: int) -> None:
    machine = Machine(tmp_path, "packages", user=user)
    machine.program("apt-get", APT)
    if user:
        machine.program("sudo", 'shift; test "$*" = true || exec "$@"')
    code, _, calls = machine.run()
    assert code == 0
    assert [call for call in calls if call.startswith("apt-get")] == [
        "apt-get -qq update",
        "apt-get -qq install -y chromium",
    ]
    assert any(call.startswith("sudo -n env") for call in calls) == bool(user)


def test_then_the_libraries_of_playwrights_browser(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "lacks_libraries")
    machine.program("apt-get", APT)
    code, _, calls = machine.run()
    assert code == 0 and calls[-1] == "python -m playwright install-deps chromium"


@pytest.mark.parametrize("case", ["offline", "no apt", "no sudo", "sudo asks"])
def test_without_one_it_is_said_loudly(tmp_path: Path, case: str) -> None:
    machine = Machine(tmp_path, user=0 if case in ("offline", "no apt") else 1000)
    if case != "no apt":
        machine.program("apt-get", APT)
    if case == "sudo asks":
        machine.program("sudo", "exit 1")
    code, said, calls = machine.run()
    assert code == 1 and "NO BROWSER: the page's tests will be SKIPPED" in said
    assert any(call.startswith("apt-get") for call in calls) == (case == "offline")


def test_a_build_without_a_browser_goes_on() -> None:
    """The rule of the Makefile: no browser is no error, and it is looked for again the next time."""
    rule = (
        (SCRIPT.parents[1] / "Makefile")
        .read_text()
        .partition(".venv/browser: .venv/tools\n")[2]
        .partition("\n\n")[0]
    )
    assert rule == "\tif .ci/browser $(PY); then touch $@; fi"
    assert os.access(SCRIPT, os.X_OK)
