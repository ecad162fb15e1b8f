"""The morning login: where to send the person, what to do with what comes back, and the session
file of the day.

Kite's access token dies at 06:00 IST. There is no official login without a person, and none is
attempted: `auto_login` works against this machine only, where a simulator redirects at once, so
that a paper day runs the same path as a live one.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.parse import clean_text
from otrade.brokers.token_store import AccessSession, expiry_ns
from otrade.brokers.transport.login_redirects import follow
from otrade.clock import Clock
from otrade.errors import BrokerError, TokenError

LOGIN_ROOT = "https://kite.zerodha.com"
EXPIRY_HOUR_IST = 6


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


async def exchange(
    rest: KiteRest, api_key: str, api_secret: str, request_token: str, now_ns: int
) -> AccessSession:
    """Trade a request token for the day's session, and give it to `rest`."""
    data = await rest.generate_session(request_token, api_secret)
    access_token = data.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise TokenError("the broker's session answer has no access token; log in again")
    rest.set_access_token(access_token)
    return AccessSession(
        api_key,
        access_token,
        clean_text(data.get("user_id")),
        now_ns,
        expiry_ns(now_ns, EXPIRY_HOUR_IST),
    )


async def auto_login(
    rest: KiteRest, api_key: str, api_secret: str, *, login_root: str, clock: Clock
) -> AccessSession:
    """Log in at a simulator on this machine, by the same redirect that a person's browser would
    follow.
    """
    url = await follow(login_url(api_key, login_root), "request_token", clock=clock)
    return await exchange(rest, api_key, api_secret, request_token_of(url), clock.now_ns())
