"""Upstox's login, tokens and registered addresses for the one account. Made of the seed, so that
runs repeat; they open nothing but the simulator.
"""

import datetime as dt
import hashlib
import hmac
from urllib.parse import urlencode

from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.upstox.rest.errors import STATIC_IP, UpstoxError, bad_field, bad_token
from otrade.simulator.upstox.rest.settings import settings_of

CODE_LIFE_NS = 600 * 1_000_000_000
APPROVAL_LIFE_NS = 600 * 1_000_000_000


class UpstoxLoginSessions:
    """Who may speak. An access token lives until the next 03:30 IST, however late it was issued."""

    def __init__(self, cfg: SimConfig, clock: VirtualClock) -> None:
        self._cfg = cfg
        self._clock = clock
        self._made = 0
        self._codes: dict[str, int] = {}
        self._feed_codes: dict[str, str] = {}
        self._access = ""
        self._expires_ns = 0
        self._asked_until_ns = 0
        self.redirect_url = settings_of(cfg).redirect_url
        self._ips = [*settings_of(cfg).static_ips, "", ""][:2]
        self._ips_changed: list[dt.datetime | None] = [None, None]

    def __repr__(self) -> str:
        return "UpstoxSessions(...)"

    def _secret(self, what: str) -> str:
        self._made += 1
        text = f"{self._cfg.seed}:upstox {what}:{self._made}:{self._cfg.api_secret}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    # ---- login

    def login_url(self, client_id: str, redirect_uri: str, state: str | None) -> str:
        """Where the login page sends the browser. UpstoxError for an unknown application or
        address.
        """
        self._check_application(client_id, redirect_uri)
        query = {"code": self.code()} | ({} if state is None else {"state": state})
        return f"{redirect_uri}?{urlencode(query)}"

    def code(self) -> str:
        """A one-time code, as the login page hands it out."""
        code = self._secret("code")
        self._codes[code] = self._clock.now_ns() + CODE_LIFE_NS
        return code

    def exchange(self, code: str, client_id: str, client_secret: str, redirect_uri: str) -> str:
        """Trade a code for an access token. The code is used up, success or not. UpstoxError 400 or
        401.
        """
        good_until_ns = self._codes.pop(code, 0)
        self._check_application(client_id, redirect_uri)
        if not hmac.compare_digest(client_secret.encode(), self._cfg.api_secret.encode()):
            raise UpstoxError(
                "UDAPI100016", "Invalid Credentials", status=401, path="client_secret"
            )
        if good_until_ns < self._clock.now_ns():
            raise UpstoxError("UDAPI100057", "Invalid Auth code", status=401, path="code")
        return self.issue()

    def _check_application(self, client_id: str, redirect_uri: str) -> None:
        if client_id != self._cfg.api_key or redirect_uri != self.redirect_url:
            raise UpstoxError(
                "UDAPI100068",
                "Check your 'client_id' and 'redirect_uri'; one or both are incorrect.",
                status=401,
            )

    def issue(self) -> str:
        """A fresh access token, which ends the one before."""
        self._access = self._secret("access")
        now_ns = self._clock.now_ns()
        date = hours.ist_date(now_ns)
        end_ns = hours.ist_ns(date, "03:30")
        self._expires_ns = end_ns if now_ns < end_ns else hours.ist_ns(date + hours.DAY, "03:30")
        return self._access

    def ask_approval(self, client_id: str, client_secret: str) -> int:
        """The application asks its user to approve a login. When the wish expires, ms since the
        epoch. UpstoxError 401.
        """
        self._check_application(client_id, self.redirect_url)
        if not hmac.compare_digest(client_secret.encode(), self._cfg.api_secret.encode()):
            raise UpstoxError(
                "UDAPI100016", "Invalid Credentials", status=401, path="client_secret"
            )
        self._asked_until_ns = self._clock.now_ns() + APPROVAL_LIFE_NS
        return self._asked_until_ns // 1_000_000

    def approve(self) -> dict[str, object]:
        """The user approves: what is posted to the application's web hook. KeyError when nothing
        was asked, or too long ago.
        """
        now_ns = self._clock.now_ns()
        if now_ns >= self._asked_until_ns:
            raise KeyError("no login waits for an approval")
        self._asked_until_ns = 0
        token = self.issue()
        return {
            "client_id": self._cfg.api_key,
            "user_id": self._cfg.user_id,
            "access_token": token,
            "token_type": "Bearer",
            "expires_at": str(self._expires_ns // 1_000_000),
            "issued_at": str(now_ns // 1_000_000),
            "message_type": "access_token",
        }

    def expire(self) -> None:
        """The access token is dead from now on, and with it what it was given for opening feeds."""
        self._access = ""
        self._feed_codes.clear()

    def is_valid(self, access_token: str) -> bool:
        return (
            bool(self._access)
            and hmac.compare_digest(access_token.encode(), self._access.encode())
            and self._clock.now_ns() < self._expires_ns
        )

    def check(self, authorization: str) -> None:
        """`Bearer access_token`, or UpstoxError 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not self.is_valid(token.strip()):
            raise bad_token()

    # ---- feeds

    def feed_code(self, path: str) -> str:
        """A code with which the feed at that path can be opened once."""
        code = self._secret("feed")
        self._feed_codes[code] = path
        return code

    def take_feed_code(self, path: str, code: str) -> bool:
        """Use it up; False when it was none, for another path, or used."""
        return self._feed_codes.pop(code, None) == path and self._clock.now_ns() < self._expires_ns

    # ---- static addresses

    def check_ip(self, peer: str) -> None:
        """UpstoxError 403 when orders may not come from there."""
        if peer not in self._ips:
            raise UpstoxError(
                STATIC_IP,
                "Access to this API is blocked due to static IP restrictions.",
                status=403,
            )

    def ips(self) -> dict[str, object]:
        """As `GET /v2/user/ip` tells it."""
        first, second = (
            None if at is None else f"{at:%Y-%m-%d %H:%M:%S}" for at in self._ips_changed
        )
        return {
            "primary_ip": self._ips[0] or None,
            "secondary_ip": self._ips[1] or None,
            "primary_ip_updated_at": first,
            "secondary_ip_updated_at": second,
        }

    def change_ips(self, primary: str, secondary: str) -> dict[str, object]:
        """Once a calendar week; ends the access token. UpstoxError 400."""
        now = dt.datetime.fromtimestamp(self._clock.now_ns() // 1_000_000_000, hours.IST)
        wanted = [primary, secondary]
        for i, before in enumerate(self._ips_changed):
            if wanted[i] != self._ips[i] and before is not None:
                if before.isocalendar()[:2] == now.isocalendar()[:2]:
                    raise bad_field(
                        "primary_ip", "Static IPs can be changed once in a calendar week."
                    )
        for i in range(2):
            if wanted[i] != self._ips[i]:
                self._ips[i], self._ips_changed[i] = wanted[i], now
        self.expire()
        return self.ips() | {"access_tokens_invalidated": True}
