"""Kite's login and tokens for the one account. Tokens are made of the seed, so that runs repeat; they open
nothing but the simulator.
"""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.errors import bad_input
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.kite.rest.replies import bad_token
from otrade.simulator.kite.rest.settings import settings_of

REQUEST_TOKEN_LIFE_NS = 300 * 1_000_000_000


class LoginSessions:
    """Who may speak. An access token lives until 06:00 IST of the next day, a logout or the next
    login.
    """

    def __init__(self, cfg: SimConfig, clock: VirtualClock) -> None:
        self._cfg = cfg
        self._clock = clock
        self._logins = 0
        self._requests: dict[str, int] = {}
        self._access = ""
        self._expires_ns = 0
        self.redirect_url = settings_of(cfg).redirect_url

    def __repr__(self) -> str:
        return "LoginSessions(...)"

    def _secret(self, what: str) -> str:
        self._logins += 1
        text = f"{self._cfg.seed}:{what}:{self._logins}:{self._cfg.api_secret}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def login_url(self, api_key: str, redirect_params: str) -> str:
        """Where the login page sends the browser. RequestRefused for an unknown application."""
        if api_key != self._cfg.api_key:
            raise bad_input("Invalid `api_key`.")
        request_token = self.request_token()
        url = urlsplit(self.redirect_url)
        query = parse_qsl(url.query) + parse_qsl(redirect_params)
        query += [("request_token", request_token), ("action", "login"), ("status", "success")]
        return urlunsplit(url._replace(query=urlencode(query)))

    def request_token(self) -> str:
        """A one-time token, good for five minutes."""
        token = self._secret("request")
        self._requests[token] = self._clock.now_ns() + REQUEST_TOKEN_LIFE_NS
        return token

    def exchange(self, api_key: str, request_token: str, checksum: str) -> str:
        """Trade a request token for an access token. RequestRefused when key, token or checksum is
        wrong.
        """
        if api_key != self._cfg.api_key:
            raise bad_token("Invalid `api_key`.")
        due = hashlib.sha256(f"{api_key}{request_token}{self._cfg.api_secret}".encode()).hexdigest()
        if not hmac.compare_digest(due.encode(), checksum.encode()):
            raise bad_token("Invalid `checksum`.")
        if self._requests.pop(request_token, 0) < self._clock.now_ns():
            raise bad_token("Token is invalid or has expired.")
        return self.issue()

    def issue(self) -> str:
        """A fresh access token, which ends the one before."""
        self._access = self._secret("access")
        now_ns = self._clock.now_ns()
        date = hours.ist_date(now_ns)
        six_ns = hours.ist_ns(date, "06:00")
        self._expires_ns = six_ns if now_ns < six_ns else hours.ist_ns(date + hours.DAY, "06:00")
        return self._access

    def expire(self) -> None:
        """The access token is dead from now on."""
        self._access = ""

    def is_valid(self, api_key: str, access_token: str) -> bool:
        return (
            bool(self._access)
            and api_key == self._cfg.api_key
            and hmac.compare_digest(access_token.encode(), self._access.encode())
            and self._clock.now_ns() < self._expires_ns
        )

    def check(self, authorization: str) -> None:
        """`token api_key:access_token`, or RequestRefused 403."""
        scheme, _, pair = authorization.partition(" ")
        api_key, _, access_token = pair.strip().partition(":")
        if scheme.lower() != "token" or not self.is_valid(api_key, access_token):
            raise bad_token()

    def logout(self, api_key: str, access_token: str) -> None:
        """RequestRefused when the token is not the live one."""
        if not self.is_valid(api_key, access_token):
            raise bad_token()
        self.expire()
