"""What somebody who watches money must never have to look for: at every width the actions are on the
screen and no table is cut off; the day's curve tells its extremes, its axis and each of its points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import Running, ask, axe, engine, go, person, shot
from tests.page.test_chart import spoken
from tests.page.test_controls import eager_one
from tests.page.test_day import rupees

SIZES = {1440: 900, 1280: 800, 768: 1024, 390: 844}
sized = pytest.mark.parametrize("width", SIZES)

CUT_OFF = """() => {
  const found = [];
  for (const body of document.querySelectorAll("#view .body"))
    if (body.scrollWidth > body.clientWidth + 1)
      found.push(`${body.getAttribute("aria-label")}: ${body.scrollWidth} in ${body.clientWidth}`);
  for (const it of document.querySelectorAll("#view button, #view a")) {
    const at = it.getBoundingClientRect();
    if (at.width > 0 && (at.left < 0 || at.right > innerWidth))
      found.push(`${it.textContent.trim()} ends at ${Math.round(at.right)} of ${innerWidth}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def eager(config: dict[str, Any]) -> None:
        config["strategies"] = [
            eager_one("a strategy with a long name", "NSE:INFY"),
            eager_one("second", "NSE:RELIANCE"),
        ]
        config["strategies"][1]["bracket"]["stop"]["value"] = 0.05
        config["risk"]["cooldown_after_stop_s"] = 0
        config["web"] = {"updates_per_s": 4}

    with engine(tmp_path_factory.mktemp("widths"), "--speed", "60", change=eager) as made:
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with person(browser, running.url) as made:
        go(made, "Positions")
        expect(made.locator("#view").get_by_role("button", name="Flatten…").first).to_be_visible(
            timeout=60_000
        )
        made.get_by_role("group", name="Controls").get_by_role(
            "button", name="Stop entries…"
        ).click()
        made.get_by_role("dialog").get_by_role("button", name=re.compile("Stop entries")).click()
        yield made


def view(page: Page, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    go(page, name)


@sized
def test_positions_show_the_way_out(page: Page, width: int) -> None:
    view(page, "Positions", width)
    buttons = page.locator("#view").get_by_role("button", name="Flatten…")
    expect(buttons.first).to_be_visible()
    for button in buttons.all():
        box = button.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
        assert width > 800 or box["height"] >= 36, "for a finger"
    assert page.evaluate(CUT_OFF) == []
    assert axe(page) == []
    shot(page, f"positions-{width}")


@sized
def test_today_is_not_cut_off(page: Page, width: int) -> None:
    view(page, "Today", width)
    expect(page.get_by_role("region", name="Brackets", exact=True)).to_contain_text(
        "a strategy with a long name"
    )
    assert page.evaluate(CUT_OFF) == []
    shot(page, f"today-{width}")


@sized
def test_orders_and_a_timeline_are_not_cut_off(page: Page, width: int) -> None:
    view(page, "Orders", width)
    rows = page.get_by_role("link", name=re.compile("timeline of"))
    expect(rows.first).to_be_visible()
    assert page.evaluate(CUT_OFF) == []
    rows.last.click()
    timeline = page.get_by_role("region", name="Timeline", exact=True)
    expect(timeline.get_by_text("Asked: place").first).to_be_visible()
    assert page.evaluate(CUT_OFF) == []
    assert axe(page) == []
    shot(page, f"orders-{width}")
    page.go_back()


def test_the_curve_tells_its_extremes_and_its_points(page: Page, running: Running) -> None:
    view(page, "Today", 1440)
    panel = page.get_by_role("region", name="Profit of the day", exact=True)
    curve = panel.get_by_role("img")
    expect(curve).to_be_visible()
    page.mouse.move(5, 5)
    told = panel.locator(".told")
    expect(told).to_contain_text("gross, dotted")
    for _ in range(20):  # until the page has what the engine has
        points = ask(running, "equity?since_ms=0")
        net = [point["net_e4"] for point in points]
        wanted = f"net {plain(min(net))} to {plain(max(net))};"
        if wanted in told.inner_text():
            break
        page.wait_for_timeout(200)
    expect(told).to_contain_text(re.compile(r"net .* to .*; gross, dotted"))
    assert wanted in told.inner_text(), "net alone: its own lowest and highest"
    amounts = [one.inner_text() for one in panel.locator(".axis span").all()]
    assert "₹0.00" in amounts and 3 <= len(amounts) <= 6
    box = curve.bounding_box()
    assert box is not None
    seen = set()
    for share in (0.15, 0.5, 0.85, 0.99):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        expect(told).to_contain_text(re.compile(r"\d\d:\d\d:\d\d: net .*, gross "))
        at, net_said, gross_said = re.split(": net |, gross ", told.inner_text())
        points = ask(running, "equity?since_ms=0")
        (point,) = (one for one in points if spoken(one["ts_ms"]) == at)
        assert (net_said, gross_said) == (rupees(point["net_e4"]), rupees(point["gross_e4"]))
        seen.add(at)
    assert len(seen) == 4
    shot(page, "curve")


def plain(amount_e4: int) -> str:
    return rupees(amount_e4).removeprefix("+")
