"""Terms of an entry: how many units, in which orders, at which price.

The price is that of the touch that trades at once: for a buy the higher of last price and best
ask, for a sale the lower of last price and best bid; the limit is `entry_offset_bps` through it,
rounded through the market to the tick.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.replay import SeenTouch

E4 = 10_000
BPS, RUPEES, ATR = 1, 2, 3
"""Kinds of a distance."""
UNITS, NOTIONAL = 0, 1
"""Size modes; the third, 2, is rupees at risk."""
MARKET_ENTRY = 1
SLICES_MAX = 10
"""Orders that one decision may be."""


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """What is to be sent. `limit_e4` 0: at the market. `why_not`: nothing may be sent, and why."""

    side: int
    qty: int
    slice_qty: int
    limit_e4: int
    why_not: str = ""

    @property
    def words(self) -> str:
        price = f"at {self.limit_e4 / E4:.2f}" if self.limit_e4 else "at the market"
        return f"{'buy' if self.side > 0 else 'sell'} {self.qty} {price}"


def entry_terms(
    instrument: TraderInstrument,
    plan: Mapping[str, Any],
    side: int,
    touch: SeenTouch,
    atr: float = 0.0,
) -> EntryTerms:
    """What a plan asks for at these prices."""
    price_e4 = touch.ltp_e4
    if side > 0:
        price_e4 = max(price_e4, touch.ask_e4)
    elif touch.bid_e4:
        price_e4 = min(price_e4, touch.bid_e4)
    limit_e4 = 0
    if plan.get("entry_type", 0) != MARKET_ENTRY:
        limit_e4 = through(price_e4, side, plan.get("entry_offset_bps", 0.0), instrument.tick_e4)
    stop_at_e4, target_at_e4 = plan.get("stop_at_e4", 0), plan.get("target_at_e4", 0)
    distance_e4 = distance(plan["stop_kind"], plan["stop_value"], price_e4, atr)
    if stop_at_e4:
        distance_e4 = (price_e4 - stop_at_e4) * side
    if not instrument.tick_e4 <= distance_e4 < price_e4:
        return EntryTerms(side, 0, 0, limit_e4, "its stop would have no place")
    if target_at_e4 and (target_at_e4 - price_e4) * side <= 0:
        return EntryTerms(side, 0, 0, limit_e4, "its target would lie behind the price")
    qty = plan.get("own_qty", 0)
    if qty and plan["max_qty"] and qty > plan["max_qty"]:
        return EntryTerms(side, 0, 0, limit_e4, "its file asks for more than max_qty")
    qty = qty or _units(instrument, plan, price_e4, distance_e4)
    if qty <= 0:
        return EntryTerms(side, 0, 0, limit_e4, "its size is nothing")
    slice_qty = qty
    if instrument.freeze_qty and qty > instrument.freeze_qty:
        slice_qty = instrument.freeze_qty // instrument.lot * instrument.lot
    too_many = f"it would be more than {SLICES_MAX} orders" if qty > SLICES_MAX * slice_qty else ""
    return EntryTerms(side, qty, slice_qty, limit_e4, too_many)


def through(price_e4: int, side: int, bps: float, tick_e4: int) -> int:
    """A limit so far through the price, on a tick, and never below one."""
    wanted = price_e4 + side * Fraction(bps) * price_e4 / E4
    ticks = math.ceil(wanted / tick_e4) if side > 0 else math.floor(wanted / tick_e4)
    return max(ticks, 1) * tick_e4


def distance(kind: int, value: float, price_e4: int, atr: float) -> int:
    """A distance of a plan, from that price."""
    if kind == BPS:
        exact = price_e4 * value / E4
    elif kind == RUPEES:
        exact = value * E4
    else:
        exact = value * atr * E4 if kind == ATR else 0.0
    return math.floor(exact + 0.5)


def with_atr(plan: Mapping[str, Any], atr: float) -> Mapping[str, Any]:
    """A plan whose multiples of the ATR at its signal are rupees. The stop's is of the ATR itself,
    the others' of the ATR in ten-thousandths of a rupee, as the position keeps it.
    """
    kept = math.floor(atr * E4 + 0.5) / E4
    found = dict(plan)
    for name, names in (
        ("stop", ("stop_value",)),
        ("target", ("target_value",)),
        ("trail", ("trail_value", "trail_step_value", "trail_from_value")),
    ):
        if plan.get(f"{name}_kind") == ATR and atr:
            by = atr if name == "stop" else kept
            found |= {
                f"{name}_kind": RUPEES,
                **{value: plan[value] * by for value in names if value in plan},
            }
    return found


def _units(
    instrument: TraderInstrument, plan: Mapping[str, Any], price_e4: int, distance_e4: int
) -> int:
    """Whole lots, never more than asked."""
    value = plan["size_value"]
    if plan["size_mode"] == UNITS:
        qty = int(value)
    else:
        unit_e4 = price_e4 if plan["size_mode"] == NOTIONAL else distance_e4
        qty = int(value * E4) // (unit_e4 * instrument.multiplier)
    if plan["max_qty"]:
        qty = min(qty, plan["max_qty"])
    return int(qty // instrument.lot * instrument.lot)
