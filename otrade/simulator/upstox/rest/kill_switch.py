"""Upstox's kill switch: a user shuts a segment to his own orders, and cannot open it for half a day."""

from collections.abc import Callable
from typing import Any

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.net.http_server import HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import UpstoxError, bad_field
from otrade.simulator.upstox.rest.names import SEGMENTS, InstrumentKeys, segment

AGAIN_NS = 12 * 3_600 * 1_000_000_000
NAMES = tuple(SEGMENTS.values())


class UpstoxKillSwitch:
    """One method a route, and what orders are asked."""

    def __init__(self, exchange: OrderSystem, keys: Callable[[], InstrumentKeys]) -> None:
        self._exchange = exchange
        self._keys = keys
        self._since_ns: dict[str, int] = {}
        """Segments that are shut, and since when."""

    def check(self, name: str) -> None:
        """UpstoxError when orders in that segment are not taken."""
        if name in self._since_ns:
            raise UpstoxError("UDAPI100049", f"{name} is disabled by the kill switch", status=403)

    def told(self, request: HttpRequest) -> Any:
        return [
            {
                "segment": name,
                "segment_status": "INACTIVE" if name in self._since_ns else "ACTIVE",
                "kill_switch_enabled": name in self._since_ns,
            }
            for name in NAMES
        ]

    def change(self, request: HttpRequest) -> Any:
        rows = params.body(request)
        if not isinstance(rows, list) or not rows:
            raise UpstoxError("UDAPI100038", "Invalid input passed to the API")
        wanted: list[tuple[str, bool]] = []
        for row in rows:
            name, action = (
                (row.get("segment"), row.get("action")) if isinstance(row, dict) else ("", "")
            )
            if name not in NAMES:
                raise bad_field("segment", "Invalid segment", value=name)
            if action not in ("ENABLE", "DISABLE"):
                raise bad_field("action", "Use ENABLE or DISABLE", value=action)
            self._check_change(name, action == "DISABLE")
            wanted.append((name, action == "DISABLE"))
        for name, is_shut in wanted:
            self._set(name, is_shut)
        return self.told(request)

    def _check_change(self, name: str, is_shut: bool) -> None:
        if is_shut and any(
            position.qty and segment(position.contract) == name
            for position in self._exchange.ledger.positions()
        ):
            raise bad_field("segment", f"Close the positions in {name} first", value=name)
        since_ns = self._since_ns.get(name)
        now_ns = self._exchange.clock.now_ns()
        if not is_shut and since_ns is not None and now_ns < since_ns + AGAIN_NS:
            raise bad_field("segment", f"{name} cannot be enabled for 12 hours", value=name)

    def _set(self, name: str, is_shut: bool) -> None:
        if not is_shut:
            self._since_ns.pop(name, None)
            return
        self._since_ns.setdefault(name, self._exchange.clock.now_ns())
        for order in self._exchange.live_orders():
            if segment(order.contract) == name:
                try:
                    self._exchange.cancel(order.order_id)
                except RequestRefused:
                    continue  # on its way: it ends by itself
