"""Upstox's login, person, addresses, and the way to the feeds."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import urlencode

import orjson

from otrade.simulator.base.config import SimConfig
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import UpstoxError, bad_field
from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions

MARKET_PATH = "/v3/feed/market-data-feed"
PORTFOLIO_PATH = "/v2/feed/portfolio-stream-feed"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Upstox login</title></head>
<body><p>Signed in as {user}. <a href="{url}">Continue to the application</a>.</p></body></html>
"""


class UpstoxUser:
    """One method a route."""

    def __init__(
        self, cfg: SimConfig, sessions: UpstoxLoginSessions, feed_url: Callable[[], str]
    ) -> None:
        """`feed_url`: where the feeds are served, `ws://host:port`."""
        self._cfg = cfg
        self._sessions = sessions
        self._feed_url = feed_url

    # ---- login

    def dialog(self, request: HttpRequest) -> HttpReply:
        """The person's login: here it always succeeds and sends the browser on."""
        if params.query(request, "response_type") != "code":
            raise bad_field("response_type", "response_type should be code")
        url = self._sessions.login_url(
            params.query(request, "client_id"),
            params.query(request, "redirect_uri"),
            params.optional_query(request, "state"),
        )
        page = _PAGE.format(user=escape(self._cfg.user_id), url=escape(url, quote=True))
        return HttpReply(302, page.encode(), "text/html; charset=utf-8", {"location": url})

    def token(self, request: HttpRequest) -> HttpReply:
        fields = request.form()
        if fields.get("grant_type") != "authorization_code":
            raise bad_field("grant_type", "grant_type should be authorization_code")
        token = self._sessions.exchange(
            *(
                fields.get(name, "")
                for name in ("code", "client_id", "client_secret", "redirect_uri")
            )
        )
        # Not in the envelope of the other answers.
        reply = self._person() | {"access_token": token, "extended_token": None}
        return HttpReply(200, orjson.dumps(reply))

    def ask_approval(self, request: HttpRequest, client_id: str) -> Any:
        fields = params.body_object(request)
        until_ms = self._sessions.ask_approval(
            client_id, params.text(fields, "client_secret", "UDAPI100036")
        )
        return {
            "authorization_expiry": str(until_ms),
            "notifier_url": "https://example.invalid/notifier",
        }

    def logout(self, request: HttpRequest) -> Any:
        self._sessions.expire()
        return True

    # ---- person and addresses

    def profile(self, request: HttpRequest) -> Any:
        return self._person()

    def _person(self) -> dict[str, Any]:
        return {
            "email": "paper@example.invalid",
            "exchanges": ["NSE", "NFO", "BSE", "BFO", "CDS", "MCX"],
            "products": ["D", "I"],
            "broker": "UPSTOX",
            "user_id": self._cfg.user_id,
            "user_name": "Paper Trader",
            "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
            "user_type": "individual",
            "poa": False,
            "is_active": True,
        }

    def ips(self, request: HttpRequest) -> Any:
        return self._sessions.ips()

    def change_ips(self, request: HttpRequest) -> Any:
        fields = params.body_object(request)
        primary = params.text(fields, "primary_ip", "UDAPI100036")
        return self._sessions.change_ips(primary, params.text(fields, "secondary_ip", "", ""))

    # ---- the way to the feeds

    def no_feed_v2(self, request: HttpRequest) -> Any:
        raise UpstoxError(
            "UDAPI100036", "The second version of this feed ended on 2025-08-22: use v3", status=410
        )

    def market_feed(self, request: HttpRequest) -> HttpReply:
        return self._redirect(MARKET_PATH, {})

    def portfolio_feed(self, request: HttpRequest) -> HttpReply:
        return self._redirect(PORTFOLIO_PATH, _update_types(request))

    def authorize_market(self, request: HttpRequest) -> Any:
        return self._authorized(MARKET_PATH, {})

    def authorize_portfolio(self, request: HttpRequest) -> Any:
        return self._authorized(PORTFOLIO_PATH, _update_types(request))

    def once(self, path: str, more: dict[str, str]) -> str:
        """An address with which the feed at that path can be opened once."""
        query = urlencode(
            {"requestId": self._cfg.user_id, "code": self._sessions.feed_code(path)} | more
        )
        return f"{self._feed_url()}{path}?{query}"

    def _authorized(self, path: str, more: dict[str, str]) -> dict[str, str]:
        url = self.once(path, more)
        return {"authorized_redirect_uri": url, "authorizedRedirectUri": url}

    def _redirect(self, path: str, more: dict[str, str]) -> HttpReply:
        return HttpReply(302, b"", headers={"location": self.once(path, more)})


def _update_types(request: HttpRequest) -> dict[str, str]:
    types = params.optional_query(request, "update_types")
    return {} if types is None else {"update_types": types}
