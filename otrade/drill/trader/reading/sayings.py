"""What a strategy file may say with a bar. Prices are rupees."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Enter:
    """Be long (`side` 1) or short (-1). A level as a price (`_at`) stays where it is; as a distance
    (`_away`) it is counted from what was paid. None, and a size of 0: the plan's.
    """

    side: int
    if_flat: bool = False
    """Said only while nothing is held; otherwise whatever is held."""
    stop_at: float | None = None
    stop_away: float | None = None
    target_at: float | None = None
    target_away: float | None = None
    qty: int = 0
    rest_bars: int = 0
    """Not said before the so many-th bar that closes after a stop of its own."""
    is_close: bool = False
    """So near that rounding decides whether it is said."""

    @property
    def has_own_terms(self) -> bool:
        levels = (self.stop_at, self.stop_away, self.target_at, self.target_away)
        return self.qty > 0 or any(level is not None for level in levels)


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave what is held on that side; nothing is said where nothing is."""

    side: int
    is_close: bool = False


@dataclass(frozen=True, slots=True)
class MoveStop:
    """The stop of what is held on that side, where that is tighter."""

    side: int
    at: float
    is_close: bool = False


Saying = Enter | Leave | MoveStop
