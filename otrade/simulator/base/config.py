"""What a simulation may be told. Every default gives a plausible trading day
with a liquid market."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

BOOK_PERCENT = 10
"""Enough to be met all day, and few enough to cost little time."""

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


class KiteLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests the broker takes; the excess is answered 429. 0 switches a limit off."""

    orders_per_second: int = 10
    orders_per_minute: int = 400
    orders_per_day: int = 5000
    quotes_per_second: int = 1
    historical_per_second: int = 3
    others_per_second: int = 10
    modifications_per_order: int = 25
    tokens_per_connection: int = 3000
    slices_per_order: int = 10


class UpstoxLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Upstox takes; the excess is answered 429, or refused on the feed. 0 switches a limit
    off.
    """

    orders_per_second: int = 10
    orders_per_minute: int = 500
    orders_per_half_hour: int = 2000
    """Placing, modifying, cancelling and exiting together; each other interface is counted by
    itself.
    """
    others_per_second: int = 50
    others_per_minute: int = 500
    others_per_half_hour: int = 2000
    modifications_per_order: int = 0
    slices_per_order: int = 25
    feed_connections: int = 2
    """Market data sockets of one user."""
    ltpc_keys: int = 5000
    option_greeks_keys: int = 3000
    full_keys: int = 2000
    """Instruments of one mode on a connection that has no other mode."""
    ltpc_keys_combined: int = 2000
    option_greeks_keys_combined: int = 2000
    full_keys_combined: int = 1500


class SimConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulation. The same configuration and the same client give the same trades."""

    seed: int = 1
    broker: Literal["kite", "upstox", "both"] = "kite"
    """Whose protocols are spoken; with `both` two faces of one account on one exchange."""
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
    """Of 100 trades so many are followed by a packet in which only the order book is new: Kite
    repeats the last trade in it, Upstox sends the depth alone. Paper days and drills have
    `BOOK_PERCENT`.
    """
    prices: dict[str, str] = {}
    """`EXCH:SYMBOL` or `EXCH:NAME.FUT` (the nearest future) to the path of a CSV of bars."""
    symbols: tuple[str, ...] = ()
    """Names of cash shares to keep; empty keeps all that are known."""
    funds_rupees: Annotated[float, msgspec.Meta(ge=0)] = 2_500_000.0
    second_exit: Literal["costs", "free", "untold"] = "costs"
    """A second exit of the same position (stop and target both working) blocks margin like a new
    position, or nothing more; "untold": it costs, and the margin preview has null where its totals
    should be.
    """
    api_key: str = "paper"
    api_secret: str = "paper-secret"
    user_id: str = "PAPER1"
    redirect_url: str = "http://127.0.0.1:8700/login/kite"
    """Where the login page sends the browser, with the request token."""
    rest_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    feed_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    upstox_redirect_url: str = "http://127.0.0.1:8700/login/upstox"
    """The redirect_uri with which the application is registered; the browser comes back there with
    the code.
    """
    upstox_static_ips: tuple[str, ...] = ("127.0.0.1",)
    """Addresses from which Upstox takes orders: the first and, when given, the second."""
    upstox_rest_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    upstox_feed_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    heartbeat_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 1000
    push_working: bool = True
    """Push OPEN and TRIGGER PENDING too, not only fills and ends."""
    push_interim: bool = True
    """On Upstox's portfolio stream push the states on the way (open pending, modified) too."""
    latency: LatencyConfig = LatencyConfig()
    limits: KiteLimits = KiteLimits()
    upstox_limits: UpstoxLimits = UpstoxLimits()

    def __repr__(self) -> str:
        return (
            f"SimConfig(seed={self.seed}, dates={[str(d) for d in self.dates]}, speed={self.speed})"
        )
