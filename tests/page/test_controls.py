"""Every command of the page, given in a real browser to a real engine; what it says is what
the engine and the exchange say.
"""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.page.conftest import (
    Running,
    ask,
    axe,
    engine,
    enter,
    go,
    open_page,
    person,
    server_of,
    shot,
)
from tests.web.logins import PASSWORD


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A day at sixty times real time, with a strategy that opens at once and again."""

    def eager(config: dict[str, Any]) -> None:
        config["strategies"] = [
            eager_one(name, symbol)
            for name, symbol in (("first", "NSE:INFY"), ("second", "NSE:RELIANCE"))
        ]
        config["risk"]["cooldown_after_stop_s"] = 0

    with engine(tmp_path_factory.mktemp("controls"), "--speed", "60", change=eager) as made:
        yield made


def eager_one(name: str, symbol: str) -> dict[str, Any]:
    """Short averages on short bars: something is open nearly always."""
    return {
        "kind": "ema_cross",
        "name": name,
        "instrument": symbol,
        "sizing": {"mode": "fixed", "value": 10},
        "bracket": {"stop": {"kind": "pct", "value": 5}, "on_opposite": "ignore"},
        "params": {"bar_s": 5, "on": "bar_close", "fast_period": 2, "slow_period": 4},
    }


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with person(browser, running.url) as made:
        yield made


def answer(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.locator(".outcome")).to_contain_text(words, timeout=20_000)


def confirm(page: Page, button: str, action: str) -> str:
    """Press, read what it says it will do, confirm."""
    page.get_by_role("group", name="Controls").get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    words = dialog.inner_text()
    dialog.get_by_role("button", name=action).click()
    expect(dialog).to_be_hidden()
    return words


def status(running: Running) -> dict[str, Any]:
    """As the command line reads it: not the page's word."""
    return ask(running, "status")


def wait_open(page: Page) -> None:
    go(page, "Positions")
    expect(page.locator("#view").get_by_role("button", name="Flatten…").first).to_be_visible(
        timeout=30_000
    )


def test_paper_is_said_everywhere(page: Page) -> None:
    expect(page).to_have_title(re.compile(r"^PAPER .*₹.* · OTrade$"))
    assert page.locator("#favicon").get_attribute("href") == "/favicon-paper.svg"
    assert page.evaluate("document.documentElement.dataset.mode") == "paper"
    expect(page.get_by_role("banner").first).to_contain_text("PAPER simulated money")


def test_flatten_one_then_everything(page: Page, running: Running) -> None:
    wait_open(page)
    expect(page.get_by_role("cell", name=re.compile("✓ all .* protected")).first).to_be_visible()
    shot(page, "positions")
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name="Flatten…")).first
    symbol = row.get_by_role("cell").nth(1).inner_text()
    row.get_by_role("button", name="Flatten…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Flatten {symbol} now?")
    expect(dialog).to_contain_text("units are open now")
    expect(dialog).to_contain_text("simulated money")
    dialog.get_by_role("button", name=f"Flatten {symbol}").click()
    answer(page, f"closing 1 position ({symbol.partition(':')[2]})")
    answer(page, re.compile("as the broker reports it"))
    exits = [row for row in ask(running, "brackets") if row["exit_reason"] == "FLATTEN"]
    assert exits, "the engine's own word"

    words = confirm(page, "Pause…", "Pause")
    assert "stops, targets and exits go on" in words
    answer(page, "Done. The engine is paused.")
    assert status(running)["paused"]
    if status(running)["protection"]["open_qty"]:
        confirm(page, "Flatten…", "Flatten everything")
        answer(page, "Nothing is open there, as the broker reports it.")
    assert status(running)["protection"]["open_qty"] == 0
    confirm(page, "Resume…", "Resume")
    answer(page, "Done. The engine is active.")
    assert not status(running)["paused"]


def test_stop_entries_and_rearm(page: Page, running: Running) -> None:
    words = confirm(page, "Stop entries…", "Stop entries")
    assert "until a person re-arms" in words
    answer(page, "Done. No entry is in the market")
    assert status(running)["state"] == "REDUCING"
    page.get_by_role("group", name="Controls").get_by_role("button", name="Re-arm…").click()
    dialog = page.get_by_role("dialog")
    act = dialog.get_by_role("button", name="Re-arm")
    expect(act).to_be_disabled()
    dialog.get_by_label("Type REARM to confirm").fill("rearm")
    expect(act).to_be_disabled()
    dialog.get_by_label("Type REARM to confirm").fill("REARM")
    act.click()
    answer(page, "Done. The engine is active.")
    assert status(running)["state"] == "ACTIVE"


def test_the_keyboard_asks_and_never_acts(page: Page, running: Running) -> None:
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Latency", level=2, exact=True).first).to_be_attached()
    page.keyboard.press("Shift+P")
    expect(page.get_by_role("dialog")).to_contain_text("Pause?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Shift+F")
    expect(page.get_by_role("dialog")).to_contain_text("Flatten every open position now?")
    page.get_by_role("button", name="Leave as it is").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("kill: halt the engine")
    page.get_by_role("button", name="Close", exact=True).click()
    assert not status(running)["paused"] and status(running)["state"] == "ACTIVE"
    go(page, "Notices")
    page.get_by_label("Search").press("Shift+P")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_preflight_and_account_are_the_brokers_word(page: Page) -> None:
    go(page, "Preflight")
    expect(page.get_by_text(re.compile("^(Go|No-go)")).first).to_be_visible(timeout=25_000)
    shot(page, "preflight")
    go(page, "Account")
    expect(page.get_by_role("table", name=re.compile("^Funds at"))).to_be_visible(timeout=25_000)
    expect(page.get_by_text(re.compile("its REST interface, .* ago"))).to_be_visible()
    shot(page, "account")
    assert not axe(page)


def test_a_viewer_sees_and_changes_nothing(browser: Browser, running: Running) -> None:
    with person(browser, running.url, "viewer") as viewer:
        for name in ("Pause…", "Stop entries…", "Flatten…", "Stop engine…"):
            expect(viewer.get_by_role("button", name=name)).to_be_disabled()
        viewer.keyboard.press("Shift+P")
        expect(viewer.get_by_role("dialog")).to_be_hidden()
        go(viewer, "Configuration")
        expect(viewer.get_by_text("You may look, but not change.")).to_be_visible()


def test_a_field_is_changed_with_its_difference_shown_first(page: Page, running: Running) -> None:
    go(page, "Configuration")
    page.locator("summary").filter(has_text=re.compile("^risk")).click()
    page.locator("summary").filter(has_text=re.compile("^paths")).click()
    expect(page.get_by_label("secrets")).to_be_disabled()
    field = page.get_by_label("max_trades_per_day")
    field.fill("-3")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Allowed: 0 to 100000.")).to_be_visible()
    write = page.get_by_role("button", name="Write the file")
    expect(write).to_be_disabled()
    field.fill("77")
    expect(
        page.get_by_role("row", name=re.compile(r"risk\.max_trades_per_day − 100 \+ 77 at once"))
    ).to_be_visible()
    expect(page.get_by_text("All of it is in force within five seconds")).to_be_visible()
    shot(page, "configuration")
    before = running.config.read_bytes()
    expect(write).to_be_disabled()
    page.get_by_label("Your password, again").fill(PASSWORD)
    write.click()
    expect(
        page.get_by_text(re.compile(r"Written\..*The former file is paper\.json\..*\.bak"))
    ).to_be_visible()
    written = orjson.loads(running.config.read_bytes())
    assert written["risk"]["max_trades_per_day"] == 77
    [backup] = running.config.parent.glob("paper.json.*.bak")
    assert backup.read_bytes() == before
    go(page, "Notices")
    page.get_by_label("Code").select_option("CONFIG_CHANGED")
    expect(
        page.get_by_role("cell", name=re.compile("now in force: risk.max_trades_per_day"))
    ).to_be_visible(timeout=20_000)
    go(page, "Limits")
    expect(page.get_by_text(re.compile(r"of 77$")).first).to_be_visible()


def test_the_journal_is_followed_as_it_is_written(page: Page) -> None:
    go(page, "Journal")
    page.get_by_label("Kind").select_option("PERSON")
    page.get_by_role("button", name="Newest").click()
    rows = page.locator(".rows tbody tr")
    expect(rows.last).to_contain_text("page configure")  # the last thing that was done here
    page.get_by_role("button", name="Follow").click()
    n = rows.count()
    confirm(page, "Pause…", "Pause")
    confirm(page, "Resume…", "Resume")
    expect(rows).to_have_count(n + 2)
    expect(rows.last).to_contain_text("person trader (trader) at 127.0.0.1")
    expect(rows.last).to_contain_text("resume")
    page.get_by_role("button", name="Following").click()


def test_rules_between_fields_are_said_at_the_field(page: Page) -> None:
    go(page, "Configuration")
    page.locator("summary").filter(has_text=re.compile("^strategies")).first.click()
    page.locator("summary").filter(has_text="strategies 1").click()
    page.get_by_label("fast_period").first.fill("50")
    expect(
        page.get_by_role("alert").filter(has_text="fast_period 50 must be below slow_period 4")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Write the file")).to_be_disabled()
    page.get_by_role("button", name="Throw away").click()


def test_a_lost_answer_is_asked_for_again_and_never_called_a_refusal(
    page: Page, running: Running
) -> None:
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # the engine has done it; nobody hears
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/commands/pause", lose_the_first_answer)
    confirm(page, "Pause…", "Pause")
    answer(page, "Done. The engine is paused.")
    assert len(keys) == 2 and keys[0] == keys[1]
    page.route("**/api/v1/commands/resume", lambda route: route.abort())
    confirm(page, "Resume…", "Resume")
    answer(page, "Not known. No answer came, and whether it was done is not known.")
    answer(page, "Not yet. The engine is not active yet.")
    assert status(running)["paused"]
    page.unroute_all()
    confirm(page, "Resume…", "Resume")
    answer(page, "Done. The engine is active.")


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_browser_whose_clock_is_wrong_gives_commands_in_time(
    browser: Browser, running: Running, hours: int
) -> None:
    """When a command was given is told by the engine's clock, as the page knows it."""
    wrong = (
        f"(() => {{ const right = Date.now; Date.now = () => right() + {hours * 3_600_000}; }})()"
    )
    with person(
        browser, running.url, before=lambda context: context.add_init_script(wrong)
    ) as page:
        for button, action in (("Pause…", "Pause"), ("Resume…", "Resume")):
            confirm(page, button, action)
            answer(page, "Done. The engine is")


def test_two_tabs_see_the_same(browser: Browser, page: Page, running: Running) -> None:
    other = open_page(page.context, running.url)  # the session is the browser's
    other.get_by_role("navigation", name="Views").wait_for()
    confirm(page, "Pause…", "Pause")
    expect(other.get_by_role("button", name="Resume…")).to_be_visible()
    confirm(other, "Resume…", "Resume")
    expect(page.get_by_role("button", name="Pause…")).to_be_visible()
    other.close()


def test_the_kill_switch_works_when_the_page_is_broken(browser: Browser, running: Running) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    enter(context, running.url).close()
    # The application's script does not come, its styles neither: what is left is the kill switch.
    context.route(re.compile(r"/assets/"), lambda route: route.abort())
    broken = context.new_page()
    broken.goto(running.url)
    assert broken.locator("#app").inner_text() == ""
    kill = broken.locator("#kill-button")
    kill.click()
    expect(broken.locator("#kill-words")).to_contain_text(
        "every stop stays at the exchange; nothing is closed"
    )
    assert status(running)["state"] == "ACTIVE", "one press does nothing"
    kill.click()
    expect(broken.locator("#kill-words")).to_contain_text("HALTED by command")
    shot(broken, "kill-broken")
    for _ in range(100):  # the server hears of it with the engine's next word
        if status(running)["state"] == "HALTED":
            break
        broken.wait_for_timeout(50)
    assert status(running)["state"] == "HALTED"
    context.close()


def test_a_halt_is_loud_and_a_person_lifts_it(page: Page, running: Running) -> None:
    expect(
        page.get_by_role("alert").filter(has_text=re.compile("halted", re.IGNORECASE))
    ).to_be_visible()
    page.get_by_role("button", name="Seen").click()
    page.get_by_role("button", name="Re-arm…").click()
    page.get_by_label("Type REARM to confirm").fill("REARM")
    page.get_by_role("dialog").get_by_role("button", name="Re-arm").click()
    answer(page, "Done. The engine is active.")


def test_the_kill_switch_by_keys_takes_two_presses(page: Page, running: Running) -> None:
    page.locator("#view").click(position={"x": 2, "y": 2})
    page.keyboard.press("Shift+K")
    expect(page.locator("#kill-button")).to_have_text("Press again: KILL")
    assert status(running)["state"] == "ACTIVE"
    page.keyboard.press("Shift+K")
    expect(page.locator("#kill-words")).to_contain_text("HALTED by command")
    assert status(running)["state"] == "HALTED"


def test_a_lost_engine_is_loud_and_comes_back(
    browser: Browser, page: Page, running: Running
) -> None:
    """The last one: it takes the engine away, and then the page's server. What is seen is grey, with its
    age; nothing can be pressed; a new one is found.
    """
    port = int(running.url.rstrip("/").rsplit(":", 1)[1])
    running.process.kill()
    running.process.wait()
    gone = page.get_by_role("alert").filter(has_text="ENGINE GONE")
    expect(gone).to_be_visible(timeout=10_000)
    expect(gone).to_contain_text(re.compile(r"has not answered since [0-9:]{8} IST \(\d+ s ago\)"))
    expect(page).to_have_title(re.compile("^ENGINE GONE"))
    assert page.locator("#favicon").get_attribute("href") == "/favicon-lost.svg"
    assert "grayscale" in page.locator("#view").evaluate("e => getComputedStyle(e).filter")
    expect(page.get_by_role("button", name="Flatten…")).to_be_disabled()
    expect(page.locator("#kill-words")).to_have_text(
        re.compile("^[0-9:]{8} HALTED by command")
    )  # of then, and says so
    page.locator("#kill-button").click()
    page.locator("#kill-button").click()
    expect(page.locator("#kill-words")).to_contain_text("NOT DONE: ")
    expect(page.locator("#kill-words")).to_contain_text("Run `otrade kill` in a terminal.")
    shot(page, "gone")
    with engine(running.folder, "--speed", "60", port=port, keeps_server=True) as again:
        assert again.url == running.url
        expect(page.get_by_role("alert").filter(has_text="ENGINE GONE")).to_have_count(0)
        # Sessions are the server's, which was not away.
        expect(page.get_by_role("navigation", name="Views")).to_be_visible()
        again.process.kill()
        again.process.wait()
    _the_server_goes_too(page, running)
    with engine(running.folder, "--speed", "60", port=port) as third:
        assert third.url == running.url
        expect(page.get_by_label("Password")).to_be_visible(
            timeout=30_000
        )  # sessions end with the server
        expect(page.get_by_role("alert").filter(has_text="CONNECTION LOST")).to_have_count(0)


def _the_server_goes_too(page: Page, running: Running) -> None:
    os.kill(server_of(running.folder).pid, signal.SIGKILL)
    expect(page.get_by_role("alert").filter(has_text="CONNECTION LOST")).to_be_visible(
        timeout=10_000
    )
    expect(page.get_by_text(re.compile(r"What you see is \d+ s old"))).to_be_visible()
    expect(page).to_have_title(re.compile("^CONNECTION LOST"))
    expect(page.get_by_text("Nothing can be written while the connection is lost.")).to_be_visible()
    shot(page, "lost")
    page.locator("#kill-button").click()
    page.locator("#kill-button").click()
    expect(page.locator("#kill-words")).to_contain_text(
        "NOT DONE: the engine does not answer. Run `otrade kill` in a terminal."
    )
