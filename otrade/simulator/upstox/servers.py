"""Upstox's face: its REST and feed servers over the account that other faces may share."""

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.latency import SeededDelays
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.upstox.rest.names import InstrumentKeys
from otrade.simulator.upstox.rest.routes import UpstoxRestServer
from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions
from otrade.simulator.upstox.rest.user import UpstoxUser
from otrade.simulator.upstox.streams.market_stream import MarketStreamServer
from otrade.simulator.upstox.streams.portfolio_stream import PortfolioStreamServer
from otrade.simulator.upstox.streams.server import UpstoxFeedServer


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
        self._delays = SeededDelays(cfg.seed, "upstox")
        self._feed_port = 0
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
            self._delays.draw_ns,
        )
        self.feed = UpstoxFeedServer(
            cfg, clock, gate, self.sessions, self._delays.draw_ns, users.once
        )
        self.market = MarketStreamServer(cfg, clock, exchange, self.feed, self.keys, faults)
        self.portfolio = PortfolioStreamServer(cfg, clock, exchange, self.feed, faults)
        self.feed.streams = {self.market.path: self.market, self.portfolio.path: self.portfolio}

    def keys(self) -> InstrumentKeys:
        """The instrument keys of the present day."""
        return self._keys

    def _new_day(self) -> None:
        self._delays.open_day(self._exchange.date)
        self._keys = InstrumentKeys(self._exchange.market.universe)
        self.market.open_day()
        self.portfolio.open_day()

    async def start(self) -> dict[str, int]:
        self._feed_port = await self.feed.start(self._cfg.upstox_feed_port)
        rest = await self._rest.start(self._cfg.upstox_rest_port)
        return {"upstox_rest": rest, "upstox_feed": self._feed_port}

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()
