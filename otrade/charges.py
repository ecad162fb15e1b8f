"""Charges of orders, through the package `indian-trading-charges`: rates with their circulars, in
exact decimals.

Charges are for Zerodha's plan and follow the segment: intraday (MIS) or delivery (CNC) for stocks,
futures, options (on the premium). The rates are those of the package's release (from 1 April 2026),
for every day: an older day is charged as if it were today. What the package does not price
(commodity, currency) counts as 0 and `charge_segment` says so. Imported when asked: nothing on the
trading path needs it.
"""

from __future__ import annotations

from decimal import Decimal

E4 = Decimal(10_000)
FUTURES_AND_OPTIONS = {"FUT": "futures", "CE": "options", "PE": "options"}


def charge_segment(exchange: str, instrument_type: str, product: str) -> str:
    """The package's word for what is traded; "" when it does not price it."""
    if exchange not in ("NSE", "BSE", "NFO", "BFO"):
        return ""
    if instrument_type in FUTURES_AND_OPTIONS:
        return FUTURES_AND_OPTIONS[instrument_type]
    return "delivery" if product == "CNC" else "intraday"


def order_charges_e4(exchange: str, segment: str, side: int, qty: int, value_e4: int) -> int:
    """Charges of one executed order in e4 rupees, to the nearest. `value_e4` is price times units
    times multiplier.

    Brokerage is per order ("0.03 % or Rs 20, whichever is lower"), so slices and exits each pay
    their own.
    """
    if not segment or qty <= 0:
        return 0
    from indian_charges.core import leg

    made = leg(
        turnover=Decimal(value_e4) / E4,
        side="buy" if side > 0 else "sell",
        segment=segment,
        exchange="BSE" if exchange in ("BSE", "BFO") else "NSE",
    )
    return int((made.total * E4).to_integral_value())
