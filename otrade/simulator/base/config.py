"""What a simulation may be told. Every default gives a plausible trading day
with a liquid market."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

BOOK_PERCENT = 10
"""Enough to be met all day, and few enough to cost little time."""

Listing = Literal["near", "whole"]
"""What the exchange lists: shares, two indices and what is near of their derivatives (about a
hundred instruments), or all seven indices, weekly, far and BSE contracts and options on shares
(more than three thousand).
"""
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=60_000)]


class DelayRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delay drawn evenly from low to high, milliseconds."""

    low_ms: Milliseconds
    high_ms: Milliseconds


class LatencyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays of each leg of the way, all in virtual time."""

    request: DelayRange = DelayRange(2, 6)
    """From a request's arrival until the order system looks at it."""
    order_ack: DelayRange = DelayRange(28, 54)
    """From then until the answer to place, modify or cancel is written."""
    exchange: DelayRange = DelayRange(5, 20)
    """From the order system to the exchange's matching engine."""
    read: DelayRange = DelayRange(6, 18)
    """Answer to every other request."""
    push: DelayRange = DelayRange(2, 6)
    """From an order event to its text frame."""
    tick: DelayRange = DelayRange(1, 4)
    """From a trade to its tick frame."""


class SimConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulation. The same configuration and the same client give the same trades."""

    seed: int = 1
    broker: str = ""
    """Whose protocols are spoken; empty: the first one's that the simulator knows; `both`: every
    one's, over one account on one exchange.
    """
    also: tuple[str, ...] = ()
    """Further brokers that are served, for their prices: the account is at `broker` alone, and
    these push nothing of its orders.
    """
    servers: Mapping[str, msgspec.Struct] = {}
    """Settings of a broker's servers, by its name; their own defaults otherwise."""
    ports: Mapping[str, Annotated[int, msgspec.Meta(ge=0, le=65535)]] = {}
    """Where servers listen, by their names (`rest_port`); any free port otherwise."""
    dates: tuple[dt.date, ...] = (dt.date(2026, 11, 23),)
    day_start: Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d$")] = "09:00"
    """IST time at which a simulated day begins."""
    day_end: Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d$")] = "15:50"
    speed: Annotated[float, msgspec.Meta(gt=0)] = float("inf")
    """Virtual seconds a wall second; infinity never waits."""
    tick_interval_ms: Annotated[int, msgspec.Meta(ge=10, le=60_000)] = 1000
    first_minutes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Generate prices for the first minutes of a session only, for a run that ends then; 0: for the
    whole day.
    """
    bar_ticks: Annotated[int, msgspec.Meta(ge=4, le=600)] = 15
    """Ticks made inside one minute of a price file."""
    book_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """Of 100 trades so many are followed by a packet in which only the order book is new. Paper days and drills have
    `BOOK_PERCENT`.
    """
    prices: dict[str, str] = {}
    """`EXCH:SYMBOL` or `EXCH:NAME.FUT` (the nearest future) to the path of a CSV of bars."""
    symbols: tuple[str, ...] = ()
    """Names of cash shares to keep; empty keeps all that are known."""
    listing: Listing = "near"
    funds_rupees: Annotated[float, msgspec.Meta(ge=0)] = 2_500_000.0
    second_exit: Literal["costs", "free", "untold"] = "costs"
    """A second exit of the same position (stop and target both working) blocks margin like a new
    position, or nothing more; "untold": it costs, and the margin preview has null where its totals
    should be.
    """
    api_key: str = "paper"
    api_secret: str = "paper-secret"
    user_id: str = "PAPER1"
    heartbeat_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 1000
    push_working: bool = True
    """Push OPEN and TRIGGER PENDING too, not only fills and ends."""
    latency: LatencyConfig = LatencyConfig()

    def __repr__(self) -> str:
        return (
            f"SimConfig(seed={self.seed}, dates={[str(d) for d in self.dates]}, speed={self.speed})"
        )
