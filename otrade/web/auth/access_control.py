"""Who somebody is, and how they get in: the one place that joins the users' file, sessions,
tokens and limits.

Three kinds come in. A user with a session's cookie, whose role says what they may. A script with
a token, which says what it may. And whoever can read the run-file (0600): that is the user who runs
the engine, on this machine, and the command line speaks for them.
"""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from otrade.contract.views import (
    FirstPasswordRequest,
    LoginRequest,
    LoginSessionView,
    PasswordChangeRequest,
    Problem,
    Role,
    Scope,
)
from otrade.errors import ConfigError
from otrade.web.auth.device_cookies import DeviceCookies
from otrade.web.auth.login_throttle import LoginAttempt, LoginThrottle
from otrade.web.auth.passwords import NOBODYS, Codes, hashed, is_password, weakness
from otrade.web.auth.recovery_codes import find_code
from otrade.web.auth.sessions import UserSession, UserSessions
from otrade.web.auth.tokens import find_token
from otrade.web.auth.users import User, Users, UsersFile, changes
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError

log = logging.getLogger("otrade.web")

SCOPES: dict[Role, frozenset[Scope]] = {
    "viewer": frozenset({"read"}),
    "trader": frozenset({"read", "trade", "admin"}),
}
FIRST_PASSWORD, OPEN_SESSION, RECOVERY = "first password", "open session", "recovery code"
"""In the place of a name and of a browser in the login limits: none is a name or a browser's."""
PEOPLE_CHANGED = "people"
"""In the journal."""
CODE_LIFE_S = 1800.0
CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""None that a person takes for another."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is known, and what they may."""

    kind: Literal["person", "script", "local"]
    name: str
    scopes: frozenset[Scope]
    session: UserSession | None = None

    @property
    def who(self) -> str:
        """For the journal."""
        role = f" ({self.session.user.role})" if self.session is not None else ""
        return f"{self.kind} {self.name}{role}"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who knocks, as far as a request says: what it shows is none of theirs to choose but `browser`."""

    address: str
    browser: str = ""
    cookie: str = ""
    """Of a session that was there before."""
    device_cookie: str = ""


@dataclass(frozen=True, slots=True)
class LoginGrant:
    """A session has begun."""

    cookie: str
    device_cookie: str
    """By which this browser is known the next time."""
    session: UserSession
    is_new_browser: bool
    """That person has not logged in there before."""


class AccessControl:
    """`directory` holds the users' file. `local_token` is the run-file's. `record` (who, what, whether
    it was done, words) is told what has changed about people and tokens, whoever has changed it.
    Times are passed in: `now_s` monotonic, `wall_s` UNIX.
    """

    def __init__(
        self,
        directory: Path,
        *,
        local_token: str,
        record: Callable[[str, str, bool, str], None] | None = None,
        life_s: float = 12 * 3600.0,
        idle_s: float = 3600.0,
        now_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        if len(local_token) < 32:
            raise ValueError(
                "the local token must have at least 32 characters; use new_local_token()"
            )
        self.file = UsersFile(directory)
        self.sessions = UserSessions(life_s=life_s, idle_s=idle_s, now_s=now_s)
        self.life_s = life_s
        self._local_token = local_token.encode()
        self._throttle = LoginThrottle(now_s)
        self._devices = DeviceCookies(directory)
        self._codes = Codes(wall_s)
        self._hashing = asyncio.Lock()
        self._now_s = now_s
        self._wall_s = wall_s
        self._first_code = ""
        self._first_code_ends_s = 0.0
        self._trouble = ""
        self._record = record
        self._seen: Users | None = None

    def __repr__(self) -> str:
        return "Access(...)"

    # -------------------------------------------------------------------------------------- who
    # asks
    def by_token(self, given: str) -> Principal | None:
        """Whose token this is: the local user's, or a script's."""
        if hmac.compare_digest(given.encode(), self._local_token):
            return Principal("local", "user", SCOPES["trader"])
        token = find_token(self._users(), given, self._wall_s())
        return (
            Principal("script", token.name, frozenset(token.scopes)) if token is not None else None
        )

    def by_cookie(self, cookie: str) -> Principal | None:
        """Whose session this is, if it is still open."""
        session = self.sessions.find(cookie)
        if session is None or not self._is_same(session):
            return None
        return Principal("person", session.user.name, SCOPES[session.user.role], session)

    def may_stay(self, principal: Principal, token: str = "") -> bool:
        """Whether somebody who came in before may still be here. A page that listens keeps its
        session from falling silent.
        """
        try:
            if principal.session is not None:
                return self.sessions.keep(principal.session) and self._is_same(principal.session)
            return self.by_token(token) == principal
        except ProblemError:
            return False

    def sessions_of(self, principal: Principal) -> list[LoginSessionView]:
        """One's own, and everybody's for the local user; a script has none."""
        wall_s, sessions = self._wall_s(), self.sessions
        return [
            LoginSessionView(
                id=one.id,
                name=one.user.name,
                role=one.user.role,
                address=one.address,
                browser=one.browser,
                began_ms=round((wall_s - sessions.age_s(one.begun_s)) * 1000),
                seen_ms=round((wall_s - sessions.age_s(one.seen_s)) * 1000),
                ends_in_s=max(round(sessions.left_s(one)), 0),
                is_this=one is principal.session,
            )
            for one in self._sessions_of(principal)
        ]

    def end_session(self, principal: Principal, id: str) -> UserSession:
        """End one that `sessions_of` shows. ProblemError when there is none of that id there."""
        for session in self._sessions_of(principal):
            if session.id == id:
                self.sessions.end(session)
                return session
        raise ProblemError(problems.unknown_session(id))

    def _sessions_of(self, principal: Principal) -> list[UserSession]:
        return [
            one
            for one in self.sessions.all()
            if (
                principal.kind == "local"
                or (principal.kind == "person" and one.user.name == principal.name)
            )
            and self._is_same(one)
        ]

    def _is_same(self, session: UserSession) -> bool:
        """Whether the session's user is still the one of the file; else the session ends."""
        if self._users().user(session.user.name) == session.user:
            return True
        self.sessions.end(session)
        return False

    def _users(self) -> Users:
        try:
            users = self.file.read()
        except ConfigError as error:
            raise ProblemError(self._users_unreadable(error)) from None
        before, self._seen = self._seen, users
        if before is not None and before is not users and self._record is not None:
            for words in changes(before, users):
                self._record("the users' file", PEOPLE_CHANGED, True, words)
        return users

    def _users_unreadable(self, error: ConfigError) -> Problem:
        """For strangers' eyes: the reason is in the log, once."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            log.error("nobody can log in: %s", error)
        return problems.users_unreadable()

    # ------------------------------------------------------------------------------------- coming
    # in
    @property
    def is_first_run(self) -> bool:
        """Whether nobody has a password yet."""
        return not self._users().users

    def first_code(self) -> str:
        """A new one-time code for the first password; one that was shown before is void."""
        letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(12))
        self._first_code = letters
        self._first_code_ends_s = self._now_s() + CODE_LIFE_S
        return "-".join(letters[i : i + 4] for i in range(0, 12, 4))

    async def first_password(self, given: FirstPasswordRequest, visitor: Visitor) -> LoginGrant:
        """Make the first trader. ProblemError when somebody has a password already, or the code is
        not the one that was shown.
        """
        attempt = self._begin(FIRST_PASSWORD, visitor.address)
        if not self.is_first_run:
            raise ProblemError(problems.not_first_run())
        code = "".join(letter for letter in given.code.upper() if letter.isalnum())
        is_live = self._first_code and self._now_s() < self._first_code_ends_s
        if not is_live or not hmac.compare_digest(code.encode(), self._first_code.encode()):
            raise ProblemError(problems.wrong_code())
        self._require_strong(given.password, given.name, "password")
        user = User(given.name, "trader", await self._hashed(given.password))

        def only_first(users: Users) -> Users:
            if users.users:
                raise ProblemError(problems.not_first_run())
            return users.with_user(user)

        self._change(only_first)
        self._first_code = ""
        self._throttle.succeeded(attempt, FIRST_PASSWORD, visitor.address)
        return self._granted(user, visitor)

    async def log_in(self, given: LoginRequest, visitor: Visitor) -> LoginGrant:
        """A new session, in place of the one that was there. ProblemError when name, password or code
        is wrong; it does not say which.
        """
        user = self._users().user(given.name)
        recovery = find_code(user.recovery, given.code) if user is not None else ""
        # Nobody guesses such a code: whoever has one is not kept waiting by those who try passwords.
        device = RECOVERY if recovery else self._devices.known(visitor.device_cookie, given.name)
        attempt = self._begin(given.name, visitor.address, device)
        is_right = await self._is_password(user.hash if user else NOBODYS, given.password)
        if (
            user is None
            or not is_right
            or (
                user.totp
                and not recovery
                and not self._codes.take(user.name, user.totp, given.code)
            )
        ):
            raise ProblemError(problems.wrong_login())
        if recovery:
            user = self._without_code(user, recovery)
        self._throttle.succeeded(attempt, user.name, visitor.address)
        old = self.sessions.find(visitor.cookie)
        if old is not None:
            self.sessions.end(old)
        return self._granted(user, visitor)

    def _without_code(self, user: User, recovery: str) -> User:
        """That code is used up, and the sessions that are open end. ProblemError when somebody else
        was faster.
        """
        left = tuple(one for one in user.recovery if one != recovery)
        fresh = msgspec.structs.replace(user, recovery=left)

        def if_still_there(users: Users) -> Users:
            if users.user(user.name) != user:
                raise ProblemError(problems.wrong_login())
            return users.with_user(fresh)

        self._change(if_still_there)
        self.sessions.end_of(user.name)
        return fresh

    async def change_password(
        self, session: UserSession, given: PasswordChangeRequest, visitor: Visitor
    ) -> LoginGrant:
        """A new password, and a new session; that user's other sessions end. ProblemError when
        the old one is wrong.
        """
        await self.require_password(session, given.old, visitor.address, "old")
        self._require_strong(given.new, session.user.name, "new")
        user = msgspec.structs.replace(session.user, hash=await self._hashed(given.new))

        def if_still_there(users: Users) -> Users:
            if users.user(user.name) != session.user:
                raise ProblemError(problems.not_logged_in())
            return users.with_user(user)

        self._change(if_still_there)
        self.sessions.end_of(user.name)
        return self._granted(user, visitor)

    async def require_password(
        self, session: UserSession, password: str, address: str, field: str
    ) -> None:
        """Whoever has the session knows the password too. ProblemError when not. Strangers cannot
        use up that limit: it is counted as in a known browser.
        """
        name = session.user.name
        attempt = self._begin(name, address, OPEN_SESSION)
        if not await self._is_password(session.user.hash, password):
            raise ProblemError(problems.wrong_own_password(field))
        self._throttle.succeeded(attempt, name, address)

    def _granted(self, user: User, visitor: Visitor) -> LoginGrant:
        cookie, session = self.sessions.begin(user, visitor.address, visitor.browser)
        is_known = bool(self._devices.known(visitor.device_cookie, user.name))
        device_cookie = visitor.device_cookie if is_known else self._devices.new(user.name)
        return LoginGrant(cookie, device_cookie, session, not is_known)

    def _begin(self, name: str, address: str, device: str = "") -> LoginAttempt:
        attempt = self._throttle.begin(name, address, device)
        if attempt.wait_s > 0:
            raise ProblemError(
                problems.too_many_attempts(attempt.wait_s),
                {"Retry-After": str(int(attempt.wait_s) + 1)},
            )
        return attempt

    def _change(self, how: Callable[[Users], Users]) -> None:
        try:
            self.file.change(how)
            self._users()  # what has changed is told now
        except ConfigError as error:
            raise ProblemError(self._users_unreadable(error)) from None

    @staticmethod
    def _require_strong(password: str, name: str, field: str) -> None:
        if why := weakness(password, name):
            raise ProblemError(problems.weak_password(field, why))

    async def _is_password(self, hash: str, password: str) -> bool:
        # One at a time: each takes 19 MiB and a core.
        async with self._hashing:
            return await asyncio.to_thread(is_password, hash, password)

    async def _hashed(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(hashed, password)


def new_local_token() -> str:
    """A secret of 256 bits in letters that fit into a header."""
    return secrets.token_urlsafe(32)
