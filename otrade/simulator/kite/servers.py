"""Kite's servers, REST and feed, and what clients and the exchange must know of them."""

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.day_draws import DayDraws
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.kite import rms_rules
from otrade.simulator.kite.feed import KiteFeedServer
from otrade.simulator.kite.rest.login_sessions import LoginSessions
from otrade.simulator.kite.rest.routes import KiteRestServer
from otrade.simulator.net.broker_servers import MakeServers
from otrade.simulator.net.reaction_gate import ReactionGate

RMS_RULES = rms_rules.RULES


class KiteServers:
    """Both servers, and who is logged in."""

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        faults: FaultInjector,
    ) -> None:
        self._cfg = cfg
        self.sessions = LoginSessions(cfg, clock)
        draws = DayDraws(cfg.seed, "kite")
        exchange.on_day.append(lambda: draws.open_day(exchange.date))
        self.feed = KiteFeedServer(cfg, clock, gate, exchange, self.sessions, faults, draws)
        self._rest = KiteRestServer(cfg, clock, gate, exchange, self.sessions, faults, draws)
        self._ports = {"rest": 0, "feed": 0}

    async def start(self) -> dict[str, int]:
        rest = await self._rest.start(self._cfg.ports.get("rest_port", 0))
        feed = await self.feed.start(self._cfg.ports.get("feed_port", 0))
        self._ports = {"rest": rest, "feed": feed}
        if "rest_port" in self._cfg.ports and "kite" not in self._cfg.servers:
            self.sessions.redirect_url = f"http://127.0.0.1:{rest}/login/kite"
        return self._ports

    async def stop(self) -> None:
        await self.feed.stop()
        await self._rest.stop()

    def client_settings(self) -> dict[str, str]:
        rest = f"http://127.0.0.1:{self._ports['rest']}"
        return {
            "rest_url": rest,
            "feed_url": f"ws://127.0.0.1:{self._ports['feed']}",
            "login_url": f"{rest}/connect/login",
        }

    def listing(self) -> str:
        there = self.client_settings()
        return (
            f"REST  {there['rest_url']}\nfeed  {there['feed_url']}\n"
            f"login {there['login_url']}, which sends the browser to {self.sessions.redirect_url}\n"
        )


def wire_name(contract: ListedContract) -> str:
    """None of its own: tokens and trading symbols are the exchange's."""
    return ""


SERVERS: MakeServers = KiteServers
