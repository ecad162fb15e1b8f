"""What must hold at each state. The broker's orders are the truth; the core's beliefs are compared with them, never asked.

What the engine must not ask for is seen where it asks (`World`): a ClOrdID that comes twice, an entry while it is halted, a
placement sent again before two whole books proved that the first is absent.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.model.canonical import BelievedOrder
from tests.model.state import ExchangeStatus, State, bracket_of, leg_of
from tests.model.world import ABSENT, ViolationError

ENDED = {5: "FILLED", 6: "CANCELED", 7: "REJECTED", 8: "EXPIRED"}
FILLED = 5


def quantities(s: State) -> dict[str, tuple[int, int, int, int]]:
    """By bracket, from the exchange's orders: (entered, open, live exits, the most that one leg has left and may still leave)."""
    found: dict[str, list[int]] = {}
    for tag, o in zip(s.tags, s.orders, strict=True):
        row = found.setdefault(bracket_of(tag), [0, 0, 0, 0, 0])
        if o is None:
            continue
        leg = leg_of(tag)
        if leg in "EF":
            row[0] += o.cum
            row[1] += o.cum
        else:
            row[1] -= o.cum
            row[2] += o.leaves
            row[3 if leg == "S" else 4] += o.cum + o.leaves
    return {key: (row[0], row[1], row[2], max(row[3], row[4])) for key, row in found.items()}


def net_qty(s: State) -> int:
    """What the account holds."""
    return sum(o.side * o.cum for o in s.orders if o is not None)


def check_state(s: State, beliefs: Sequence[BelievedOrder], n_live: int, *, is_oco: bool) -> None:
    """ViolationError when the exchange and what the core believes of it cannot both be right."""
    for i, (bracket, (entered, open_qty, live, most)) in enumerate(sorted(quantities(s).items())):
        if s.taint >> i & 1:
            continue
        if is_oco:
            if most > entered:
                raise ViolationError(
                    f"bracket {bracket}: one leg has left and may leave {most} of {entered} entered"
                )
        elif live > max(open_qty, 0) or open_qty < 0:
            raise ViolationError(f"bracket {bracket}: live exits for {live}, open {open_qty}")
    at_broker = dict(zip(s.tags, range(len(s.tags)), strict=True))
    known = {view.tag for view in beliefs}
    all_told = all(o is None or tag in known for tag, o in zip(s.tags, s.orders, strict=True))
    for view in beliefs:
        i = at_broker[view.tag]
        o = s.orders[i]
        if o is None:
            if view.cum_qty:
                raise ViolationError(
                    f"{view.tag} has filled {view.cum_qty} in the core, and never arrived"
                )
            continue
        if view.cum_qty > o.cum:
            raise ViolationError(
                f"{view.tag} has filled {view.cum_qty} in the core and {o.cum} at the exchange"
            )
        if s.told[i] == o.version:
            if view.cum_qty != o.cum:
                raise ViolationError(
                    f"{view.tag} has filled {o.cum}, which the core was told, and it has booked {view.cum_qty}"
                )
        else:
            all_told = False
        if o.is_live and view.ord_status in ENDED:
            raise ViolationError(
                f"{view.tag} is {ENDED[view.ord_status]} in the core and live at the exchange"
            )
        if o.is_live and view.ord_status == ABSENT and not s.taint:
            u = s.unknown[i]
            if u is None or u.looks < 2:
                raise ViolationError(
                    f"{view.tag} is ABSENT in the core, live at the exchange, and no two whole books lacked it"
                )
    if n_live == 0 and all_told:
        held = net_qty(s)
        live = [tag for tag, o in zip(s.tags, s.orders, strict=True) if o is not None and o.is_live]
        known = {view.tag for view in beliefs if view.ord_status != ABSENT}
        if held or any(tag in known for tag in live):
            raise ViolationError(
                f"the core is flat and has been told everything; the account holds {held}, live orders {live}"
            )


def check_step(before: Sequence[BelievedOrder], after: Sequence[BelievedOrder]) -> None:
    """No order that has ended comes back to life (a late fill ends it as FILLED), and no filled quantity falls."""
    now = {view.tag: view for view in after}
    for view in before:
        new = now.get(view.tag)
        if new is None:
            continue  # a start without a journal
        if new.cum_qty < view.cum_qty:
            raise ViolationError(
                f"{view.tag}: the filled quantity falls from {view.cum_qty} to {new.cum_qty}"
            )
        if view.ord_status in ENDED and new.ord_status not in (view.ord_status, FILLED):
            raise ViolationError(
                f"{view.tag} has ended as {ENDED[view.ord_status]} and becomes {new.ord_status}"
            )


def covered(s: State, *, is_oco: bool) -> bool:
    """Is every open unit covered at the exchange by a live exit, and nothing else live that could open more?"""
    for bracket, (_, open_qty, live, _) in quantities(s).items():
        if open_qty < 0:
            return False
        stops = sum(
            o.leaves
            for tag, o in zip(s.tags, s.orders, strict=True)
            if o is not None and bracket_of(tag) == bracket and leg_of(tag) == "S"
        )
        if (stops if is_oco else live) != open_qty:
            return False
    return True


def is_over(s: State) -> bool:
    """Flat, and no order can trade any more."""
    return net_qty(s) == 0 and all(o is None or o.status > ExchangeStatus.TRIGGER for o in s.orders)
