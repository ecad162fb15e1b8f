"""What one packet of a feed says of one instrument, whichever broker's it is, and who reads it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from otrade.simulator.base.universe import ListedContract


@dataclass(frozen=True, slots=True)
class Sight:
    """What one packet says of one instrument, at the moment at which its bytes were sent: the
    engine has worked through it within that same moment of virtual time.

    Prices in ten-thousandths of a rupee; 0: the packet does not say, or says 0.
    """

    ts_ns: int
    key: str
    """The contract's, `EXCH:SYMBOL`."""
    ltp_e4: int
    has_trade: bool
    """It names a last price at all."""
    trade_ns: int
    """The last trade's time in the broker's precision: whole seconds at Kite, milliseconds at
    Upstox.
    """
    packet_ns: int
    """The packet's own time; Kite's full packets alone, and indices, have one on each packet,
    Upstox has one a message.
    """
    volume: int
    """Units traded today."""
    has_volume: bool
    has_book: bool
    """It has an order book, if perhaps one in which nothing stands."""
    bid_e4: int
    ask_e4: int
    bid_qty: int
    ask_qty: int
    close_e4: int
    """Yesterday's close."""
    has_more: bool
    """It says something else of the day: candles, averages, open interest, totals."""
    is_whole: bool
    """Kite's full packet, or an Upstox message with last trade, volume and order book: no part of
    it is older than the rest.
    """
    feed: int = 0
    """Which of two feeds it came by."""


ReadSights = Callable[[int, bytes, Mapping[str, ListedContract]], Iterator[Sight]]
"""(virtual time, message, contracts by the feed's name for them) to what it says, in its order."""


def reader_of(broker: str) -> ReadSights:
    """How that broker's messages are read: `sights` of the file of its name."""
    read: ReadSights = import_module(f"{__package__}.{broker}").sights
    return read
