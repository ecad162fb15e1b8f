"""Upstox's portfolio stream: JSON texts of orders as their state changes, and of positions as they trade."""

from typing import Any

import orjson
from picows import WSMsgType

from . import orders
from .clock import VirtualClock
from .config import SimConfig
from .exchange import Exchange
from .fault_pushes import UNKNOWN_STATUS
from .faults import Faults
from .orders import Order
from .upstox_book import row_of
from .upstox_feed import UpstoxClient, UpstoxFeed
from .upstox_rows import is_short_term, position_update
from .upstox_user import PORTFOLIO_PATH

_ON_THE_WAY = frozenset(
    (
        orders.PUT_REQ,
        orders.VALIDATION,
        orders.OPEN_PENDING,
        orders.MODIFY_VALIDATION,
        orders.MODIFY_PENDING,
        orders.MODIFIED,
        orders.CANCEL_PENDING,
        orders.NOT_MODIFIED,
        orders.NOT_CANCELLED,
    )
)


class PortfolioStream:
    """Nothing is asked of it; `update_types` of the address say what is wanted."""

    path = PORTFOLIO_PATH
    is_binary = False

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        exchange: Exchange,
        server: UpstoxFeed,
        faults: Faults,
    ) -> None:
        self._cfg = cfg
        self._clock = clock
        self._exchange = exchange
        self._server = server
        self._faults = faults
        self._filled: dict[str, int] = {}
        self._turned_down: set[str] = set()
        """Orders whose cancel came too late: their state is told once more."""
        self.clients: list[UpstoxClient] = []
        exchange.on_update.append(self._updated)
        exchange.on_state.append(self._state)

    def has_room(self) -> bool:
        return True

    def joined(self, client: UpstoxClient) -> None:
        pass

    def left(self, client: UpstoxClient) -> None:
        pass

    def heard(self, client: UpstoxClient, payload: bytes) -> None:
        pass

    def open_day(self) -> None:
        """Yesterday's orders are gone."""
        self._filled.clear()
        self._turned_down.clear()

    # ---- what happens to orders

    def _state(self, order: Order, status: str) -> None:
        if not self._cfg.push_interim:
            return
        if status in _ON_THE_WAY:
            self._push(order, status)
        elif order.order_id in self._turned_down:
            self._push(order, status)
        self._turned_down.discard(order.order_id)
        if status == orders.NOT_CANCELLED:
            self._turned_down.add(order.order_id)

    def _updated(self, payload: dict[str, Any]) -> None:
        # The model's own word for a partial fill or a modification is no state: the order's is told.
        status = payload["status"]
        order = self._exchange.order(payload["order_id"])
        self._push(order, order.status if status == orders.UPDATE else status)
        if order.filled_qty > self._filled.get(order.order_id, 0):
            self._filled[order.order_id] = order.filled_qty
            self._tell_position(order)

    # ---- messages out

    def _wanting(self, update_type: str) -> list[UpstoxClient]:
        return [client for client in self.clients if update_type in client.update_types]

    def _push(self, order: Order, status: str) -> None:
        clients = self._wanting("order")
        if not clients or self._server.is_silent:
            return
        row = row_of(order, status)
        fault, late_ns = self._faults.take_push()
        if fault == "dropped":
            return
        if fault == "unknown_status":
            row["status"] = UNKNOWN_STATUS.lower()
        message = {
            "update_type": "order",
            "user_id": self._cfg.user_id,
            "instrument_key": row["instrument_token"],
            **self._faults.tell_average(row),
        }
        text = orjson.dumps(message)
        if fault == "garbled":
            text = self._faults.garble(text)
        for client in clients:
            for _ in range(2 if fault == "doubled" else 1):
                if late_ns:
                    due_ns = self._clock.now_ns() + late_ns
                    self._server.send_at(client, WSMsgType.TEXT, text, due_ns)
                else:
                    self._server.send_later(client, WSMsgType.TEXT, text, self._cfg.latency.push)

    def _tell_position(self, order: Order) -> None:
        position = self._exchange.ledger.position(order.contract, order.product)
        clients = self._wanting("position")
        if not clients or not is_short_term(position):
            return
        quote = self._exchange.market.quote(order.contract)
        text = orjson.dumps(position_update(position, quote) | {"user_id": self._cfg.user_id})
        for client in clients:
            self._server.send_later(client, WSMsgType.TEXT, text, self._cfg.latency.push)
