"""The chart of an instrument in a browser: its indicators over the candles and in panes, the legend, and
that it shows the newest candle at a readable width whatever was chosen before.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.harness.paper_run import file_strategy
from tests.page.conftest import ROOT, Running, ask, axe, engine, go, person, shot

INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
WIDE = {"width": 1500, "height": 950}
PHONE = {"width": 390, "height": 844}
PANE_PX = 110


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def change(config: dict[str, Any]) -> None:
        config["sim"]["ticks_per_s"] = 0.25
        config["web"] = {"updates_per_s": 8}
        config["paths"]["strategies"] = str(ROOT / "strategies")
        config["strategies"] += [
            file_strategy("breakout", "volatility_breakout.py", period=15),
            file_strategy("reversion", "rsi_reversion.py"),
        ]

    with engine(tmp_path_factory.mktemp("chart"), "--speed", "4000", change=change) as made:
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with person(browser, running.url, color_scheme="dark", viewport=WIDE) as made:
        go(made, "Instrument")
        yield made


def legend(page: Page) -> Locator:
    return page.get_by_role("group", name="Legend of the chart")


def chip(page: Page, name: str) -> Locator:
    return legend(page).get_by_role("button", name=name)


def box_of(page: Page) -> dict[str, float]:
    found = page.locator(".box").bounding_box()
    assert found is not None
    return {**found}


def candle_at(page: Page, x: float) -> str:
    """What the legend says of the candle under the crosshair at so many pixels from the left."""
    box = box_of(page)
    page.mouse.move(box["x"] + x, box["y"] + 120)
    text = legend(page).locator(".candle").inner_text()
    found = re.match(r"\d\d:\d\d(:\d\d)?", text)
    return found[0] if found else ""


def seen(page: Page) -> list[str]:
    """Times of the candles on the screen, from left to right, each once for each four pixels of it."""
    width = int(box_of(page)["width"])
    return [time for x in range(2, width, 4) if (time := candle_at(page, x))]


def newest(running: Running, instrument_id: int, back: int = 1) -> str:
    rows = ask(running, f"candles?instrument_id={instrument_id}&interval_s=60")
    return spoken(rows[-back]["ts_ms"])


def spoken(ts_ms: int) -> str:
    return dt.datetime.fromtimestamp(ts_ms / 1000, INDIA).strftime("%H:%M:%S")


def test_after_ticks_the_candles_are_as_they_were(page: Page, running: Running) -> None:
    """Ticks of a running day, then candles again, here and on another instrument."""
    expect(page.locator("dd.clock")).to_have_text(re.compile("^(09:[2-5]|1)"), timeout=60_000)
    page.get_by_role("button", name="Ticks", exact=True).click()
    expect(legend(page).get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("STOPPED").first).to_be_visible(timeout=90_000)
    shot(page, "chart-ticks")
    for instrument_id, name in ((0, ""), (1, "^NSE:RELIANCE")):
        if name:
            page.get_by_role("button", name="Ticks", exact=True).click()
            page.get_by_role("button", name=re.compile(name)).first.click()
        page.get_by_role("button", name="1 min", exact=True).click()
        last = newest(running, instrument_id)
        expect(legend(page).locator(".candle")).to_contain_text(last)
        times = seen(page)
        before = newest(running, instrument_id, back=2)
        candles = list(dict.fromkeys(times))
        # Right of the newest the legend says the newest: that it is there is said by the one before.
        assert candles[-2:] == [before, last], "the newest are on the screen"
        assert len(candles) > 60 and candles == sorted(candles)
        assert max(times.count(time) for time in candles[:-1]) <= 6, "none is stretched"
    page.get_by_role("button", name=re.compile("^NSE:INFY")).first.click()


def test_each_strategy_shows_its_indicators(page: Page, running: Running) -> None:
    expect(chip(page, "ATR")).to_be_visible()
    names = [
        re.sub(r"\s+", " ", one) for one in legend(page).get_by_role("button").all_inner_texts()
    ]
    starts = ("fast EMA 9", "slow EMA 21", "channel Donchian 15", "spread ATR 14", "strength RSI 14", "trend SMA 8")  # fmt: skip
    assert [next(s for s in starts if name.startswith(s)) for name in names] == list(starts)
    panes = page.locator(".frame .pane")
    expect(panes).to_have_text(["spread ATR 14", "strength RSI 14"])
    boxes = [one.bounding_box() for one in panes.all()]
    tops = [box["y"] for box in boxes if box is not None]
    assert len(tops) == len(boxes)
    assert tops[1] - tops[0] == pytest.approx(PANE_PX, abs=8)
    shot(page, "chart")


def test_the_legend_has_the_value_under_the_crosshair(page: Page, running: Running) -> None:
    """As the engine has it, to the last figure that is shown."""
    rows = {row["name"]: row for row in ask(running, "indicators?instrument_id=0")}
    assert set(rows) == {"infy-ema", "breakout", "reversion"}

    def value(strategy: str, indicator: str, time: str, part: str = "") -> float | None:
        row = rows[strategy]
        at = max(i for i, ts_ms in enumerate(row["ts_ms"]) if spoken(ts_ms) == time)
        (line,) = (x for x in row["lines"] if (x["indicator"], x["part"]) == (indicator, part))
        return line["values"][at]  # type: ignore[no-any-return]

    checked = 0
    for x in (200, 420, 610):
        time = candle_at(page, x)
        assert time
        said = [
            re.sub(r"\s+", " ", one) for one in legend(page).get_by_role("button").all_inner_texts()
        ]
        for strategy, indicator, label, part in (
            ("infy-ema", "fast", "EMA 9", ""),
            ("infy-ema", "slow", "EMA 21", ""),
            ("breakout", "channel", "Donchian 15", "upper"),
            ("breakout", "spread", "ATR 14", ""),
            ("reversion", "strength", "RSI 14", ""),
        ):
            (text,) = (one for one in said if one.startswith(f"{indicator} {label}"))
            wanted = value(strategy, indicator, time, part)
            assert wanted is not None
            spelled = f"{wanted:,.2f}" if wanted >= 1 else f"{wanted:.4f}"
            assert f"{part} {spelled}" in text if part else text.endswith(spelled), (time, text)
            checked += 1
    assert checked == 15


def test_one_is_hidden_and_stays_hidden(page: Page) -> None:
    page.mouse.move(5, 5)
    chip(page, "RSI").click()
    expect(chip(page, "RSI")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".frame .pane")).to_have_text(["spread ATR 14"])
    page.reload()
    expect(chip(page, "RSI")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".frame .pane")).to_have_text(["spread ATR 14"])
    chip(page, "RSI").click()
    expect(page.locator(".frame .pane")).to_have_text(["spread ATR 14", "strength RSI 14"])


COUNT = """([selector, names]) => {
  const style = getComputedStyle(document.documentElement);
  const wanted = names.map((name) => {
    const hex = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join();
  });
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const canvas of document.querySelectorAll(selector)) {
    if (!canvas.width || !canvas.height) continue;
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      const at = data[i + 3] === 255 ? wanted.indexOf([data[i], data[i + 1], data[i + 2]].join()) : -1;
      if (at >= 0) counts[names[at]] += 1;
    }
  }
  return counts;
}"""


def pixels(page: Page, selector: str, *names: str) -> dict[str, int]:
    """How many pixels of the canvases have each of the theme's colours."""
    found: dict[str, int] = page.evaluate(COUNT, [selector, list(names)])
    return found


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_line_has_a_colour_of_its_own(page: Page, theme: str) -> None:
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.get_by_role("button", name=re.compile("theme|light|dark", re.I)).first.click()
    expect(chip(page, "RSI")).to_be_visible()
    page.mouse.move(5, 5)
    lines = [f"line-{i}" for i in (1, 2, 3, 4, 5, 6)]
    page.wait_for_function(
        f"(args) => Object.values(({COUNT})(args)).every((n) => n > 20)", arg=[".box canvas", lines]
    )
    assert axe(page) == []
    shot(page, f"chart-{theme}")


def test_the_newest_price_has_a_label_in_the_colour_of_its_candle(
    page: Page, running: Running
) -> None:
    """A rising candle is hollow: its own colour is the panel's."""
    rising = {}
    for instrument_id, row in enumerate(ask(running, "instruments")):
        last = ask(running, f"candles?instrument_id={instrument_id}&interval_s=60")[-1]
        rising[row["symbol"]] = last["close_e4"] >= last["open_e4"]
    assert True in rising.values()
    for symbol, is_rising in rising.items():
        page.get_by_role("button", name=symbol).first.click()
        expect(page.get_by_role("region", name=symbol, exact=True)).to_be_visible()
        colour, other = ("up", "down") if is_rising else ("down", "up")
        axis = ".box tr:first-child td:last-child canvas"
        page.wait_for_function(
            f"(args) => ({COUNT})(args)['{colour}'] > 300", arg=[axis, [colour, other]]
        )
        assert pixels(page, axis, colour, other)[other] < 100
    page.get_by_role("button", name=re.compile("^NSE:INFY")).first.click()


def test_it_is_as_high_as_the_window_allows(page: Page) -> None:
    two = 2 * PANE_PX
    for height, candles_px in ((950, 400), (720, 300), (1400, 700)):
        page.set_viewport_size({"width": 1440, "height": height})
        assert box_of(page)["height"] - two == pytest.approx(candles_px, abs=30)
    page.set_viewport_size(PHONE)
    expect(chip(page, "RSI")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for one in legend(page).get_by_role("button").all():
        at = one.bounding_box()
        assert at is not None and at["x"] >= 0 and at["x"] + at["width"] <= PHONE["width"]
    assert axe(page) == []
    shot(page, "chart-phone")
    page.set_viewport_size(WIDE)
