"""What a journal's ids were called, in each section's HELLO: for who reads it when the configuration is
another one.
"""

from typing import Any

import msgspec

NAMES_FIELD = "names"
CONFIGURATION_FIELD = "configuration"
"""Of HELLO. The configuration names where secrets are, and has none."""


class NamedStrategy(msgspec.Struct, frozen=True):
    """`sha256` of a file's source; a built-in kind has none."""

    id: str
    kind: str
    sha256: str | None = None


class NamedInstrument(msgspec.Struct, frozen=True):
    """`segment` and `root` as the charges call them."""

    symbol: str
    product: str
    segment: str
    root: str


class DayNames(msgspec.Struct, frozen=True):
    """Each id is its place in the list."""

    broker: str = ""
    price_plan: str = ""
    charges: str = ""
    """The file of charges; empty: the one that comes with OTrade."""
    strategies: list[NamedStrategy] = []
    instruments: list[NamedInstrument] = []

    def strategy(self, strategy_id: int) -> str:
        """A journal of a version before this has no names."""
        known = 0 <= strategy_id < len(self.strategies)
        return self.strategies[strategy_id].id if known else f"strategy {strategy_id}"


def read_names(hello: dict[str, Any]) -> DayNames:
    """Empty ones where a HELLO has none."""
    try:
        return msgspec.convert(hello.get(NAMES_FIELD, {}), DayNames)
    except msgspec.ValidationError:
        return DayNames()
