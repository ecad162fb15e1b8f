"""What the broker's risk management does to an account: bans, refusals of one kind of order, orders
taken out, and "not now".
"""

from collections import Counter

BANNED = (
    "RMS:Blocked : the scrip is in the ban period, only orders that reduce a position are allowed"
)


class RmsFaults:
    """Refusals that say nothing about the order beside them."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self._banned: set[str] = set()
        self._n_reject_targets = 0
        self._n_busy = 0

    # ---- armed by a test

    def ban(self, key: str) -> None:
        """Every order that opens a position in this instrument is rejected until `unban`."""
        self._banned.add(key)

    def unban(self, key: str) -> None:
        self._banned.discard(key)

    def reject_targets(self, n: int) -> None:
        """The next `n` limits beside a stop that covers the position already are rejected."""
        self._n_reject_targets += n

    def busy_changes(self, n: int) -> None:
        """The next `n` modifications and cancels are refused, because the order is being processed."""
        self._n_busy += n

    # ---- asked by the order system

    def take_ban(self, key: str) -> str | None:
        """Why an order that opens a position is rejected."""
        if key not in self._banned:
            return None
        self.seen["reject_entries"] += 1
        return BANNED

    def take_target_rejection(self) -> bool:
        if self._n_reject_targets <= 0:
            return False
        self._n_reject_targets -= 1
        self.seen["reject_targets"] += 1
        return True

    def take_busy(self) -> bool:
        if self._n_busy <= 0:
            return False
        self._n_busy -= 1
        self.seen["busy_changes"] += 1
        return True

    def _is_armed(self) -> bool:
        return bool(self._n_reject_targets or self._n_busy)

    def _disarm(self) -> None:
        self._banned.clear()
        self._n_reject_targets = self._n_busy = 0
