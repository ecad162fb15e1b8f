"""The simulator put together: model, servers, clock and driver."""

import datetime as dt
import math
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.account_record import SavedAccount
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order
from otrade.simulator.faults.injector import FaultedFeed, FaultInjector
from otrade.simulator.net.broker_servers import AllFeeds, BrokerServers, IssuedTokens
from otrade.simulator.net.counting_loop import CountingLoop
from otrade.simulator.net.driver import SimDriver
from otrade.simulator.net.feed_server import FrameListener
from otrade.simulator.net.reaction_gate import ReactionGate

if TYPE_CHECKING:
    from otrade.simulator.kite.rest.login_sessions import LoginSessions
    from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions

T = TypeVar("T")
SPOKEN = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/servers.py")))
"""Brokers whose protocols the simulator knows: a folder each, whose `servers` has `SERVERS`,
`RMS_RULES` and `wire_name`.
"""
EVERY_BROKER = "both"


def wire_name(broker: str, contract: ListedContract) -> str:
    """What that broker calls an instrument in orders and on its feed; empty: by the exchange's
    names.
    """
    return str(_servers(broker).wire_name(contract))


def _servers(broker: str) -> Any:
    """Imported when it is wanted: a broker's protocol may need packages that nobody else does."""
    if broker not in SPOKEN:
        raise ValueError(f"broker {broker!r}: the simulator speaks {', '.join(SPOKEN)}")
    return import_module(f"otrade.simulator.{broker}.servers")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen on 127.0.0.1."""

    numbers: Mapping[str, int]
    client_settings: Mapping[str, Mapping[str, str]]
    """By broker: addresses for a client, by the names that a configuration gives them."""
    listing: str
    """The same for people, a line each."""

    @property
    def rest(self) -> int:
        """0 where Kite is not served; so is the next."""
        return self.numbers.get("rest", 0)

    @property
    def feed(self) -> int:
        return self.numbers.get("feed", 0)

    @property
    def upstox_rest(self) -> int:
        """0 where Upstox is not served; so is the next."""
        return self.numbers.get("upstox_rest", 0)

    @property
    def upstox_feed(self) -> int:
        """Both of its streams are on one port."""
        return self.numbers.get("upstox_feed", 0)

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.rest}"

    @property
    def feed_url(self) -> str:
        return f"ws://127.0.0.1:{self.feed}"

    @property
    def upstox_rest_url(self) -> str:
        return f"http://127.0.0.1:{self.upstox_rest}"

    @property
    def upstox_feed_url(self) -> str:
        return f"ws://127.0.0.1:{self.upstox_feed}"


class Simulator:
    """One simulated broker and exchange.

    `await start()`, then for each date `open_day`, `await during(client's start)`, `await run_day`;
    `await stop()` at the end. The client's timers belong on `clock`. `realtime` gives up lockstep:
    time runs with the wall at `cfg.speed`, for clients of other processes which know nothing of
    virtual time.
    """

    def __init__(
        self, cfg: SimConfig, clock: VirtualClock | None = None, *, realtime: bool = False
    ) -> None:
        """ValueError (PriceFileError) when the configuration or a price file cannot be used."""
        if realtime and math.isinf(cfg.speed):
            raise ValueError(
                "speed: a simulation for other processes needs a finite speed, for example 1"
            )
        self.cfg = cfg
        self.clock = clock or VirtualClock()
        self.gate = ReactionGate()
        self.gate.lockstep = not realtime
        self.driver = SimDriver(self.clock, self.gate, cfg.speed)
        self.faults = FaultInjector(cfg.seed, self.clock)
        names = SPOKEN if cfg.broker == EVERY_BROKER else (cfg.broker or SPOKEN[0], *cfg.also)
        modules = {name: _servers(name) for name in names}
        # One account has one broker's risk management: the first one's.
        rms_rules = modules[names[0]].RMS_RULES
        self.exchange = OrderSystem(cfg, self.clock, rms_rules, self.faults)
        parts = (cfg, self.clock, self.gate, self.exchange, self.faults)
        self._servers: dict[str, BrokerServers] = {
            name: module.SERVERS(*parts) for name, module in modules.items()
        }
        self._feed = AllFeeds([servers.feed for servers in self._servers.values()])
        self.faults.feed = self._feed
        self.faults.feeds = {name: servers.feed for name, servers in self._servers.items()}
        self._date: dt.date | None = None
        self.open_day(self.dates()[0])

    def dates(self) -> list[dt.date]:
        """The days to simulate: those of the price files when there are any, else the configured
        ones.
        """
        return self.exchange.prices.file_dates() or list(self.cfg.dates)

    async def start(self) -> Ports:
        """Open the servers. OSError names the port that is in use."""
        numbers: dict[str, int] = {}
        for servers in self._servers.values():
            numbers |= await servers.start()
        return Ports(
            numbers,
            {broker: servers.client_settings() for broker, servers in self._servers.items()},
            "".join(servers.listing() for servers in self._servers.values()),
        )

    async def stop(self) -> None:
        """Close the servers and every connection."""
        for servers in self._servers.values():
            await servers.stop()

    # ---- time

    def opens_ns(self, date: dt.date) -> int:
        """When a simulated day begins."""
        return ist_ns(date, self.cfg.day_start)

    @staticmethod
    def new_event_loop() -> CountingLoop:
        """A loop on which the simulation and clients of the same thread run fastest. Any other does,
        and nothing comes out otherwise.
        """
        return CountingLoop()

    def open_day(self, date: dt.date) -> None:
        """Begin a trading day at `cfg.day_start`. Days must not go backwards; the present one is
        left alone.
        """
        if date == self._date:
            return
        if self._date is not None and date < self._date:
            raise ValueError(f"open_day: {date} is before {self._date}; days must not go backwards")
        self._date = date
        self.clock.stand_still()
        self.clock.advance(self.opens_ns(date))
        self.exchange.open_day(date)

    def restore(self, saved: SavedAccount) -> list[Order]:
        """Go on where a run was cut off: its day, its time, its account. Its orders."""
        self.open_day(saved.date)
        self.clock.advance(saved.ts_ns)
        return self.exchange.restore(saved)

    async def run_day(self, date: dt.date | None = None, until_ns: int | None = None) -> None:
        """Run the (present) day to its end, or to `until_ns`."""
        if date is not None:
            self.open_day(date)
        assert self._date is not None
        await self.driver.run(until_ns or ist_ns(self._date, self.cfg.day_end))

    async def run_until(self, until_ns: int) -> None:
        """Run every event up to that time."""
        await self.driver.run(until_ns)

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a client's coroutine, letting virtual time pass only as far as its requests need."""
        return await self.driver.during(work)

    def set_idle_probe(self, probe: Callable[[], bool]) -> None:
        """Further knowledge of an in-process client: False while it still has work at hand."""
        self.driver.idle_probe = probe

    # ---- control

    @property
    def sessions(self) -> "LoginSessions":
        """Kite's login and tokens. KeyError where it is not served."""
        return cast("LoginSessions", self._servers["kite"].sessions)

    @property
    def upstox(self) -> "UpstoxLoginSessions":
        """Upstox's login and tokens. KeyError where it is not served."""
        return cast("UpstoxLoginSessions", self._servers["upstox"].sessions)

    def issue_access_token(self) -> str:
        """Log in at Kite without a browser; ends the token before."""
        return self.sessions.issue()

    def _tokens_of(self, broker: str) -> IssuedTokens:
        return self._servers[broker].sessions

    def expire_tokens(self) -> None:
        """Every broker's access token is refused from now on; open feed connections stay."""
        for broker in self._servers:
            self.expire_token(broker)

    def expire_token(self, broker: str) -> None:
        """One broker's access token is refused from now on."""
        self._tokens_of(broker).expire()

    def new_token(self, broker: str) -> str:
        """Log in at one broker without a browser; ends the token before."""
        return self._tokens_of(broker).issue()

    def feed_of(self, broker: str) -> FaultedFeed:
        """One broker's feed server. KeyError when it is not served."""
        return self._servers[broker].feed

    def listen_to_feed(self, broker: str, listener: FrameListener) -> None:
        """Tell it what is sent on every connection to that broker's feed, from now on. KeyError when
        it is not served.
        """
        self._servers[broker].feed.listen(listener)

    def stop_feed(self) -> None:
        """Fall silent on every feed connection, without closing it."""
        self._feed.pause()

    def start_feed(self) -> None:
        self._feed.resume()

    def disconnect_feed(self) -> None:
        """Cut every feed connection."""
        self._feed.disconnect_all()
