"""What others do to the account: its owner closes a position in the broker's app, the broker's risk
management squares one off early.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.virtual_clock import VirtualClock, VirtualTimer

AGAIN_NS = 2 * NS_PER_S
"""Until something is open, it is looked for so often."""


Act = Callable[[str, int], int]
"""Of an instrument and its open units; how many orders it made."""


class FaultedAccount(Protocol):
    """What others do to positions, by the broker's risk management or past it."""

    def held(self, key: str, product: str = "MIS") -> int:
        """Units that are open in a product, without their sign."""
        ...

    def lot(self, key: str) -> int: ...

    def close_manually(self, key: str, qty: int, product: str = "MIS") -> Sequence[object]:
        """The owner closes so many units. The orders that this made; so does the next."""
        ...

    def square_off(self, keys: Iterable[str]) -> Sequence[object]: ...


class AccountFaults:
    """Positions that end without us. Where nothing is open, the next one that is."""

    def __init__(self, clock: VirtualClock, seen: Counter[str]) -> None:
        self.rms: FaultedAccount
        self.seen = seen
        self._timers: set[VirtualTimer] = set()
        self._clock_of_account = clock

    def close_by_hand(self, products: Mapping[str, str], part: float) -> None:
        """Somebody closes a part of what is open in one of these, each in its product (1.0: all of
        it).
        """

        def close(key: str, held: int) -> int:
            lot = self.rms.lot(key)
            qty = max(lot, round(held * part) // lot * lot)
            return len(self.rms.close_manually(key, qty, products[key]))

        self._when_open("closed_by_hand", products, close)

    def square_off_early(self, keys: list[str]) -> None:
        """The broker's risk management cancels what is pending in one of these and closes what is open."""
        self._when_open(
            "broker_square_off",
            dict.fromkeys(keys, "MIS"),
            lambda key, held: len(self.rms.square_off([key])),
        )

    def _when_open(self, kind: str, products: Mapping[str, str], act: Act) -> None:
        timer: VirtualTimer | None = None

        def attempt() -> None:
            nonlocal timer
            if timer is not None:
                self._timers.discard(timer)
            for key, product in products.items():
                held = self.rms.held(key, product)
                if held and act(key, held):
                    self.seen[kind] += 1
                    return
            timer = self._clock_of_account.schedule(
                self._clock_of_account.now_ns() + AGAIN_NS, attempt
            )
            self._timers.add(timer)

        attempt()

    def _is_armed(self) -> bool:
        return bool(self._timers)

    def _disarm(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
