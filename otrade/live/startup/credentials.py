"""Getting in: the broker's adapter with its keys, and the day's access token.

A paper day logs in at the simulator by the same redirect that a person's browser would follow. A
live day needs a person once a
morning: the token comes from the environment or the secrets file, from the session file of an
earlier login today (`otrade login`, or the page), or from the address that the broker redirected
the person to; the newest that was not refused is taken (see
`tokens.py`). It is never logged and never part of an error.
"""

import os
import secrets as randomness
import sys
from pathlib import Path

import msgspec

from otrade.brokers.adapter import BrokerAdapter, adapter_of
from otrade.brokers.registry import NO_BROKER
from otrade.brokers.token_store import AccessSession, last_user, load_session, save_session
from otrade.clock import Clock
from otrade.config.schema import BrokerConfig, Config
from otrade.config.secret import Secret, read_secrets, remember, secret_name
from otrade.errors import BrokerError, ConfigError, TokenError
from otrade.live.startup.access_tokens import RefusedTokens, TokenCandidate, process_began_ns
from otrade.live.startup.terminal import read_line
from otrade.units import ist_hms


class PaperAccess(msgspec.Struct, frozen=True):
    """The simulator on this machine."""

    adapter: BrokerAdapter
    account: str
    """This simulated world's name: another run is another world, whose journal says nothing of this
    one.
    """

    async def token(self, *, ask: bool = True) -> str:
        """A fresh login; ends the one before. The adapter uses it from now on."""
        return (await self.adapter.log_in_here()).access_token

    def fresh_token(self, old: str) -> str | None:
        """The simulator hands out no token by itself."""
        return None

    def refused(self, token: str) -> str:
        """A paper day starts again."""
        return "the simulator's login"

    def close(self) -> None:
        self.adapter.close()


class LiveAccess:
    """The broker, with keys from the environment or the secrets file."""

    def __init__(self, config: Config, clock: Clock, broker: BrokerConfig | None = None) -> None:
        """`broker` when it is not the one that trades. ConfigError naming the secret that is
        missing.
        """
        broker = broker or config.broker
        kind = broker.kind
        self._kind = kind
        self._user_id = broker.user_id
        self._clock = clock
        self._secrets_path = Path(config.paths.secrets)
        self._session_path = session_path(config, kind)
        self._said: list[str] = []
        """Sources whose token the broker has refused."""
        secrets = read_secrets(self._secrets_path)
        api_key = secrets.get(secret_name(kind, "API_KEY"))
        if not api_key:
            raise ConfigError(
                f"a live run needs {secret_name(kind, 'API_KEY')}: set it in the environment or in the secrets file",
                file=str(self._secrets_path),
            )
        self._api_key = api_key
        self._api_secret = secrets.get(secret_name(kind, "API_SECRET"), Secret(""))
        self.adapter = adapter_of(kind, broker, api_key.reveal(), self._api_secret.reveal(), clock)
        self.account = self.adapter.account
        self._refused = RefusedTokens(
            self._session_path.with_suffix(".refused.json"), api_key.reveal()
        )

    def __repr__(self) -> str:
        return "LiveAccess()"

    async def token(self, *, ask: bool = True) -> str:
        """The day's token, which the adapter uses from now on: the newest that the broker accepts.
        TokenError, saying what to do, when there is none and nobody at the keyboard, or nobody is
        to be asked.
        """
        while (given := self._given()) is not None:
            self._use(given.token)
            try:
                await self.adapter.prove()
            except TokenError:
                self.refused(given.token)
                continue
            except BrokerError:
                pass  # it could not be asked: whoever needs the broker next will say so
            return given.token
        session = await self._ask(ask)
        self._use(session.access_token)
        return session.access_token

    def _use(self, token: str) -> None:
        remember(token)
        self.adapter.use(token)

    def fresh_token(self, old: str) -> str | None:
        """A token other than `old`, when somebody has left one since."""
        given = self._given()
        if given is None or given.token == old:
            return None
        remember(given.token)
        return given.token

    def refused(self, token: str) -> str:
        """The broker has refused it: it is not taken again, here or by a later process. Returns
        where it came from, for people.
        """
        source = next(
            (one.source for one in self._left() if one.token == token), "an earlier login"
        )
        self._refused.add(token)
        self._said.append(source)
        return source

    def _given(self) -> TokenCandidate | None:
        """The newest token that has not been refused."""
        return max(
            (one for one in self._left() if one.token not in self._refused),
            key=lambda one: one.since_ns,
            default=None,
        )

    def _left(self) -> list[TokenCandidate]:
        """Every token that somebody has left: in the environment, in the secrets file, by a login."""
        name = secret_name(self._kind, "ACCESS_TOKEN")
        found = []
        of_file = read_secrets(self._secrets_path, {}).get(name)
        if of_file:
            found.append(
                TokenCandidate(
                    of_file.reveal(),
                    f"{name} in {self._secrets_path}",
                    self._secrets_path.stat().st_mtime_ns,
                )
            )
        of_environment = (
            read_secrets(self._secrets_path).get(name) if os.environ.get(name) else None
        )
        if of_environment:
            found.append(
                TokenCandidate(
                    of_environment.reveal(), f"{name} in the environment", process_began_ns()
                )
            )
        session = self.saved()
        if session is not None:
            found.append(
                TokenCandidate(
                    session.access_token,
                    f"the login of {ist_hms(session.login_ns)[:5]} IST",
                    session.login_ns,
                )
            )
        return found

    def saved(self) -> AccessSession | None:
        """The session of an earlier login, while it is good."""
        return load_session(self._session_path, self._api_key.reveal(), self._clock.now_ns())

    def known_user(self) -> str:
        """Whose account it is: as configured, else of the last login; empty when nobody knows."""
        return self._user_id or last_user(self._session_path, self._api_key.reveal())

    def postback_secret(self) -> str:
        """What proves that an order update was posted by the broker: for the hooks' process alone."""
        return self._api_secret.reveal()

    def save(self, session: AccessSession) -> None:
        """Leave a session for this engine, the next one and the watchdog."""
        remember(session.access_token)
        self._refused.discard(session.access_token)
        save_session(self._session_path, session)

    async def _ask(self, may_ask: bool) -> AccessSession:
        state = randomness.token_urlsafe(16)
        url = self.adapter.login_url(state)
        if not may_ask or not self._api_secret or not sys.stdin.isatty():
            refused = (
                f" that is accepted (refused: {', '.join(dict.fromkeys(self._said))})"
                if self._said
                else ""
            )
            raise TokenError(
                f"there is no access token for {self._kind} today{refused}. Run `otrade login --broker {self._kind}`, or log in at "
                f"{self.adapter.login_url('')} and set "
                f"{secret_name(self._kind, 'ACCESS_TOKEN')} (or {secret_name(self._kind, 'API_SECRET')}, and run again in a terminal)"
            )
        print(f"Log in at\n  {url}\nthen paste the address that you are sent to:", file=sys.stderr)
        session = await self.adapter.log_in(await read_line(), state)
        self.save(session)
        return session

    def close(self) -> None:
        self.adapter.close()


def session_path(config: Config, kind: str) -> Path:
    """Where the day's session with a broker is kept."""
    return Path(config.paths.var) / "session" / f"{kind}.json"


def secondary_broker(config: Config) -> BrokerConfig | None:
    """The other broker that only gives data; None when there is none."""
    second = config.second_feed
    if second.kind == NO_BROKER or second.kind == config.broker.kind:
        return None
    return BrokerConfig(
        kind=second.kind,
        rest_url=second.rest_url,
        feed_url=second.feed_url,
        login_url=second.login_url,
        instruments_url=second.instruments_url,
        redirect_url=second.redirect_url,
    )


Access = PaperAccess | LiveAccess
