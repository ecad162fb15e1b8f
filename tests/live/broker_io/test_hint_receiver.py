"""What the engine does with hints: the token of a login approved at Upstox, and all that only looks
so; an order's hint reads the book.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import orjson
import pytest

from otrade.brokers.token_store import AccessSession, load_session, save_session
from otrade.config.schema import BrokerConfig
from otrade.contract.hints import OrderHint
from otrade.errors import BrokerError, ConfigError
from otrade.live.broker_io.hint_receiver import HintReceiver
from otrade.live.notices.board import NoticeBoard
from otrade.live.paper_mode import paper_adapter
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.login_flow import LIFE_NS, LoginFlow
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from tests.harness.simulated_day import run

SECRET = "paper-secret"


class HintAccess:
    """The session file of a test."""

    def __init__(self, adapter: Any, path: Path, user_id: str) -> None:
        self.adapter = adapter
        self.path = path
        self.user_id = user_id

    def known_user(self) -> str:
        return self.user_id

    def save(self, session: AccessSession) -> None:
        save_session(self.path, session)


class HintSetup:
    """The simulator, our hooks before it, and somebody who posts."""

    def __init__(self, sim: Simulator, adapter: Any, tmp_path: Path, user_id: str) -> None:
        self.sim = sim
        self.path = tmp_path / "session.json"
        self.sessions: list[AccessSession] = []
        self.board = NoticeBoard(sim.clock.now_ns)
        self.login = LoginFlow(
            cast(LiveAccess, HintAccess(adapter, self.path, user_id)),
            cast(Any, sim.clock),
            self.sessions.append,
        )
        self.n_looks = 0
        self.receiver = HintReceiver(self.login, self.board, cast(Any, sim.clock), self.look)

    def look(self) -> None:
        self.n_looks += 1

    @property
    def words(self) -> str:
        return " ".join(notice.text for notice in self.board.since(0))

    async def post(self, body: bytes) -> bool:
        """Whether it was taken."""
        n = self.receiver.n_refused
        await self.sim.during(self.receiver.token("upstox", body))
        return self.receiver.n_refused == n

    async def token(self, **changes: Any) -> bool:
        return await self.post(orjson.dumps(self.notice | changes))

    notice: dict[str, Any] = {}


def hint_setup(
    tmp_path: Path, broker: str, work: Callable[[HintSetup], Awaitable[None]], user_id: str = ""
) -> None:
    async def go() -> None:
        sim = Simulator(
            SimConfig(broker=cast(Any, broker), dates=(dt.date(2026, 11, 19),), day_start="08:45")
        )
        ports = await sim.start()
        setup = HintSetup(
            sim,
            paper_adapter(msgspec.convert({"kind": broker}, BrokerConfig), sim, ports),
            tmp_path,
            user_id or sim.cfg.user_id,
        )
        try:
            await work(setup)
        finally:
            await sim.stop()

    run(go())


def test_an_approved_login_is_taken_once_and_its_token_said_nowhere(tmp_path: Path) -> None:
    async def work(s: HintSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert await s.token()
        (session,) = s.sessions
        assert (
            session.access_token == s.notice["access_token"]
            and load_session(s.path, "paper", s.sim.clock.now_ns()) == session
        )
        assert s.path.stat().st_mode & 0o777 == 0o600 and s.sim.upstox.is_valid(
            session.access_token
        )
        assert "logged in" in s.words and session.access_token not in s.words
        assert not await s.token() and s.sessions == [session], "a notice is good once"

    hint_setup(tmp_path, "upstox", work)


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
    async def work(s: HintSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert not await s.token(**changes) and not s.sessions and not s.path.exists()
        assert "refused" in s.words and str(s.notice["access_token"]) not in s.words
        assert await s.token() and len(s.sessions) == 1

    hint_setup(tmp_path, "upstox", work)


def test_somebody_elses_good_token_is_not_taken(tmp_path: Path) -> None:
    """Who knows our app's id can post a token of his own, under our user's name; the broker tells
    whose it is.
    """

    async def work(s: HintSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        assert not await s.token(user_id="VICTIM") and not s.sessions
        assert "somebody else's" in s.words

    hint_setup(tmp_path, "upstox", work, user_id="VICTIM")


def test_a_notice_that_nobody_asked_for_or_that_comes_late_is_refused(tmp_path: Path) -> None:
    async def work(s: HintSetup) -> None:
        await s.sim.during(s.login.ask_approval())
        s.notice = s.sim.upstox.approve()
        s.login._approval_until_ns = s.sim.clock.now_ns()
        assert not await s.token() and not s.sessions and "no approval is under way" in s.words
        assert LIFE_NS == 600 * 10**9

    hint_setup(tmp_path, "upstox", work)


def test_an_approval_needs_a_known_user_and_a_broker_that_has_it(tmp_path: Path) -> None:
    async def work(s: HintSetup) -> None:
        cast(Any, s.login)._access.user_id = ""
        with pytest.raises(ConfigError, match=r"broker\.user_id"):
            await s.login.ask_approval()

    hint_setup(tmp_path, "upstox", work)

    async def kite(s: HintSetup) -> None:
        with pytest.raises(BrokerError, match="no login by approval"):
            await s.login.ask_approval()
        assert not await s.post(b"{}")

    hint_setup(tmp_path, "kite", kite)


def test_an_orders_hint_reads_the_book_and_a_flood_of_refusals_is_one_notice(
    tmp_path: Path,
) -> None:
    async def work(s: HintSetup) -> None:
        s.receiver.order(OrderHint(broker="kite", order_id="1", order_time="2026-11-19 09:30:01"))
        assert s.n_looks == 1 and s.words == ""
        for body in (b"<html>busy</html>", b"[]", b"", b"\xff" * 10, b"[" * 10_000):
            assert not await s.post(body)
        assert s.receiver.n_refused == 5 and s.words.count("refused") == 1 and s.n_looks == 1

    hint_setup(tmp_path, "upstox", work)
