"""Upstox's questions about contracts: an underlying's options, their chain, and a search."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import orjson

from otrade.simulator.base.formats import rupees
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.exchange.greeks import greeks
from otrade.simulator.exchange.market_data import OI_UNITS, MarketSnapshot, oi_unit
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.net.http_server import HttpReply, HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import bad_field, bad_key
from otrade.simulator.upstox.rest.instruments import record
from otrade.simulator.upstox.rest.names import InstrumentKeys, instrument_key

RECORDS_MAX = 30
"""On a page of a search."""


class UpstoxContracts:
    """One method a route."""

    def __init__(self, exchange: OrderSystem, keys: Callable[[], InstrumentKeys]) -> None:
        self._exchange = exchange
        self._keys = keys

    def _options(self, request: HttpRequest) -> list[ListedContract]:
        """Of the underlying that is asked about, all or those of one expiry."""
        key = params.query(request, "instrument_key", "UDAPI1026")
        under = self._keys().find(key)
        if under is None or under.expiry is not None:
            raise bad_key(key)
        text = params.optional_query(request, "expiry_date")
        try:
            expiry = None if text is None else dt.date.fromisoformat(text)
        except ValueError:
            raise bad_field("expiry_date", "Use yyyy-mm-dd", value=text) from None
        return [
            contract
            for contract in self._keys().universe.contracts
            if contract.is_option
            and contract.root == under.root
            and expiry in (None, contract.expiry)
        ]

    def options(self, request: HttpRequest) -> Any:
        return [self._row(contract) for contract in self._options(request)]

    def _row(self, contract: ListedContract) -> dict[str, Any]:
        row = record(contract, self._keys().universe)
        if "expiry" in row:
            row["expiry"] = str(contract.expiry)
        return row

    def chain(self, request: HttpRequest) -> Any:
        """A row a strike, with both of its options."""
        params.query(request, "expiry_date", "UDAPI1088")
        by_strike: dict[int, dict[str, ListedContract]] = {}
        for contract in self._options(request):
            by_strike.setdefault(contract.strike_e4, {})[contract.instrument_type] = contract
        rows = []
        for strike_e4, pair in sorted(by_strike.items()):
            call, put = (self._exchange.market.quote(pair[kind]) for kind in ("CE", "PE"))
            under = self._exchange.market.quote(self._keys().universe.underlying(call.contract))
            rows.append(
                {
                    "expiry": str(call.contract.expiry),
                    "pcr": put.oi / call.oi if call.oi else 0.0,
                    "strike_price": rupees(strike_e4),
                    "underlying_key": instrument_key(under.contract),
                    "underlying_spot_price": rupees(under.ltp_e4),
                    "call_options": self._side(call),
                    "put_options": self._side(put),
                }
            )
        return rows

    def _side(self, quote: MarketSnapshot) -> dict[str, Any]:
        bids, asks = quote.depth()
        values = greeks(self._exchange.market.outlook(quote.contract), quote.contract)
        return {
            "instrument_key": instrument_key(quote.contract),
            "market_data": {
                "ltp": rupees(quote.ltp_e4),
                "volume": quote.volume,
                "oi": quote.oi,
                "close_price": rupees(quote.prev_close_e4),
                "bid_price": rupees(bids[0].price_e4) if bids else 0,
                "bid_qty": bids[0].qty if bids else 0,
                "ask_price": rupees(asks[0].price_e4) if asks else 0,
                "ask_qty": asks[0].qty if asks else 0,
                "prev_oi": oi_unit(quote.contract) * OI_UNITS,
            },
            "option_greeks": {
                "vega": values.vega,
                "theta": values.theta,
                "gamma": values.gamma,
                "delta": values.delta,
                "iv": values.iv * 100,
                "pop": 0.0,
            },
        }

    def search(self, request: HttpRequest) -> HttpReply:
        """What has all words of the query in its names; further parameters narrow it."""
        words = params.query(request, "query").upper().split()
        names = ("exchanges", "segments", "instrument_types")
        allowed = {name.removesuffix("s"): params.optional_query(request, name) for name in names}
        expiry = params.optional_query(request, "expiry")
        found = []
        for contract in self._keys().universe.contracts:
            row = self._row(contract)
            told = f"{row['name']} {row['trading_symbol']}".upper()
            if all(word in told for word in words) and all(
                text in (None, "ALL") or str(row[field]) in str(text).split(",")
                for field, text in allowed.items()
            ):
                if expiry in (None, row.get("expiry")):
                    found.append(row)
        size = min(_whole(request, "records", RECORDS_MAX), RECORDS_MAX)
        page = _whole(request, "page_number", 1)
        told_page = {
            "page_number": page,
            "total_pages": -(-len(found) // size),
            "records": len(found[(page - 1) * size : page * size]),
            "total_records": len(found),
        }
        reply = {
            "status": "success",
            "data": found[(page - 1) * size : page * size],
            "meta_data": {"page": told_page},
        }
        return HttpReply(200, orjson.dumps(reply))


def _whole(request: HttpRequest, name: str, default: int) -> int:
    text = params.optional_query(request, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text)):
        raise bad_field(name, f"{name} should be a whole number above 0", value=text)
    return int(text)
