"""What happens to price bands and to trading: flexes, protection ranges, halts, and a feed that
falls silent as the price runs.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from otrade.simulator.base.virtual_clock import VirtualClock


class BandedMarket(Protocol):
    """What these faults do to the market."""

    def gap(self, key: str, bps: int) -> bool: ...

    def press(self, key: str, side: int) -> bool:
        """The price goes to just inside the band. False where bands do not flex, or nothing trades
        any more.
        """
        ...

    def slide(self, key: str, side: int) -> None: ...

    def narrow(self, key: str, bps: int) -> None:
        """The protection's range, 0 for the ordinary one."""
        ...

    def halt(self) -> None:
        """Every order is cancelled, and none is taken."""
        ...

    def resume(self) -> None: ...


class BandFaults:
    """Mixed into `FaultInjector`, which has the endings and the silences."""

    seen: Counter[str]
    _clock: VirtualClock

    def __init__(self) -> None:
        self.bands: BandedMarket
        self.is_without_quotes = False

    def _until(self, kind: str, duration_ns: int, ending: Callable[[], None]) -> None:
        raise NotImplementedError

    def _silence(self, kind: str) -> None:
        raise NotImplementedError

    def _speak(self, kind: str) -> None:
        raise NotImplementedError

    def flex_band(self, key: str, side: int, cooling_ns: int, more_bps: int) -> None:
        """The price runs to the band and stands there; after the cooling both edges slide, and it
        goes on beyond the old edge.
        """
        if not self.bands.press(key, side):
            return

        def slide() -> None:
            self.seen["flex_band"] += 1
            self.bands.slide(key, side)
            self.bands.gap(key, side * more_bps)

        self._until(f"flex_band {key}", cooling_ns, slide)

    def narrow_range(self, key: str, bps: int, duration_ns: int) -> None:
        """The exchange takes limits within so much of the last half minute's price only, and
        refuses others with the circuit's words.
        """
        self.seen["narrow_range"] += 1
        self.bands.narrow(key, bps)
        self._until(f"narrow_range {key}", duration_ns, lambda: self.bands.narrow(key, 0))

    def halt_market(self, duration_ns: int) -> None:
        """As an index halt: all orders are cancelled, nothing trades, and then it goes on."""
        self.seen["halt_market"] += 1
        self.bands.halt()
        self._until("halt_market", duration_ns, self.bands.resume)

    def silent_run(
        self, duration_ns: int, keys: list[str], bps: int, run_ns: int, *, quotes: bool
    ) -> None:
        """The feed falls silent, then the prices run; `quotes`: the broker still tells them by
        REST.
        """
        self.seen["silent_run"] += 1
        self._silence("silent_run")
        self.is_without_quotes = not quotes

        def run() -> None:
            for key in keys:
                self.bands.gap(key, bps)

        def mend() -> None:
            self.is_without_quotes = False
            self._speak("silent_run")

        self._clock.schedule(self._clock.now_ns() + run_ns, run)
        self._until("silent_run", duration_ns, mend)
