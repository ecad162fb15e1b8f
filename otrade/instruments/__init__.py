"""Instruments: from a broker's daily file, only what is wanted. Each broker's file has a module of its
own, which its adapter alone loads.
"""

from otrade.instruments.model import Instrument

__all__ = ["Instrument"]
