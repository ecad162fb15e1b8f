"""As many messages as come in hours, in half a minute: two laps through the views, after which the
browser holds what it held after one.

The engine is real, and its day is over; what goes on is told to the page by this test, in the
engine's place: prices, brackets and orders change with every message, and signals and notices come.
Counts are compared, and no times.
"""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.page.conftest import Running, engine, go, person
from tests.page.test_day import counts

VIEWS = (
    "Today",
    "Instrument",
    "Positions",
    "Orders",
    "Signals",
    "Trades",
    "Latency",
    "Limits",
    "Journal",
    "Notices",
)
A_LAP = 100
"""Messages in each view: a thousand a lap."""
AT_ONCE = 25
KEPT = 500
"""Signals and notices that a page keeps, and some more: then the oldest go."""


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def short(config: dict[str, Any]) -> None:
        config["sim"]["ticks_per_s"] = 0.25

    with engine(tmp_path_factory.mktemp("leaks"), "--speed", "5000", change=short) as made:
        with person(browser, made.url) as watcher:
            expect(watcher.get_by_text("STOPPED").first).to_be_visible(timeout=90_000)
        yield made


class Teller:
    """Stands between the page and the engine's socket: the engine's snapshot goes through, and what
    follows is made of it.
    """

    def __init__(self) -> None:
        self.snapshot: dict[str, Any] = {}
        self._page: WebSocketRoute | None = None
        self._seq = itertools.count()
        self._n = 0

    def stand_between(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self._page = socket

        def told(message: str | bytes) -> None:
            if orjson.loads(message)["type"] == "snapshot" and not self.snapshot:
                self.snapshot = orjson.loads(message)
                self._seq = itertools.count(self.snapshot["seq"] + 1)
                socket.send(message)

        server.on_message(told)

    def tell(self, page: Page, n: int) -> None:
        """`n` messages, a few at a time, each few after the page has drawn the ones before."""
        assert self._page is not None
        for i in range(n):
            self._page.send(orjson.dumps(self._next()).decode())
            if i % AT_ONCE == AT_ONCE - 1:
                page.evaluate(
                    "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
                )

    def _next(self) -> dict[str, Any]:
        self._n += 1
        n = self._n
        rows = copy.deepcopy(
            {
                name: self.snapshot[name]
                for name in ("instruments", "strategies", "brackets", "orders", "positions")
            }
        )
        status = copy.deepcopy(self.snapshot["status"])
        now_ms = status["now_ms"] + 1000 * n
        status |= {"now_ms": now_ms, "lifecycle": "running"}
        status["pnl"]["net_e4"] += 100 * n
        for row in rows["instruments"]:
            row |= {"ltp_e4": row["ltp_e4"] + 500 * (n % 40), "ts_recv_ms": now_ms}
        for row in rows["brackets"][-2:]:
            row |= {
                "state": "OPEN",
                "open_qty": 10,
                "protected_qty": 10 * (n % 2),
                "pnl_e4": 1000 * n,
            }
        for row in rows["orders"][-20:]:
            row |= {"cum_qty": n % 7, "ts_last_ms": now_ms}
        signal, notice = self.snapshot["signals"][-1], self.snapshot["notices"][-1]
        return rows | {
            "type": "delta",
            "seq": next(self._seq),
            "status": status,
            "signals": [signal | {"seq": signal["seq"] + n, "ts_ms": now_ms}],
        } if n % 2 else {
            "type": "notice", "seq": next(self._seq), "notices": [notice | {"seq": notice["seq"] + n, "ts_ms": now_ms, "severity": "warn"}],
        }  # fmt: skip


def lap(page: Page, teller: Teller) -> None:
    for view in VIEWS:
        go(page, view)
        teller.tell(page, A_LAP)
    go(page, "Today")
    page.get_by_role("img", name="Profit of the day").wait_for()


def test_the_browser_holds_what_it_held_a_thousand_messages_ago(
    browser: Browser, running: Running
) -> None:
    teller = Teller()
    with person(
        browser,
        running.url,
        before=lambda context: context.route_web_socket("**/api/v1/ws", teller.stand_between),
    ) as page:
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        teller.tell(page, 2 * KEPT + 10)
        lap(page, teller)
        first = counts(cdp, page)
        lap(page, teller)
        last = counts(cdp, page)
        print(first, last, sep="\n")
        assert abs(last["elements"] - first["elements"]) < 30
        assert abs(last["nodes"] - first["nodes"]) < 600
        assert abs(last["listeners"] - first["listeners"]) < 60
        assert last["heap"] - first["heap"] < 1_000_000, "less than a kilobyte a message"
