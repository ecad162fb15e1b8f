"""Kite's REST interface over the model: routes, authorization, limits, and when
each answer leaves."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .clock import VirtualClock
from .config import SimConfig
from .errors import KiteError, not_found
from .exchange import Exchange
from .fault_requests import REFUSALS, Wrong
from .faults import Faults
from .gate import Gate
from .http_server import Answer, HttpConnection, HttpReply, HttpRequest, error_reply, json_reply
from .rates import Rates
from .rest_market import MarketRoutes
from .rest_orders import OrderRoutes
from .rest_user import UserRoutes
from .sessions import Sessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path; `{}` parts are handed to the handler."""

    method: str
    path: str
    kind: str
    """`place`, `order`, `quote`, `historical`, `other`: which limit and delay apply; `login` has
    none.
    """
    handler: Callable[..., Any]

    def match(self, parts: list[str]) -> list[str] | None:
        mine = self.path.split("/")
        if len(mine) != len(parts):
            return None
        found = []
        for own, given in zip(mine, parts, strict=True):
            if own == "{}":
                found.append(given)
            elif own != given:
                return None
        return found


class KiteRest:
    """The REST server. `start` binds it, `address` tells its port."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: Gate,
        exchange: Exchange,
        sessions: Sessions,
        faults: Faults,
    ) -> None:
        self._cfg = cfg
        self._clock = clock
        self._gate = gate
        self._exchange = exchange
        self._sessions = sessions
        self._faults = faults
        self._rates = Rates(cfg.limits)
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None
        exchange.on_day.append(self._rates.new_day)
        users = UserRoutes(cfg, sessions, clock)
        orders = OrderRoutes(exchange)
        market = MarketRoutes(exchange, clock)
        self._routes = [
            Route("GET", "/connect/login", "login", users.login),
            Route("POST", "/session/token", "login", users.generate),
            Route("DELETE", "/session/token", "login", users.logout),
            Route("GET", "/user/profile", "other", users.profile),
            Route("GET", "/user/profile/full", "other", users.profile),
            Route("GET", "/user/margins", "other", orders.funds),
            Route("GET", "/user/margins/{}", "other", orders.segment_funds),
            Route("POST", "/orders/{}", "place", orders.place),
            Route("PUT", "/orders/{}/{}", "order", orders.modify),
            Route("DELETE", "/orders/{}/{}", "order", orders.cancel),
            Route("GET", "/orders", "other", orders.book),
            Route("GET", "/orders/{}", "other", orders.history),
            Route("GET", "/orders/{}/trades", "other", orders.order_trades),
            Route("GET", "/trades", "other", orders.trades),
            Route("GET", "/portfolio/positions", "other", orders.positions),
            Route("GET", "/portfolio/holdings", "other", orders.nothing),
            Route("POST", "/margins/orders", "other", orders.margins),
            Route("POST", "/margins/basket", "other", orders.basket),
            Route("POST", "/charges/orders", "other", orders.contract_notes),
            Route("GET", "/gtt/triggers", "other", orders.nothing),
            Route("GET", "/instruments", "other", market.instruments),
            Route("GET", "/instruments/{}", "other", market.instruments),
            Route("GET", "/instruments/historical/{}/{}", "historical", market.historical),
            Route("GET", "/quote", "quote", market.quote),
            Route("GET", "/quote/ohlc", "quote", market.ohlc),
            Route("GET", "/quote/ltp", "quote", market.ltp),
        ]

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; the port that was got. OSError when it is in use."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._serve, self._gate, self._connections), "127.0.0.1", port
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for connection in tuple(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None

    def _serve(self, request: HttpRequest, leave: Answer) -> None:
        def answer(reply: HttpReply) -> None:
            if self._faults.is_half_open:
                reply.manner = "silence"
            leave(reply)

        latency = self._cfg.latency
        now_ns = self._clock.now_ns()
        extra_ns = self._faults.delay_ns
        lost = self._faults.take_request(request.method, request.path)
        if lost in ("reset", "silence"):
            answer(HttpReply(0, b"", manner="reset" if lost == "reset" else "silence"))
            return
        refusal = REFUSALS[lost] if lost else self._faults.take(request.method, request.path)
        try:
            if refusal is not None:
                raise refusal
            route, arguments = self._find(request)
            if route.kind != "login":
                self._sessions.check(request.headers.get("authorization", ""))
                if route.kind == "place":
                    self._faults.check_placement()
                self._rates.admit(route.kind, now_ns)
        except KiteError as exc:
            reply = error_reply(exc)
            self._clock.schedule(
                now_ns + extra_ns + self._exchange.delay_ns(latency.read), lambda: answer(reply)
            )
            return
        is_order = route.kind in ("place", "order")
        wrong = self._faults.take_answer(request.method, request.path, request.body)
        look_ns = (
            now_ns
            + extra_ns
            + self._exchange.delay_ns(latency.request if is_order else latency.read)
        )

        def look() -> None:
            reply = self._result(route, arguments, request)
            late_ns = 0
            if wrong is not None:
                reply, late_ns = spoilt(reply, wrong), wrong.delay_ns
            if is_order or late_ns:
                due_ns = self._clock.now_ns() + late_ns + self._exchange.delay_ns(latency.order_ack)
                self._clock.schedule(due_ns, lambda: answer(reply))
            else:
                answer(reply)

        self._clock.schedule(look_ns, look)

    def _find(self, request: HttpRequest) -> tuple[Route, list[str]]:
        parts = request.path.rstrip("/").split("/")
        other_method = False
        for route in self._routes:
            arguments = route.match(parts)
            if arguments is not None:
                if route.method == request.method:
                    return route, arguments
                other_method = True
        if other_method:
            raise KiteError(405, "GeneralException", "Method not allowed")
        raise not_found()

    def _result(self, route: Route, arguments: list[str], request: HttpRequest) -> HttpReply:
        try:
            data = route.handler(request, *arguments)
        except KiteError as exc:
            return error_reply(exc)
        except Exception:
            log.exception("%s %s failed", route.method, route.path)
            return error_reply(
                KiteError(500, "GeneralException", "Something went wrong in the simulator.")
            )
        return data if isinstance(data, HttpReply) else json_reply(data)


def spoilt(reply: HttpReply, wrong: Wrong) -> HttpReply:
    """What is left of an answer."""
    if wrong.how == "504":
        return error_reply(KiteError(504, "NetworkException", "Gateway timed out"))
    if wrong.how == "502_html":
        return HttpReply(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
    if wrong.how == "reset":
        reply.manner = "reset"
    elif wrong.how == "silence":
        reply.manner = "silence"
    elif wrong.how == "cut":
        reply.manner = "cut"
    return reply
