"""Who may come in: users with passwords and scripts with tokens, in one file that only its owner
may read (0600).

Passwords are kept as argon2 hashes and tokens as SHA-256 (a token is 256 random bits: nothing can
be tried). An authenticator's secret must be kept as it is. A file that is there and cannot be
trusted (others may read it, or it is broken) lets nobody in; it is never mistaken for a first run.
"""

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from otrade.contract.views import Role, Scope
from otrade.errors import ConfigError
from otrade.plain_file import IS_LINK, own_file, own_folder, read_own

ACCESS_DIR = "access"
"""Below `paths.var`."""
FILE_NAME = "people.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
USERS_MAX = 64


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One who may log in. Two equal ones are the same user with the same rights: a change ends
    the sessions.
    """

    name: str
    role: Role
    hash: str
    totp: str = ""
    recovery: tuple[str, ...] = ()
    """What is kept of the recovery codes that are left (`recovery_codes.py`)."""

    def __repr__(self) -> str:
        return f"User({self.name}, {self.role})"


class ScriptToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One script's right. `ends_s`: UNIX time at which it dies."""

    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    made_s: int
    ends_s: int


class Users(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    users: tuple[User, ...] = msgspec.field(default=(), name="people")
    tokens: tuple[ScriptToken, ...] = ()

    def user(self, name: str) -> User | None:
        return next((user for user in self.users if user.name == name), None)

    def with_user(self, user: User) -> "Users":
        """That user new, or in place of the one of that name. ConfigError when there is no room,
        or the name is none.
        """
        require_name(user.name)
        others = tuple(other for other in self.users if other.name != user.name)
        if len(others) >= USERS_MAX:
            raise ConfigError(f"there are {USERS_MAX} users already")
        return msgspec.structs.replace(self, users=(*others, user))

    def without_user(self, name: str) -> "Users":
        return msgspec.structs.replace(
            self, users=tuple(user for user in self.users if user.name != name)
        )

    def with_token(self, token: ScriptToken) -> "Users":
        """That token more. ConfigError when the name is taken or none."""
        require_name(token.name)
        if any(other.name == token.name for other in self.tokens):
            raise ConfigError(
                f"there is a token {token.name!r} already: revoke it first, or choose another name"
            )
        if len(self.tokens) >= USERS_MAX:
            raise ConfigError(f"there are {USERS_MAX} tokens already: revoke some first")
        return msgspec.structs.replace(self, tokens=(*self.tokens, token))

    def without_token(self, name: str) -> "Users":
        return msgspec.structs.replace(
            self, tokens=tuple(token for token in self.tokens if token.name != name)
        )


def changes(before: Users, after: Users) -> list[str]:
    """What is different, in words without secrets."""
    found = []
    old, new = ({one.name: one for one in users.users} for users in (before, after))
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            found.append(f"{name} may log in now, as a {now.role}")
        elif now is None:
            found.append(f"{name} may no longer log in")
        elif was is not None:
            found += [f"{name} {words}" for words in _differences(was, now)]
    had, has = ({one.name: one for one in users.tokens} for users in (before, after))
    for name in sorted({*had, *has}):
        if had.get(name) != has.get(name):
            token = has.get(name)
            found.append(
                f"the token {name} is void"
                if token is None
                else f"there is a new token {name} ({', '.join(token.scopes)})"
            )
    return found


def _differences(was: User, now: User) -> Iterator[str]:
    if was.role != now.role:
        yield f"is a {now.role} now"
    if was.hash != now.hash:
        yield "has another password"
    if was.totp != now.totp:
        yield "has another authenticator" if now.totp else "has no authenticator any more"
    if set(now.recovery) < set(was.recovery):
        yield f"has used a recovery code; {len(now.recovery)} are left"
    elif now.recovery != was.recovery:
        yield "has new recovery codes"


def require_name(name: str) -> None:
    """ConfigError when it is no name."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name[:40]!r} is no name", allowed="1 to 32 letters, digits, . _ -")


class UsersFile:
    """`read` is cheap enough for every request: the file is parsed again only when it has changed."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._stamp: tuple[int, ...] | None = None
        self._users = Users()

    def read(self) -> Users:
        """What the file says now; nobody when there is none. ConfigError when it cannot be trusted."""
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            self._stamp, self._users = None, Users()
            return self._users
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=str(self.path)) from None
        stamp = (
            status.st_ino,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_size,
            status.st_mode,
            status.st_uid,
        )
        if stamp != self._stamp:
            self._users = self._load(status)
            self._stamp = stamp
        return self._users

    def _load(self, status: os.stat_result) -> Users:
        if stat.S_ISLNK(status.st_mode):
            raise ConfigError(IS_LINK, file=str(self.path))
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"others may read it (mode {mode:04o}); run: chmod 600 {self.path}",
                file=str(self.path),
                allowed="mode 0600",
            )
        if status.st_uid != os.geteuid():
            raise ConfigError("belongs to another user", file=str(self.path))
        try:
            return msgspec.json.decode(read_own(self.path), type=Users)
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=str(self.path)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            # The decoder's own words could repeat a piece of the file.
            raise ConfigError(
                "is damaged; move it away, and set the passwords again with `otrade password`",
                file=str(self.path),
            ) from None

    def change(self, how: Callable[[Users], Users]) -> Users:
        """Read, change and replace in one step, one process after the other. ConfigError when that
        cannot be done.
        """
        try:
            own_folder(self.path.parent)
            with self._locked():
                self._stamp = None
                users = how(self.read())
                self._replace(msgspec.json.format(msgspec.json.encode(users), indent=2) + b"\n")
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=str(self.path)) from None
        return self.read()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fd = own_file(self.path.with_suffix(".lock"), os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _replace(self, data: bytes) -> None:
        """The mode is 0600 before any byte is in it, and the file is whole before it has its name."""
        temporary = self.path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self.path)
