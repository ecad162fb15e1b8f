"""Proof that no Python runs between a frame's payload and the bytes of its order.

The interpreter itself reports every function that it enters (`sys.setprofile`). At each of them
three counters are read that compiled code
keeps: frames taken, frames dealt with, orders written. What is entered while a frame is in hand and
its order is not written yet has run between the two; there must be nothing. The same count with the
early writer off shows that the method sees what there is.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

from otrade.brokers.transport.frame_reader import FeedLatency


class FrameTrace:
    """Counts from now on, in this thread."""

    def __init__(self, latency: FeedLatency) -> None:
        self._latency = latency
        self._entries: list[tuple[int, bool, int, str]] = []
        """Frames begun, whether one is in hand, orders written, the function."""
        self._orders_before = latency.order.n
        sys.setprofile(self._entered)

    def _entered(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            seen = self._latency
            name = f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"
            self._entries.append((seen.begun, seen.begun > seen.frame.n, seen.order.n, name))

    def between(self) -> dict[str, Any]:
        """`orders` traced; `entered`: Python functions while a frame was in hand, `between`: those
        of them before its order's bytes had left, by `functions`.
        """
        sys.setprofile(None)
        written: dict[int, int] = {}
        for frame, _, orders, _ in self._entries:
            written[frame] = max(written.get(frame, 0), orders)
        in_hand = [
            (frame, orders, name) for frame, is_in_hand, orders, name in self._entries if is_in_hand
        ]
        found = Counter(name for frame, orders, name in in_hand if orders < written[frame])
        return {
            "orders": self._latency.order.n - self._orders_before,
            "entered": len(in_hand),
            "between": found.total(),
            "functions": [f"{name} x{n}" for name, n in found.most_common()],
        }
