"""The order book as Upstox shows it: rows in its words, and each order's history with what the
exchange turned down.
"""

from typing import Any

from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order
from otrade.simulator.upstox.rest.rows import order_row


class UpstoxBook:
    """Reads the exchange's orders; keeps the day's histories."""

    def __init__(self, exchange: OrderSystem) -> None:
        self._exchange = exchange
        self._histories: dict[str, list[dict[str, Any]]] = {}
        exchange.on_state.append(self._state)
        exchange.on_day.append(self._histories.clear)

    def _state(self, order: Order, status: str) -> None:
        self._histories.setdefault(order.order_id, []).append(row_of(order, status))

    def rows(self) -> list[dict[str, Any]]:
        """Today's orders, oldest first."""
        return [order_row(state) for state in self._exchange.book()]

    def row(self, order_id: str) -> dict[str, Any]:
        """The order's latest state. RequestRefused for an id that is not in today's book."""
        return row_of(self._exchange.order(order_id))

    def history(self, order_id: str | None, tag: str | None) -> list[dict[str, Any]]:
        """Each state of one order, or of all with a tag, or of that one if it has that tag.
        RequestRefused as above.
        """
        orders = self._exchange.orders() if order_id is None else [self._exchange.order(order_id)]
        return [
            row
            for order in orders
            if tag is None or order.tag == tag
            for row in self._histories.get(order.order_id, [])
        ]


def row_of(order: Order, status: str | None = None) -> dict[str, Any]:
    """The order now, with another status word when one is given."""
    return order_row(order.state(status))
