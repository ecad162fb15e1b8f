"""Real money as the page shows it, with everything going wrong: an invented engine says so, since
no test may have a live one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import ROOT, axe, go, person, shot
from tests.web.show import PASSWORD


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    command = [sys.executable, "-m", "tests.web.show", "--scene", "alarm", "--still"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            with person(browser, url, password=PASSWORD, color_scheme="dark") as made:
                yield made
        finally:
            process.kill()


def test_live_cannot_be_taken_for_paper(page: Page) -> None:
    expect(page).to_have_title(re.compile(r"^LIVE .*₹.* · OTrade$"))
    assert page.locator("#favicon").get_attribute("href") == "/favicon-live.svg"
    expect(page.get_by_role("banner").first).to_contain_text("LIVE real money")
    frame = "getComputedStyle(document.documentElement, '::after').borderTopWidth"
    assert page.evaluate(frame) == "4px", "a frame around everything"


def test_naked_quantity_is_red_and_said_in_words(page: Page) -> None:
    go(page, "Positions")
    row = page.get_by_role("row").filter(has_text="NSE:INFY").first
    expect(row).to_contain_text("⚠ 100 of 100 without a stop")
    colour = "e => getComputedStyle(e.querySelector('td')).backgroundColor"
    others = page.get_by_role("row").filter(has_text="NSE:RELIANCE").first
    assert row.evaluate(colour) != others.evaluate(colour)
    expect(page.get_by_role("link", name=re.compile("Positions.*1 naked"))).to_be_visible()
    expect(page.get_by_role("banner").first).to_contain_text("without a full stop")
    expect(page.get_by_role("alert").filter(has_text="the position is unprotected")).to_be_visible()
    shot(page, "live-alarm")
    assert not axe(page)


def test_old_prices_are_grey_with_their_age(page: Page) -> None:
    go(page, "Today")
    stale = page.get_by_role("button").filter(has_text="NSE:ITC")
    expect(stale).to_contain_text("stale, 8 m 00 s old")
    assert "stale" in (stale.get_attribute("class") or "")
    expect(page.get_by_text("DOWN: no entries, stops rest at the exchange")).to_be_visible()


def test_real_money_is_not_moved_without_a_word(page: Page) -> None:
    go(page, "Positions")
    page.locator("#view").get_by_role("button", name="Flatten…").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("REAL MONEY")
    act = dialog.get_by_role("button", name=re.compile("^Flatten NSE:"))
    expect(act).to_be_disabled()
    dialog.get_by_label("Type FLATTEN to confirm").fill("FLATTEN")
    act.click()
    outcome = page.locator(".outcome")
    expect(outcome).to_contain_text("flatten: done")
    expect(outcome).to_contain_text(
        re.compile(r"Not yet\.\s+[0-9]+ units are still open, as the broker reports it")
    )


def test_a_foreign_position_is_taken_over_by_a_word(page: Page) -> None:
    go(page, "Positions")
    page.get_by_role("row").filter(has_text="NSE:SBIN").get_by_role(
        "button", name="Take over…"
    ).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Take over the foreign position in NSE:SBIN?")
    expect(dialog).to_contain_text("it gets a stop at once")
    dialog.get_by_label("Type TAKE OVER to confirm").fill("TAKE OVER")
    dialog.get_by_role("button", name="Take over", exact=True).click()
    expect(page.locator(".outcome")).to_contain_text("NSE:SBIN is still in quarantine.")


def test_a_login_is_begun_here(page: Page) -> None:
    page.get_by_role("button", name="Log in…").click()
    expect(page.get_by_role("dialog")).to_contain_text("without a restart")
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()
    expect(page.locator(".outcome")).to_contain_text("login: done")


def test_a_kill_that_fails_says_what_to_do_instead(page: Page) -> None:
    page.locator("#kill-button").click()
    page.locator("#kill-button").click()
    expect(page.locator("#kill-words")).to_contain_text(
        "NOT DONE: this invented engine cannot be killed"
    )
    expect(page.locator("#kill-words")).to_contain_text("Run `otrade kill` in a terminal.")
