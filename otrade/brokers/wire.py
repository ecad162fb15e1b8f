"""What a journal knows of a broker's wire: which records hold its frames (`_core/codecs/decoders`
reads them), and how its orders are written again.
"""

from collections.abc import Callable, Iterator

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
    return _wire(broker) if broker in BROKERS else None


def wires() -> Iterator[Wire]:
    """Of every broker."""
    return (_wire(broker) for broker in BROKERS)


def _wire(broker: str) -> Wire:
    wire = part_of(broker, "wire").WIRE
    assert isinstance(wire, Wire)
    return wire
