"""Upstox's portfolio and money: positions, holdings, funds, margins, charges."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from otrade.simulator.base.formats import rupees
from otrade.simulator.base.listings import ISINS
from otrade.simulator.base.universe import E4
from otrade.simulator.exchange import charge_rates
from otrade.simulator.exchange.contract_note import charges
from otrade.simulator.exchange.funds import AccountFunds
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms
from otrade.simulator.net.http_server import HttpRequest
from otrade.simulator.upstox.rest import request_params as params
from otrade.simulator.upstox.rest.errors import bad_field, bad_key
from otrade.simulator.upstox.rest.names import InstrumentKeys, model_product
from otrade.simulator.upstox.rest.rows import holding_row, is_short_term, position_row

MARGIN_INSTRUMENTS_MAX = 20
_PLAN = {"CNC": (1.0, 20.0), "MIS": (1e-3, 20.0), "FUT": (5e-4, 20.0), "OPT": (1.0, 20.0)}
_BY_API = [("2020-01-01", 0.0), ("2024-09-01", 10.0), ("2026-10-01", -1.0)]
"""An order by API; below 0: as any other order of the basic plan."""


def brokerage(kind: str, value: float, date: dt.date) -> float:
    """What Upstox takes of an order by API, at first its own fixed sum. See `Brokerage`."""
    flat = charge_rates.at(_BY_API, date)
    return flat if flat >= 0 else charge_rates.of_plan(_PLAN, kind, value)


class UpstoxPortfolio:
    """One method a route."""

    def __init__(self, exchange: OrderSystem, keys: Callable[[], InstrumentKeys]) -> None:
        self._exchange = exchange
        self._keys = keys

    def positions(self, request: HttpRequest) -> Any:
        market = self._exchange.market
        rows = [
            position_row(position, market.quote(position.contract))
            for position in self._exchange.ledger.positions()
            if is_short_term(position)
        ]
        faults = self._exchange.faults
        return faults.spoil("positions", faults.take_positions(), rows)

    def holdings(self, request: HttpRequest) -> Any:
        market = self._exchange.market
        return [
            holding_row(
                position, market.quote(position.contract), ISINS[position.contract.tradingsymbol]
            )
            for position in self._exchange.ledger.positions()
            if position.product == "CNC" and position.overnight_qty > 0
        ]

    def mtf_positions(self, request: HttpRequest) -> Any:
        """The product MTF is not offered."""
        return []

    def convert(self, request: HttpRequest) -> Any:
        """A position of the day gets another product."""
        fields = params.body_object(request)
        key = params.text(fields, "instrument_token", "UDAPI1026")
        contract = self._keys().find(key)
        if contract is None or not contract.tradable:
            raise bad_key(key, "instrument_token")
        products = []
        for name in ("old_product", "new_product"):
            wanted = params.text(fields, name, "UDAPI100036")
            product = model_product(wanted, contract)
            if product is None:
                raise bad_field(name, "Use I or D", value=wanted)
            products.append(product)
        old, new = products
        held = self._exchange.ledger.held(contract, old)
        if old == new or held * params.side_of(fields) <= 0:
            raise bad_field("quantity", "There is no such position to convert", "UDAPI1035")
        quantity = params.whole(fields, "quantity")
        if quantity <= 0 or quantity % contract.lot:
            raise bad_field("quantity", "Quantity is invalid", value=quantity)
        self._exchange.rms.convert(contract.key, old, new, quantity)
        return {"status": "complete"}

    def funds(self, request: HttpRequest) -> Any:
        """Each segment by itself; all money is in the equity segment."""
        names = {"SEC": "equity", "COM": "commodity"}
        wanted = params.optional_query(request, "segment")
        if wanted is not None and wanted not in names:
            raise bad_field("segment", "Use SEC or COM", value=wanted)
        funds = self._exchange.funds()
        return {
            name: _segment_funds(funds if code == "SEC" else AccountFunds(0, 0, 0, 0, 0))
            for code, name in names.items()
            if wanted in (None, code)
        }

    def whole_funds(self, request: HttpRequest) -> Any:
        """The third version: one tree over all segments."""
        funds = self._exchange.funds()
        net = rupees(funds.net_e4)
        realised, unrealised = rupees(funds.realised_e4), rupees(funds.unrealised_e4)
        used = _margin_used(rupees(funds.blocked_e4)) | {
            "loss": {
                "total": max(0, -realised) + max(0, -unrealised),
                "realised": max(0, -realised),
                "unrealised": max(0, -unrealised),
            }
        }
        return {
            "available_to_trade": {
                "total": net,
                "cash_available_to_trade": {
                    "total": net,
                    "cash": {
                        "opening_balance": rupees(funds.opening_e4),
                        "added_today": 0,
                        "withdrawn_today": 0,
                        "amount_from_stock_sale": 0,
                        "unpaid_charges": 0,
                    },
                    "margin_used": used,
                },
                "pledge_available_to_trade": {
                    "total": 0,
                    "margin_from_pledge": {"total": 0, "equity": 0, "mutual_funds": 0},
                    "margin_used": _margin_used(0),
                },
            },
            "unavailable_to_trade": {
                "cash_unavailable_to_trade": {
                    "unsettled_profit": {"todays_profit": max(0, realised), "previous_days": 0}
                },
                "pledge_unavailable_to_trade": {"equity": 0, "mutual_funds": 0},
            },
        }

    def margin(self, request: HttpRequest) -> Any:
        rows = params.body_object(request).get("instruments")
        if not isinstance(rows, list) or not 1 <= len(rows) <= MARGIN_INSTRUMENTS_MAX:
            raise bad_field("instruments", f"Send from 1 to {MARGIN_INSTRUMENTS_MAX} instruments")
        wanted = [self._wanted(row) for row in rows]
        margins = [self._margin(item) for item in wanted]
        if self._exchange.cfg.second_exit == "untold":
            return {"margins": margins, "required_margin": None, "final_margin": None}
        total = sum(margin["total_margin"] for margin in margins)
        return {
            "margins": margins,
            "required_margin": total,
            "final_margin": self._exchange.margin_together(wanted),
        }

    def _wanted(self, fields: Any) -> OrderRequest:
        if not isinstance(fields, dict):
            raise bad_field("instruments", "Each instrument should be an object")
        return self._request(fields, "instrument_key")

    def _margin(self, wanted: OrderRequest) -> dict[str, Any]:
        total = self._exchange.margin_of(wanted)
        contract = wanted.contract
        premium = contract.is_option and wanted.side > 0
        span = contract.expiry is not None and not premium
        return {
            "span_margin": total if span else 0,
            "exposure_margin": 0,
            "equity_margin": 0 if contract.expiry is not None else total,
            "net_buy_premium": total if premium else 0,
            "additional_margin": 0,
            "total_margin": total,
            "tender_margin": 0,
        }

    def brokerage(self, request: HttpRequest) -> Any:
        fields: dict[str, Any] = {name: values[-1] for name, values in request.query.items()}
        for name in ("quantity", "price"):
            text = params.query(request, name)
            try:
                fields[name] = int(text) if text.isdigit() else float(text)
            except ValueError:
                raise bad_field(name, f"{name} should be a number", value=text) from None
        wanted = self._request(fields, "instrument_token")
        told = charges(wanted, wanted.terms.price_e4 / E4, self._exchange.market.date, brokerage)
        other = {
            "transaction": told["exchange_turnover_charge"] - told["ipft"],
            "clearing": 0,
            "ipft": told["ipft"],
            "sebi_turnover": told["sebi_turnover_charge"],
        }
        plan = {"name": "PLUS", "min_expense": 20}
        return {
            "charges": {
                "total": told["total"],
                "brokerage": told["brokerage"],
                "taxes": {
                    "gst": told["gst"]["total"],
                    "stt": told["transaction_tax"],
                    "stamp_duty": told["stamp_duty"],
                },
                "other_charges": other,
                "otherTaxes": other,
                "dp_plan": plan,
                "dpPlan": plan,
            }
        }

    def _request(self, fields: dict[str, Any], key_name: str) -> OrderRequest:
        key = params.text(fields, key_name, "UDAPI1026")
        contract = self._keys().find(key)
        if contract is None or not contract.tradable:
            raise bad_key(key, key_name)
        name = params.text(fields, "product", "UDAPI100036")
        product = model_product(name, contract)
        if product is None:
            raise bad_field("product", "Use I or D", value=name)
        quantity = params.whole(fields, "quantity")
        if quantity <= 0:
            raise bad_field("quantity", "Quantity cannot be zero", "UDAPI1052", quantity)
        terms = RequestedTerms("LIMIT", quantity, params.price_e4(fields, "price"))
        return OrderRequest(contract, params.side_of(fields), product, terms)


def _segment_funds(funds: AccountFunds) -> dict[str, Any]:
    return {
        "used_margin": rupees(funds.blocked_e4),
        "payin_amount": 0,
        "span_margin": rupees(funds.blocked_e4),
        "adhoc_margin": 0,
        "notional_cash": 0,
        "available_margin": rupees(funds.net_e4),
        "exposure_margin": 0,
    }


def _margin_used(total: float) -> dict[str, Any]:
    return {
        "total": total,
        "mtf": 0,
        "span_exposure": total,
        "cash_margin_var_elm": 0,
        "premium_present": 0,
        "delivery_margin": {"total": 0, "equity": 0, "fo_settlement": 0},
    }
