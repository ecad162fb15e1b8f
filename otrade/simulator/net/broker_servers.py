"""What the simulator needs of a broker's face, and all feeds as one."""

from collections.abc import Sequence
from typing import Protocol

from otrade.simulator.faults.injector import FaultedFeed


class BrokerServers(Protocol):
    """One broker's servers over the exchange."""

    @property
    def feed(self) -> FaultedFeed: ...

    async def start(self) -> dict[str, int]:
        """Listen; the ports, by their names in `Ports`. OSError when one is in use."""
        ...

    async def stop(self) -> None: ...


class AllFeeds:
    """What happens to the line happens to every face's feed."""

    def __init__(self, feeds: Sequence[FaultedFeed]) -> None:
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
