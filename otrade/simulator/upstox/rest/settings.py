"""What the simulated Upstox may be told, beside what holds for the exchange."""

import msgspec

from otrade.simulator.base.config import SimConfig


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
    feed_connections_plus: int = 5
    """Market data sockets of one user, and of one with Plus."""
    ltpc_keys: int = 5000
    option_greeks_keys: int = 3000
    full_keys: int = 2000
    full_d30_keys: int = 50
    """Instruments of one mode on a connection that has no other mode."""
    ltpc_keys_combined: int = 2000
    option_greeks_keys_combined: int = 2000
    full_keys_combined: int = 1500
    full_d30_keys_combined: int = 1500


class UpstoxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of Upstox's servers."""

    redirect_url: str = "http://127.0.0.1:8700/login/upstox"
    """The redirect_uri with which the application is registered; the browser comes back there with
    the code.
    """
    static_ips: tuple[str, ...] = ("127.0.0.1",)
    """Addresses from which orders are taken: the first and, when given, the second."""
    has_plus: bool = False
    """The user pays for Upstox Plus: five market data sockets, and the mode full_d30."""
    push_interim: bool = True
    """On the portfolio stream push the states on the way (open pending, modified) too."""
    limits: UpstoxLimits = UpstoxLimits()


def settings_of(cfg: SimConfig) -> UpstoxSettings:
    found = cfg.servers.get("upstox", UpstoxSettings())
    assert isinstance(found, UpstoxSettings)
    return found
