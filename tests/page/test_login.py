"""Logging in and out in a real browser: the first password, wrong ones, the authenticator, who only
looks, and how often somebody may try; then the alert that is only a test, a position that is not
ours, and the end of the engine. One engine, which nobody has a password for at first.
"""

import hashlib
import hmac
import re
import struct
import time
from base64 import b32decode
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.alert_listener import AlertListener, environment, listening
from tests.page.conftest import Running, Terminal, ask, axe, engine, go, open_page, person, shot
from tests.web.logins import PASSWORD, TOTP_SECRET, write_users

CHOSEN = "five wooden ships"
CODE = "([A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4})"


def totp(at_s: float) -> str:
    """RFC 6238, from its own words: six digits of an HMAC-SHA-1 of the half minute."""
    digest = hmac.new(
        b32decode(TOTP_SECRET), struct.pack(">Q", int(at_s) // 30), hashlib.sha1
    ).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def test_the_codes_are_those_of_the_standard() -> None:
    assert [totp(at) for at in (59, 1_111_111_109, 1_111_111_111)] == ["287082", "081804", "050471"]


@pytest.fixture(scope="module")
def ear() -> Iterator[AlertListener]:
    with listening() as found:
        yield found


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(
    browser: Browser,
    ear: AlertListener,
    terminal: Terminal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    def alerted(config: dict[str, Any]) -> None:
        config["strategies"] = [row | {"enabled": False} for row in config["strategies"]]
        # After everything that comes before it here: what waits long may be closed by its target at once.
        config["sim"]["rehearse"] = [{"at": "10:00", "what": "hand"}]
        config["alerts"] = {"targets": [{"name": "phone"}, {"name": "mail"}], "tries": 1}

    with (
        environment(
            OTRADE_ALERT_PHONE=ear.address, OTRADE_ALERT_MAIL=ear.address.replace("json", "jsons")
        ),
        engine(
            tmp_path_factory.mktemp("doors"),
            "--speed",
            "60",
            change=alerted,
            users=False,
            terminal=terminal,
        ) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    context.set_default_timeout(15_000)
    yield open_page(context, running.url)
    context.close()


def views(page: Page) -> Any:
    return page.get_by_role("navigation", name="Views")


def log_in(page: Page, name: str, password: str, code: str = "") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Code of the authenticator").fill(code)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_on_the_first_run_the_terminals_link_leads_to_a_password(
    page: Page, running: Running, terminal: Terminal
) -> None:
    link, code = terminal.find(rf"open (http://\S+#setup={CODE})"), terminal.find(f"#setup={CODE}")
    page.get_by_role("heading", name="Choose a password").wait_for()
    assert not axe(page)
    page.get_by_label("One-time code").fill("AAAA-AAAA-AAAA")
    page.get_by_label("Password", exact=True).fill(CHOSEN)
    page.get_by_label("Once more").fill("something else")
    page.get_by_role("button", name="Set it and go on").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    for once_more in ("Password", "Once more"):
        page.get_by_label(once_more, exact=True).fill(CHOSEN)
    page.get_by_role("button", name="Set it and go on").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "That is not the one-time code that the engine's terminal shows"
    )
    shot(page, "first-run")

    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_label("One-time code")).to_have_value(code)
    assert page.url == running.url, "the code does not stay in the address"
    for once_more in ("Password", "Once more"):
        page.get_by_label(once_more, exact=True).fill(CHOSEN)
    page.get_by_role("button", name="Set it and go on").click()
    views(page).wait_for()
    expect(page.get_by_role("contentinfo")).to_contain_text("trader")
    log_out(page)
    assert not axe(page)
    shot(page, "login")


def test_a_wrong_password_does_not_say_what_was_wrong(page: Page) -> None:
    for name, password in (("trader", "five wooden shops"), ("nobody", CHOSEN)):
        log_in(page, name, password)
        expect(page.get_by_role("alert")).to_contain_text("Name, password or code is wrong.")
        expect(page.get_by_label("Password")).to_have_value("")
    held = [cookie["name"] for cookie in page.context.cookies()]
    assert all(name.endswith("_device") for name in held), "which lets nobody in"
    log_in(page, "trader", CHOSEN)
    views(page).wait_for()


def test_an_authenticators_code_is_asked_for_and_good_once(page: Page, running: Running) -> None:
    log_out(page)
    write_users(
        running.folder / "var" / "access"
    )  # as `otrade password` does, under the running engine
    log_in(page, "careful", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("Name, password or code is wrong.")
    code = totp(time.time())
    log_in(page, "careful", PASSWORD, code)
    views(page).wait_for()
    log_out(page)
    log_in(page, "careful", PASSWORD, code)
    expect(page.get_by_role("alert")).to_contain_text("Name, password or code is wrong.")
    log_in(page, "trader", PASSWORD)
    views(page).wait_for()


def test_another_password_ends_the_session_of_an_open_page(
    browser: Browser, page: Page, running: Running
) -> None:
    with person(browser, running.url, "viewer") as viewer:
        expect(viewer.get_by_role("contentinfo")).to_contain_text("viewer (looks only)")
        expect(viewer.get_by_role("button", name="Pause…")).to_be_disabled()
        file = write_users(running.folder / "var" / "access")
        file.change(lambda users: users.without_user("viewer"))
        expect(viewer.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_role("button", name="Pause…")).to_be_enabled()


def test_one_s_sessions_are_seen_and_ended(browser: Browser, page: Page, running: Running) -> None:
    with person(browser, running.url) as elsewhere:
        expect(elsewhere.get_by_role("button", name="Pause…")).to_be_enabled()
        go(page, "Sessions")
        rows = page.locator("main tbody tr")
        n = rows.count()
        assert n >= 2
        expect(rows.filter(has_text="(this one)")).to_have_count(1)
        shot(page, "sessions")
        assert not axe(page)
        page.get_by_role("button", name=re.compile("^End the session from 127.0.0.1")).first.click()
        expect(rows).to_have_count(n - 1)
        expect(elsewhere.get_by_role("button", name="Log in")).to_be_visible(timeout=20_000)
    go(page, "Notices")
    page.get_by_label("Code").select_option("PAGE_LOGIN")
    expect(
        page.get_by_role("cell", name=re.compile("has logged in on the page")).first
    ).to_be_visible()


def test_a_test_alert_tells_where_it_has_arrived_and_where_not(
    page: Page, ear: AlertListener
) -> None:
    """The second target's address speaks TLS to a server that has none."""
    go(page, "Notices")
    page.get_by_role("button", name="Test alert…").click()
    page.get_by_role("dialog").get_by_role("button", name="Test alert").click()
    outcome = page.locator(".outcome")
    expect(outcome).to_contain_text("Not all of it has arrived.", timeout=40_000)
    expect(outcome).to_contain_text("phone: delivered")
    expect(outcome).to_contain_text("mail: NOT delivered")
    assert sum("This is a test. Alerts reach you here." in one["message"] for one in ear.heard) == 1
    shot(page, "test-alert")


def test_who_tries_too_often_must_wait(browser: Browser, running: Running) -> None:
    """The right password too; and the words say what works meanwhile. Who is in already goes on."""
    context = browser.new_context()
    stranger = open_page(context, running.url)
    for _ in range(5):
        log_in(stranger, "trader", "five wooden shops")
        expect(stranger.get_by_role("button", name="Log in")).to_be_enabled()
    log_in(stranger, "trader", PASSWORD)
    expect(stranger.get_by_role("alert")).to_contain_text(
        re.compile("too many attempts to log in. The next one may begin in [0-9]+ s")
    )
    expect(stranger.get_by_role("alert")).to_contain_text(
        "The engine can be halted without the page: `otrade kill`."
    )
    context.close()


def test_what_somebody_has_bought_by_hand_is_taken_over_when_told(
    page: Page, running: Running
) -> None:
    go(page, "Positions")
    quarantined = page.get_by_role("row").filter(has=page.get_by_role("button", name="Take over…"))
    expect(quarantined).to_contain_text("NSE:INFY", timeout=60_000)
    expect(page.get_by_role("alert").filter(has_text="INFY: quarantined")).to_be_visible()
    assert ask(running, "brackets") == [], "nobody touches it"
    shot(page, "foreign")
    quarantined.get_by_role("button", name="Take over…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("it gets a stop at once")
    dialog.get_by_role("button", name="Take over", exact=True).click()
    expect(page.locator(".outcome")).to_contain_text(
        "Done. NSE:INFY is explained, as the broker reports it."
    )
    expect(page.get_by_role("cell", name="✓ all 1 protected")).to_be_visible()
    expect(quarantined).to_have_count(0)
    [bracket] = ask(running, "brackets")
    assert (bracket["open_qty"], bracket["protected_qty"], bracket["side"]) == (1, 1, "BUY")


def test_the_engine_is_stopped_from_the_page(page: Page, running: Running) -> None:
    """The last one."""
    page.get_by_role("group", name="Controls").get_by_role("button", name="Stop engine…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It closes everything that is open and then ends.")
    dialog.get_by_role("button", name="Leave as it is").click()
    assert running.process.poll() is None
    page.get_by_role("group", name="Controls").get_by_role("button", name="Stop engine…").click()
    act = dialog.get_by_role("button", name="Stop engine")
    expect(act).to_be_disabled()
    dialog.get_by_label("Your password, again").fill("not this one")
    act.click()
    expect(page.locator(".outcome")).to_contain_text("The present password is wrong")
    assert running.process.poll() is None
    page.get_by_role("group", name="Controls").get_by_role("button", name="Stop engine…").click()
    dialog.get_by_label("Your password, again").fill(PASSWORD)
    act.click()
    assert running.process.wait(timeout=60) == 0
    expect(page.locator(".outcome")).to_contain_text("Done. The engine has ended.")
