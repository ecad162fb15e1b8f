"""What brokers post: Kite's orders with their checksum, the token of a login approved at Upstox,
and all that only looks so.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import orjson
import pytest

from otrade._core.types import Source
from otrade.brokers.session import OrderReport
from otrade.brokers.token_store import AccessSession, load_session, save_session
from otrade.config.schema import BrokerConfig
from otrade.errors import BrokerError, ConfigError
from otrade.live.broker_io.webhooks import PER_S, WebhookReceiver
from otrade.live.notices.board import NoticeBoard
from otrade.live.paper_mode import paper_adapter
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.login_flow import LIFE_NS, LoginFlow
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from otrade.web.webhooks.server import WebhookServer, WebhookServerError
from tests.harness.simulated_day import run

SECRET = "paper-secret"


class WebhookAccess:
    """The session file of a test."""

    def __init__(self, adapter: Any, path: Path, user_id: str) -> None:
        self.adapter = adapter
        self.path = path
        self.user_id = user_id

    def known_user(self) -> str:
        return self.user_id

    def save(self, session: AccessSession) -> None:
        save_session(self.path, session)


class WebhookSetup:
    """The simulator, our hooks before it, and somebody who posts."""

    def __init__(self, sim: Simulator, adapter: Any, tmp_path: Path, user_id: str) -> None:
        self.sim = sim
        self.path = tmp_path / "session.json"
        self.sessions: list[AccessSession] = []
        self.reports: list[OrderReport] = []
        self.board = NoticeBoard(sim.clock.now_ns)
        self.login = LoginFlow(
            cast(LiveAccess, WebhookAccess(adapter, self.path, user_id)),
            cast(Any, sim.clock),
            self.sessions.append,
        )
        self.receiver = WebhookReceiver(
            adapter, self.login, self.board, cast(Any, sim.clock), self.reports.append
        )
        self.server = WebhookServer(self.receiver, "127.0.0.1", 0)

    @property
    def words(self) -> str:
        return " ".join(notice.text for notice in self.board.since(0))

    async def post(self, path: str, body: bytes, method: str = "POST", head: str = "") -> int:
        async def ask() -> int:
            port = int(self.server.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode()
                + body
            )
            line = await reader.readline()
            writer.close()
            return int(line.split()[1])

        return cast(int, await self.sim.during(ask()))

    async def token(self, **changes: Any) -> int:
        return await self.post("/hooks/upstox/token", orjson.dumps(self.notice | changes))

    notice: dict[str, Any] = {}


def webhook_setup(
    tmp_path: Path, broker: str, work: Callable[[WebhookSetup], Awaitable[None]], user_id: str = ""
) -> None:
    async def go() -> None:
        sim = Simulator(
            SimConfig(broker=cast(Any, broker), dates=(dt.date(2026, 11, 19),), day_start="08:45")
        )
        ports = await sim.start()
        setup = WebhookSetup(
            sim,
            paper_adapter(msgspec.convert({"kind": broker}, BrokerConfig), sim, ports),
            tmp_path,
            user_id or sim.cfg.user_id,
        )
        await setup.server.start()
        try:
            await work(setup)
        finally:
            await setup.server.stop()
            await sim.stop()

    run(go())


def test_an_approved_login_is_taken_once_and_its_token_said_nowhere(tmp_path: Path) -> None:
    async def work(s: WebhookSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert await s.token() == 200
        (session,) = s.sessions
        assert (
            session.access_token == s.notice["access_token"]
            and load_session(s.path, "paper", s.sim.clock.now_ns()) == session
        )
        assert s.path.stat().st_mode & 0o777 == 0o600 and s.sim.upstox.is_valid(
            session.access_token
        )
        assert "logged in" in s.words and session.access_token not in s.words
        assert await s.token() == 400 and s.sessions == [session], "a notice is good once"

    webhook_setup(tmp_path, "upstox", work)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": "0123456789abcdef0123456789abcdef"},  # nobody's
        {"access_token": "good\r\nX-Evil: 1 padding padding"},
        {"access_token": "short"},
        {"access_token": None},
        {"access_token": 5},
        {"access_token": ["a"]},
        {"client_id": "another"},
        {"client_id": None},
        {"user_id": "AA0000"},
        {"user_id": {"$ne": ""}},
        {"message_type": "order"},
        {"message_type": None},
    ],
)
def test_a_notice_that_is_not_ours_is_refused_and_the_right_one_still_counts(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    async def work(s: WebhookSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert await s.token(**changes) == 400 and not s.sessions and not s.path.exists()
        assert "refused" in s.words and str(s.notice["access_token"]) not in s.words
        assert await s.token() == 200 and len(s.sessions) == 1

    webhook_setup(tmp_path, "upstox", work)


def test_somebody_elses_good_token_is_not_taken(tmp_path: Path) -> None:
    """Who knows our app's id can post a token of his own, under our user's name; the broker tells
    whose it is.
    """

    async def work(s: WebhookSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert await s.token(user_id="VICTIM") == 400 and not s.sessions
        assert "somebody else's" in s.words

    webhook_setup(tmp_path, "upstox", work, user_id="VICTIM")


def test_a_notice_that_nobody_asked_for_or_that_comes_late_is_refused(tmp_path: Path) -> None:
    async def work(s: WebhookSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        s.login._approval_until_ns = s.sim.clock.now_ns()
        assert await s.token() == 400 and not s.sessions and "no approval is under way" in s.words
        assert LIFE_NS == 600 * 10**9

    webhook_setup(tmp_path, "upstox", work)


def test_an_approval_needs_a_known_user_and_a_broker_that_has_it(tmp_path: Path) -> None:
    async def work(s: WebhookSetup) -> None:
        cast(Any, s.login)._access.user_id = ""
        with pytest.raises(ConfigError, match=r"broker\.user_id"):
            await s.login.ask_approval()

    webhook_setup(tmp_path, "upstox", work)

    async def kite(s: WebhookSetup) -> None:
        with pytest.raises(BrokerError, match="no login by approval"):
            await s.login.ask_approval()
        assert await s.post("/hooks/upstox/token", b"{}") == 400

    webhook_setup(tmp_path, "kite", kite)


def kite_order(**changes: Any) -> dict[str, Any]:
    row = {
        "order_id": "221111000000001",
        "exchange_order_id": "1100000000000001",
        "order_timestamp": "2026-11-19 09:30:01",
        "exchange_timestamp": "2026-11-19 09:30:01",
        "exchange_update_timestamp": "2026-11-19 09:30:01",
        "status": "COMPLETE",
        "status_message": None,
        "exchange": "NSE",
        "tradingsymbol": "INFY",
        "instrument_token": 408065,
        "transaction_type": "BUY",
        "order_type": "LIMIT",
        "product": "MIS",
        "variety": "regular",
        "validity": "DAY",
        "quantity": 10,
        "filled_quantity": 10,
        "unfilled_quantity": 0,
        "pending_quantity": 0,
        "cancelled_quantity": 0,
        "average_price": 1500.5,
        "price": 1501,
        "trigger_price": 0,
        "tag": "OT0000000001",
        "app_id": 1,
        "user_id": "AB1234",
    } | changes
    seed = f"{row['order_id']}{row['order_timestamp']}{SECRET}"
    return {"checksum": hashlib.sha256(seed.encode()).hexdigest()} | row


def test_kites_postback_takes_the_way_of_every_push(tmp_path: Path) -> None:
    async def work(s: WebhookSetup) -> None:
        assert await s.post("/hooks/kite/order", orjson.dumps(kite_order())) == 200
        (report,) = s.reports
        assert (
            report.source == Source.POSTBACK
            and report.cum_qty == 10
            and report.cl_ord_id == "OT0000000001"
        )
        for bad in (
            orjson.dumps(kite_order() | {"checksum": "0" * 64}),
            orjson.dumps(kite_order() | {"order_id": "5"}),
            orjson.dumps(kite_order(quantity="many")),
            b"<html>busy</html>",
            b"[]",
            b"",
            b"\xff" * 10,
            b"[" * 60_000,
        ):
            assert await s.post("/hooks/kite/order", bad) == 400
        assert len(s.reports) == 1 and s.receiver.n_refused == 8
        assert s.words.count("refused") == 1, "a flood of refusals is one notice"

    webhook_setup(tmp_path, "kite", work)


def test_the_door_has_two_routes_and_a_limit(tmp_path: Path) -> None:
    async def work(s: WebhookSetup) -> None:
        assert await s.post("/", b"") == 404
        assert await s.post("/api/commands/kill", b"{}") == 404
        assert await s.post("/hooks/kite/order", b"", method="GET") == 405
        assert await s.post("/hooks/kite/order", b"x" * 70_000) == 413
        s.receiver._n_in_second, s.receiver._second = PER_S, s.sim.clock.now_ns() // 10**9
        codes = {await s.post("/hooks/kite/order", orjson.dumps(kite_order()))}
        assert codes == {429} and not s.reports
        with pytest.raises(WebhookServerError, match=r"hooks\.port"):
            await WebhookServer(
                s.receiver, "127.0.0.1", int(s.server.url.rpartition(":")[2])
            ).start()

    webhook_setup(tmp_path, "kite", work)
