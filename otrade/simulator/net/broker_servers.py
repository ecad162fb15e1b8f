"""What the simulator needs of a broker's servers, and all feeds as one."""

from collections.abc import Sequence
from typing import Protocol

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.faults.injector import FaultInjector, OneFeed
from otrade.simulator.net.feed_server import FrameListener
from otrade.simulator.net.reaction_gate import ReactionGate


class IssuedTokens(Protocol):
    """The access token of a broker's client."""

    def issue(self) -> str:
        """Log in without a browser; ends the token before."""
        ...

    def expire(self) -> None:
        """It is refused from now on; open feed connections stay."""
        ...


class HeardFeed(OneFeed, Protocol):
    """A broker's feed, which faults change and somebody may listen to."""

    def listen(self, listener: FrameListener) -> None: ...


class BrokerServers(Protocol):
    """One broker's servers over the exchange."""

    @property
    def feed(self) -> HeardFeed: ...

    @property
    def sessions(self) -> IssuedTokens: ...

    async def start(self) -> dict[str, int]:
        """Listen; the ports, by their names in `Ports`. OSError when one is in use."""
        ...

    async def stop(self) -> None: ...

    def client_settings(self) -> dict[str, str]:
        """Addresses for a client, once started, by the names that a configuration gives them."""
        ...

    def listing(self) -> str:
        """The same for people, a line each."""
        ...


class MakeServers(Protocol):
    """The class of a broker's servers."""

    def __call__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        exchange: OrderSystem,
        faults: FaultInjector,
        /,
    ) -> BrokerServers: ...


class AllFeeds:
    """What happens to the connection happens to every broker's feed."""

    def __init__(self, feeds: Sequence[HeardFeed]) -> None:
        self._feeds = feeds

    def pause(self) -> None:
        for feed in self._feeds:
            feed.pause()

    def resume(self) -> None:
        for feed in self._feeds:
            feed.resume()

    def disconnect_all(self) -> int:
        return sum([feed.disconnect_all() for feed in self._feeds])

    def cut_mid_frame(self) -> int:
        return sum([feed.cut_mid_frame() for feed in self._feeds])
