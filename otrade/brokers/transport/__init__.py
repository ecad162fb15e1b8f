"""How any broker is reached: verified endpoints, one-request HTTP connections, the pool that sends
orders exactly once, and a supervised feed socket. No broker's spelling is known here.
"""

from typing import Any

from otrade.lean import without


class _NoProxy(Exception):  # noqa: N818  (never raised: its library is not there)
    """In the place of what picows would catch of a proxy."""


PROXIES: dict[str, dict[str, Any]] = {
    "python_socks": {"ProxyError": _NoProxy},
    "python_socks.async_": {},
    "python_socks.async_.asyncio": {"Proxy": None},
}
"""Brokers take orders from a registered address only, so nobody comes to them through a proxy. Two
dozen modules less.
"""

with without(PROXIES):
    import picows  # noqa: F401
