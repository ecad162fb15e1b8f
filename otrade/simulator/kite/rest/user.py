"""REST answers about the login, the session and the person."""

from html import escape
from typing import Any

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.formats import stamp
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.kite.rest.login_sessions import LoginSessions
from otrade.simulator.kite.rest.request_params import required
from otrade.simulator.net.http_server import HttpReply, HttpRequest

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Kite login</title></head>
<body><p>Signed in as {user}. <a href="{url}">Continue to the application</a>.</p></body></html>
"""


class UserRoutes:
    """One method a route."""

    def __init__(self, cfg: SimConfig, sessions: LoginSessions, clock: VirtualClock) -> None:
        self._cfg = cfg
        self._sessions = sessions
        self._clock = clock

    def login(self, request: HttpRequest) -> HttpReply:
        """The person's login: here it always succeeds and sends the browser on."""
        fields = request.form()
        url = self._sessions.login_url(
            required(fields, "api_key"), fields.get("redirect_params", "")
        )
        page = _PAGE.format(user=escape(self._cfg.user_id), url=escape(url, quote=True))
        return HttpReply(302, page.encode(), "text/html; charset=utf-8", {"location": url})

    def generate(self, request: HttpRequest) -> Any:
        fields = request.form()
        access_token = self._sessions.exchange(
            required(fields, "api_key"),
            required(fields, "request_token"),
            required(fields, "checksum"),
        )
        return self._person() | {
            "api_key": self._cfg.api_key,
            "access_token": access_token,
            "public_token": access_token[::-1],
            "enctoken": "",
            "refresh_token": "",
            "silo": "",
            "login_time": stamp(self._clock.now_ns()),
        }

    def logout(self, request: HttpRequest) -> Any:
        fields = request.form()
        self._sessions.logout(required(fields, "api_key"), required(fields, "access_token"))
        return True

    def profile(self, request: HttpRequest) -> Any:
        return self._person()

    def _person(self) -> dict[str, Any]:
        return {
            "user_id": self._cfg.user_id,
            "user_type": "individual",
            "email": "paper@example.invalid",
            "user_name": "Paper Trader",
            "user_shortname": "Paper",
            "broker": "ZERODHA",
            "exchanges": ["NSE", "NFO", "BSE", "BFO", "CDS", "MCX"],
            "products": ["CNC", "NRML", "MIS"],
            "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
            "avatar_url": None,
            "meta": {"demat_consent": "physical"},
        }
