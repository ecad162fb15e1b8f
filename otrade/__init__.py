"""OTrade: a live trading engine for Indian markets with a compiled tick-to-order path."""

import contextlib

from otrade.lean import without

__version__ = "0.1.0"

# Nearly every module needs it, and Python itself has all of what it looks for there. A build needs neither.
with without({"typing_extensions": None}), contextlib.suppress(ModuleNotFoundError):
    import msgspec  # noqa: F401
