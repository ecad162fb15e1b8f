"""The login flow, and `otrade login` waiting for the browser: the right answer, and every other
one.
"""

from __future__ import annotations

import asyncio
import io
import socket
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from otrade.brokers.token_store import AccessSession, load_session, require_state, save_session
from otrade.cli.commands.login import DONE, TIMED_OUT, LoginCallback, _approved, _login
from otrade.config.schema import Config
from otrade.errors import BrokerError, ConfigError, TokenError
from otrade.live.startup.credentials import LiveAccess
from otrade.live.startup.login_flow import LIFE_NS, LoginFlow, login_notice
from tests.harness.waiting import until

NOW = 1_790_000_000 * 10**9
TOKEN = "the-secret-token"


class LoginAdapter:
    """A broker whose codes are given."""

    name = "upstox"

    def __init__(self) -> None:
        self.codes = {"good"}

    def login_url(self, state: str) -> str:
        return f"https://broker.example/login?state={state}"

    async def log_in(self, redirected_to: str, state: str) -> AccessSession:
        require_state(redirected_to, state)
        code = redirected_to.rpartition("code=")[2]
        if code not in self.codes:
            raise TokenError("UDAPI100057 401: Invalid Auth code; log in again")
        self.codes.discard(code)
        return AccessSession("key", TOKEN, "AB1234", NOW, NOW + 3_600 * 10**9)

    async def ask_approval(self) -> None:
        pass

    async def approved(self, body: bytes, user_id: str) -> AccessSession:
        if body != b"approved":
            raise BrokerError("a token notice that is no JSON object")
        return AccessSession("key", TOKEN, user_id, NOW, NOW + 3_600 * 10**9)

    def close(self) -> None:
        pass


class LoginAccess:
    def __init__(self, path: Path) -> None:
        self.adapter = LoginAdapter()
        self.path = path

    def known_user(self) -> str:
        return "AB1234"

    def postback_secret(self) -> str:
        return ""

    def save(self, session: AccessSession) -> None:
        save_session(self.path, session)


class LoginClock:
    ns = NOW

    def now_ns(self) -> int:
        return self.ns


class LoginSetup:
    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "session" / "kite.json"
        self.clock = LoginClock()
        self.heard: list[AccessSession] = []
        self.flow = LoginFlow(
            cast(LiveAccess, LoginAccess(self.path)), cast(Any, self.clock), self.heard.append
        )

    def begin(self) -> str:
        return self.flow.begin().rpartition("state=")[2]

    def finish(self, state: str, code: str = "good") -> AccessSession:
        return asyncio.run(
            self.flow.finish(f"http://127.0.0.1:8000/login/callback?state={state}&code={code}")
        )


def test_a_login_is_saved_and_told_and_its_token_is_not_said(tmp_path: Path) -> None:
    login = LoginSetup(tmp_path)
    session = login.finish(login.begin())
    assert login.heard == [session] == [load_session(login.path, "key", NOW)]
    assert login.path.stat().st_mode & 0o777 == 0o600
    assert (
        TOKEN not in login_notice(session)[1] + repr(session)
        and "AB1234" in login_notice(session)[1]
    )


def test_an_answer_is_good_once(tmp_path: Path) -> None:
    login = LoginSetup(tmp_path)
    state = login.begin()
    login.finish(state)
    with pytest.raises(BrokerError, match="no login is under way"):
        login.finish(state)


@pytest.mark.parametrize("state", ["", "foreign", "é", "x" * 10_000])
def test_a_foreign_state_is_refused_and_the_persons_login_goes_on(
    tmp_path: Path, state: str
) -> None:
    login = LoginSetup(tmp_path)
    ours = login.begin()
    with pytest.raises(BrokerError, match="another login"):
        login.finish(state)
    assert login.heard == []
    assert login.finish(ours).access_token == TOKEN


def test_a_failed_exchange_may_be_tried_again_and_another_login_ends_the_first(
    tmp_path: Path,
) -> None:
    login = LoginSetup(tmp_path)
    state = login.begin()
    with pytest.raises(TokenError, match="Invalid Auth code"):
        login.finish(state, "used")
    newer = login.begin()
    with pytest.raises(BrokerError, match="another login"):
        login.finish(state)
    assert login.finish(newer)


def test_a_login_takes_ten_minutes_at_most(tmp_path: Path) -> None:
    login = LoginSetup(tmp_path)
    state = login.begin()
    login.clock.ns += LIFE_NS + 1
    with pytest.raises(BrokerError, match="taken too long"):
        login.finish(state)


def test_without_a_login_nothing_is_taken(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="no login is under way"):
        LoginSetup(tmp_path).finish("")


# ---------------------------------------------------------------------------------------------------------
# the command
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Does somebody listen there?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if not request.endswith(b"\r\n\r\n"):
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_the_command_waits_through_nonsense_for_the_right_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> int:
        login = LoginSetup(tmp_path)
        port = free_port()
        waiting = asyncio.ensure_future(_login(login.flow, "127.0.0.1", port, False, False, 20))
        await until(lambda: accepts(port))
        state = login.flow._state
        for nonsense in (
            b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /login/callback?x HTTP/1.1\r\n\r\n", b"GET " + b"x" * 20_000,
            b"GET /login/callback?state=foreign&code=good HTTP/1.1\r\n\r\n", f"GET /?state={state}&code=bad HTTP/1.1\r\n\r\n".encode(),
        ):  # fmt: skip
            answer = await ask(port, nonsense)
            assert answer.startswith(b"HTTP/1.1 400") and TOKEN.encode() not in answer
            assert not waiting.done()
        answer = await ask(
            port,
            f"GET /login/callback?state={state}&code=good HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        )
        assert (
            answer.startswith(b"HTTP/1.1 200")
            and TOKEN.encode() not in answer
            and b"no-store" in answer
        )
        code = await waiting
        assert len(login.heard) == 1
        return code

    assert asyncio.run(work()) == DONE
    assert "logged in as AB1234" in capsys.readouterr().out


def test_nobody_comes(tmp_path: Path) -> None:
    assert (
        asyncio.run(_login(LoginSetup(tmp_path).flow, "127.0.0.1", free_port(), False, False, 0.01))
        == TIMED_OUT
    )


def test_where_the_browser_cannot_come_the_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(ConfigError, match="paste"):
        asyncio.run(_login(LoginSetup(tmp_path).flow, "trader.example", 443, False, False, 1))


def test_a_port_in_use_is_left_to_its_owner(tmp_path: Path) -> None:
    async def work() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            assert (
                await LoginCallback.listen(
                    LoginSetup(tmp_path).flow, "127.0.0.1", taken.getsockname()[1]
                )
                is None
            )

    asyncio.run(work())


def config_of(tmp_path: Path, port: int) -> Config:
    row = msgspec.json.decode((Path(__file__).parents[3] / "config" / "paper.json").read_bytes())
    row |= {"paths": {"var": str(tmp_path)}, "hooks": {"port": port}}
    return msgspec.convert(row, Config)


def test_the_command_waits_at_its_own_hook_for_an_approval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    access = LoginAccess(tmp_path / "session.json")

    async def post(body: bytes) -> bytes:
        head = f"POST /hooks/upstox/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        return answer.split(b"\r\n")[0]

    async def work() -> int:
        waiting = asyncio.ensure_future(
            _approved(
                config_of(tmp_path, port), cast(LiveAccess, access), cast(Any, LoginClock()), 20
            )
        )
        await until(lambda: "approve" in capsys.readouterr().err.lower())
        while b" 503 " in await post(b"<html>"):
            await asyncio.sleep(0.01)
        assert not waiting.done()
        assert b" 200 " in await post(b"approved")
        return await waiting

    assert asyncio.run(work()) == DONE
    assert load_session(access.path, "key", NOW) is not None


def test_an_approval_at_a_port_that_is_in_use_is_the_engines_or_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = config_of(tmp_path, taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"hooks\.port.*choose a free port"):
            asyncio.run(
                _approved(
                    config,
                    cast(LiveAccess, LoginAccess(tmp_path / "s")),
                    cast(Any, LoginClock()),
                    1,
                )
            )


def test_no_approval_comes(tmp_path: Path) -> None:
    access = cast(LiveAccess, LoginAccess(tmp_path / "s"))
    assert (
        asyncio.run(_approved(config_of(tmp_path, 0), access, cast(Any, LoginClock()), 0.01))
        == TIMED_OUT
    )
