"""A ClOrdID taken apart and put together: "OT", run (6), bracket (4), leg (1), attempt (2), order
slot (4), numbers in base 36.

The tag travels with the order through the broker's book, so the book alone says which run, bracket
and leg an order belongs to. The core makes its own tags (`_core/state.pyx`); this is for whoever
reads them in a broker's book, and for the watchdog, whose orders carry the bracket that they
protect.
"""

import msgspec

from otrade._core.types import Leg
from otrade.brokers.parse import OWN_TAG

WATCHDOG_ATTEMPT = 1152
"""Attempts from here on ("W0") are the watchdog's; an engine never gets so far
(`Limit.ORDERS_PER_BRACKET`).
"""
WATCHDOG_SLOT = 36**4 - 1

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LEGS = "ESTF"


class ClOrdId(msgspec.Struct, frozen=True):
    """The parts of a ClOrdID."""

    run: int
    bracket: int
    leg: Leg
    attempt: int
    slot: int

    @property
    def is_watchdog(self) -> bool:
        return self.attempt >= WATCHDOG_ATTEMPT


def parse(text: str) -> ClOrdId | None:
    """None when it is not a ClOrdID of ours."""
    if OWN_TAG.fullmatch(text) is None:
        return None
    return ClOrdId(
        run=int(text[2:8], 36),
        bracket=int(text[8:12], 36),
        leg=Leg(_LEGS.index(text[12])),
        attempt=int(text[13:15], 36),
        slot=int(text[15:], 36),
    )


def make(tag: ClOrdId) -> str:
    """The 19 characters. ValueError when a part does not fit."""
    return "".join(
        (
            "OT",
            _base36(tag.run, 6),
            _base36(tag.bracket, 4),
            _LEGS[tag.leg],
            _base36(tag.attempt, 2),
            _base36(tag.slot, 4),
        )
    )


def _base36(value: int, width: int) -> str:
    if not 0 <= value < 36**width:
        raise ValueError(f"{value} does not fit {width} characters of base 36")
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return digits
