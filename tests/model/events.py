"""What may happen next. An event is a short tuple; `world.py` does it. Trouble is bounded by the plan of the check, so that paths
go deep: everything that comes prompt and in order costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from otrade._core.types import Cmd
from tests.model.state import PX_E4, ExchangeStatus, Px, State, Used, is_marketable, leg_of

Event = tuple[Any, ...]
PROMPT, HELD, TIMED_OUT = 0, 1, 2
SHORT, LONG, VERY_LONG = 0, 1, 2
STEP_NS = (610_000_000, 2_630_000_000, 31_070_000_000)
"""Time passes by these. Longer than: the wait for a triggered stop's fill and the chase; the gap between looks, a ladder's step and the
wait for a busy order; the longest pause. No sum of a few of them is one of the core's own times.
"""


def events(s: State, bounds: Sequence[int], troubles: int, is_hurried: bool) -> Iterator[Event]:
    """All that is possible from here: of each trouble as many as its bound, and of all together `troubles`. Time passes by the short step
    only where something is due sooner than by the long one (`is_hurried`).
    """
    free = troubles - sum(s.used) + s.used[Used.MOVE] + s.used[Used.PART]
    left = [min(bound - used, free) for bound, used in zip(bounds, s.used, strict=True)]
    for kind in (Used.MOVE, Used.PART):
        left[kind] = bounds[kind] - s.used[kind]
    for i, r in enumerate(s.wire):
        if r.late:
            yield ("take", i, HELD, PROMPT)
            if left[Used.HOLD] > 0:
                yield ("take", i, HELD, HELD)
            continue
        yield ("take", i, PROMPT, PROMPT)
        if left[Used.HOLD] > 0:
            yield ("take", i, HELD, PROMPT)
            yield ("take", i, PROMPT, HELD)
            if left[Used.HOLD] > 1:
                yield ("take", i, HELD, HELD)
        if left[Used.LOST] > 0:
            yield ("take", i, TIMED_OUT, HELD)
            yield ("lose", i)
        if left[Used.LATE] > 0:
            yield ("late", i)
        if left[Used.REFUSAL] > 0:
            yield ("refuse", i)
    px_e4 = PX_E4[s.px]
    for i, o in enumerate(s.orders):
        if o is None:
            continue
        if is_marketable(o, px_e4):
            yield ("fill", i, o.leaves, PROMPT)
            if left[Used.HOLD] > 0:
                yield ("fill", i, o.leaves, HELD)
            if o.leaves > 1 and left[Used.PART] > 0:
                yield ("fill", i, 1, PROMPT)
                if left[Used.HOLD] > 0:
                    yield ("fill", i, 1, HELD)
        if o.is_live and left[Used.REJECT] > 0:
            yield ("reject", i)
        if o.status == ExchangeStatus.CANCELLED and o.cum < o.qty and left[Used.LATE_FILL] > 0:
            yield ("late_fill", i)
    seen = set()
    for i, item in enumerate(s.mail):
        if item in seen:
            continue
        seen.add(item)
        yield ("deliver", i)
        if item[0] == "push" and left[Used.DOUBLE] > 0:
            yield ("double", i)
    if s.book_ns:
        yield ("book", -1)
        if left[Used.BOOK] > 0:
            yield ("book_read",)
            for i, o in enumerate(s.orders):
                if o is not None and o.is_live:
                    yield ("book", i)
    if is_hurried:
        yield ("time", SHORT)
    yield ("time", LONG)
    if left[Used.LONG] > 0:
        yield ("time", VERY_LONG)
    if left[Used.MOVE] > 0:
        for px in Px:
            if px not in (s.px, Px.DOWN):
                yield ("price", int(px))
    if left[Used.SIGNAL] > 0 and s.px in (Px.UP, Px.DOWN):
        yield ("signal",)
    if left[Used.PERSON] > 0:
        yield ("flatten",)
        yield ("halt", 0 if s.halt else 2)
    if left[Used.SQUARE_OFF] > 0:
        yield ("square_off",)
    if left[Used.RESTART] > 0:
        yield ("restart",)
        yield ("lost_journal",)


def words(event: Event, s: State) -> str:
    """An event for people, in the state before it."""
    kind = event[0]
    if kind in ("take", "lose", "late", "refuse"):
        r = s.wire[event[1]]
        what = {Cmd.NEW: "placement", Cmd.REPLACE: "modification", Cmd.CANCEL: "cancel"}[
            Cmd(r.kind)
        ]
        text = f"{what} of {leg_of(s.tags[r.order])}{r.order}"
        if kind == "lose":
            return f"the {text} is lost; its sender times out"
        if kind == "late":
            return f"the {text} times out and is still under way"
        if kind == "refuse":
            return f"the broker refuses the {text}"
        answer = ("answered", "the answer is under way", "the answer is lost")[event[2]]
        return f"the {text} arrives{' after all' if r.late else f'; {answer}'}{'; its push is under way' if event[3] else ''}"
    if kind in ("fill", "reject", "late_fill"):
        name = f"{leg_of(s.tags[event[1]])}{event[1]}"
        if kind == "reject":
            return f"the exchange rejects {name}"
        if kind == "late_fill":
            return f"{name} fills after its cancel was told"
        return f"{name} fills {event[2]}{'; its push is under way' if event[3] else ''}"
    if kind in ("deliver", "double"):
        return f"{'once more and again later' if kind == 'double' else 'comes'}: {s.mail[event[1]]}"
    if kind == "book":
        return "the order book comes" + (
            "" if event[1] < 0 else f", lacking {leg_of(s.tags[event[1]])}{event[1]}"
        )
    if kind == "time":
        return f"{STEP_NS[event[1]] / 1e9:g} s pass"
    if kind == "price":
        return f"the price goes to {Px(event[1]).name}"
    return {
        "book_read": "the order book is read, and comes later",
        "signal": f"a signal: the price crosses to {'DOWN' if s.px == Px.UP else 'UP'}",
        "flatten": "a person flattens",
        "halt": "a person halts" if event[-1] else "a person re-arms",
        "square_off": "the time of the square-off comes",
        "lost_journal": "the engine dies and its journal is lost",
        "restart": "the engine dies and goes on from its journal",
    }[kind]
