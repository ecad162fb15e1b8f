"""The morning login: where to send the person, what to do with what comes back, and the session
file of the day.

Kite's access token dies at 06:00 IST. There is no official login without a person, and none is
attempted: `auto_login` works against this machine only, where a simulator redirects at once, so
that a paper day runs the same path as a live one.
"""

import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import msgspec
import orjson

from otrade.brokers.base import Clock
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.transport.endpoint import LOOPBACK, Endpoint, parse
from otrade.brokers.transport.http import HttpResponse, ask, connect
from otrade.errors import BrokerError, TokenError

LOGIN_ROOT = "https://kite.zerodha.com"
IST = timezone(timedelta(hours=5, minutes=30))
EXPIRY_HOUR_IST = 6
HOPS_MAX = 4
"""Redirects that `auto_login` follows."""
PAGE_BYTES_MAX = 1 << 20
PAGE_TIMEOUT_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """A day's access. Its repr shows no token."""

    api_key: str
    access_token: str
    user_id: str
    login_ns: int
    expires_ns: int

    def __repr__(self) -> str:
        return f"Session(user_id={self.user_id!r}, expires_ns={self.expires_ns})"


class _SessionFile(msgspec.Struct, forbid_unknown_fields=True):
    api_key: str
    access_token: str
    user_id: str
    login_ns: int
    expires_ns: int


def login_url(api_key: str, root: str = LOGIN_ROOT, redirect_params: str = "") -> str:
    """Where a person logs in; Kite then redirects to the app's own address with a request token."""
    query = {"v": "3", "api_key": api_key}
    if redirect_params:
        query["redirect_params"] = redirect_params
    return f"{root.rstrip('/')}/connect/login?{urlencode(query)}"


def request_token_of(redirect_url: str) -> str:
    """The one-time request token in the address that Kite redirected to. BrokerError when the login
    failed.
    """
    query = parse_qs(urlsplit(redirect_url).query)
    token = query.get("request_token", [""])[0]
    if not token or query.get("status", ["success"])[0] != "success":
        raise BrokerError(
            "the login did not end with a request token: log in again and copy the whole address"
        )
    return token


def expiry_ns(login_ns: int) -> int:
    """The first 06:00 IST after the login."""
    login = datetime.fromtimestamp(login_ns // 1_000_000_000, IST)
    expiry = login.replace(hour=EXPIRY_HOUR_IST, minute=0, second=0, microsecond=0)
    if expiry <= login:
        expiry += timedelta(days=1)
    return int(expiry.timestamp()) * 1_000_000_000


async def exchange(
    rest: KiteRest, api_key: str, api_secret: str, request_token: str, now_ns: int
) -> Session:
    """Trade a request token for the day's session, and give it to `rest`."""
    data = await rest.generate_session(request_token, api_secret)
    access_token = data.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise TokenError("the broker's session answer has no access token; log in again")
    rest.set_access_token(access_token)
    return Session(api_key, access_token, str(data.get("user_id") or ""), now_ns, expiry_ns(now_ns))


def save_session(path: Path, session: Session) -> None:
    """Write the session file: readable by its owner only, and whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".session-")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps({name: getattr(session, name) for name in Session.__slots__}))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_session(path: Path, api_key: str, now_ns: int) -> Session | None:
    """The saved session while it is good; None when there is none, it has expired, or it is another
    app's.

    TokenError when others may read the file: its token must be taken as known to them.
    """
    try:
        mode = path.stat().st_mode & 0o777
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise TokenError(
            f"{path} is readable by others (mode {mode:o}): delete it and log in again"
        )
    try:
        saved = msgspec.json.decode(data, type=_SessionFile)
    except msgspec.DecodeError:
        return None
    if saved.api_key != api_key or now_ns >= saved.expires_ns:
        return None
    return Session(
        saved.api_key, saved.access_token, saved.user_id, saved.login_ns, saved.expires_ns
    )


async def auto_login(
    rest: KiteRest, api_key: str, api_secret: str, *, login_root: str, clock: Clock
) -> Session:
    """Log in at a simulator on this machine, by the same redirect that a person's browser would
    follow.
    """
    url = login_url(api_key, login_root)
    for _ in range(HOPS_MAX):
        endpoint = parse(url, ("http",))
        parts = urlsplit(url)
        response = await _get(endpoint, f"{parts.path}?{parts.query}", clock)
        location = response.headers.get("location", "")
        if response.status not in (301, 302, 303, 307) or not location:
            raise BrokerError(f"the login page answered {response.status} and did not redirect")
        url = urljoin(url, location)
        if "request_token" in parse_qs(urlsplit(url).query):
            return await exchange(rest, api_key, api_secret, request_token_of(url), clock.now_ns())
        if urlsplit(url).hostname not in LOOPBACK:
            break
    raise BrokerError("the login page redirected without a request token")


async def _get(endpoint: Endpoint, target: str, clock: Clock) -> HttpResponse:
    connection = await connect(endpoint, None, lambda _: None, body_bytes_max=PAGE_BYTES_MAX)
    request = f"GET {target} HTTP/1.1\r\nHost: {endpoint.authority}\r\n\r\n".encode()
    try:
        return await ask(connection, request, clock=clock, timeout_ns=PAGE_TIMEOUT_NS)
    finally:
        connection.abandon()
