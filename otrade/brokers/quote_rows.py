"""A row of a REST quote: both brokers use the same names for its prices, depth and circuit limits."""

from collections.abc import Mapping
from typing import Any

from otrade.brokers.parse import number, price_e4
from otrade.brokers.session import BrokerQuote
from otrade.errors import BrokerError


def quote_of(row: Any) -> BrokerQuote | None:
    """None when it has no last price. BrokerError when it cannot be read."""
    if not isinstance(row, Mapping) or number(row, "last_price") <= 0:
        return None
    depth = row.get("depth")
    bids, asks = _prices(depth, "buy"), _prices(depth, "sell")
    return BrokerQuote(
        price_e4(row, "last_price"),
        max(bids, default=0),
        min((px for px in asks if px), default=0),
        price_e4(row, "lower_circuit_limit"),
        price_e4(row, "upper_circuit_limit"),
        (*bids, *asks),
    )


def band_of(row: Any) -> tuple[int, int] | None:
    """The day's price band, e4; None when the row tells none. An unreadable row keeps nobody from
    starting: bands are read again.
    """
    if not isinstance(row, Mapping):
        return None
    try:
        band = price_e4(row, "lower_circuit_limit"), price_e4(row, "upper_circuit_limit")
    except BrokerError:
        return None
    return band if all(band) else None


def _prices(depth: Any, side: str) -> list[int]:
    levels = depth.get(side) if isinstance(depth, Mapping) else None
    return (
        [price_e4(level, "price") for level in levels if isinstance(level, dict)]
        if isinstance(levels, list)
        else []
    )
