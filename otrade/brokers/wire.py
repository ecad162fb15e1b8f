"""What a journal knows of a broker's wire: how its frames are read, and how its orders are written
again.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from otrade._core.codecs.interface import OrderEncoder
from otrade._core.types import Rec
from otrade.brokers.registry import BROKERS, part_of


class Wire(msgspec.Struct, frozen=True):
    """One broker's."""

    frame_kinds: tuple[Rec, Rec]
    """How the journal calls its frames: of the first feed, and of a second one."""
    decode_frame: Callable[[Any], list[dict[str, Any]]]
    encoder: Callable[[bytes, bytes, bytes, bytes], OrderEncoder]
    """Of a host, a path's prefix, an authorization and the id of a registered algo."""
    packets_of: Callable[[bytes | memoryview], int] | None = None
    """How many packets a frame says it has, where it says so."""


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
