"""The engine is killed under an open page: the page says so, and comes back by itself with the next
engine. Nobody else notices: the page's process goes on.
"""

from __future__ import annotations

import signal
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.page.conftest import engine, go, person, server_of, shot


def test_the_page_says_that_the_engine_is_gone_and_comes_back(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path
    with engine(folder, "--speed", "30") as first, person(browser, first.url) as page:
        expect(page.get_by_role("banner")).to_contain_text("ACTIVE")
        served = server_of(folder)
        first.process.send_signal(signal.SIGKILL)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("ENGINE GONE")
        expect(alert).to_contain_text("The engine has not answered since")
        expect(alert).to_contain_text("By its last word")
        expect(page.get_by_role("banner")).to_contain_text("GONE")
        go(page, "Journal")
        expect(page.get_by_role("alert")).to_contain_text("ENGINE GONE")
        shot(page, "engine-gone")
        with engine(folder, "--speed", "30", keeps_server=True) as second:
            assert second.url == first.url and server_of(folder) == served
            expect(page.get_by_role("banner")).to_contain_text("ACTIVE")
            expect(page.get_by_text("ENGINE GONE")).to_have_count(0)
            second.process.send_signal(signal.SIGTERM)
            expect(page.get_by_role("alert")).to_contain_text("has ended in order")
        assert server_of(folder) == served, "an engine ends only what it began"
