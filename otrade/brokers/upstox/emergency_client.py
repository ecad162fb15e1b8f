"""Upstox without an engine: one request at a time, for the watchdog."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from otrade._core.types import OrdType, Source
from otrade.brokers.book_cache import table_of
from otrade.brokers.parse import clean_text, count, decimal, price_e4
from otrade.brokers.quote_rows import quote_of
from otrade.brokers.session import (
    Answer,
    BrokerPosition,
    BrokerQuote,
    BrokerRows,
    Funds,
    Holding,
    OrderReport,
    OrderTerms,
)
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.one_shot_orders import OneShotOrders
from otrade.brokers.transport.rest_client import JSON
from otrade.brokers.upstox.error_map import answer_of
from otrade.brokers.upstox.reports import funds_of, position_of, report_of
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.clock import Clock
from otrade.errors import BrokerError

SIDES = {1: "BUY", -1: "SELL"}
ORD_TYPES = {OrdType.LIMIT: "LIMIT", OrdType.SL: "SL"}


class UpstoxEmergencyClient:
    """See `EmergencyClient`. Instruments are known by the key in their orders' rows: no instrument
    file is needed.
    """

    def __init__(
        self, rest: Endpoint, orders: Endpoint, algo_name: str, *, clock: Clock, timeout_ns: int
    ) -> None:
        self._clock = clock
        self._access_token = ""
        self._algo_name = algo_name
        self._listing = SymbolMap()
        self._rest = UpstoxRest(rest, clock=clock, timeout_ns=timeout_ns)
        self._orders = OneShotOrders(
            orders, clock, timeout_ns, headers=self._headers, answer_of=answer_of
        )

    def __repr__(self) -> str:
        return "UpstoxEmergencyClient()"

    def _headers(self) -> list[str]:
        lines = ["Accept: application/json", f"Authorization: Bearer {self._access_token}"]
        return [*lines, f"X-Algo-Name: {self._algo_name}"] if self._algo_name else lines

    def set_access_token(self, access_token: str) -> None:
        self._access_token = access_token
        self._rest.set_access_token(access_token)

    async def order_book(self) -> BrokerRows[OrderReport]:
        now_ns = self._clock.now_ns()
        return table_of(
            await self._rest.orders(),
            lambda row: report_of(row, Source.BOOK, now_ns, self._listing),
            "order_id",
        )

    async def positions(self) -> BrokerRows[BrokerPosition]:
        return table_of(
            await self._rest.positions(),
            lambda row: position_of(row, self._listing),
            "trading_symbol",
        )

    async def funds(self) -> list[Funds]:
        return funds_of(await self._rest.funds())

    async def holdings(self) -> BrokerRows[Holding]:
        return table_of(await self._rest.holdings(), holding_of, "trading_symbol")

    async def mtf_positions(self) -> BrokerRows[BrokerPosition]:
        return table_of(
            await self._rest.mtf_positions(),
            lambda row: position_of(row, self._listing),
            "trading_symbol",
        )

    async def quote(self, like: OrderReport) -> BrokerQuote:
        key = _key(like)
        row = (await self._rest.quotes([key])).get(key)
        found = quote_of(row)
        if found is None:
            raise BrokerError(f"the broker quotes no {like.tradingsymbol}")
        return found

    async def place(self, like: OrderReport, side: int, terms: OrderTerms, tag: str) -> Answer:
        body = _terms(terms) | {
            "instrument_token": _key(like),
            "transaction_type": SIDES[side],
            "product": product_word(like.product),
            "is_amo": False,
            "slice": False,
            "tag": tag,
        }
        return await self._orders.send("POST", "/v3/order/place", _json(body), JSON)

    async def modify(self, order: OrderReport, terms: OrderTerms) -> Answer:
        body = _terms(terms) | {"order_id": order.broker_order_id}
        return await self._orders.send("PUT", "/v3/order/modify", _json(body), JSON)

    async def cancel(self, order: OrderReport) -> Answer:
        return await self._orders.send(
            "DELETE", f"/v3/order/cancel?{urlencode({'order_id': order.broker_order_id})}"
        )

    def close(self) -> None:
        self._rest.close()


def product_word(product: str) -> str:
    """Upstox's word: intraday or delivery."""
    return "I" if product == "MIS" else "D"


def _terms(terms: OrderTerms) -> dict[str, object]:
    return {
        "quantity": terms.qty,
        "order_type": ORD_TYPES[OrdType(terms.ord_type)],
        "price": orjson.Fragment(decimal(terms.price_e4)),
        "trigger_price": orjson.Fragment(decimal(terms.trigger_e4)),
        "validity": "DAY",
        "disclosed_quantity": 0,
    }


def _json(body: dict[str, object]) -> bytes:
    return orjson.dumps(body)


def _key(order: OrderReport) -> str:
    return str(order.raw.get("instrument_key") or order.raw.get("instrument_token") or "")


def holding_of(row: Mapping[str, Any]) -> Holding:
    """One row of the long-term holdings. What was bought yesterday is part of the quantity there."""
    return Holding(
        clean_text(row.get("exchange")),
        clean_text(row.get("trading_symbol") or row.get("tradingsymbol")),
        clean_text(row.get("isin")),
        count(row, "quantity"),
        count(row, "t1_quantity"),
        price_e4(row, "average_price"),
        price_e4(row, "last_price"),
        count(row, "collateral_quantity"),
    )
