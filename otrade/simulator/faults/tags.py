"""Words of the broker's own among an order's tags."""

from collections import Counter


class TagFaults:
    """The user's own tag stands behind the broker's words, and not in `tag`."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self._n_tagged = 0

    def tag_orders(self, n: int) -> None:
        """The broker marks the next `n` orders, as it does those with market protection."""
        self._n_tagged += n

    def take_mark(self) -> bool:
        """Does it mark this order?"""
        if self._n_tagged <= 0:
            return False
        self._n_tagged -= 1
        self.seen["broker_tags"] += 1
        return True

    def _is_armed(self) -> bool:
        return self._n_tagged > 0

    def _disarm(self) -> None:
        self._n_tagged = 0
