"""An engine is started and stopped from the page, whose server was there before it: what is open is said
first, the password is asked for again, and one that dies at once says why.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from playwright.sync_api import Browser, Page, expect

from otrade.file_lock import is_locked
from otrade.guard.humble import OOM_SCORE
from otrade.live.runtime.child_processes import serve_command
from otrade.live.runtime.run_file import read_run_info
from otrade.server.start_file import NAME
from tests.harness.waiting import wait_until
from tests.page.conftest import ROOT, axe, person, server_of, shot
from tests.web.logins import PASSWORD, write_users

SECRET = "a-token-that-no-page-may-show"


def write_start(folder: Path, *command: str) -> None:
    """As the machine's owner does."""
    path = folder / "var" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"command": [sys.executable, *command], "directory": str(ROOT)}))
    path.chmod(0o600)


@contextmanager
def served(folder: Path, **config: Any) -> Iterator[str]:
    """`otrade serve` alone; an engine that is left is ended."""
    values = orjson.loads((ROOT / "config" / "paper.json").read_bytes())
    values["paths"] = {"var": str(folder / "var"), "secrets": str(folder / "secrets.json")}
    (folder / "secrets.json").write_text(json.dumps({"OTRADE_KITE_ACCESS_TOKEN": SECRET}))
    (folder / "secrets.json").chmod(0o600)
    path = folder / "paper.json"
    path.write_bytes(orjson.dumps(values | config))
    write_users(folder / "var" / "access")
    run = ("-P", "-m", "otrade", "run", "--config", str(path), "--speed", "30")
    write_start(folder, *run)
    command = serve_command(path, 0, shows_code=False)
    process = subprocess.Popen(command.args, env=command.env, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and b'"url"' in process.stdout.readline()
        yield server_of(folder).url
    finally:
        found = read_run_info(folder / "var")
        if found is not None and is_locked(folder / "var" / "run" / "engine.lock"):
            os.kill(found.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def press(page: Page, name: str, password: str) -> None:
    """The button, and the dialogue that it opens."""
    page.get_by_role("group", name="Controls").get_by_role("button", name=f"{name}…").click()
    dialog = page.get_by_role("dialog")
    act = dialog.get_by_role("button", name=name)
    expect(act).to_be_disabled()
    dialog.get_by_label("Your password, again").fill(password)
    act.click()
    expect(dialog).to_be_hidden()


def test_an_engine_is_started_and_stopped_and_started_again(
    browser: Browser, tmp_path: Path
) -> None:
    with served(tmp_path) as url, person(browser, url) as page:
        expect(page.get_by_role("alert")).to_contain_text("No engine has answered yet")
        press(page, "Start engine", "not this one")
        outcome = page.locator(".outcome")
        expect(outcome).to_contain_text("The present password is wrong")
        assert read_run_info(tmp_path / "var") is None
        page.get_by_role("button", name="Start engine…").click()
        expect(page.get_by_role("dialog")).to_contain_text("What is started: the command")
        shot(page, "start-engine")
        assert not axe(page)
        page.get_by_role("button", name="Leave as it is").click()
        press(page, "Start engine", PASSWORD)
        expect(page.get_by_role("banner")).to_contain_text("ACTIVE", timeout=60_000)
        expect(outcome).to_contain_text("the engine runs: process")
        found = read_run_info(tmp_path / "var")
        assert found is not None
        # It has not inherited what the server has given up.
        assert os.getpriority(os.PRIO_PROCESS, found.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        score = Path(f"/proc/{found.pid}/oom_score_adj").read_text()
        assert score == Path("/proc/self/oom_score_adj").read_text()
        served_by = server_of(tmp_path).pid
        assert int(Path(f"/proc/{served_by}/oom_score_adj").read_text()) == OOM_SCORE

        page.get_by_role("button", name="Stop engine…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(re.compile("open now|No open quantity is known now"))
        expect(dialog).to_contain_text("It closes everything that is open and then ends.")
        dialog.get_by_role("button", name="Leave as it is").click()
        press(page, "Stop engine", PASSWORD)
        expect(page.get_by_role("alert")).to_contain_text("has ended in order", timeout=60_000)
        assert server_of(tmp_path).pid == served_by, "an engine ends only what it began"

        press(page, "Start engine", PASSWORD)
        expect(page.get_by_role("banner")).not_to_contain_text("GONE", timeout=60_000)
        again = read_run_info(tmp_path / "var")
        assert again is not None and again.pid != found.pid


def stat_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return "Z"


def test_one_that_dies_at_once_says_its_last_words(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as url, person(browser, url) as page:
        text = f"print('no room on the disk; it has {SECRET}'); raise SystemExit(4)"
        write_start(tmp_path, "-c", text)
        press(page, "Start engine", PASSWORD)
        outcome = page.locator(".outcome")
        expect(outcome).to_contain_text("Not started. The engine that was started at")
        expect(outcome).to_contain_text(
            "exit code 4. It said last: no room on the disk; it has ***"
        )
        expect(page.get_by_role("alert")).to_contain_text("no room on the disk")
        expect(page.get_by_text(SECRET)).to_have_count(0)
        shot(page, "engine-died-at-once")


def test_without_the_owner_s_word_nothing_is_started(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as url, person(browser, url) as page:
        (tmp_path / "var" / NAME).chmod(0o644)
        page.get_by_role("button", name="Start engine…").click()
        expect(page.locator(".outcome")).to_contain_text("It cannot be started here")
        expect(page.locator(".outcome")).to_contain_text("chmod 600")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_an_engine_goes_on_when_the_server_that_started_it_dies(
    browser: Browser, tmp_path: Path
) -> None:
    with served(tmp_path) as url, person(browser, url) as page:
        press(page, "Start engine", PASSWORD)
        expect(page.get_by_role("banner")).to_contain_text("ACTIVE", timeout=60_000)
        found = read_run_info(tmp_path / "var")
        assert found is not None
        server = server_of(tmp_path).pid
        starters = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        os.kill(server, signal.SIGKILL)
        for one in starters:
            wait_until("its starter has ended", lambda one=one: "Z" in stat_of(int(one)))
        assert is_locked(tmp_path / "var" / "run" / "engine.lock"), "the engine goes on"
        expect(page.get_by_role("alert")).to_contain_text("CONNECTION LOST")


def test_a_viewer_starts_nothing(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as url, person(browser, url, "viewer") as page:
        expect(page.get_by_role("button", name="Start engine…")).to_be_disabled()


def test_what_a_stop_does_is_what_the_configuration_says(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, engine={"on_stop": "leave"}) as url, person(browser, url) as page:
        press(page, "Start engine", PASSWORD)
        expect(page.get_by_role("banner")).to_contain_text("ACTIVE", timeout=60_000)
        page.get_by_role("button", name="Stop engine…").click()
        expect(page.get_by_role("dialog")).to_contain_text(
            "leaves what is open under the stops that rest at the exchange"
        )
