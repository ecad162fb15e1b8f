"""Upstox's servers, REST and feeds, over the account that other brokers' servers may share, and
what clients and the exchange must know of them.
"""

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.net.broker_servers import MakeServers
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.upstox import rms_rules
from otrade.simulator.upstox.rest.names import InstrumentKeys, instrument_key
from otrade.simulator.upstox.rest.routes import UpstoxRestServer
from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions
from otrade.simulator.upstox.rest.user import UpstoxUser
from otrade.simulator.upstox.streams.market_stream import MarketStreamServer
from otrade.simulator.upstox.streams.portfolio_stream import PortfolioStreamServer
from otrade.simulator.upstox.streams.server import UpstoxFeedServer

RMS_RULES = rms_rules.RULES


class UpstoxServers:
    """Both servers, and what they share."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        faults: FaultInjector,
    ) -> None:
        self._cfg = cfg
        self._exchange = exchange
        self._draws = DayDraws(cfg.seed, "upstox")
        self._rest_port = self._feed_port = 0
        self._keys: InstrumentKeys
        self.sessions = UpstoxLoginSessions(cfg, clock)
        exchange.on_day.append(self._new_day)
        users = UpstoxUser(cfg, self.sessions, lambda: f"ws://127.0.0.1:{self._feed_port}")
        self._rest = UpstoxRestServer(
            cfg,
            clock,
            gate,
            exchange,
            self.sessions,
            faults,
            users,
            self.keys,
            self._draws,
        )
        self.feed = UpstoxFeedServer(cfg, clock, gate, self.sessions, self._draws, users.once)
        self.market = MarketStreamServer(cfg, clock, exchange, self.feed, self.keys, faults)
        self.portfolio = PortfolioStreamServer(cfg, clock, exchange, self.feed, faults)
        self.feed.streams = {self.market.path: self.market, self.portfolio.path: self.portfolio}

    def keys(self) -> InstrumentKeys:
        """The instrument keys of the present day."""
        return self._keys

    def _new_day(self) -> None:
        self._draws.open_day(self._exchange.date)
        self._keys = InstrumentKeys(self._exchange.market.universe)
        self.market.open_day()
        self.portfolio.open_day()

    async def start(self) -> dict[str, int]:
        self._feed_port = await self.feed.start(self._cfg.ports.get("upstox_feed_port", 0))
        self._rest_port = await self._rest.start(self._cfg.ports.get("upstox_rest_port", 0))
        if "upstox_rest_port" in self._cfg.ports and "upstox" not in self._cfg.servers:
            self.sessions.redirect_url = f"http://127.0.0.1:{self._rest_port}/login/upstox"
        return {"upstox_rest": self._rest_port, "upstox_feed": self._feed_port}

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()

    def client_settings(self) -> dict[str, str]:
        rest = f"http://127.0.0.1:{self._rest_port}"
        return {
            "rest_url": rest,
            "login_url": f"{rest}/v2/login/authorization/dialog",
            "redirect_url": self.sessions.redirect_url,
            "instruments_url": f"{rest}/market-quote/instruments/exchange/complete.json.gz",
        }

    def listing(self) -> str:
        return (
            f"Upstox REST   http://127.0.0.1:{self._rest_port}\n"
            f"Upstox feeds  ws://127.0.0.1:{self._feed_port}\n"
            f"Upstox login  with redirect_uri {self.sessions.redirect_url}\n"
        )


def wire_name(contract: ListedContract) -> str:
    """Its instrument key, in orders and on the feed."""
    return instrument_key(contract)


SERVERS: MakeServers = UpstoxServers
