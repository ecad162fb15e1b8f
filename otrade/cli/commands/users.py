"""`otrade password` and `otrade token`: who may come in at the page. They change the users' file;
a running engine sees it at once.
"""

from __future__ import annotations

import datetime as dt
import getpass
import sys
import time
from pathlib import Path

import msgspec

from otrade.contract.views import Role, Scope
from otrade.errors import ConfigError
from otrade.web.auth.passwords import (
    PASSWORD_CHARS_MAX,
    hashed,
    new_totp_secret,
    totp_address,
    totp_step,
    weakness,
)
from otrade.web.auth.recovery_codes import new_codes
from otrade.web.auth.tokens import new_token
from otrade.web.auth.users import ACCESS_DIR, User, Users, UsersFile, require_name

DONE, REFUSED = 0, 4


def set_password(var: Path, name: str, role: Role | None, *, from_stdin: bool) -> int:
    """Make a person, or give one another password (and role). That user's sessions end."""
    require_name(name)
    file = UsersFile(var / ACCESS_DIR)
    old = file.read().user(name)
    password = _password(from_stdin)
    if why := weakness(password, name):
        raise ConfigError(why)
    fresh = User(
        name,
        role or (old.role if old else "trader"),
        hashed(password),
        old.totp if old else "",
        old.recovery if old else (),
    )
    file.change(lambda users: users.with_user(fresh))
    print(
        f"{'changed' if old else 'made'}: {name}, {fresh.role}{', with authenticator' if fresh.totp else ''} ({file.path})"
    )
    return DONE


def _password(from_stdin: bool) -> str:
    if from_stdin:
        # One line; a password that is cut off or followed by more is no password that anybody
        # meant.
        text = sys.stdin.read(PASSWORD_CHARS_MAX + 2).removesuffix("\n").removesuffix("\r")
        if "\n" in text:
            raise ConfigError("standard input has more than one line", allowed="the password alone")
        return text
    if not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask on", allowed="--stdin")
    password = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigError("that was something else; nothing was changed")
    return password


def set_totp(var: Path, name: str, *, on: bool) -> int:
    """Give a person an authenticator, proved by a first code, or take it away. That user's
    sessions end.
    """
    file = UsersFile(var / ACCESS_DIR)
    _require(file.read(), name)
    secret = ""
    if on:
        secret = new_totp_secret()
        print(
            f"Give this to your authenticator:\n  {totp_address(secret, name)}\n  or the key by hand: {secret}",
            file=sys.stderr,
        )
        print("Its code: ", end="", file=sys.stderr, flush=True)
        if totp_step(secret, sys.stdin.readline(), time.time()) is None:
            print(
                "that code is not right; nothing was changed (is this machine's clock right?)",
                file=sys.stderr,
            )
            return REFUSED
    file.change(
        lambda users: users.with_user(msgspec.structs.replace(_require(users, name), totp=secret))
    )
    print(f"{name}: authenticator {'set up; every login asks for its code' if on else 'removed'}")
    return DONE


def make_recovery_codes(var: Path, name: str) -> int:
    """Print new ones, the only time that they are seen; those of before are void. That user's
    sessions end.
    """
    file = UsersFile(var / ACCESS_DIR)
    _require(file.read(), name)
    shown, kept = new_codes()
    file.change(
        lambda users: users.with_user(msgspec.structs.replace(_require(users, name), recovery=kept))
    )
    for code in shown:
        print(code)
    print(
        f"{name}: each is good once, in the place of the authenticator's code. They are not shown again: keep them on paper, away from "
        "the password.",
        file=sys.stderr,
    )
    return DONE


def remove(var: Path, name: str) -> int:
    file = UsersFile(var / ACCESS_DIR)
    _require(file.read(), name)
    file.change(lambda users: users.without_user(name))
    print(f"removed: {name}")
    return DONE


def show(var: Path) -> int:
    users = UsersFile(var / ACCESS_DIR).read().users
    for user in users:
        more = [
            *(["authenticator"] if user.totp else []),
            *([f"{len(user.recovery)} recovery codes"] if user.recovery else []),
        ]
        print(f"{user.name:<32}  {user.role:<8}{', '.join(more)}".rstrip())
    if not users:
        print("no user has a password yet", file=sys.stderr)
    return DONE


def _require(users: Users, name: str) -> User:
    user = users.user(name)
    if user is None:
        raise ConfigError(
            f"there is no user called {name!r}", allowed=", ".join(one.name for one in users.users)
        )
    return user


# ------------------------------------------------------------------------------------------- tokens
def make_token(var: Path, name: str, scopes: tuple[Scope, ...], days: int) -> int:
    """Print a new token, the only time that it is seen."""
    token, kept = new_token(name, scopes, time.time(), days)
    UsersFile(var / ACCESS_DIR).change(lambda users: users.with_token(kept))
    print(token)
    print(
        f"{name}: {', '.join(scopes)}, until {_day(kept.ends_s)}. It is not shown again.",
        file=sys.stderr,
    )
    return DONE


def revoke_token(var: Path, name: str) -> int:
    file = UsersFile(var / ACCESS_DIR)
    known = [token.name for token in file.read().tokens]
    if name not in known:
        raise ConfigError(f"there is no token {name!r}", allowed=", ".join(known))
    file.change(lambda users: users.without_token(name))
    print(f"revoked: {name}")
    return DONE


def show_tokens(var: Path) -> int:
    for token in UsersFile(var / ACCESS_DIR).read().tokens:
        ends = (
            f"until {_day(token.ends_s)}"
            if token.ends_s > time.time()
            else f"EXPIRED {_day(token.ends_s)}"
        )
        print(f"{token.name:<32}  {', '.join(token.scopes):<20}  made {_day(token.made_s)}, {ends}")
    return DONE


def _day(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.timezone(dt.timedelta(hours=5, minutes=30))).strftime(
        "%Y-%m-%d"
    )
