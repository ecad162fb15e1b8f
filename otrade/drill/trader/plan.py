"""What is to be traded, and how: the driver's configuration in plain values. Prices are
ten-thousandths of a rupee, times are nanoseconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TradedStrategy:
    """One strategy. `params` and `plan` by the names that the configuration's schema gives them in
    the core's units.
    """

    number: int
    """Of all of the session's, counted from 0."""
    kind: str
    interval_ns: int
    params: Mapping[str, Any]
    plan: Mapping[str, Any]
    name: str = ""
    """As the configuration has it; one of its instrument's alone."""
    file: str = ""
    """Of a strategy file (`kind` "file"): its name among the shipped examples."""
    further_ns: tuple[int, ...] = ()
    """Lengths of the bars that it sees beside its own."""

    @property
    def is_by_tick(self) -> bool:
        return not self.file and not self.params.get("bar_mode", 0)


@dataclass(frozen=True, slots=True)
class TraderInstrument:
    """One instrument, its hours and its strategies."""

    key: str
    """The contract's, `EXCH:SYMBOL`."""
    product: str
    tick_e4: int
    lot: int
    freeze_qty: int
    multiplier: int
    is_derivative: bool
    open_ns: int
    entry_from_ns: int
    entry_until_ns: int
    close_ns: int
    square_off_ns: int = 0
    """What is open then is taken out; 0: never."""
    place: int = 0
    """Among the session's instruments, from 0: so a person names it."""
    strategies: list[TradedStrategy] = field(default_factory=list)
