"""A virtual contract note of one order, by the rates of its day."""

import datetime as dt
from typing import Any

from . import levies
from .orders import Request


def charges(request: Request, price: float, date: dt.date, broker: str = "kite") -> dict[str, Any]:
    """What an order filled whole at `price` rupees would cost on that day. `ipft` is what Kite adds to the exchange's charge."""
    contract = request.contract
    kind = "OPT" if contract.is_option else "FUT" if contract.expiry is not None else request.product
    at_home = f"{contract.exchange} {kind}" if contract.expiry is not None else contract.exchange
    value = price * request.terms.quantity * contract.multiplier
    is_buy = request.side > 0
    brokerage = levies.brokerage(broker, kind, value, date)
    taxed = contract.exchange != "CDS" and (not is_buy or kind == "CNC")
    tax_of = at_home if contract.exchange == "MCX" else kind
    tax = value * levies.at(levies.STT_SELL[tax_of], date) if taxed else 0.0
    turnover = value * levies.at(levies.EXCHANGE[at_home], date)
    fund = value * levies.at(levies.FUND[at_home], date) if at_home in levies.FUND else 0.0
    sebi = value * levies.at(levies.SEBI, date)
    stamp = value * levies.STAMP.get(at_home, levies.STAMP[kind]) if is_buy else 0.0
    gst = levies.GST * (brokerage + turnover + fund + sebi)
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


def kite_charges(request: Request, price: float, date: dt.date) -> dict[str, Any]:
    """The same as Kite writes it."""
    told = charges(request, price, date)
    del told["ipft"]
    return told
