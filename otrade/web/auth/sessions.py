"""Sessions of users, in memory: a restart ends them all.

The cookie is 256 random bits, of which only the hash is kept. A session ends after `life_s`, when
nothing was asked and no page listened for `idle_s`, when its user's password, role or
authenticator changes, and at a logout. A new login never goes on with an old session. Time is a
monotonic clock, passed in.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from otrade.web.auth.users import User

SESSIONS_MAX = 64


@dataclass(slots=True, eq=False)
class UserSession:
    """One login. `csrf` is what its page must send along with every change."""

    id: str
    """Names it for people and lets nobody in."""
    user: User
    csrf: str = field(repr=False)
    begun_s: float
    seen_s: float
    address: str
    browser: str

    def is_csrf(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.csrf.encode())


class UserSessions:
    """All that are open, at most `SESSIONS_MAX`: then the one that was silent longest makes room."""

    def __init__(
        self, *, life_s: float, idle_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._life_s = life_s
        self._idle_s = idle_s
        self._now_s = now_s
        self._open: dict[bytes, UserSession] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, user: User, address: str = "", browser: str = "") -> tuple[str, UserSession]:
        """A new session, and its cookie."""
        self._tidy()
        if len(self._open) >= SESSIONS_MAX:
            silent = min(self._open.values(), key=lambda session: session.seen_s)
            self.end(silent)
        cookie, now_s = secrets.token_urlsafe(32), self._now_s()
        session = UserSession(
            secrets.token_hex(8), user, secrets.token_urlsafe(32), now_s, now_s, address, browser
        )
        self._open[_key(cookie)] = session
        return cookie, session

    def find(self, cookie: str) -> UserSession | None:
        """The session of a cookie, if it is still open. It is not silent then."""
        session = self._open.get(_key(cookie))
        return session if session is not None and self.keep(session) else None

    def all(self) -> list[UserSession]:
        """Those that are open, the newest first. They are no less silent for it."""
        self._tidy()
        return sorted(self._open.values(), key=lambda session: -session.begun_s)

    def age_s(self, since_s: float) -> float:
        return self._now_s() - since_s

    def keep(self, session: UserSession) -> bool:
        """Whether it is still open; somebody is there. One whose time is over ends here."""
        if not any(session is other for other in self._open.values()):
            return False
        if self.left_s(session) <= 0:
            self.end(session)
            return False
        session.seen_s = self._now_s()
        return True

    def left_s(self, session: UserSession) -> float:
        """Seconds until it ends, if nothing is heard of it."""
        now_s = self._now_s()
        return min(session.begun_s + self._life_s, session.seen_s + self._idle_s) - now_s

    def ends_in_s(self, session: UserSession) -> int:
        """Whole seconds until it ends, whatever is heard of it."""
        return max(round(session.begun_s + self._life_s - self._now_s()), 0)

    def end(self, session: UserSession) -> None:
        self._open = {key: other for key, other in self._open.items() if other is not session}

    def end_of(self, name: str) -> None:
        """All sessions of one user."""
        self._open = {
            key: session for key, session in self._open.items() if session.user.name != name
        }

    def _tidy(self) -> None:
        self._open = {
            key: session for key, session in self._open.items() if self.left_s(session) > 0
        }


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
