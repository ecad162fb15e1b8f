"""The morning login at Upstox: OAuth with a code for one use. The access token dies at 03:30 IST,
whenever it was made.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from otrade.brokers.parse import clean_text
from otrade.brokers.token_store import AccessSession, expiry_ns
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.errors import BrokerError, TokenError

LOGIN_ROOT = "https://api.upstox.com/v2/login/authorization/dialog"
EXPIRY_HOUR_IST, EXPIRY_MINUTE_IST = 3, 30


def login_url(client_id: str, redirect_uri: str, state: str = "", root: str = LOGIN_ROOT) -> str:
    """Where a person logs in; Upstox then redirects to `redirect_uri` with a code and the state."""
    query = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri}
    if state:
        query["state"] = state
    return f"{root}?{urlencode(query)}"


def code_of(redirected_to: str) -> str:
    """The code in the address that Upstox redirected to. BrokerError when the login failed."""
    code = parse_qs(urlsplit(redirected_to).query).get("code", [""])[0]
    if not code:
        raise BrokerError(
            "the login did not end with a code: log in again and copy the whole address"
        )
    return code


async def exchange(
    rest: UpstoxRest, client_id: str, client_secret: str, redirect_uri: str, code: str, now_ns: int
) -> AccessSession:
    """Trade a code for the day's session, and give it to `rest`."""
    data = await rest.generate_session(code, client_id, client_secret, redirect_uri)
    access_token = data.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise TokenError("the broker's session answer has no access token; log in again")
    rest.set_access_token(access_token)
    expires_ns = expiry_ns(now_ns, EXPIRY_HOUR_IST, EXPIRY_MINUTE_IST)
    return AccessSession(
        client_id, access_token, clean_text(data.get("user_id")), now_ns, expires_ns
    )
