"""Money: size and profit. Integers throughout; a float enters only as what a person typed
(rupees, a count).

Bounds: values are e4 (ten-thousandths of a rupee) times units and must stay below 2^63, about 9e14
rupees.
"""

from otrade._core.kernels._abi import f8, i4, i8, kernel


@kernel(i8(i8, i8, i8, i8, i8))
def pnl_e4(sell_value_e4, buy_value_e4, net_qty, mark_e4, multiplier):
    """Profit = (sold - bought + net * mark) * multiplier, exact. Source: accounting identity; Kite
    documents the same sum.
    """
    return (sell_value_e4 - buy_value_e4 + net_qty * mark_e4) * multiplier


@kernel(i8(i4, f8, i8, i8, i8, i8, i8))
def size_qty(mode, value, px_e4, stop_distance_e4, lot, max_qty, multiplier):
    """Units to trade, whole lots, never more than asked: 0 `value` units, 1 `value` rupees of
    notional, 2 `value` rupees at risk.

    Risk sizing (Tharp, "Trade Your Way to Financial Freedom"): quantity = risk / (distance to the
    stop). `max_qty` 0 is no cap. A value beyond 9e14 (or none at all) gives 0: nobody means it, and
    it would not fit.
    """
    if lot <= 0 or multiplier <= 0 or not (value > 0.0) or value > 9e14:
        return 0
    if mode == 0:
        qty = int(value)
    else:
        unit = (px_e4 if mode == 1 else stop_distance_e4) * multiplier
        if unit <= 0:
            return 0
        budget = int(value * 10000.0)
        qty = budget // unit
    if max_qty > 0 and qty > max_qty:
        qty = max_qty
    return qty // lot * lot
