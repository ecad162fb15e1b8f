"""The session file of the day: one broker's access token, readable by its owner only.

A token dies at an hour that the broker fixes, however late it was made.
"""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import orjson

from otrade.brokers.parse import IST
from otrade.errors import BrokerError, TokenError
from otrade.plain_file import open_own, read_own, write_whole


class AccessSession(msgspec.Struct, frozen=True):
    """A day's access. Its repr shows no token."""

    api_key: str
    access_token: str
    user_id: str
    login_ns: int
    expires_ns: int

    def __repr__(self) -> str:
        return f"Session(user_id={self.user_id!r}, expires_ns={self.expires_ns})"


class _TokenFile(msgspec.Struct, forbid_unknown_fields=True):
    api_key: str
    access_token: str
    user_id: str
    login_ns: int
    expires_ns: int


def expiry_ns(login_ns: int, hour: int, minute: int = 0) -> int:
    """The first hour:minute IST after the login."""
    login = datetime.fromtimestamp(login_ns // 1_000_000_000, IST)
    expiry = login.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if expiry <= login:
        expiry += timedelta(days=1)
    return int(expiry.timestamp()) * 1_000_000_000


def save_session(path: Path, session: AccessSession) -> None:
    """Write the session file: readable by its owner only, and whole or not at all."""
    fields = {name: getattr(session, name) for name in AccessSession.__struct_fields__}
    write_whole(path, orjson.dumps(fields))


def load_session(path: Path, api_key: str, now_ns: int) -> AccessSession | None:
    """The saved session while it is good; None when there is none, it has expired, or it is another
    app's.

    TokenError when it cannot be read, or when others may read it: its token must be taken as known
    to them.
    """
    try:
        with open_own(path) as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenError(
            f"{path} cannot be read ({error.strerror}): delete it and log in again"
        ) from None
    if mode & 0o077:
        raise TokenError(
            f"{path} is readable by others (mode {mode:o}): delete it and log in again"
        )
    try:
        saved = msgspec.json.decode(data, type=_TokenFile)
    except msgspec.DecodeError:
        return None
    if saved.api_key != api_key or now_ns >= saved.expires_ns:
        return None
    return AccessSession(
        saved.api_key, saved.access_token, saved.user_id, saved.login_ns, saved.expires_ns
    )


def last_user(path: Path, api_key: str) -> str:
    """The user of the last login through this app, however long ago; empty when nobody knows."""
    try:
        saved = msgspec.json.decode(read_own(path), type=_TokenFile)
    except (OSError, msgspec.DecodeError):
        return ""
    return saved.user_id if saved.api_key == api_key else ""


def require_state(redirected_to: str, state: str) -> None:
    """BrokerError unless the address carries the state that this login began with: another's login
    must not become ours.
    """
    came = parse_qs(urlsplit(redirected_to).query).get("state", [""])[0]
    if state and not secrets.compare_digest(came.encode(), state.encode()):
        raise BrokerError(
            "this is the answer to another login (its state differs): begin the login again"
        )
