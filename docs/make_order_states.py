"""Draw `order-states.md` from the rows of the order table: `python docs/make_order_states.py >
docs/order-states.md`.

The table in `otrade/_core/orders/order.pyx` is the truth; a test holds the committed page equal to
what this prints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from otrade._core.orders.order import PENDING_ROWS, STATUS_ROWS

HEAD = """# Order states

Drawn from the rows of `otrade/_core/orders/order.pyx` by `docs/make_order_states.py`; do not edit by hand.

An order has two axes. `ord_status` is what the exchange last told us, in FIX's words (tag 39), with DENIED for our own gate,
UNKNOWN for a word that is not in our table, and ABSENT for a request that was proved never to have arrived. `pending` is
what we have asked and not heard about; a bit beside it says that even the asking is in doubt. A pair that has no row is
illegal: it changes nothing, and is counted and shown.
"""


def diagram(rows: Iterable[tuple[object, ...]]) -> str:
    """A Mermaid state diagram of the rows that change the state."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state, ev, nxt, _ in rows:
        if state != nxt:
            arrows[state.name, nxt.name].append(ev.name)  # type: ignore[attr-defined]
    lines = [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def table(rows: Iterable[tuple[object, ...]], axis: str) -> str:
    lines = [f"| {axis} | event | becomes | why |", "|---|---|---|---|"]
    lines += [f"| {s.name} | {e.name} | {n.name} | {why} |" for s, e, n, why in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


def page() -> str:
    parts = [HEAD]
    for title, axis, rows in (
        ("What the exchange told us", "ord_status", STATUS_ROWS),
        ("What we asked", "pending", PENDING_ROWS),
    ):
        parts += [f"## {title}\n", diagram(rows), "", table(rows, axis), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")
