"""Which token is taken: the newest that was not refused; from its death to the next trade, at both
brokers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade.brokers.token_store import AccessSession
from otrade.config.schema import Config
from otrade.drill.process import BrokerKind
from otrade.errors import TokenError
from otrade.live.live_mode import TokenWatch
from otrade.live.startup.access_tokens import KEPT, RefusedTokens, process_began_ns
from otrade.live.startup.credentials import LiveAccess
from otrade.simulator.upstox.rest.settings import UpstoxSettings
from tests.harness.simulated_day import SimulatedDay, run, simulated_day

SECOND = 1_000_000_000
BOTH = pytest.mark.parametrize("broker", ["kite", "upstox"])


def config_of(path: Path, here: SimulatedDay, broker: str) -> Config:
    rest = here.ports.rest_url if broker == "kite" else here.ports.upstox_rest_url
    page = f"{rest}/connect/login" if broker == "kite" else f"{rest}/v2/login/authorization/dialog"
    raw = {
        "mode": "live",
        "instruments": [{"symbol": "NSE:INFY"}],
        "broker": {
            "kind": broker,
            "rest_url": rest,
            "login_url": page,
            "redirect_url": UpstoxSettings().redirect_url,
        },
        "paths": {"var": str(path), "secrets": str(path / "secrets.json")},
    }
    return msgspec.convert(raw, Config)


def keys(monkeypatch: pytest.MonkeyPatch, here: SimulatedDay, broker: str, token: str) -> str:
    """Keys and a token that came with the environment; the token's name there."""
    for name, value in (
        ("API_KEY", here.sim.cfg.api_key),
        ("API_SECRET", here.sim.cfg.api_secret),
        ("ACCESS_TOKEN", token),
    ):
        monkeypatch.setenv(f"OTRADE_{broker.upper()}_{name}", value)
    return f"OTRADE_{broker.upper()}_ACCESS_TOKEN"


async def asked(here: SimulatedDay, access: LiveAccess) -> str:
    async def ask() -> str:
        return await access.token(ask=False)

    return str(await here.sim.during(ask()))


async def login(here: SimulatedDay, config: Config) -> str:
    """What `otrade login` leaves: another process's session file."""
    other = LiveAccess(config, here.sim.clock)

    async def through_the_browser() -> AccessSession:
        return await other.adapter.log_in_here()

    session = await here.sim.during(through_the_browser())
    # As fresh as the wall says: the simulated morning lies in the past.
    other.save(msgspec.structs.replace(session, login_ns=process_began_ns() + SECOND))
    other.close()
    return str(session.access_token)


@BOTH
def test_a_dead_token_of_the_environment_gives_way_to_a_login_while_the_engine_runs(
    broker: BrokerKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with simulated_day(broker=broker, hours=3.0) as here:
            first = here.process.access_token
            name = keys(monkeypatch, here, broker, first)
            config = config_of(tmp_path, here, broker)
            access = LiveAccess(config, here.sim.clock)
            day = here.day
            day.listen_to_beats(TokenWatch(day, access, first).on_beat)
            await here.open()
            await here.run_until(lambda: bool(here.sim.exchange.trades()))
            n_before = len(here.sim.exchange.trades())
            here.sim.expire_tokens()
            await here.run_until(lambda: "TOKEN_REFUSED" in here.codes())
            said = next(notice.text for notice in here.notices if notice.code == "TOKEN_REFUSED")
            assert f"{name} in the environment" in said and "not taken again" in said
            await here.sim.run_until(here.now_ns + 60 * SECOND)
            assert day.is_token_dead, "the dead one is not put in again"
            second = await login(here, config)
            await here.run_until(lambda: not day.is_token_dead)
            assert os.environ[name] == first
            # The next process, with the same environment, knows it too.
            again = LiveAccess(config, here.sim.clock)
            assert await asked(here, again) == second
            again.close()
            await here.run_to_end()
            assert (
                len(here.sim.exchange.trades()) > n_before
                and day.is_verified
                and here.sim.exchange.net_qty() == {}
            )
            access.close()
            words = (
                " ".join(notice.text for notice in here.notices)
                + repr(access)
                + repr(access._left())
            )
            words += "".join(path.read_text() for path in tmp_path.rglob("*.refused.json"))
            assert first not in words and second not in words

    run(main())


@BOTH
def test_a_start_with_a_dead_token_takes_the_next_one_and_remembers(
    broker: BrokerKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with simulated_day(broker=broker) as here:
            keys(monkeypatch, here, broker, "a-token-of-yesterday")
            config = config_of(tmp_path, here, broker)
            access = LiveAccess(config, here.sim.clock)
            with pytest.raises(
                TokenError,
                match=r"is accepted \(refused: OTRADE_\w+_ACCESS_TOKEN in the environment\)",
            ) as refused:
                await asked(here, access)
            assert "otrade login" in str(refused.value) and "a-token-of-yesterday" not in str(
                refused.value
            )
            good = await login(here, config)
            assert await asked(here, access) == good
            later = LiveAccess(config, here.sim.clock)
            later.adapter.use("nothing")
            assert later.fresh_token("nothing") == good, "without asking the broker again"
            keys(monkeypatch, here, broker, "")
            assert await asked(here, later) == good
            for one in (access, later):
                one.close()

    run(main())


def test_the_newest_wins_whatever_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with simulated_day() as here:
            keys(monkeypatch, here, "kite", "of-the-environment")
            config = config_of(tmp_path, here, "kite")
            access = LiveAccess(config, here.sim.clock)
            tokens: list[Any] = []

            def taken() -> str:
                given = access._given()
                return given.token if given is not None else ""

            assert taken() == "of-the-environment"
            expires_ns = here.now_ns + 3_600 * SECOND
            for login_ns, token in (
                (process_began_ns() - SECOND, "older-login"),
                (process_began_ns() + SECOND, "newer-login"),
            ):
                access.save(
                    AccessSession(here.sim.cfg.api_key, token, "AB1234", login_ns, expires_ns)
                )
                tokens.append(taken())
            assert tokens == ["of-the-environment", "newer-login"]
            secrets = tmp_path / "secrets.json"
            secrets.write_bytes(msgspec.json.encode({"OTRADE_KITE_ACCESS_TOKEN": "of-the-file"}))
            secrets.chmod(0o600)
            at_ns = process_began_ns() + 5 * SECOND
            os.utime(secrets, ns=(at_ns, at_ns))
            assert taken() == "of-the-file"
            assert "of-the-file" not in access.refused("of-the-file") and taken() == "newer-login"
            access.refused("newer-login")
            access.refused("of-the-environment")
            assert taken() == "" and access.fresh_token("x") is None
            access.close()

    run(main())


def test_what_was_refused_is_kept_as_hashes_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "session" / "kite.refused.json"
    refused = RefusedTokens(path, "key")
    for number in range(KEPT + 10):
        refused.add(f"token-{number}")
    assert path.stat().st_mode & 0o777 == 0o600 and "token-" not in path.read_text()
    later = RefusedTokens(path, "key")
    assert (
        f"token-{KEPT + 9}" in later
        and "token-10" in later
        and "token-9" not in later
        and "token-0" in refused
    )
    assert "token-41" not in RefusedTokens(path, "another app")
    path.write_text("{")
    assert "token-41" not in RefusedTokens(path, "key") and "token-41" in refused
    path.unlink()
    path.mkdir()
    refused.add("one more")
    assert "one more" in refused
