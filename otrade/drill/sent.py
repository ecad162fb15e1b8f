"""What an engine sent, over all its lives, held against its budget."""

from collections import Counter, deque
from collections.abc import Container, Iterable
from dataclasses import dataclass

from otrade._core.types import Cmd, Lane

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


class BudgetPassed(AssertionError):
    """More was asked for than the budget allows, in words."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request. `ts_ns`: the engine's own time, whatever its clock was set to."""

    ts_ns: int
    lane: int
    kind: int
    cl_ord_id: str


def check_budget(
    sent: Iterable[SentRequest], budget: dict[str, int], filled: Container[str] = ()
) -> None:
    """No window of a second or a minute holds more requests than the budget, no order more changes,
    no day more placements; and an entry leaves only where the reserve is whole behind it, and one
    request for the stop of every entry that was to fill (`filled`). BudgetPassed.
    """
    rows = sorted(sent, key=lambda row: row.ts_ns)
    for name, window_ns in (("second", SECOND), ("minute", MINUTE)):
        _check_window(
            rows, budget[f"per_{name}"], budget[f"reserve_{name}"], window_ns, name, filled
        )
    changes = Counter(row.cl_ord_id for row in rows if row.kind == Cmd.REPLACE)
    for tag, n in changes.items():
        if n > budget["modifies_per_order"]:
            raise BudgetPassed(
                f"order {tag} was changed {n} times; the budget is {budget['modifies_per_order']}"
            )
    placed = [row for row in rows if row.kind == Cmd.NEW]
    if len(placed) > budget["per_day"]:
        raise BudgetPassed(
            f"{len(placed)} orders were placed; the day's budget is {budget['per_day']}"
        )
    for number, row in enumerate(placed):
        if row.lane == Lane.ENTRY and number >= budget["per_day"] - budget["reserve_day"]:
            raise BudgetPassed(
                f"entry {row.cl_ord_id} is order {number + 1} of the day: it takes from the reserve"
            )


def _check_window(
    rows: list[SentRequest],
    limit: int,
    reserve: int,
    window_ns: int,
    name: str,
    filled: Container[str],
) -> None:
    if not limit:
        return
    recent: deque[SentRequest] = deque()
    for row in rows:
        recent.append(row)
        while recent[0].ts_ns <= row.ts_ns - window_ns:
            recent.popleft()
        if len(recent) > limit:
            raise BudgetPassed(f"{len(recent)} requests within a {name}; the budget is {limit}")
        # Of those at the same moment the core may have decided on others after the entry.
        before = sum(other.ts_ns < row.ts_ns for other in recent)
        if row.lane == Lane.ENTRY and row.kind == Cmd.NEW and before >= limit - reserve:
            raise BudgetPassed(
                f"entry {row.cl_ord_id} left after {before} requests within a {name}: it takes from the reserve"
            )
        # Each entry of the window that filled has had, or still wants, a second request: its stop.
        if row.lane == Lane.ENTRY and row.kind == Cmd.NEW:
            others = sum(
                o.lane == Lane.ENTRY and o.kind == Cmd.NEW and o.cl_ord_id in filled
                for o in recent
                if o is not row
            )
            if others and 2 * others + 2 > limit - reserve:
                raise BudgetPassed(
                    f"entry {row.cl_ord_id} left beside {others} others within a {name}: it takes what their stops want"
                )
