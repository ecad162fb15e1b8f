"""Contract notes as Kite writes them, with Zerodha's brokerage."""

import datetime as dt
from typing import Any

from otrade.simulator.exchange import charge_rates, contract_note
from otrade.simulator.exchange.orders import OrderRequest

_PLAN = {"CNC": (0.0, 0.0), "MIS": (3e-4, 20.0), "FUT": (3e-4, 20.0), "OPT": (1.0, 20.0)}


def brokerage(kind: str, value: float, date: dt.date) -> float:
    """See `Brokerage`."""
    return charge_rates.of_plan(_PLAN, kind, value)


def charges(request: OrderRequest, price: float, date: dt.date) -> dict[str, Any]:
    """What an order filled whole at `price` rupees would cost on that day. The fund that is told
    apart elsewhere is in the exchange's charge.
    """
    told = contract_note.charges(request, price, date, brokerage)
    del told["ipft"]
    return told
