"""Upstox's order interface: place, modify, cancel, the same for many, book, history, trades."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.exchange.ledger import Position
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import UpstoxError, bad_field, bad_token, row
from otrade.simulator.upstox.rest.kill_switch import UpstoxKillSwitch
from otrade.simulator.upstox.rest.names import SEGMENTS, InstrumentKeys, instrument_key, segment
from otrade.simulator.upstox.rest.rows import (
    foreign_row,
    is_short_term,
    order_row,
    row_of,
    trade_row,
)
from otrade.simulator.upstox.rest.settings import settings_of

BATCH_MAX = 25
CORRELATION_MAX = 20

MCX_OFF = dt.date(2026, 9, 23)
"""Since then no MCX order comes by the API."""


class UpstoxBook:
    """The order book as Upstox shows it: rows in its words, and each order's history with what the
    exchange turned down.
    """

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


class UpstoxOrders:
    """One method a route."""

    def __init__(
        self,
        cfg: SimConfig,
        exchange: OrderSystem,
        book: UpstoxBook,
        keys: Callable[[], InstrumentKeys],
        switch: UpstoxKillSwitch,
    ) -> None:
        """`keys` gives those of the present day."""
        self._switch = switch
        self._exchange = exchange
        self._book = book
        self._keys = keys
        self._limits = settings_of(cfg).limits
        span = cfg.latency.order_ack
        self._metadata = {"latency": round((span.low_ms + span.high_ms) / 2)}

    # ---- one order

    def place(self, request: HttpRequest) -> HttpReply:
        fields = params.body_object(request)
        wanted = self._read(fields)
        placed = self._exchange.place(wanted)
        orders, errors = _parted(placed)
        if not orders:
            raise errors[0]
        reply: dict[str, Any] = {
            "status": "partial_success" if errors else "success",
            "data": {"order_ids": [order.order_id for order in orders]},
            "metadata": self._metadata,
        }
        if errors:
            reply["errors"] = [row(error) for error in errors]
        return _json(200, reply)

    def _read(self, fields: params.Fields) -> OrderRequest:
        wanted = params.place_request(self._keys(), fields, self._limits.slices_per_order)
        self._switch.check(segment(wanted.contract))
        if wanted.contract.exchange == "MCX" and self._exchange.date >= MCX_OFF:
            raise UpstoxError(
                "UDAPI1161",
                "MCX orders are not allowed by API. Use NSCOM.",
                path="instrument_token",
            )
        return wanted

    def place_v2(self, request: HttpRequest) -> Any:
        """The older interface: one order, never in slices."""
        wanted = self._read(params.body_object(request) | {"slice": False})
        (order,) = self._exchange.place(wanted)
        assert isinstance(order, Order)
        return {"order_id": order.order_id}

    def modify_v2(self, request: HttpRequest) -> Any:
        return {"order_id": self._modified(request)}

    def cancel_v2(self, request: HttpRequest) -> Any:
        return {"order_id": self._cancelled(request)}

    def modify(self, request: HttpRequest) -> HttpReply:
        return self._changed(self._modified(request))

    def _modified(self, request: HttpRequest) -> str:
        fields = params.body_object(request)
        order_id = _order_id(params.text(fields, "order_id", "UDAPI1003"))
        self._exchange.modify(
            order_id,
            lambda terms: params.changed_terms(terms, fields),
            times_max=self._limits.modifications_per_order,
        )
        return order_id

    def cancel(self, request: HttpRequest) -> HttpReply:
        return self._changed(self._cancelled(request))

    def _cancelled(self, request: HttpRequest) -> str:
        order_id = _order_id(params.query(request, "order_id", "UDAPI1023"))
        self._exchange.cancel(order_id)
        return order_id

    def _changed(self, order_id: str) -> HttpReply:
        reply = {"status": "success", "data": {"order_id": order_id}, "metadata": self._metadata}
        return _json(200, reply)

    # ---- many

    def place_many(self, request: HttpRequest) -> HttpReply:
        """Every line must be well-formed before any is placed; buys go first."""
        lines = params.body(request)
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise UpstoxError("UDAPI100038", "Invalid input passed to the API")
        if not 1 <= len(lines) <= BATCH_MAX:
            raise UpstoxError("UDAPI100036", f"Send from 1 to {BATCH_MAX} orders")
        wanted, errors = self._read_lines(lines)
        if errors:
            total = len(lines)
            summary = {"total": total, "success": 0, "error": 0, "payload_error": len(errors)}
            return _json(
                400, {"status": "error", "data": None, "errors": errors, "summary": summary}
            )
        data: list[dict[str, str]] = []
        for correlation_id, one in sorted(wanted, key=lambda item: -item[1].side):
            try:
                orders, refused = _parted(self._exchange.place(one))
            except RequestRefused as exc:
                orders, refused = [], [exc]
            data += [
                {"correlation_id": correlation_id, "order_id": order.order_id} for order in orders
            ]
            errors += [row(error) | {"correlation_id": correlation_id} for error in refused]
        summary = {
            "total": len(data) + len(errors),
            "success": len(data),
            "error": len(errors),
            "payload_error": 0,
        }
        status = _status(data, errors)
        reply = {"status": status, "data": data, "errors": errors or None, "summary": summary}
        return _json(400 if status == "error" else 200, reply)

    def _read_lines(
        self, lines: list[dict[str, Any]]
    ) -> tuple[list[tuple[str, OrderRequest]], list[dict[str, Any]]]:
        wanted: list[tuple[str, OrderRequest]] = []
        errors: list[dict[str, Any]] = []
        seen: set[str] = set()
        for line in lines:
            correlation_id = line.get("correlation_id")
            try:
                if (
                    not isinstance(correlation_id, str)
                    or not 1 <= len(correlation_id) <= CORRELATION_MAX
                ):
                    raise bad_field(
                        "correlation_id",
                        "correlation_id should have 1 to 20 characters",
                        value=correlation_id,
                    )
                if correlation_id in seen:
                    raise bad_field(
                        "correlation_id", "correlation_id should be unique", value=correlation_id
                    )
                seen.add(correlation_id)
                one = self._read(line)
                wanted.append((correlation_id, one))
            except RequestRefused as exc:
                errors.append(row(exc) | {"correlation_id": correlation_id})
        return wanted, errors

    def cancel_many(self, request: HttpRequest) -> HttpReply:
        tag, wanted = params.optional_query(request, "tag"), _segment(request)
        done: list[str] = []
        errors: list[dict[str, Any]] = []
        for order in self._exchange.live_orders():
            if (tag is None or order.tag == tag) and wanted in (None, segment(order.contract)):
                try:
                    self._exchange.cancel(order.order_id)
                    done.append(order.order_id)
                except RequestRefused as exc:
                    errors.append(row(exc) | {"order_id": order.order_id})
        return _batch(done, errors)

    def exit(self, request: HttpRequest) -> HttpReply:
        """Market orders with automatic protection against what is open."""
        tag, wanted = params.optional_query(request, "tag"), _segment(request)
        tagged = {
            (order.contract.key, order.product)
            for order in self._exchange.orders()
            if order.tag == tag
        }
        done: list[str] = []
        errors: list[dict[str, Any]] = []
        for position in self._exchange.ledger.positions():
            contract = position.contract
            qty = _open_qty(position)
            if not qty or wanted not in (None, segment(contract)):
                continue
            if tag is not None and (contract.key, position.product) not in tagged:
                continue
            terms = RequestedTerms("MARKET", abs(qty), protection_pct=-1.0)
            against = OrderRequest(
                contract,
                -1 if qty > 0 else 1,
                position.product,
                terms,
                autoslice=True,
                slices_max=self._limits.slices_per_order,
                margin_in_book=True,
            )
            try:
                orders, refused = _parted(self._exchange.place(against))
            except RequestRefused as exc:
                orders, refused = [], [exc]
            done += [order.order_id for order in orders]
            errors += [
                row(error) | {"instrument_key": instrument_key(contract)} for error in refused
            ]
        return _batch(done, errors)

    # ---- reading

    def book(self, request: HttpRequest) -> Any:
        faults = self._exchange.faults
        if faults.refuses_book(self._exchange.clock.now_ns()):
            raise bad_token()
        rows = self._book.rows()
        for told in rows:
            told["average_price"] = faults.tell_average(
                self._exchange.draw_key(told["order_id"]),
                told["filled_quantity"],
                told["average_price"],
            )
        how = faults.take_book()
        shown = faults.spoil("book", how, rows)
        if shown and (bad := faults.take_foreign()) is not None:
            shown = [foreign_row(shown[0], bad), *shown]
        return (
            _json(200, {"status": "partial_success", "data": shown}) if how == "partial" else shown
        )

    def details(self, request: HttpRequest) -> Any:
        return self._book.row(_order_id(params.query(request, "order_id", "UDAPI1023")))

    def history(self, request: HttpRequest) -> Any:
        order_id, tag = (
            params.optional_query(request, "order_id"),
            params.optional_query(request, "tag"),
        )
        if order_id is None and tag is None:
            raise bad_field("order_id", "order_id or tag is required", "UDAPI1023")
        return self._book.history(order_id, tag)

    def trades(self, request: HttpRequest) -> Any:
        shown = self._exchange.faults.tell_trades(
            self._exchange.trades(), self._exchange.clock.now_ns(), lambda trade: trade.ts_ns
        )
        return [trade_row(trade) for trade in shown]

    def order_trades(self, request: HttpRequest) -> Any:
        order_id = _order_id(params.query(request, "order_id", "UDAPI1023"))
        return [trade_row(trade) for trade in self._exchange.order(order_id).trades]

    def no_gtt(self, request: HttpRequest) -> Any:
        raise UpstoxError("UDAPI100036", "GTT orders are not offered by the simulator")

    def gtt(self, request: HttpRequest) -> HttpReply:
        """Orders that wait for a trigger at the broker: none are taken here, so none stand."""
        return _json(200, {"status": "success", "data": [], "metadata": self._metadata})


def _open_qty(position: Position) -> int:
    """What exiting would trade away: of shares for delivery only what was bought today."""
    if not is_short_term(position):
        return 0
    return position.qty - (position.overnight_qty if position.product == "CNC" else 0)


def _parted(placed: Sequence[Order | RequestRefused]) -> tuple[list[Order], list[RequestRefused]]:
    orders = [item for item in placed if isinstance(item, Order)]
    return orders, [item for item in placed if isinstance(item, RequestRefused)]


def _order_id(value: str) -> str:
    if not all(c.isascii() and (c.isalnum() or c == "-") for c in value):
        raise bad_field(
            "order_id", "Order id accepts only alphanumeric characters and '-'", "UDAPI1010", value
        )
    return value


def _segment(request: HttpRequest) -> str | None:
    value = params.optional_query(request, "segment")
    if value is not None and value not in SEGMENTS.values():
        raise bad_field("segment", "Invalid segment", value=value)
    return value


def _status(done: Sequence[object], errors: Sequence[object]) -> str:
    return "success" if not errors else "partial_success" if done else "error"


def _batch(done: list[str], errors: list[dict[str, Any]]) -> HttpReply:
    status = _status(done, errors)
    summary = {"total": len(done) + len(errors), "success": len(done), "error": len(errors)}
    reply = {
        "status": status,
        "data": {"order_ids": done},
        "errors": errors or None,
        "summary": summary,
    }
    return _json(400 if status == "error" else 200, reply)


def _json(status: int, reply: dict[str, Any]) -> HttpReply:
    return HttpReply(status, orjson.dumps(reply))
