"""Upstox's face: its REST and feed servers over the account that other faces may share."""

from .clock import VirtualClock
from .config import SimConfig
from .exchange import Exchange
from .faults import Faults
from .gate import Gate
from .latency import Delays
from .upstox_feed import UpstoxFeed
from .upstox_market_stream import MarketStream
from .upstox_names import Keys
from .upstox_portfolio_stream import PortfolioStream
from .upstox_rest import UpstoxRest
from .upstox_sessions import UpstoxSessions
from .upstox_user import UpstoxUser


class UpstoxFace:
    """Both servers, and what they share."""

    def __init__(
        self, cfg: SimConfig, clock: VirtualClock, gate: Gate, exchange: Exchange, faults: Faults
    ) -> None:
        self._cfg = cfg
        self._exchange = exchange
        self._delays = Delays(cfg.seed, "upstox")
        self._feed_port = 0
        self._keys: Keys
        self.sessions = UpstoxSessions(cfg, clock)
        exchange.on_day.append(self._new_day)
        users = UpstoxUser(cfg, self.sessions, lambda: f"ws://127.0.0.1:{self._feed_port}")
        self._rest = UpstoxRest(
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
        self.feed = UpstoxFeed(cfg, clock, gate, self.sessions, self._delays.draw_ns, users.once)
        self.market = MarketStream(cfg, clock, exchange, self.feed, self.keys, faults)
        self.portfolio = PortfolioStream(cfg, clock, exchange, self.feed, faults)
        self.feed.streams = {self.market.path: self.market, self.portfolio.path: self.portfolio}

    def keys(self) -> Keys:
        """The instrument keys of the present day."""
        return self._keys

    def _new_day(self) -> None:
        self._delays.open_day(self._exchange.date)
        self._keys = Keys(self._exchange.market.universe)
        self.market.open_day()
        self.portfolio.open_day()

    async def start(self) -> dict[str, int]:
        self._feed_port = await self.feed.start(self._cfg.upstox_feed_port)
        rest = await self._rest.start(self._cfg.upstox_rest_port)
        return {"upstox_rest": rest, "upstox_feed": self._feed_port}

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()
