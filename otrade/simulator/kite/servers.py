"""Kite's face: its REST and feed servers."""

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.sessions import LoginSessions
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.kite.feed import KiteFeedServer
from otrade.simulator.kite.rest import KiteRestServer
from otrade.simulator.net.reaction_gate import ReactionGate


class KiteServers:
    """Both servers."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        sessions: LoginSessions,
        faults: FaultInjector,
    ) -> None:
        self._cfg = cfg
        self.feed = KiteFeedServer(cfg, clock, gate, exchange, sessions, faults)
        self._rest = KiteRestServer(cfg, clock, gate, exchange, sessions, faults)

    async def start(self) -> dict[str, int]:
        rest = await self._rest.start(self._cfg.rest_port)
        return {"rest": rest, "feed": await self.feed.start(self._cfg.feed_port)}

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()
