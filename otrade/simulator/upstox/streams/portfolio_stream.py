"""Upstox's portfolio stream: JSON texts of orders as their state changes, and of positions as they
trade.
"""

from typing import Any

import orjson
from picows import WSMsgType

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange import orders
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderState
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.faults.pushes import GARBLED_FIELDS, UNKNOWN_STATUS, Garbling
from otrade.simulator.upstox.rest.rows import is_short_term, position_update, row_of
from otrade.simulator.upstox.rest.settings import settings_of
from otrade.simulator.upstox.rest.user import PORTFOLIO_PATH
from otrade.simulator.upstox.streams.server import UpstoxFeedClient, UpstoxFeedServer

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


class PortfolioStreamServer:
    """Nothing is asked of it; `update_types` of the address say what is wanted."""

    path = PORTFOLIO_PATH
    is_binary = False

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        exchange: OrderSystem,
        server: UpstoxFeedServer,
        faults: FaultInjector,
    ) -> None:
        self._cfg = cfg
        self._clock = clock
        self._exchange = exchange
        self._server = server
        self._faults = faults
        self._filled: dict[str, int] = {}
        self._turned_down: set[str] = set()
        """Orders whose cancel came too late: their state is told once more."""
        self.clients: list[UpstoxFeedClient] = []
        exchange.on_update.append(self._updated)
        exchange.on_state.append(self._state)

    def has_room(self) -> bool:
        return True

    def joined(self, client: UpstoxFeedClient) -> None:
        pass

    def left(self, client: UpstoxFeedClient) -> None:
        pass

    def heard(self, client: UpstoxFeedClient, payload: bytes) -> None:
        pass

    def open_day(self) -> None:
        """Yesterday's orders are gone."""
        self._filled.clear()
        self._turned_down.clear()

    # ---- what happens to orders

    def _state(self, order: Order, status: str) -> None:
        if not settings_of(self._cfg).push_interim:
            return
        if status in _ON_THE_WAY:
            self._push(order, status)
        elif order.order_id in self._turned_down:
            self._push(order, status)
        self._turned_down.discard(order.order_id)
        if status == orders.NOT_CANCELLED:
            self._turned_down.add(order.order_id)

    def _updated(self, state: OrderState) -> None:
        # The model's own word for a partial fill or a modification is no state: the order's is
        # told.
        status, order = state.status, state.order
        self._push(order, order.status if status == orders.UPDATE else status)
        if order.filled_qty > self._filled.get(order.order_id, 0):
            self._filled[order.order_id] = order.filled_qty
            self._tell_position(order)

    # ---- messages out

    def _wanting(self, update_type: str) -> list[UpstoxFeedClient]:
        return [client for client in self.clients if update_type in client.update_types]

    def _push(self, order: Order, status: str) -> None:
        clients = self._wanting("order")
        if not clients or self._server.is_silent:
            return
        row = row_of(order, status)
        fault, late_ns = self._faults.take_push(order.draw_key)
        if fault == "dropped":
            return
        if fault == "unknown_status":
            row["status"] = UNKNOWN_STATUS.lower()
        row["average_price"] = self._faults.tell_average(
            order.draw_key, row["filled_quantity"], row["average_price"]
        )
        message = {
            "update_type": "order",
            "user_id": self._cfg.user_id,
            "instrument_key": row["instrument_token"],
            **row,
        }
        text = orjson.dumps(message)
        if fault == "garbled":
            text = _garbled(text, message, self._faults.take_garbling(order.draw_key))
        for client in clients:
            for _ in range(2 if fault == "doubled" else 1):
                if late_ns:
                    due_ns = self._clock.now_ns() + late_ns
                    self._server.send_at(client, WSMsgType.TEXT, text, due_ns)
                else:
                    self._server.send_news(client, text, order.draw_key)

    def _tell_position(self, order: Order) -> None:
        position = self._exchange.ledger.position(order.contract, order.product)
        clients = self._wanting("position")
        if not clients or not is_short_term(position):
            return
        quote = self._exchange.market.quote(order.contract)
        text = orjson.dumps(position_update(position, quote) | {"user_id": self._cfg.user_id})
        for client in clients:
            self._server.send_news(client, text, order.draw_key)


def _garbled(text: bytes, message: dict[str, Any], how: Garbling) -> bytes:
    if how == "cut":
        return text[: len(text) // 2]
    if how == "no_order":
        return orjson.dumps({"update_type": message["update_type"]})
    left = {name: value for name, value in message.items() if name not in GARBLED_FIELDS}
    return orjson.dumps(left)
