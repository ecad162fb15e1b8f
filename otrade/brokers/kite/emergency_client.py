"""Kite without an engine: one request at a time, for the watchdog."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from otrade._core.types import OrdType, Source
from otrade.brokers.book_cache import table_of
from otrade.brokers.kite.error_map import answer_of
from otrade.brokers.kite.reports import report_of
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.kite.session import funds_of, position_of
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
from otrade.brokers.transport.rest_client import FORM
from otrade.clock import Clock
from otrade.errors import BrokerError

SIDES = {1: "BUY", -1: "SELL"}
ORD_TYPES = {OrdType.LIMIT: "LIMIT", OrdType.SL: "SL"}


class KiteEmergencyClient:
    """See `EmergencyClient`."""

    def __init__(
        self, endpoint: Endpoint, api_key: str, algo_id: str, *, clock: Clock, timeout_ns: int
    ) -> None:
        self._clock = clock
        self._api_key = api_key
        self._algo_id = algo_id
        self._access_token = ""
        self._rest = KiteRest(endpoint, api_key, clock=clock, timeout_ns=timeout_ns)
        self._orders = OneShotOrders(
            endpoint, clock, timeout_ns, headers=self._headers, answer_of=answer_of
        )

    def __repr__(self) -> str:
        return "KiteEmergencyClient()"

    def _headers(self) -> list[str]:
        return ["X-Kite-Version: 3", f"Authorization: token {self._api_key}:{self._access_token}"]

    def set_access_token(self, access_token: str) -> None:
        self._access_token = access_token
        self._rest.set_access_token(access_token)

    async def order_book(self) -> BrokerRows[OrderReport]:
        now_ns = self._clock.now_ns()
        return table_of(
            await self._rest.orders(), lambda row: report_of(row, Source.BOOK, now_ns), "order_id"
        )

    async def positions(self) -> BrokerRows[BrokerPosition]:
        return table_of((await self._rest.positions())["net"], position_of, "tradingsymbol")

    async def funds(self) -> list[Funds]:
        return funds_of(await self._rest.margins())

    async def holdings(self) -> BrokerRows[Holding]:
        return table_of(await self._rest.holdings(), holding_of, "tradingsymbol")

    async def mtf_positions(self) -> BrokerRows[BrokerPosition]:
        return BrokerRows()  # the day's stand among the positions, the others among the holdings

    async def quote(self, like: OrderReport) -> BrokerQuote:
        name = f"{like.exchange}:{like.tradingsymbol}"
        row = (await self._rest.quote([name])).get(name)
        found = quote_of(row)
        if found is None:
            raise BrokerError(f"the broker quotes no {name}")
        return found

    async def place(self, like: OrderReport, side: int, terms: OrderTerms, tag: str) -> Answer:
        form = _form(terms) | {
            "exchange": like.exchange,
            "tradingsymbol": like.tradingsymbol,
            "transaction_type": SIDES[side],
            "product": like.product,
            "tag": tag,
        }
        if self._algo_id:
            form["algo_id"] = self._algo_id
        return await self._orders.send("POST", "/orders/regular", urlencode(form).encode(), FORM)

    async def modify(self, order: OrderReport, terms: OrderTerms) -> Answer:
        return await self._orders.send("PUT", _path(order), urlencode(_form(terms)).encode(), FORM)

    async def cancel(self, order: OrderReport) -> Answer:
        return await self._orders.send("DELETE", _path(order))

    def close(self) -> None:
        self._rest.close()


def _form(terms: OrderTerms) -> dict[str, str]:
    form = {
        "quantity": str(terms.qty),
        "order_type": ORD_TYPES[OrdType(terms.ord_type)],
        "price": decimal(terms.price_e4),
        "validity": "DAY",
    }
    if terms.trigger_e4:
        form["trigger_price"] = decimal(terms.trigger_e4)
    return form


def _path(order: OrderReport) -> str:
    variety = str(order.raw.get("variety") or "regular")
    return f"/orders/{quote(variety, safe='')}/{quote(order.broker_order_id, safe='')}"


def holding_of(row: Mapping[str, Any]) -> Holding:
    """One row of `/portfolio/holdings`. What was bought yesterday is counted apart there."""
    t1_qty = count(row, "t1_quantity")
    mtf = row.get("mtf")
    return Holding(
        clean_text(row.get("exchange")),
        clean_text(row.get("tradingsymbol")),
        clean_text(row.get("isin")),
        count(row, "quantity") + t1_qty,
        t1_qty,
        price_e4(row, "average_price"),
        price_e4(row, "last_price"),
        count(row, "collateral_quantity"),
        count(mtf, "quantity") if isinstance(mtf, dict) else 0,
    )
