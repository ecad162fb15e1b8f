"""A whole simulated day open in a browser: nothing grows but the day's own rows; then every view of
it, wide and on a phone, by axe too.
"""

import contextlib
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Response, TimeoutError, expect

from tests.page.conftest import ROOT, Running, ask, axe, engine, go, person, shot

VIEWS = (
    "Today", "Instrument", "Positions", "Orders", "Signals", "Trades", "Latency", "Limits", "Journal", "Results", "Configuration",
    "Notices", "Sessions",
)  # fmt: skip
"""Without those that ask the broker: the simulated one is gone when its day is over (see the
controls).
"""
BUNDLE_GZIP_MAX = 300 * 1024
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1500, "height": 950}


def test_the_bundle_is_small() -> None:
    folder = ROOT / "otrade" / "web" / "static"
    if not folder.exists():
        pytest.skip("NO BROWSER test without a built page: cd web && npm ci && npm run build")
    sizes = {
        path.name: len(gzip.compress(path.read_bytes()))
        for path in folder.rglob("*")
        if path.is_file()
    }
    print(sizes)
    assert 50_000 < sum(sizes.values()) < BUNDLE_GZIP_MAX


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def thinner(config: dict[str, Any]) -> None:
        # The same day with fewer ticks, told less often: what is counted here are things, not
        # moments.
        config["sim"]["ticks_per_s"] = 0.25
        config["web"] = {"updates_per_s": 4}

    with engine(tmp_path_factory.mktemp("day"), "--speed", "5000", change=thinner) as made:
        yield made


@pytest.fixture(scope="module")
def candles() -> list[Response]:
    """Every answer with candles that the page has had."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running, candles: list[Response]) -> Iterator[Page]:
    with person(browser, running.url, color_scheme="dark") as made:
        made.on(
            "response",
            lambda answer: candles.append(answer) if "/api/v1/candles?" in answer.url else None,
        )
        yield made


def rupees(amount_e4: int) -> str:
    """As people in India write it, counted by hand: the last three digits, then pairs."""
    paise = (abs(amount_e4) + 50) // 100
    whole, part = divmod(paise, 100)
    head, tail = str(whole)[:-3], str(whole)[-3:]
    while head:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return f"{'' if paise == 0 else '−' if amount_e4 < 0 else '+'}₹{tail}.{part:02}"


def counts(cdp: CDPSession, page: Page) -> dict[str, int]:
    """What lives in the browser after its rubbish is gone."""
    cdp.send("HeapProfiler.collectGarbage")
    found = {
        row["name"]: int(row["value"]) for row in cdp.send("Performance.getMetrics")["metrics"]
    }
    return {
        "elements": page.evaluate("document.querySelectorAll('*').length"),
        "nodes": found["Nodes"],
        "listeners": found["JSEventListeners"],
        "heap": found["JSHeapUsedSize"],
    }


def wait_clock(page: Page, pattern: str, timeout_s: float = 90) -> None:
    """Until the engine's clock, as the page shows it, is there."""
    expect(page.locator("dd.clock")).to_have_text(re.compile(pattern), timeout=timeout_s * 1000)


def test_a_whole_day_leaves_the_browser_as_it_was(page: Page) -> None:
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    go(page, "Instrument")  # the chart, which works hardest
    wait_clock(page, "^1[0-5]:")
    seen: list[dict[str, int]] = [counts(cdp, page)]
    for hour in ("1[2-5]", "1[4-5]", "15:(2[5-9]|[3-5])"):
        wait_clock(page, f"^{hour}")
        seen.append(counts(cdp, page))
    print(*seen, sep="\n")
    first, last = seen[0], seen[-1]
    assert last["elements"] < first["elements"] + 700, (
        "rows of the day's signals and trades, bounded, and nothing else"
    )
    assert last["nodes"] < 4 * last["elements"] + 3000, "what has left the page is let go"
    assert last["listeners"] < first["listeners"] + 400
    assert last["heap"] < first["heap"] + 12_000_000, "the day's own rows"


def test_the_day_ends_and_the_page_says_so(
    page: Page, running: Running, candles: list[Response]
) -> None:
    expect(page.get_by_text("STOPPED").first).to_be_visible(timeout=60_000)
    # What the page drew from the few ticks that it was told of is replaced by the engine's own
    # candles, the last ones too.
    until = [row["ts_ms"] for row in ask(running, "candles?instrument_id=0")][-1]
    with contextlib.suppress(TimeoutError):
        if not candles or candles[-1].json()[-1]["ts_ms"] != until:
            page.wait_for_event(
                "response", lambda answer: "/api/v1/candles?" in answer.url, timeout=5_000
            )
    assert candles[-1].json()[-1]["ts_ms"] == until
    go(page, "Today")
    health = page.get_by_role("region", name="Health", exact=True)
    expect(health).to_contain_text("off: the day is over")
    expect(health).not_to_contain_text("DOWN")


def test_the_days_figures_are_the_engines(page: Page, running: Running) -> None:
    """The page's sums and curves beside what the command line reads."""
    status, trades = ask(running, "status"), ask(running, "trades")
    assert len(trades) > 5
    net = rupees(status["pnl"]["net_e4"])
    go(page, "Today")
    curve = page.get_by_role("img", name=re.compile("^Profit of the day, net of charges: "))
    expect(curve).to_have_attribute("aria-label", re.compile(rf": {re.escape(net)} at 15:4[01]:"))
    assert (
        page.evaluate(
            "(e) => e.getAttribute('d').split('L').length",
            curve.locator("path").last.element_handle(),
        )
        > 100
    )
    go(page, "Trades")
    together = page.get_by_role("region", name="The day's trades together", exact=True)
    expect(together).to_contain_text(
        f"Trades{len(trades)}, {sum(row['net_e4'] > 0 for row in trades)} won"
    )
    expect(together).to_contain_text(f"Net{rupees(sum(row['net_e4'] for row in trades))}")
    expect(page.get_by_role("region", name="Trades", exact=True).get_by_role("row")).to_have_count(
        1 + len(trades)
    )


def test_the_limits_are_bars_with_words(page: Page, running: Running) -> None:
    go(page, "Limits")
    placed = len(ask(running, "orders"))
    bar = page.get_by_role(
        "img", name=f"Orders placed today: {placed} of 4,900, 500 kept for exits"
    )
    expect(bar).to_be_visible()
    width = float(bar.locator("rect").last.get_attribute("width") or "nan")
    assert width == pytest.approx(1000 * placed / 4900)
    expect(
        page.get_by_role(
            "img",
            name=re.compile("^(Requests in|Loss of|Drawdown|Positions|Trades|Oldest|Changes)"),
        )
    ).to_have_count(9)


def test_the_latency_of_every_stage_is_a_histogram(page: Page, running: Running) -> None:
    go(page, "Latency")
    for stage in ask(running, "latency"):
        panel = page.get_by_role("region", name=stage["name"], exact=True)
        expect(panel).to_contain_text(stage["words"])
        expect(panel).to_contain_text(f"{stage['n']:,} times")
        assert stage["n"] > 0 and panel.locator("rect").count() == 48
        tall = [float(rect.get_attribute("height") or 0) for rect in panel.locator("rect").all()]
        assert sum(height > 0 for height in tall) <= len(stage["buckets"]) and max(
            tall
        ) == pytest.approx(90)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_view_is_clean_by_axe(page: Page, theme: str) -> None:
    if page.locator("html").get_attribute("data-theme") != theme:
        page.get_by_role("button", name=f"Use the {theme} theme").click()
    violations: list[str] = []
    for view in VIEWS:
        go(page, view)
        settle(page, view)
        shot(page, f"{view.lower()}-{theme}")
        violations += [f"{view}: {line}" for line in axe(page)]
    assert not violations, "\n".join(violations)


def settle(page: Page, view: str) -> None:
    """Until what the view asks for is there."""
    expect(page.locator("main")).not_to_contain_text(
        re.compile("Asking…|Asking the broker…|Reading…"), timeout=25_000
    )
    if view == "Orders":
        page.locator("main table a").first.click()
        expect(page.get_by_text("Sent: the last byte is out").first).to_be_visible()
    if view == "Signals":
        page.locator("main table a").first.click()
        expect(page.get_by_text("Gates, in the order")).to_be_visible()
    if view == "Configuration":
        page.locator("summary").filter(has_text=re.compile("^risk")).click()


def test_every_view_fits_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    for view in VIEWS:
        go(page, view)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{view} is {wide} pixels wide"
        box = page.locator("#kill-button").bounding_box()
        assert (
            box is not None
            and box["x"] + box["width"] <= PHONE["width"]
            and box["y"] + box["height"] <= PHONE["height"]
        )
    go(page, "Today")
    shot(page, "phone")
    page.set_viewport_size(WIDE)


def test_the_chart_has_lines_intervals_and_ticks(page: Page) -> None:
    go(page, "Instrument")
    for name in ("5 min", "15 min", "Ticks", "1 min"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    assert page.locator(".box canvas").count() > 0


def test_an_order_tells_its_story(page: Page) -> None:
    go(page, "Orders")
    page.get_by_role("row").filter(has_text="Entry").last.get_by_role("link").click()
    timeline = page.get_by_role("region", name="Timeline", exact=True)
    for words in (
        "Asked: place",
        "Sent: the last byte is out",
        "The broker has taken it",
        "Filled",
        "Rule:",
        "passed",
    ):
        expect(timeline.get_by_text(words).first).to_be_visible()
    page.go_back()
    expect(timeline).to_have_count(0)


def test_the_journal_is_searched_and_the_day_replayed(page: Page) -> None:
    go(page, "Journal")
    page.get_by_label("Kind").select_option("NOTICE")
    page.get_by_label("Search").fill("STOP_PLACED")
    page.get_by_role("button", name="Search from the start").click()
    expect(page.get_by_role("cell", name=re.compile("note STOP_PLACED")).first).to_be_visible()
    assert (
        page.locator(".rows tbody tr").count()
        == page.get_by_role("cell", name=re.compile("note STOP_PLACED")).count()
    )
    page.get_by_role("button", name="Replay this journal").click()
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible(timeout=30_000)
    expect(page.locator(".line")).to_contain_text("0 brackets open")
    slider.evaluate(
        "(e) => { e.value = (Number(e.min) + Number(e.max)) / 2;"
        "for (const name of ['input', 'change']) e.dispatchEvent(new Event(name, {bubbles: true})); }"
    )
    expect(page.locator(".line")).to_contain_text(re.compile("1[12]:"))
    shot(page, "journal-replay")


def test_the_best_picture_is_kept(page: Page) -> None:
    go(page, "Today")
    shot(page, "today")
    assert (Path(ROOT) / "build" / "page" / "today.png").stat().st_size > 20_000
