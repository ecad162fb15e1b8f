"""The engine is killed under an open page: the page says so, and comes back by itself with the next
engine. Nobody else notices: the page's process goes on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from otrade.live.runtime.server_file import ServerInfo
from tests.harness.waiting import wait_until
from tests.page.conftest import engine, go, person, shot


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where engines run one after the other; the page that the killed one has left is ended."""
    yield tmp_path
    path = tmp_path / "var" / "run" / "server.json"
    if path.exists():
        pid = msgspec.json.decode(path.read_bytes(), type=ServerInfo).pid
        os.kill(pid, signal.SIGTERM)
        wait_until("the page's server has ended", lambda: not path.exists())


def server(folder: Path) -> ServerInfo:
    raw = (folder / "var" / "run" / "server.json").read_bytes()
    return msgspec.json.decode(raw, type=ServerInfo)


def state(page: Page) -> str:
    return page.get_by_role("banner").inner_text()


def test_the_page_says_that_the_engine_is_gone_and_comes_back(
    browser: Browser, folder: Path
) -> None:
    with engine(folder, "--speed", "30") as first, person(browser, first.url) as page:
        expect(page.get_by_role("banner")).to_contain_text("ACTIVE")
        served = server(folder)
        first.process.send_signal(signal.SIGKILL)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("ENGINE GONE")
        expect(alert).to_contain_text("The engine has not answered since")
        expect(alert).to_contain_text("By its last word")
        expect(page.get_by_role("banner")).to_contain_text("GONE")
        go(page, "Journal")
        expect(page.get_by_role("alert")).to_contain_text("ENGINE GONE")
        shot(page, "engine-gone")
        with engine(folder, "--speed", "30") as second:
            assert second.url == first.url and server(folder) == served
            expect(page.get_by_role("banner")).to_contain_text("ACTIVE")
            expect(page.get_by_text("ENGINE GONE")).to_have_count(0)
            second.process.send_signal(signal.SIGTERM)
            expect(page.get_by_role("alert")).to_contain_text("has ended in order")
        assert server(folder) == served, "an engine ends only what it began"
