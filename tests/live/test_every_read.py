"""Every GET route of the table, asked of a real engine: before its first day, before the open, in
the middle of a day, and after it.

An invented engine answers with lists where the real one has generators and None; this one is real,
so a route is tested here as it is served. A route that is added is asked without a word; one with
parameters that must be given needs a line in `arguments`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from otrade.calendar import Calendar
from otrade.contract import views
from otrade.drill.process import adapter_at
from otrade.journal.memory import MemoryJournal
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.broker_io.account_queries import TIMEOUT_NS, AccountQueries
from otrade.live.control.commands import Commands
from otrade.live.control.preflight_service import PreflightService
from otrade.web.app import create_app
from otrade.web.auth.access_control import AccessControl
from otrade.web.http.routes import JSON, ROUTES, ApiRoute
from otrade.web.rest import openapi
from tests.harness.linked_engine import LinkedEngine, linked
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day
from tests.journal.test_peek import write
from tests.live.control.test_preflight import config_of
from tests.web.logins import BASE_URL, BEARER, TOKEN

READS = [route for route in ROUTES if route.method == "GET"]
MOMENTS = ("before the first day", "before the open", "in mid-day", "after the close")
OF_RESULTS = ("result", "result-trades", "result-orders", "result-candles")
NOT_YET: dict[str, dict[str, tuple[int, str]]] = {
    "before the first day": {
        "ready": (503, "not_ready"),
        "candles": (404, "unknown_instrument"),
        "preflight": (409, "refused"),
        "limits": (409, "refused"),
        "order-timeline": (409, "refused"),
        "decision": (409, "refused"),
        "journal": (409, "refused"),
        "replay": (409, "refused"),
    },
    "before the open": {
        "ready": (503, "not_ready"),
        "order-timeline": (409, "refused"),
        "decision": (409, "refused"),
    },
    "after the close": {"ready": (503, "not_ready")},
}
"""What cannot be answered at a moment is said as a problem. Everything else is 200, and in mid-day
that is everything.
"""
NEVER_EMPTY = {
    "instruments", "strategies", "brackets", "orders", "positions", "trades", "signals", "notices", "candles", "accounts", "equity",
    "indicators", "latency", "journals",
}  # fmt: skip


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    media_type: str
    body: bytes


class ApiClient:
    """One engine, its real source, and the application in front of it."""

    def __init__(self, here: SimulatedDay, folder: Path) -> None:
        self.here = here
        self.folder = folder
        self.path = folder / "paper.json"
        self.path.write_bytes(msgspec.json.encode(config_of(folder / "var", "kite")))
        self.source = LiveEngineSource(
            here.board, Commands(), mode="paper", broker_kind="sim", speed=0.0
        )
        self.engine: LinkedEngine

    def serve(self, engine: LinkedEngine) -> None:
        self.engine = engine
        access = AccessControl(self.folder / "access", local_token=TOKEN)
        self.app = create_app(engine.remote, access)

    def wire(self) -> None:
        """As the host does when it begins a day."""
        here = self.here
        self.source.set_day(here.day)
        self.source.lifecycle = "running"
        clock: Any = here.sim.clock
        adapter = adapter_at(here.sim, here.ports, "kite", clock)
        adapter.use(here.process.access_token)
        self.source.account_queries = AccountQueries(
            [(adapter.name, partial(adapter.emergency_client, TIMEOUT_NS))], clock.now_ns
        )
        self.source.preflight_service = PreflightService(
            config_of(self.folder / "var", "kite"), adapter, Calendar.load(), clock, here.day, []
        )

    def keep_journal(self) -> None:
        """What the day's journal holds by now, where the page looks for it."""
        assert self.here.journal is not None
        folder = self.folder / "var" / "journal"
        folder.mkdir(parents=True, exist_ok=True)
        write(
            folder / f"{self.here.date}.otj",
            [bytes(window) for window in self.here.journal.windows()],
        )

    def arguments(self) -> dict[str, dict[str, object]]:
        """Of the routes that need some: things that are there, when any are."""
        order = next(iter(self.source.orders()), None)
        signal = next(iter(self.source.signals(0)), None)
        name = {"name": f"{self.here.date}.otj"}
        return {
            "candles": {"instrument_id": 0},
            "indicators": {"instrument_id": 0},
            "order-timeline": {"cl_ord_id": order.cl_ord_id if order else "OT0001"},
            "decision": {"signal_seq": signal.seq if signal else 1},
            "journal": name,
            "replay": name,
            **{route: {"name": "none-is-kept"} for route in OF_RESULTS},
            "result-candles": {
                "name": "none-is-kept",
                "symbol": "NSE:INFY",
                "day": str(self.here.date),
            },
        }

    async def ask(self) -> dict[str, HttpAnswer]:
        await self.engine.told()
        arguments = self.arguments()
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(
            transport=transport, base_url=BASE_URL, headers=BEARER, timeout=None
        ) as client:
            found = {}
            for route in READS:
                response = await client.get(route.path, params=arguments.get(route.name, {}))
                media_type = response.headers["content-type"].partition(";")[0]
                found[route.name] = HttpAnswer(response.status_code, media_type, response.content)
            return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, HttpAnswer]]:
    """At every moment of one day, every route's answer."""
    found: dict[str, dict[str, HttpAnswer]] = {}

    async def body() -> None:
        async with (
            simulated_day(journal=MemoryJournal(), hours=2.0) as here,
            contextlib.AsyncExitStack() as stack,
        ):
            asker = ApiClient(here, tmp_path_factory.mktemp("reads"))
            during: Callable[..., Any] = here.sim.during
            engine = await stack.enter_async_context(linked(asker.source, asker.path))
            asker.serve(engine)
            found["before the first day"] = await during(asker.ask())
            asker.wire()
            await here.open()
            asker.keep_journal()
            found["before the open"] = await during(asker.ask())
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()) and len(here.day.trades) > 2)
            await here.sim.run_until(here.now_ns + SECOND)
            asker.keep_journal()
            found["in mid-day"] = await during(asker.ask())
            await here.run_to_end()
            found["after the close"] = await during(asker.ask())

    run(body())
    return found


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_real_engine_answers(
    answers: dict[str, dict[str, HttpAnswer]], moment: str, route: ApiRoute
) -> None:
    answer = answers[moment][route.name]
    status, code = NOT_YET.get(moment, {}).get(route.name, (200, ""))
    if route.name in OF_RESULTS:
        status, code = 409, "refused"
        assert b"there is no result" in answer.body
    assert answer.status == status, answer.body[:500]
    if status != 200:
        assert answer.media_type == "application/problem+json"
        problem = msgspec.json.decode(answer.body, type=views.Problem)
        assert (problem.status, problem.code) == (status, code) and problem.detail
        documented = openapi.document()["paths"][route.path]["get"]["responses"]
        assert str(status) in documented, "a script reads there what may come"
        return
    assert answer.media_type == route.media_type
    if route.media_type == JSON:
        rows = msgspec.json.decode(answer.body, type=route.response)
        if moment == "in mid-day" and route.name in NEVER_EMPTY:
            assert rows, "there is something to show by then"
    else:
        assert answer.body
