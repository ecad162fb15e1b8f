"""Upstox's wire, for the journal."""

from otrade._core.codecs.upstox import UpstoxEncoder
from otrade._core.types import Rec
from otrade.brokers.wire import Wire

WIRE = Wire((Rec.FRAME_UPSTOX, Rec.FRAME_UPSTOX_B), UpstoxEncoder)
