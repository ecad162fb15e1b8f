"""A virtual contract note of one order, by the rates of its day."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from otrade.simulator.exchange import charge_rates
from otrade.simulator.exchange.orders import OrderRequest

Brokerage = Callable[[str, float, dt.date], float]
"""What a broker takes of one order: of its kind (CNC, MIS, FUT or OPT), value and date."""


def charges(
    request: OrderRequest, price: float, date: dt.date, brokerage_of: Brokerage
) -> dict[str, Any]:
    """What an order filled whole at `price` rupees would cost on that day. `ipft` is a part
    of the exchange's charge.
    """
    contract = request.contract
    kind = (
        "OPT" if contract.is_option else "FUT" if contract.expiry is not None else request.product
    )
    at_home = f"{contract.exchange} {kind}" if contract.expiry is not None else contract.exchange
    value = price * request.terms.quantity * contract.multiplier
    is_buy = request.side > 0
    brokerage = brokerage_of(kind, value, date)
    taxed = contract.exchange != "CDS" and (not is_buy or kind == "CNC")
    tax_of = at_home if contract.exchange == "MCX" else kind
    tax = value * charge_rates.at(charge_rates.STT_SELL[tax_of], date) if taxed else 0.0
    turnover = value * charge_rates.at(charge_rates.EXCHANGE[at_home], date)
    fund = (
        value * charge_rates.at(charge_rates.FUND[at_home], date)
        if at_home in charge_rates.FUND
        else 0.0
    )
    sebi = value * charge_rates.at(charge_rates.SEBI, date)
    stamp = value * charge_rates.STAMP.get(at_home, charge_rates.STAMP[kind]) if is_buy else 0.0
    gst = charge_rates.GST * (brokerage + turnover + fund + sebi)
    return {
        "transaction_tax": tax,
        "transaction_tax_type": "ctt" if contract.exchange == "MCX" else "stt",
        "exchange_turnover_charge": turnover + fund,
        "sebi_turnover_charge": sebi,
        "brokerage": brokerage,
        "stamp_duty": stamp,
        "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst},
        "total": tax + turnover + fund + sebi + brokerage + stamp + gst,
        "ipft": fund,
    }
