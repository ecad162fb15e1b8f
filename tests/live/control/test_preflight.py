"""The morning board: every line go on a good morning, and each kind of bad morning told by its
line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade._core.types import OrdType
from otrade.brokers.session import OrderTerms
from otrade.calendar import Calendar
from otrade.cli.commands.preflight import render
from otrade.config.schema import Config
from otrade.errors import TokenError
from otrade.live.control.preflight import PreflightBoard, PreflightVerdict, preflight
from otrade.live.paper_mode import paper_adapter
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from otrade.simulator.upstox.rest.settings import UpstoxSettings
from tests.harness.simulated_day import run

ROOT = Path(__file__).parents[3]
BROKERS = ("kite", "upstox")


def config_of(tmp_path: Path, kind: str, **changes: Any) -> Config:
    row = msgspec.json.decode((ROOT / "config" / "paper.json").read_bytes())
    row |= {"broker": {"kind": kind}, "paths": {"var": str(tmp_path)}, "strategies": []}
    row["instruments"] = [{"symbol": "NSE:INFY"}, {"symbol": "NFO:NIFTY.FUT"}]
    row.pop("$schema", None)
    return msgspec.convert(row | changes, Config)


def morning(
    config: Config,
    *,
    date: str = "2026-11-19",
    before: Callable[..., Any] | None = None,
    **sim_changes: Any,
) -> PreflightBoard:
    """The board of that morning; `before(sim, adapter, token)` has happened then."""

    async def work() -> PreflightBoard:
        sim = Simulator(
            SimConfig(
                broker=config.broker.kind,
                dates=(dt.date.fromisoformat(date),),
                day_start="08:45",
                **sim_changes,
            )
        )
        ports = await sim.start()
        try:
            adapter = paper_adapter(config.broker, sim, ports)
            token = (await sim.during(adapter.log_in_here())).access_token
            if before is not None:
                await sim.during(before(sim, adapter, token))

            async def given() -> str:
                return token

            return await sim.during(preflight(config, adapter, given, Calendar.load(), sim.clock))
        finally:
            await sim.stop()

    found: PreflightBoard = run(work())
    return found


def line(board: PreflightBoard, name: str) -> Any:
    return next(found for found in board.lines if found.name == name)


@pytest.mark.parametrize("broker", BROKERS)
def test_a_good_morning(tmp_path: Path, broker: str) -> None:
    board = morning(config_of(tmp_path, broker))
    names = [found.name for found in board.lines]
    assert names == [
        "calendar", "disk", "protection", "token", "clock", "instruments", "square-off", "address", "rate budget", "leftovers", "positions",
        "funds",
    ]  # fmt: skip
    assert {found.name for found in board.lines if found.verdict != PreflightVerdict.GO} == {
        "clock"
    }, "the simulator does not tell its time"
    assert "in 1" in line(board, "token").words or "in 2" in line(board, "token").words
    assert render(board).endswith("GO, with a look at the lines above")


@pytest.mark.parametrize("broker", BROKERS)
def test_a_dead_token_ends_the_questions(tmp_path: Path, broker: str) -> None:
    async def before(sim: Simulator, adapter: Any, token: str) -> None:
        sim.expire_tokens()

    board = morning(config_of(tmp_path, broker), before=before)
    assert (
        board.verdict == PreflightVerdict.NO_GO
        and board.lines[-1].name == "token"
        and "otrade login" in board.lines[-1].fix
    )
    assert render(board).endswith("NO-GO")


def test_without_a_token_the_board_says_so(tmp_path: Path) -> None:
    config = config_of(tmp_path, "kite")

    async def work() -> PreflightBoard:
        sim = Simulator(SimConfig(dates=(dt.date(2026, 11, 19),)))
        ports = await sim.start()

        async def none() -> str:
            raise TokenError(
                "there is no access token for kite today. Run `otrade login --broker kite`"
            )

        try:
            return await sim.during(
                preflight(
                    config,
                    paper_adapter(config.broker, sim, ports),
                    none,
                    Calendar.load(),
                    sim.clock,
                )
            )
        finally:
            await sim.stop()

    assert line(run(work()), "token").verdict == PreflightVerdict.NO_GO


@pytest.mark.parametrize("broker", BROKERS)
def test_what_is_open_already_is_shown(tmp_path: Path, broker: str) -> None:
    async def before(sim: Simulator, adapter: Any, token: str) -> None:
        await sim.run_until(sim.clock.now_ns() + 45 * 60 * 10**9)
        sim.exchange.place_manual("NSE:INFY", 1, 10)
        await sim.run_until(sim.clock.now_ns() + 60 * 10**9)

    async def nothing(sim: Simulator, adapter: Any, token: str) -> None:
        return None

    config = config_of(tmp_path, broker)

    async def work() -> PreflightBoard:
        sim = Simulator(SimConfig(broker=broker, dates=(dt.date(2026, 11, 19),), day_start="09:00"))
        ports = await sim.start()
        try:
            adapter = paper_adapter(config.broker, sim, ports)
            token = (await sim.during(adapter.log_in_here())).access_token
            await before(sim, adapter, token)
            client = adapter.emergency_client(5 * 10**9)
            client.set_access_token(token)
            (own,) = await sim.during(client.order_book())
            px = round((await sim.during(client.quote(own))).ltp_e4 * 0.97 / 1000) * 1000
            await sim.during(client.place(own, 1, OrderTerms(5, OrdType.LIMIT, px), "BYHAND1"))
            await sim.run_until(sim.clock.now_ns() + 10**9)
            client.close()

            async def given() -> str:
                return token

            return await sim.during(preflight(config, adapter, given, Calendar.load(), sim.clock))
        finally:
            await sim.stop()

    board: PreflightBoard = run(work())
    assert "1 orders are working already: INFY open" in line(board, "leftovers").words
    assert (
        "INFY +10 MIS" in line(board, "positions").words
        and line(board, "positions").verdict == PreflightVerdict.LOOK
    )
    assert "4,898 of 4,900" in line(board, "rate budget").words


@pytest.mark.parametrize("broker", BROKERS)
def test_contracts_by_what_they_are(tmp_path: Path, broker: str) -> None:
    config = config_of(
        tmp_path,
        broker,
        instruments=[
            {"symbol": s} for s in ("NFO:NIFTY.ATMCE", "NFO:NIFTY.ATM+1PE", "NFO:BANKNIFTY.FUT")
        ],
    )
    found = line(morning(config), "instruments")
    assert found.verdict in (PreflightVerdict.GO, PreflightVerdict.LOOK)
    lost = config_of(tmp_path, broker, instruments=[{"symbol": "NFO:NIFTY.1CE"}])
    assert "the nearest are" in line(morning(lost), "instruments").words


def test_an_address_that_is_not_registered(tmp_path: Path) -> None:
    board = morning(
        config_of(tmp_path, "upstox"),
        servers={"upstox": UpstoxSettings(static_ips=("203.0.113.7",))},
    )
    assert (
        line(board, "address").verdict == PreflightVerdict.NO_GO
        and "register" in line(board, "address").fix
    )


@pytest.mark.parametrize(
    ("changes", "date", "name", "verdict", "words"),
    [
        ({}, "2026-11-21", "calendar", PreflightVerdict.NO_GO, "no trading day"),
        ({}, "2027-02-01", "calendar", PreflightVerdict.NO_GO, "calendar"),
        (
            {"instruments": [{"symbol": "NSE:INFI"}]},
            "2026-11-19",
            "instruments",
            PreflightVerdict.NO_GO,
            "did you mean",
        ),
        (
            {"instruments": [{"symbol": "NFO:NIFTY.FUT"}]},
            "2026-11-23",
            "instruments",
            PreflightVerdict.LOOK,
            "expires",
        ),
        (
            {"risk": {"max_order_notional_rupees": 1e9}},
            "2026-11-19",
            "funds",
            PreflightVerdict.LOOK,
            "may block",
        ),
        (
            {"broker": {"kind": "kite", "market_protection_pct": 3}},
            "2026-11-19",
            "protection",
            PreflightVerdict.GO,
            "3 per cent",
        ),
    ],
)
def test_each_line_is_told(
    tmp_path: Path,
    changes: dict[str, Any],
    date: str,
    name: str,
    verdict: PreflightVerdict,
    words: str,
) -> None:
    board = morning(config_of(tmp_path, "kite", **changes), date=date)
    found = [row for row in board.lines if row.name == name and row.verdict == verdict]
    assert found and any(words in row.words for row in found), render(board)


def test_no_money_is_a_no(tmp_path: Path) -> None:
    assert (
        line(morning(config_of(tmp_path, "kite"), funds_rupees=0.0), "funds").verdict
        == PreflightVerdict.NO_GO
    )
