"""A virtual contract note: rates of the financial year 2026-27, as shares of the order's value, in
rupees.
"""

from typing import Any

from .orders import Request

# (STT buy, STT sell, exchange, stamp on buy), shares of turnover
_RATES = {
    "CNC": (0.001, 0.001, 0.000030699, 0.00015),
    "MIS": (0.0, 0.00025, 0.000030699, 0.00003),
    "FUT": (0.0, 0.0005, 0.000018299, 0.00002),
    "OPT": (0.0, 0.0015, 0.000355299, 0.00003),
}
SEBI = 0.000001
GST = 0.18


def charges(request: Request, price: float) -> dict[str, Any]:
    """What an order filled whole at `price` rupees would cost."""
    contract = request.contract
    kind = (
        "OPT" if contract.is_option else "FUT" if contract.expiry is not None else request.product
    )
    stt_buy, stt_sell, exchange_rate, stamp_rate = _RATES[kind]
    value = price * request.terms.quantity * contract.multiplier
    brokerage = 0.0 if kind == "CNC" else 20.0 if kind == "OPT" else min(20.0, value * 0.0003)
    tax = value * (stt_buy if request.side > 0 else stt_sell)
    turnover, sebi = value * exchange_rate, value * SEBI
    stamp = value * stamp_rate if request.side > 0 else 0.0
    gst = GST * (brokerage + turnover + sebi)
    return {
        "transaction_tax": tax,
        "transaction_tax_type": "ctt" if contract.exchange == "MCX" else "stt",
        "exchange_turnover_charge": turnover,
        "sebi_turnover_charge": sebi,
        "brokerage": brokerage,
        "stamp_duty": stamp,
        "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst},
        "total": tax + turnover + sebi + brokerage + stamp + gst,
    }
