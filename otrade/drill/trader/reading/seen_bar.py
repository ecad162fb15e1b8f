"""One bar, as whoever looks at trades draws it."""

from dataclasses import dataclass


@dataclass(slots=True)
class TraderBar:
    """One interval's trades."""

    start_ns: int
    end_ns: int
    high_e4: int
    low_e4: int
    close_e4: int
    is_told: bool = False
    """Known from history alone: nothing was seen to trade in it."""
    volume: int = 0
    """Units traded, as far as the feed tells."""

    @property
    def prices(self) -> tuple[float, float, float]:
        """High, low and close, in rupees."""
        return self.high_e4 / 10_000, self.low_e4 / 10_000, self.close_e4 / 10_000
