"""The simulator put together: model, servers, clock and driver."""

import datetime as dt
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.sessions import LoginSessions
from otrade.simulator.faults.injector import FaultedFeed, FaultInjector
from otrade.simulator.kite import rms_rules as kite_rms
from otrade.simulator.kite.servers import KiteServers
from otrade.simulator.net.broker_servers import AllFeeds, BrokerServers
from otrade.simulator.net.driver import SimDriver
from otrade.simulator.net.reaction_gate import ReactionGate
from otrade.simulator.upstox import rms_rules as upstox_rms

if TYPE_CHECKING:
    from otrade.simulator.upstox.rest.sessions import UpstoxLoginSessions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen on 127.0.0.1."""

    rest: int
    feed: int
    """0 where Kite is not served."""
    upstox_rest: int = 0
    upstox_feed: int = 0
    """0 where Upstox is not served. Both of its streams are on one port."""

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
        rms_rules = upstox_rms.RULES if cfg.broker == "upstox" else kite_rms.RULES
        self.exchange = OrderSystem(cfg, self.clock, rms_rules, self.faults)
        self.sessions = LoginSessions(cfg, self.clock)
        parts = (cfg, self.clock, self.gate, self.exchange)
        self._face_of: dict[str, BrokerServers] = {}
        if cfg.broker != "upstox":
            self._face_of["kite"] = KiteServers(*parts, self.sessions, self.faults)
        if cfg.broker != "kite":
            from otrade.simulator.upstox.servers import (
                UpstoxServers,
            )  # with it comes protobuf, which nobody else needs

            self._upstox = UpstoxServers(*parts, self.faults)
            self._face_of["upstox"] = self._upstox
        self._faces = list(self._face_of.values())
        self._feed = AllFeeds([face.feed for face in self._faces])
        self.faults.feed = self._feed
        self._date: dt.date | None = None
        self.open_day(self.dates()[0])

    def dates(self) -> list[dt.date]:
        """The days to simulate: those of the price files when there are any, else the configured
        ones.
        """
        return self.exchange.prices.file_dates() or list(self.cfg.dates)

    async def start(self) -> Ports:
        """Open the servers. OSError names the port that is in use."""
        ports: dict[str, int] = {}
        for face in self._faces:
            ports |= await face.start()
        return Ports(**({"rest": 0, "feed": 0} | ports))

    async def stop(self) -> None:
        """Close the servers and every connection."""
        for face in self._faces:
            await face.stop()

    # ---- time

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
        self.clock.advance(ist_ns(date, self.cfg.day_start))
        self.exchange.open_day(date)

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

    def issue_access_token(self) -> str:
        """Log in without a browser; ends the token before."""
        return self.sessions.issue()

    def request_token(self) -> str:
        """What the login page would hand to the application."""
        return self.sessions.request_token()

    @property
    def upstox(self) -> "UpstoxLoginSessions":
        """Upstox's login and tokens. Only where it is served."""
        return self._upstox.sessions

    def expire_tokens(self) -> None:
        """Access tokens are refused from now on; open feed connections stay, as with Kite."""
        self.sessions.expire()
        if self.cfg.broker != "kite":
            self.upstox.expire()

    def expire_token(self, broker: str) -> None:
        """One broker's access token is refused from now on."""
        (self.sessions if broker == "kite" else self.upstox).expire()

    def new_token(self, broker: str) -> str:
        """Log in at one broker without a browser; ends the token before."""
        return self.sessions.issue() if broker == "kite" else self.upstox.issue()

    def feed_of(self, broker: str) -> FaultedFeed:
        """One broker's feed server. KeyError when it is not served."""
        return self._face_of[broker].feed

    def stop_feed(self) -> None:
        """Fall silent on every feed connection, without closing it."""
        self._feed.pause()

    def start_feed(self) -> None:
        self._feed.resume()

    def disconnect_feed(self) -> None:
        """Cut every feed connection."""
        self._feed.disconnect_all()
