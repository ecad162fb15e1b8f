"""Kite's wire, for the journal."""

from otrade._core.codecs.kite import KiteEncoder, decode_frame
from otrade._core.types import Rec
from otrade.brokers.wire import Wire


def packets_of(frame: bytes | memoryview) -> int:
    """A frame begins with their number; one byte alone is a heartbeat."""
    return int.from_bytes(frame[:2], "big") if len(frame) > 1 else 0


WIRE = Wire((Rec.FRAME, Rec.FRAME_KITE_B), decode_frame, KiteEncoder, packets_of)
