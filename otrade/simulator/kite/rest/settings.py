"""What the simulated Kite may be told, beside what holds for the exchange."""

import msgspec

from otrade.simulator.base.config import SimConfig


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


class KiteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of Kite's servers."""

    redirect_url: str = "http://127.0.0.1:8700/login/kite"
    """Where the login page sends the browser, with the request token."""
    limits: KiteLimits = KiteLimits()


def settings_of(cfg: SimConfig) -> KiteSettings:
    found = cfg.servers.get("kite", KiteSettings())
    assert isinstance(found, KiteSettings)
    return found
