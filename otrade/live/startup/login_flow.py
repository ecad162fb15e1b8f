"""Logging in while the engine runs, or before it does: one login at a time, known by its state,
good for ten minutes.

The broker sends the person's browser back to our address. That request carries no cookie of ours
(it comes from another site), so the state, which nobody else has seen, is what proves that it
belongs to a login that was begun here. It is good for one try.

Where the broker lets a login be approved in its own app, the token comes to the web hook instead;
it counts only while such a login is under way, and only for the user whom we know.
"""

import secrets
from collections.abc import Callable

from otrade._core.types import Severity
from otrade.brokers.token_store import AccessSession
from otrade.clock import NS_PER_S, Clock
from otrade.errors import BrokerError, ConfigError, OTradeError
from otrade.live.startup.credentials import LiveAccess
from otrade.units import ist_hms

LIFE_NS = 600 * NS_PER_S


class LoginFlow:
    """Begins logins and finishes them. `on_session` gets the new session, after it has been saved."""

    def __init__(
        self, access: LiveAccess, clock: Clock, on_session: Callable[[AccessSession], None]
    ) -> None:
        self._access = access
        self._clock = clock
        self._on_session = on_session
        self._state = ""
        self._until_ns = 0
        self._approval_until_ns = 0

    def begin(self) -> str:
        """The address at which the person logs in. A login that was begun before is void."""
        self._state = secrets.token_urlsafe(24)
        self._until_ns = self._clock.now_ns() + LIFE_NS
        return self._access.adapter.login_url(self._state)

    async def finish(self, redirected_to: str) -> AccessSession:
        """Take the address that the browser was sent to. BrokerError when no login is under way, or
        this is another's.
        """
        state, self._state = self._state, ""
        if not state or self._clock.now_ns() > self._until_ns:
            raise BrokerError(
                "no login is under way here, or it has taken too long: begin it again"
            )
        try:
            session = await self._access.adapter.log_in(redirected_to, state)
        except OTradeError:
            # A stray or hostile request must not end the person's own login.
            self._state = state
            raise
        finally:
            self._access.adapter.close()
        self._take(session)
        return session

    async def ask_approval(self) -> None:
        """Ask for an approval in the broker's app. ConfigError when nobody could tell whose token
        comes; BrokerError, NetworkError.
        """
        if not self._access.known_user():
            raise ConfigError(
                "a login by approval needs the user's id, or anybody's token would do: set it, or log in once in the browser",
                path="broker.user_id",
            )
        try:
            await self._access.adapter.ask_approval()
        finally:
            self._access.adapter.close()
        self._approval_until_ns = self._clock.now_ns() + LIFE_NS

    async def approved(self, body: bytes) -> AccessSession:
        """Take what came to the web hook. BrokerError when no approval is under way, or this is not
        the answer to it.
        """
        if self._clock.now_ns() >= self._approval_until_ns:
            raise BrokerError("a token notice came, and no approval is under way")
        session = await self._access.adapter.approved(body, self._access.known_user())
        if self._clock.now_ns() >= self._approval_until_ns:
            raise BrokerError("a token notice came twice, or too late")
        self._approval_until_ns = 0
        self._take(session)
        return session

    def _take(self, session: AccessSession) -> None:
        self._access.save(session)
        self._on_session(session)


def login_notice(session: AccessSession) -> tuple[Severity, str]:
    """Words for people; no token."""
    return (
        Severity.INFO,
        f"logged in as {session.user_id or 'the account'}, good until {ist_hms(session.expires_ns)[:5]} IST",
    )
