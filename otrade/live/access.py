"""Getting in: the broker's addresses, the keys, and the day's access token.

A paper day logs in at the simulator by the same redirect that a person's browser would follow. A
live day needs a person once a morning: the token comes from the environment or the secrets file,
from the session file of an earlier login today, or from the address that the broker redirected the
person to. It is never logged and never part of an error.
"""

import asyncio
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from otrade.brokers.kite.login import (
    auto_login,
    exchange,
    load_session,
    login_url,
    request_token_of,
    save_session,
)
from otrade.brokers.kite.rest import KiteRest
from otrade.config.schema import Config
from otrade.config.secret import Secret, read_secrets
from otrade.errors import ConfigError, TokenError

from .clock import Clock

API_KEY = "OTRADE_KITE_API_KEY"
API_SECRET = "OTRADE_KITE_API_SECRET"
ACCESS_TOKEN = "OTRADE_KITE_ACCESS_TOKEN"
LOGIN_PATH = "/connect/login"


@dataclass(frozen=True, slots=True)
class PaperAccess:
    """The simulator on this machine."""

    rest_url: str
    feed_url: str
    api_key: str
    api_secret: Secret
    account: str
    """This simulated world's name: another run is another world, whose journal says nothing of this one."""

    async def token(self, rest: KiteRest, clock: Clock) -> str:
        """A fresh login; ends the one before."""
        session = await auto_login(rest, self.api_key, self.api_secret.reveal(), login_root=self.rest_url, clock=clock)
        return session.access_token

    def fresh_token(self, old: str, clock: Clock) -> str | None:
        """The simulator hands out no token by itself."""
        return None


class LiveAccess:
    """The broker, with keys from the environment or the secrets file."""

    def __init__(self, config: Config) -> None:
        self._secrets_path = Path(config.paths.secrets)
        self._session_path = Path(config.paths.var) / "session" / "kite.json"
        self._login_url = config.broker.login_url
        self.rest_url = config.broker.rest_url
        self.feed_url = config.broker.feed_url
        secrets = read_secrets(self._secrets_path)
        if API_KEY not in secrets:
            raise ConfigError(
                f"a live run needs {API_KEY}: set it in the environment or in the secrets file",
                file=str(self._secrets_path),
            )
        self.api_key = secrets[API_KEY].reveal()
        self._secrets = secrets
        self.account = f"kite-{hashlib.sha256(self.api_key.encode()).hexdigest()[:12]}"
        """Tells accounts apart without telling the key."""

    def __repr__(self) -> str:
        return "LiveAccess()"

    async def token(self, rest: KiteRest, clock: Clock) -> str:
        """TokenError, saying what to do, when there is no token and nobody at the keyboard."""
        given = self._secrets.get(ACCESS_TOKEN)
        if given:
            rest.set_access_token(given.reveal())
            return given.reveal()
        session = load_session(self._session_path, self.api_key, clock.now_ns())
        if session is None:
            token = await self._ask(rest, clock)
            return token
        rest.set_access_token(session.access_token)
        return session.access_token

    async def _ask(self, rest: KiteRest, clock: Clock) -> str:
        url = login_url(self.api_key, self._login_url.removesuffix(LOGIN_PATH))
        secret = self._secrets.get(API_SECRET)
        if not secret or not sys.stdin.isatty():
            raise TokenError(
                f"there is no access token for today. Log in at {url} and set "
                f"{ACCESS_TOKEN}, or set "
                f"{API_SECRET} and run again in a terminal"
            )
        print(f"Log in at\n  {url}\nthen paste the address that you are sent to:", file=sys.stderr)
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        request_token = request_token_of(line.strip())
        session = await exchange(rest, self.api_key, secret.reveal(), request_token, clock.now_ns())
        save_session(self._session_path, session)
        return session.access_token

    def fresh_token(self, old: str, clock: Clock) -> str | None:
        """A token other than `old`, when somebody has put one into the secrets or the session file
        since.
        """
        given = read_secrets(self._secrets_path).get(ACCESS_TOKEN)
        if given and given.reveal() != old:
            return given.reveal()
        session = load_session(self._session_path, self.api_key, clock.now_ns())
        return session.access_token if session and session.access_token != old else None


Access = PaperAccess | LiveAccess
