"""What is open and what protects it, read from the core: for words at the end of a day, at a halt, on
the day's screen.
"""

from collections import Counter
from collections.abc import Iterable

from otrade._core.types import Leg, OrdStatus, Side
from otrade.brokers.session import BrokerPosition
from otrade.live.plan.day_plan import DayPlan
from otrade.units import rupees

FOREIGN_TOLD = 10
WORKING = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED})


def entries_pending(plan: DayPlan) -> bool:
    """Could an entry still trade?"""
    for bracket_id in plan.engine.live_brackets():
        slot = plan.engine.bracket(bracket_id)["entry_slot"]
        if slot >= 0:
            order = plan.engine.order(slot)
            if order["in_doubt"] or order["ord_status"] in (
                *WORKING,
                OrdStatus.PENDING_NEW,
                OrdStatus.UNKNOWN,
            ):
                return True
    return False


def what_is_open(plan: DayPlan) -> str:
    """Every open quantity and the order that protects it, in words."""
    lines = [
        line
        for bracket_id in plan.engine.live_brackets()
        if (line := _open_words(plan, bracket_id))
    ]
    return " ".join(lines) if lines else "Nothing is open."


def uncovered(plan: DayPlan) -> list[str]:
    """Instruments with open quantity that no working stop covers."""
    brackets = [plan.engine.bracket(bracket_id) for bracket_id in plan.engine.live_brackets()]
    return sorted(
        {
            plan.symbol_of(b["instrument_id"])
            for b in brackets
            if b["open_qty"] != b["protected_qty"]
        }
    )


def foreign_words(plan: DayPlan, positions: Iterable[BrokerPosition]) -> str:
    """What the account holds beside what this engine has open; empty when that is nothing."""
    ours = {
        (planned.token, planned.product): net_qty
        for planned, net_qty in zip(plan.instruments, plan.net_of().values(), strict=True)
    }
    held: Counter[tuple[str, str, str]] = Counter()
    for position in positions:
        net_qty = ours.pop((position.instrument_token, position.product), 0)
        name = (position.exchange, position.tradingsymbol, position.product)
        held[name] += position.net_qty - net_qty
    lines = [
        f"{exchange}:{symbol} {qty:+d} {product}"
        for (exchange, symbol, product), qty in held.items()
        if qty
    ]
    more = f" and {len(lines) - FOREIGN_TOLD} more" if len(lines) > FOREIGN_TOLD else ""
    return f"NOT THIS ENGINE'S: {', '.join(lines[:FOREIGN_TOLD])}{more}." if lines else ""


def _open_words(plan: DayPlan, bracket_id: int) -> str:
    bracket = plan.engine.bracket(bracket_id)
    open_qty = bracket["open_qty"]
    if open_qty == 0:
        return ""
    direction = "long" if bracket["side"] == Side.BUY else "short"
    words = f"OPEN: {plan.symbol_of(bracket['instrument_id'])} {open_qty} units {direction}, "
    slot = bracket["stop_slot"]
    order = plan.engine.order(slot) if slot >= 0 else None
    if order is None or order["ord_status"] not in WORKING:
        return words + "WITHOUT a working stop."
    price = order["trigger_e4"] or order["price_e4"]
    covered = bracket["protected_qty"]
    partly = "" if covered >= open_qty else f" for {covered} of them only"
    leg = "stop" if order["leg"] == Leg.STOP and not bracket["target_armed"] else "exit"
    return words + (
        f"{leg} order {order['broker_order_id']} at {rupees(price)} rests at the exchange{partly}."
    )
