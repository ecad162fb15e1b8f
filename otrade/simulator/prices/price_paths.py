"""One instrument's trades of one day, made before it begins, so that nothing depends on who looks
when.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass(slots=True)
class PricePath:
    """Parallel arrays, one entry a trade."""

    ts_ns: array[int] = field(default_factory=lambda: array("q"))
    px_e4: array[int] = field(default_factory=lambda: array("q"))
    qty: array[int] = field(default_factory=lambda: array("q"))
    """Quantity traded since the entry before (0 for an index)."""
    noise: array[int] = field(default_factory=lambda: array("Q"))
    """64 random bits, out of which depth is made when somebody looks. The lowest bit says that a buyer
    took the offer.
    """
    spread: array[int] = field(default_factory=lambda: array("H"))
    """From the best bid to the best offer at the trade, in ticks; empty: one tick, a book that stands
    still between trades, and a side that the price's move tells.
    """

    def __len__(self) -> int:
        return len(self.ts_ns)
