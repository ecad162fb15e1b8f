"""Order updates that are lost, come twice, come late, or cannot be understood."""

from collections import Counter
from typing import Literal, get_args

from otrade.simulator.base.day_draws import DayDraws

PushFault = Literal["", "dropped", "doubled", "shuffled", "unknown_status", "garbled"]
Garbling = Literal["cut", "no_fields", "no_order"]
"""It breaks off, or it is JSON and lacks what makes it an order's: the fields, or all of it."""
GARBLINGS: tuple[Garbling, ...] = get_args(Garbling)
GARBLED_FIELDS = ("order_id", "status", "filled_quantity", "average_price")
UNKNOWN_STATUS = "AUCTION HOLD PENDING"


class PushFaults:
    """What becomes of the next pushes; faults that are armed one after another happen one after
    another.
    """

    def __init__(self, draws: DayDraws, seen: Counter[str]) -> None:
        self._push_draws = draws
        self.seen = seen
        self._pushes: list[PushFault] = []
        self._shuffle_ns = 0

    # ---- armed by a test

    def drop_pushes(self, n: int) -> None:
        self._pushes += ["dropped"] * n

    def double_pushes(self, n: int) -> None:
        self._pushes += ["doubled"] * n

    def shuffle_pushes(self, n: int, within_ns: int) -> None:
        """The next `n` pushes are late by up to `within_ns`, each by its own time."""
        self._shuffle_ns = within_ns
        self._pushes += ["shuffled"] * n

    def unknown_status(self, n: int) -> None:
        """The next `n` pushes carry a status word that nobody has seen."""
        self._pushes += ["unknown_status"] * n

    def garble_push(self, n: int) -> None:
        """The next `n` pushes cannot be read."""
        self._pushes += ["garbled"] * n

    # ---- asked by the feed

    def take_push(self, order: int) -> tuple[PushFault, int]:
        """What happens to this push, and by how much it is late. `order` names its draws, as it does
        below.
        """
        if not self._pushes:
            return "", 0
        fault = self._pushes.pop(0)
        self.seen[f"push_{fault}"] += 1
        if fault != "shuffled":
            return fault, 0
        return fault, self._push_draws.of("shuffled push", order).between(0, self._shuffle_ns)

    def take_garbling(self, order: int) -> Garbling:
        """How a message is made unreadable."""
        return GARBLINGS[self._push_draws.of("garbled push", order).integer(len(GARBLINGS))]

    def _is_armed(self) -> bool:
        return bool(self._pushes)

    def _disarm(self) -> None:
        self._pushes.clear()
