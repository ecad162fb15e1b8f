"""Kite's REST interface over the model: routes, authorization and limits."""

from typing import Any

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.draws import number_of
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.kite.rest.login_sessions import LoginSessions
from otrade.simulator.kite.rest.market import MarketRoutes
from otrade.simulator.kite.rest.orders import OrderRoutes
from otrade.simulator.kite.rest.rates import KiteRates
from otrade.simulator.kite.rest.replies import error_reply, json_reply
from otrade.simulator.kite.rest.settings import settings_of
from otrade.simulator.kite.rest.user import UserRoutes
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.net.rest_server import RestServer, Route


class KiteRestServer(RestServer):
    """Kite's REST server."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        sessions: LoginSessions,
        faults: FaultInjector,
        draws: DayDraws,
    ) -> None:
        super().__init__(cfg, clock, gate, faults, draws)
        self._exchange = exchange
        faults.quote_paths += ("/quote",)
        self._sessions = sessions
        limits = settings_of(cfg).limits
        self._rates = KiteRates(limits)
        exchange.on_day.append(self._rates.new_day)
        users = UserRoutes(cfg, sessions, clock)
        orders = OrderRoutes(exchange, limits)
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
            Route("POST", "/gtt/triggers", "other", orders.no_gtt),
            Route("GET", "/gtt/triggers/{}", "other", orders.no_gtt),
            Route("PUT", "/gtt/triggers/{}", "other", orders.no_gtt),
            Route("DELETE", "/gtt/triggers/{}", "other", orders.no_gtt),
            Route("GET", "/instruments", "other", market.instruments),
            Route("GET", "/instruments/{}", "other", market.instruments),
            Route("GET", "/instruments/historical/{}/{}", "historical", market.historical),
            Route("GET", "/quote", "quote", market.quote),
            Route("GET", "/quote/ohlc", "quote", market.ohlc),
            Route("GET", "/quote/ltp", "quote", market.ltp),
        ]

    def admit(self, request: HttpRequest, route: Route, now_ns: int) -> None:
        self._sessions.check(request.headers.get("authorization", ""))
        if route.kind == "place":
            self._faults.check_placement()
        self._rates.admit(route.kind, now_ns)

    def order_of(self, request: HttpRequest, arguments: list[str]) -> int:
        for argument in arguments:
            if argument.isdigit() and request.path.startswith("/orders/"):
                return self._exchange.draw_key(argument)
        tag = request.form().get("tag") if request.method == "POST" else None
        return number_of(tag) if tag else 0

    def spell(self, data: Any) -> HttpReply:
        return json_reply(data)

    def refuse(self, error: RequestRefused) -> HttpReply:
        return error_reply(error)
