"""Instruments: from a broker's daily file, only what is wanted."""

from otrade.instruments.kite import KiteInstrumentFile
from otrade.instruments.model import Instrument
from otrade.instruments.upstox import UpstoxInstrumentFile

__all__ = ["Instrument", "KiteInstrumentFile", "UpstoxInstrumentFile"]
