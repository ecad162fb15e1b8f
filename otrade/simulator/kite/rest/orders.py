"""REST answers about orders, trades, positions and margins."""

from typing import Any

import orjson

from otrade.simulator.base.errors import RequestRefused, bad_input
from otrade.simulator.base.universe import E4
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest
from otrade.simulator.kite.rest import pre_checks, request_params
from otrade.simulator.kite.rest.contract_note import charges
from otrade.simulator.kite.rest.replies import bad_token, error_type
from otrade.simulator.kite.rest.rows import (
    foreign_row,
    funds_row,
    order_row,
    position_row,
    trade_row,
)
from otrade.simulator.kite.rest.settings import KiteLimits
from otrade.simulator.net.http_server import HttpRequest


class OrderRoutes:
    """One method a route; each takes the request and the path's parameters and returns `data`."""

    def __init__(self, exchange: OrderSystem, limits: KiteLimits) -> None:
        self._exchange = exchange
        self._limits = limits

    def place(self, request: HttpRequest, variety: str) -> Any:
        wanted = request_params.place_request(
            self._exchange.market.universe, variety, request.form(), self._limits.slices_per_order
        )
        pre_checks.check(wanted, self._exchange.clock.now_ns(), self._exchange.date)
        placed = self._exchange.place(wanted)
        ids: list[dict[str, Any]] = []
        for item in placed:
            if isinstance(item, Order):
                ids.append({"order_id": item.order_id})
            else:
                error = {
                    "code": item.status,
                    "error_type": error_type(item),
                    "message": item.message,
                    "data": None,
                }
                ids.append({"error": error})
        if not wanted.autoslice:
            return ids[0]
        first = next((item for item in ids if "order_id" in item), None)
        if first is None:
            assert isinstance(placed[0], RequestRefused)
            raise placed[0]
        return first | {"children": ids} if len(ids) > 1 else first

    def modify(self, request: HttpRequest, variety: str, order_id: str) -> Any:
        fields = request.form()
        self._same_variety(variety, order_id)
        self._exchange.modify(
            order_id,
            lambda terms: request_params.changed_terms(terms, fields),
            times_max=self._limits.modifications_per_order,
        )
        return {"order_id": order_id}

    def cancel(self, request: HttpRequest, variety: str, order_id: str) -> Any:
        self._same_variety(variety, order_id)
        self._exchange.cancel(order_id)
        return {"order_id": order_id}

    def _same_variety(self, variety: str, order_id: str) -> None:
        if self._exchange.order(order_id).variety != variety:
            raise bad_input("Invalid `variety`. It should be the order's own.")

    def book(self, request: HttpRequest) -> Any:
        faults = self._exchange.faults
        if faults.refuses_book(self._exchange.clock.now_ns()):
            raise bad_token()
        rows = []
        for state in self._exchange.book():
            row = order_row(state)
            row["average_price"] = faults.tell_average(
                state.order.draw_key, row["filled_quantity"], row["average_price"]
            )
            rows.append(row)
        shown = faults.spoil("book", faults.take_book(), rows)
        if shown and (bad := faults.take_foreign()) is not None:
            return [foreign_row(shown[0], bad), *shown]
        return shown

    def history(self, request: HttpRequest, order_id: str) -> Any:
        return [order_row(state) for state in self._exchange.order(order_id).history]

    def trades(self, request: HttpRequest) -> Any:
        shown = self._exchange.faults.tell_trades(
            self._exchange.trades(), self._exchange.clock.now_ns(), lambda trade: trade.ts_ns
        )
        return [trade_row(trade) for trade in shown]

    def order_trades(self, request: HttpRequest, order_id: str) -> Any:
        return [trade_row(trade) for trade in self._exchange.order(order_id).trades]

    def positions(self, request: HttpRequest) -> Any:
        net, day = [], []
        for position in self._exchange.ledger.positions():
            quote = self._exchange.market.quote(position.contract)
            net.append(position_row(position, quote.ltp_e4, quote.prev_close_e4))
            if position.buy_qty or position.sell_qty:
                day.append(position_row(position, quote.ltp_e4, quote.prev_close_e4, day=True))
        faults = self._exchange.faults
        return {"net": faults.spoil("positions", faults.take_positions(), net), "day": day}

    def nothing(self, request: HttpRequest) -> Any:
        return []

    def no_gtt(self, request: HttpRequest, trigger_id: str = "") -> Any:
        raise bad_input("GTT orders are not offered by the simulator.")

    def funds(self, request: HttpRequest) -> Any:
        return funds_row(self._exchange.funds())

    def segment_funds(self, request: HttpRequest, segment: str) -> Any:
        funds = funds_row(self._exchange.funds())
        if segment not in funds:
            raise bad_input("Invalid `segment`. Use equity or commodity.")
        return funds[segment]

    def margins(self, request: HttpRequest) -> Any:
        return [self._margin(item) for item in self._wanted(request)]

    def basket(self, request: HttpRequest) -> Any:
        """`initial` is what each order would block by itself; `final` what they would together."""
        wanted = self._wanted(request)
        rows = [self._margin(item) for item in wanted]
        with_positions = request.query.get("consider_positions", ["false"])[-1] == "true"
        final = self._exchange.margin_together(wanted, with_positions=with_positions)
        is_told = self._exchange.cfg.second_exit != "untold"
        initial = sum(row["total"] for row in rows)
        return {
            "initial": _sum_row(initial if is_told else None),
            "final": _sum_row(final if is_told else None),
            "orders": rows,
            "charges": {"total": sum(row["charges"]["total"] for row in rows)},
        }

    def contract_notes(self, request: HttpRequest) -> Any:
        rows = []
        for wanted, fields in self._items(request):
            price = request_params.decimal(fields, "average_price") or wanted.terms.price_e4 / E4
            rows.append(
                {
                    "transaction_type": fields["transaction_type"],
                    "tradingsymbol": wanted.contract.tradingsymbol,
                    "exchange": wanted.contract.exchange,
                    "variety": wanted.variety,
                    "product": wanted.product,
                    "order_type": wanted.terms.order_type,
                    "quantity": wanted.terms.quantity,
                    "price": price,
                    "charges": charges(wanted, price, self._exchange.market.date),
                }
            )
        return rows

    def _wanted(self, request: HttpRequest) -> list[OrderRequest]:
        return [wanted for wanted, _ in self._items(request)]

    def _items(self, request: HttpRequest) -> list[tuple[OrderRequest, dict[str, str]]]:
        try:
            rows = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise bad_input("Invalid JSON body.") from None
        if (
            not isinstance(rows, list)
            or not all(isinstance(row, dict) for row in rows)
            or len(rows) > 500
        ):
            raise bad_input("Invalid body. Send an array of at most 500 orders.")
        found = []
        for row in rows:
            fields = {str(name): str(value) for name, value in row.items() if value is not None}
            fields.setdefault("order_type", "LIMIT")
            variety = fields.get("variety", "regular")
            found.append(
                (
                    request_params.place_request(
                        self._exchange.market.universe,
                        variety,
                        fields,
                        self._limits.slices_per_order,
                    ),
                    fields,
                )
            )
        return found

    def _margin(self, wanted: OrderRequest) -> dict[str, Any]:
        contract = wanted.contract
        total = self._exchange.margin_of(wanted)
        price_e4 = wanted.terms.price_e4 or self._exchange.market.quote(contract).ltp_e4
        option, future = contract.is_option, contract.expiry is not None
        return {
            "type": "commodity" if contract.exchange == "MCX" else "equity",
            "tradingsymbol": contract.tradingsymbol,
            "exchange": contract.exchange,
            "span": total if future and not (option and wanted.side > 0) else 0,
            "exposure": 0,
            "option_premium": total if option and wanted.side > 0 else 0,
            "additional": 0,
            "bo": 0,
            "cash": 0,
            "var": 0 if future else total,
            "pnl": {"realised": 0, "unrealised": 0},
            "leverage": 5 if wanted.product == "MIS" and not future else 1,
            "charges": charges(wanted, price_e4 / E4, self._exchange.market.date),
            "total": total,
        }


def _sum_row(total: float | None) -> dict[str, Any]:
    """A basket's sum: the fields of one order's row, without its names."""
    parts = dict.fromkeys(
        ("span", "exposure", "option_premium", "additional", "bo", "cash", "var", "leverage"), 0
    )
    return {
        "type": "",
        "tradingsymbol": "",
        "exchange": "",
        **parts,
        "pnl": {"realised": 0, "unrealised": 0},
        "total": total,
    }
