"""Upstox's REST interface over the model: routes, authorization, static addresses and limits."""

from collections.abc import Callable
from typing import Any

import orjson

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.draws import number_of
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.net.rest_server import RestServer, Route
from otrade.simulator.upstox.rest.calendar import UpstoxCalendar
from otrade.simulator.upstox.rest.contracts import UpstoxContracts
from otrade.simulator.upstox.rest.errors import error_reply
from otrade.simulator.upstox.rest.kill_switch import UpstoxKillSwitch
from otrade.simulator.upstox.rest.market import UpstoxMarket
from otrade.simulator.upstox.rest.names import InstrumentKeys
from otrade.simulator.upstox.rest.orders import UpstoxBook, UpstoxOrders
from otrade.simulator.upstox.rest.portfolio import UpstoxPortfolio
from otrade.simulator.upstox.rest.rates import UpstoxRates
from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions
from otrade.simulator.upstox.rest.settings import settings_of
from otrade.simulator.upstox.rest.user import MARKET_PATH, PORTFOLIO_PATH, UpstoxUser

ORDER_PATHS = ("/v2/order/", "/v3/order/")
EXPIRED = (
    "/v2/expired-instruments/expiries",
    "/v2/expired-instruments/option/contract",
    "/v2/expired-instruments/future/contract",
    "/v2/expired-instruments/historical-candle/{}/{}/{}/{}",
)
"""For users of Upstox Plus."""


class UpstoxRestServer(RestServer):
    """Upstox's REST server."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        sessions: UpstoxLoginSessions,
        faults: FaultInjector,
        users: UpstoxUser,
        keys: Callable[[], InstrumentKeys],
        draws: DayDraws,
    ) -> None:
        """`keys` gives the instrument keys of the present day; `draws` are the broker's."""
        super().__init__(cfg, clock, gate, faults, draws)
        self._exchange = exchange
        faults.quote_paths += ("/v2/market-quote", "/v3/market-quote")
        self._sessions = sessions
        self._rates = UpstoxRates(settings_of(cfg).limits)
        switch = UpstoxKillSwitch(exchange, keys)
        orders = UpstoxOrders(cfg, exchange, UpstoxBook(exchange), keys, switch)
        contracts = UpstoxContracts(exchange, keys)
        portfolio = UpstoxPortfolio(exchange, keys)
        market = UpstoxMarket(exchange, clock, keys)
        calendar = UpstoxCalendar(clock)
        history, older = "/v3/historical-candle", "/v2/historical-candle"
        self._routes = [
            Route("GET", "/v2/login/authorization/dialog", "login", users.dialog),
            Route("POST", "/v2/login/authorization/token", "login", users.token),
            Route("POST", "/v3/login/auth/token/request/{}", "login", users.ask_approval),
            Route("GET", "/market-quote/instruments/exchange/{}", "login", market.instruments),
            Route("DELETE", "/v2/logout", "other", users.logout),
            Route("GET", "/v2/user/profile", "other", users.profile),
            Route("GET", "/v2/user/ip", "other", users.ips),
            Route("PUT", "/v2/user/ip", "other", users.change_ips),
            Route("GET", "/v2/user/get-funds-and-margin", "other", portfolio.funds),
            Route("GET", "/v3/user/get-funds-and-margin", "other", portfolio.whole_funds),
            Route("GET", "/v2/user/kill-switch", "other", switch.told),
            Route("POST", "/v2/user/kill-switch", "other", switch.change),
            Route("POST", "/v2/order/place", "place", orders.place_v2),
            Route("PUT", "/v2/order/modify", "order", orders.modify_v2),
            Route("DELETE", "/v2/order/cancel", "order", orders.cancel_v2),
            Route("POST", "/v3/order/place", "place", orders.place),
            Route("PUT", "/v3/order/modify", "order", orders.modify),
            Route("DELETE", "/v3/order/cancel", "order", orders.cancel),
            Route("POST", "/v2/order/multi/place", "place", orders.place_many),
            Route("DELETE", "/v2/order/multi/cancel", "order", orders.cancel_many),
            Route("POST", "/v2/order/positions/exit", "order", orders.exit),
            Route("GET", "/v2/order/retrieve-all", "other", orders.book),
            Route("GET", "/v2/order/details", "other", orders.details),
            Route("GET", "/v2/order/history", "other", orders.history),
            Route("GET", "/v2/order/trades", "other", orders.order_trades),
            Route("GET", "/v2/order/trades/get-trades-for-day", "other", orders.trades),
            Route("GET", "/v3/order/gtt", "other", orders.gtt),
            Route("POST", "/v3/order/gtt/place", "place", orders.no_gtt),
            Route("PUT", "/v3/order/gtt/modify", "order", orders.no_gtt),
            Route("DELETE", "/v3/order/gtt/cancel", "order", orders.no_gtt),
            Route("GET", "/v2/portfolio/short-term-positions", "other", portfolio.positions),
            Route("GET", "/v2/portfolio/long-term-holdings", "other", portfolio.holdings),
            Route("GET", "/v3/portfolio/mtf-positions", "other", portfolio.mtf_positions),
            Route("PUT", "/v2/portfolio/convert-position", "other", portfolio.convert),
            Route("POST", "/v2/charges/margin", "other", portfolio.margin),
            Route("GET", "/v2/charges/brokerage", "other", portfolio.brokerage),
            Route("GET", "/v2/market-quote/quotes", "other", market.quotes),
            Route("GET", "/v2/market-quote/ltp", "other", market.ltp_v2),
            Route("GET", "/v2/market-quote/ohlc", "other", market.ohlc_v2),
            Route("GET", "/v3/market-quote/quotes", "other", market.quotes_v3),
            Route("GET", "/v3/market-quote/option-greek", "other", market.option_greeks),
            Route("GET", "/v3/market-quote/ltp", "other", market.ltp),
            Route("GET", "/v3/market-quote/ohlc", "other", market.ohlc),
            Route("GET", f"{history}/intraday/{{}}/{{}}/{{}}", "public", market.intraday),
            Route("GET", f"{history}/{{}}/{{}}/{{}}/{{}}", "public", market.historical),
            Route("GET", f"{history}/{{}}/{{}}/{{}}/{{}}/{{}}", "public", market.historical),
            Route("GET", f"{older}/intraday/{{}}/{{}}", "public", market.intraday_v2),
            Route("GET", f"{older}/{{}}/{{}}/{{}}", "public", market.historical_v2),
            Route("GET", f"{older}/{{}}/{{}}/{{}}/{{}}", "public", market.historical_v2),
            Route("GET", "/v2/option/contract", "other", contracts.options),
            Route("GET", "/v2/option/chain", "other", contracts.chain),
            Route("GET", "/v2/instruments/search", "other", contracts.search),
            *(Route("GET", path, "other", market.no_expired) for path in EXPIRED),
            Route("GET", "/v2/market/holidays", "public", calendar.holidays),
            Route("GET", "/v2/market/holidays/{}", "public", calendar.holidays),
            Route("GET", "/v2/market/timings/{}", "public", calendar.timings),
            Route("GET", "/v2/market/status/{}", "other", calendar.status),
            Route("GET", "/v2/feed/market-data-feed", "other", users.no_feed_v2),
            Route("GET", "/v2/feed/market-data-feed/authorize", "other", users.no_feed_v2),
            Route("GET", MARKET_PATH, "other", users.market_feed),
            Route("GET", PORTFOLIO_PATH, "other", users.portfolio_feed),
            Route("GET", f"{MARKET_PATH}/authorize", "other", users.authorize_market),
            Route("GET", f"{PORTFOLIO_PATH}/authorize", "other", users.authorize_portfolio),
        ]

    def admit(self, request: HttpRequest, route: Route, now_ns: int) -> None:
        if route.kind != "public":  # the vendor's SDK asks for these without a token
            self._sessions.check(request.headers.get("authorization", ""))
        interface = f"{route.method} {route.path}"
        if route.kind in ("place", "order"):
            interface = "order"
            self._sessions.check_ip(request.peer)
            if route.kind == "place":
                self._faults.check_placement()
        self._rates.admit(interface, now_ns)

    def order_of(self, request: HttpRequest, arguments: list[str]) -> int:
        if not request.path.startswith(ORDER_PATHS):
            return 0
        fields = {name: values[-1] for name, values in request.query.items()}
        try:
            body = orjson.loads(request.body) if request.body else None
        except orjson.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            fields |= body
        order_id, tag = fields.get("order_id"), fields.get("tag")
        if order_id:
            return self._exchange.draw_key(str(order_id))
        return number_of(str(tag)) if tag else 0

    def spell(self, data: Any) -> HttpReply:
        return HttpReply(200, orjson.dumps({"status": "success", "data": data}))

    def refuse(self, error: RequestRefused) -> HttpReply:
        return error_reply(error)
