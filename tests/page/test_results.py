"""Results in a browser: the list, one whole with its days, trades on a chart and orders, two beside each
other; a backtest started, watched and ended; what a viewer may not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from otrade.research.results.writer import ResultWriter
from otrade.server.backtest_worker import NONE
from tests.cli.test_report import archive_of_a_day
from tests.page.conftest import Running, axe, engine, go, person, shot
from tests.research.report.test_one_day_sheet import sheet, sheet_trades
from tests.research.results.rows import DAY, facts, money, order, trade

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("results")
    results = folder / "var" / "results"
    sheet(results / "first", sheet_trades())
    archive_of_a_day(folder / "var" / "data")
    with ResultWriter(results / "second") as writer:
        writer.add_day(
            DAY, trades=[trade(), trade(trade_id=2, **money(-500, None))], orders=[order()]
        )
        writer.finish(facts(name="second", kind="live"))
    spoilt = sheet(results / "spoilt", sheet_trades()).folder / "result.json"
    spoilt.write_text("{}")

    def of_one(config: dict[str, Any]) -> None:
        config["instruments"] = [{"symbol": "NSE:INFY"}]
        config["strategies"] = config["strategies"][:1]

    with engine(folder, "--speed", "1", change=of_one) as made:
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with person(browser, running.url, color_scheme="dark") as made:
        go(made, "Results")
        yield made


def test_the_list_and_one_whole(page: Page) -> None:
    rows = page.get_by_role("region", name="Results, content")
    expect(rows.get_by_role("row", name="first")).to_contain_text("₹285.00")
    expect(rows.get_by_role("row", name="second")).to_contain_text("not known")
    expect(rows.get_by_role("row", name="spoilt")).to_contain_text("result.json")
    expect(rows.get_by_role("button", name="spoilt")).to_be_disabled()
    rows.get_by_role("button", name="first", exact=True).click()
    whole = page.get_by_role("region", name="first (backtest)", exact=True)
    expect(whole.get_by_role("row", name="Profit net")).to_contain_text("285.00")
    expect(whole.get_by_role("row", name="Profit gross")).to_contain_text("345.00")
    expect(whole.get_by_role("img", name="Equity, net")).to_be_visible()
    expect(whole.get_by_role("img", name="Drawdown, net")).to_be_visible()
    assert "₹0.00" in whole.locator(".axis").first.inner_text()
    whole.get_by_role("img", name="Equity, net").hover()
    expect(whole.locator(".told").first).to_contain_text(re.compile(r"₹.* on \d{4}-\d\d-\d\d"))
    by = page.get_by_role("region", name="By strategy: first", exact=True)
    expect(by.get_by_role("row", name="orb")).to_contain_text("₹255.00")
    axe(page)
    shot(page, "results")


def test_a_day_and_a_trade_on_the_chart(page: Page) -> None:
    page.get_by_role("region", name="Days: first", exact=True).get_by_role(
        "button", name=str(DAY)
    ).click()
    trades = page.get_by_role("region", name=f"Trades of {DAY}", exact=True)
    expect(trades.get_by_role("row")).to_have_count(5)
    trades.get_by_role("button", name="Show NSE:INFY").first.click()
    chart = page.get_by_role("img", name=f"NSE:INFY on {DAY}: 2 trades")
    expect(chart).to_be_visible()
    expect(page.get_by_text("the price archive has no minutes")).to_have_count(0)
    trades.get_by_role("button", name="Show NSE:SBIN").first.click()
    expect(page.get_by_text("the price archive has no minutes of this day")).to_be_visible()
    expect(page.get_by_role("region", name=f"Orders of {DAY}", exact=True)).to_contain_text(
        "No order"
    )
    axe(page)
    shot(page, "result-day")


def test_two_beside_each_other(page: Page) -> None:
    rows = page.get_by_role("region", name="Results, content")
    rows.get_by_role("button", name="Compare first with second").click()
    expect(page.get_by_role("region", name="first (backtest)", exact=True)).to_be_visible()
    other = page.get_by_role("region", name="second (live)", exact=True)
    expect(other).to_contain_text("charges of 1 of 2 trades are not known")
    expect(other.get_by_role("row", name="Profit net")).to_contain_text("not known")
    axe(page)
    shot(page, "results-two")


def test_one_that_is_gone_is_said(page: Page) -> None:
    page.evaluate("location.hash = '#/results/nowhere'")
    expect(page.get_by_role("alert").filter(has_text="there is no result")).to_be_visible()
    page.evaluate("location.hash = '#/results'")
    expect(page.get_by_text("there is no result")).to_have_count(0)


def test_a_backtest_that_cannot_be_is_said(page: Page) -> None:
    """Of days that no archive has."""
    panel = page.get_by_role("region", name="Backtest", exact=True)
    panel.get_by_label("From", exact=True).fill("2019-01-01")
    panel.get_by_label("To", exact=True).fill("2019-01-02")
    panel.get_by_label("Other prices").fill("nonsense")
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("alert")).to_contain_text("nonsense: write SYMBOL=SERIES")
    panel.get_by_label("Other prices").fill("")
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("status")).to_contain_text("Failed")
    expect(panel.get_by_role("status")).to_contain_text("started by person trader (trader)")


def test_a_backtest_is_run_and_opened(page: Page) -> None:
    """The command itself, over the two hours that the archive has."""
    panel = page.get_by_role("region", name="Backtest", exact=True)
    panel.get_by_label("From", exact=True).fill(str(DAY))
    panel.get_by_label("To", exact=True).fill(str(DAY))
    panel.get_by_label("Name").fill("third")
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("status")).to_contain_text("Done")
    whole = page.get_by_role("region", name="third (backtest)", exact=True)
    expect(whole.get_by_role("row", name="Profit net")).to_be_visible()
    expect(page.get_by_role("region", name="Results, content")).to_contain_text("third")
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("alert")).to_contain_text("there is a result third already")
    page.evaluate("location.hash = '#/results'")


def test_a_backtest_is_watched_and_ended(page: Page) -> None:
    view: dict[str, Any] = {name: getattr(NONE, name) for name in NONE.__struct_fields__}
    view |= {
        "state": "running",
        "name": "first",
        "started_by": "ravi",
        "day": str(DAY),
        "done": 3,
        "of": 12,
    }
    asked: list[str] = []

    def answer(route: Route) -> None:
        path = route.request.url.rpartition("/")[2]
        if route.request.method == "POST":
            asked.append(path)
            view["state"] = "done"
        route.fulfill(content_type="application/json", body=json.dumps(view))

    page.route("**/api/v1/*backtest", answer)
    panel = page.get_by_role("region", name="Backtest", exact=True)
    expect(panel.get_by_role("status")).to_contain_text(f"{DAY}, day 3 of 12")
    expect(panel.get_by_role("progressbar")).to_have_attribute("value", "3")
    expect(panel.get_by_role("button", name="Start")).to_be_disabled()
    axe(page)
    shot(page, "backtest")
    panel.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("region", name="first (backtest)", exact=True)).to_be_visible()
    assert asked == ["stop-backtest"]
    page.unroute("**/api/v1/*backtest")


def test_a_viewer_on_a_phone(browser: Browser, running: Running) -> None:
    with person(browser, running.url, "viewer", viewport=PHONE, color_scheme="light") as viewer:
        viewer.evaluate("location.hash = '#/results/first'")
        panel = viewer.get_by_role("region", name="Backtest", exact=True)
        expect(panel.get_by_role("button", name="Start")).to_be_disabled()
        expect(panel).to_contain_text("Only a trader may start one")
        expect(viewer.get_by_role("region", name="first (backtest)", exact=True)).to_be_visible()
        assert viewer.evaluate("document.documentElement.scrollWidth <= innerWidth")
        axe(viewer)
        shot(viewer, "results-phone")
