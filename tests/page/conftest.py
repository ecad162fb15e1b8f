"""A real Chromium at the page of a real engine, which trades a simulated day in a process of its
own.
"""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from otrade.live.runtime.server_file import ServerInfo, running_server
from tests.harness.waiting import PATIENCE_S, attempts, wait_until
from tests.page.browser import chromium
from tests.web.logins import PASSWORD, write_users

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "otrade" / "web" / "static" / "index.html"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "page"
START_PAUSE_S = 0.05
"""Between two questions while it starts: it needs the processor."""
expect.set_options(timeout=20_000)  # of a busy machine


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if not path:
        pytest.skip("NO BROWSER: install chromium, or run `python -m playwright install chromium`")
    if not STATIC.exists():
        pytest.skip("NO BROWSER test without a built page: cd web && npm ci && npm run build")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield made
        made.close()


@dataclass
class Running:
    """An engine in a process of its own, and where it keeps what it writes."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str

    @property
    def config(self) -> Path:
        return self.folder / "config" / "paper.json"


class Terminal:
    """A terminal for an engine, which says there what it says to nobody else. Read to its end by a
    thread.
    """

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self._text = ""
        self._more = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux's end of a terminal
            while chunk := os.read(self._master, 4096):
                with self._more:
                    self._text += chunk.decode(errors="replace")
                    self._more.notify_all()

    def find(self, pattern: str) -> str:
        """The first group of what matches, as soon as it is said."""
        with self._more:
            assert self._more.wait_for(lambda: re.search(pattern, self._text), PATIENCE_S), (
                self._text[-2000:]
            )
            found = re.search(pattern, self._text)
        assert found is not None
        return found[1]

    def close(self) -> None:
        os.close(self.slave)
        os.close(self._master)


@contextmanager
def engine(
    folder: Path,
    *options: str,
    port: int = 0,
    change: Callable[[dict[str, object]], None] = lambda config: None,
    users: bool = True,
    terminal: Terminal | None = None,
    keeps_server: bool = False,
) -> Iterator[Running]:
    """`otrade run` on the simulator; the users of `tests.web.logins` may log in, or nobody yet.
    `terminal`: where its words go. An engine that is killed leaves its page's server, which is ended
    here unless another engine of the folder is to find it.
    """
    config = orjson.loads((ROOT / "config" / "paper.json").read_bytes())
    config["paths"] = {"var": str(folder / "var"), "secrets": str(folder / "secrets.json")}
    change(config)
    path = folder / "config" / "paper.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))
    if users:
        write_users(folder / "var" / "access")
    command = [
        sys.executable,
        "-m",
        "otrade",
        "run",
        "--config",
        str(path),
        "--port",
        str(port),
        *options,
    ]
    with (folder / "engine.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=log,
            stderr=log if terminal is None else terminal.slave,
            start_new_session=True,
        )
    try:
        yield Running(process, folder, _url(process, folder))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        if not keeps_server:
            end_server(folder)


def _url(process: subprocess.Popen[bytes], folder: Path) -> str:
    """As `otrade status` finds it."""
    path = folder / "var" / "run" / "server.json"
    log = folder / "engine.log"
    for _ in attempts("the engine tells its address", pause_s=START_PAUSE_S):
        assert process.poll() is None, f"the engine has ended: {log.read_text()[-3000:]}"
        if path.exists():
            info = msgspec.json.decode(path.read_bytes(), type=ServerInfo)
            if info.url:
                return info.url
    raise AssertionError  # attempts do not end without a word


def server_of(folder: Path) -> ServerInfo:
    """The page's server, which outlives an engine that is killed."""
    raw = (folder / "var" / "run" / "server.json").read_bytes()
    return msgspec.json.decode(raw, type=ServerInfo)


def end_server(folder: Path) -> None:
    """Harmless where none is left."""
    if (found := running_server(folder / "var")) is not None:
        os.kill(found.pid, signal.SIGKILL)
        wait_until("its server has ended", lambda: running_server(folder / "var") is None)


def ask(running: Running, path: str) -> Any:
    """As the command line asks: not the page's word."""
    info = msgspec.json.decode(
        (running.folder / "var" / "run" / "server.json").read_bytes(), type=ServerInfo
    )
    request = urllib.request.Request(
        f"{running.url}api/v1/{path}", headers={"Authorization": f"Bearer {info.token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


@contextmanager
def person(
    browser: Browser,
    url: str,
    name: str = "trader",
    *,
    password: str = PASSWORD,
    before: Callable[[BrowserContext], object] = lambda context: None,
    **options: object,
) -> Iterator[Page]:
    """Somebody at a browser of his own who has logged in. What goes wrong in the page's own code
    fails the test. `before` the page is opened something may be done to the browser.
    """
    context = browser.new_context(**{"viewport": {"width": 1500, "height": 950}, **options})
    context.set_default_timeout(15_000)
    before(context)
    try:
        yield enter(context, url, name, password)
    finally:
        context.close()


def enter(
    context: BrowserContext, url: str, name: str = "trader", password: str = PASSWORD
) -> Page:
    page = open_page(context, url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("navigation", name="Views").wait_for()
    return page


def open_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()

    def failed(error: object) -> None:
        raise AssertionError(f"the page's own code failed: {error}")

    page.on("pageerror", failed)
    page.goto(url)
    return page


def go(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()
    page.get_by_role("heading", name=view, exact=True, level=2).first.wait_for(state="attached")


def axe(page: Page) -> list[str]:
    """What axe-core has to say against the page as it is; empty when it is clean. The page's policy
    forbids scripts of others: this one comes by the debugger.
    """
    if not AXE.exists():
        pytest.skip("NO BROWSER test by axe without web/node_modules: cd web && npm ci")
    if not page.evaluate("'axe' in window"):
        page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text()})
    found: list[Any] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in found
        for node in rule["nodes"][:3]
    ]


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
