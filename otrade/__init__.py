"""OTrade: a live trading engine for Indian markets with a compiled tick-to-order path."""

__version__ = "0.2.0"
