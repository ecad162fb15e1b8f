"""Kite's wire, for the journal."""

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import Rec
from otrade.brokers.wire import Wire

WIRE = Wire((Rec.FRAME, Rec.FRAME_KITE_B), KiteEncoder)
