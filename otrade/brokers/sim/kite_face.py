"""Kite's face: its REST and feed servers."""

from .clock import VirtualClock
from .config import SimConfig
from .exchange import Exchange
from .faults import Faults
from .gate import Gate
from .kite_feed import KiteFeed
from .kite_rest import KiteRest
from .sessions import Sessions


class KiteFace:
    """Both servers."""

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
        self.feed = KiteFeed(cfg, clock, gate, exchange, sessions, faults)
        self._rest = KiteRest(cfg, clock, gate, exchange, sessions, faults)

    async def start(self) -> dict[str, int]:
        rest = await self._rest.start(self._cfg.rest_port)
        return {"rest": rest, "feed": await self.feed.start(self._cfg.feed_port)}

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()
