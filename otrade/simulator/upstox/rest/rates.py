"""Upstox's request limits: all order calls together, every other interface by itself, each over
three windows.
"""

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.rate_windows import RateWindow
from otrade.simulator.upstox.rest.errors import too_many
from otrade.simulator.upstox.rest.settings import UpstoxLimits

_SPANS_NS = (NS_PER_S, 60 * NS_PER_S, 1800 * NS_PER_S)


class UpstoxRates:
    """All windows of one user."""

    def __init__(self, limits: UpstoxLimits) -> None:
        self._orders = (
            limits.orders_per_second,
            limits.orders_per_minute,
            limits.orders_per_half_hour,
        )
        self._others = (
            limits.others_per_second,
            limits.others_per_minute,
            limits.others_per_half_hour,
        )
        self._windows: dict[str, list[RateWindow]] = {}

    def admit(self, interface: str, now_ns: int) -> None:
        """Count one request; `interface` is `order` or the name of another one. UpstoxError 429."""
        windows = self._windows.get(interface)
        if windows is None:
            limits = self._orders if interface == "order" else self._others
            windows = [
                RateWindow(limit, span_ns) for limit, span_ns in zip(limits, _SPANS_NS, strict=True)
            ]
            self._windows[interface] = windows
        if not all([window.has_room(now_ns) for window in windows]):
            raise too_many()
        for window in windows:
            window.add(now_ns)
