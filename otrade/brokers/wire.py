"""What a journal must know of a broker: how its frames are called, and how its orders are written
again. How frames are read is the core's own table (`_core/codecs/decoders`).
"""

from collections.abc import Callable

import msgspec

from otrade._core.codecs.interface import OrderEncoder
from otrade._core.types import Rec
from otrade.brokers.registry import BROKERS, part_of


class Wire(msgspec.Struct, frozen=True):
    """One broker's."""

    frame_kinds: tuple[Rec, Rec]
    """How the journal calls its frames: of the first feed, and of a second one."""
    encoder: Callable[[bytes, bytes, bytes, bytes], OrderEncoder]
    """Of a host, a path's prefix, an authorization and the id of a registered algo."""


def wire_of(broker: str) -> Wire | None:
    """None for a broker that this build does not know."""
    if broker not in BROKERS:
        return None
    wire = part_of(broker, "wire").WIRE
    assert isinstance(wire, Wire)
    return wire
