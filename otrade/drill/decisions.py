"""Entries counted by the decision that they belong to: the limits are for the whole of it, however
many slices the exchange sees.

Which strategy an order is of, the engine is asked; what it has done there, the exchange's book
tells. Slices that are sent while something of the strategy's earlier ones is open or live belong to
the decision that those began.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from otrade._core.types import NONE_ID

OVERTAKEN_NS = 1_000_000_000
"""Slices of one decision overtake each other on their way by less than this."""


@dataclass(slots=True)
class Decision:
    """What one strategy has asked for since it was flat."""

    brackets: set[str] = field(default_factory=set)
    qty: int = 0
    began_ns: int = 0
    """When the first of its orders reached the exchange."""


class Decisions:
    """`strategy_of`: whose bracket a ClOrdID's is; NONE_ID when nobody knows."""

    def __init__(self, strategy_of: Callable[[str], int]) -> None:
        self._strategy_of = strategy_of
        self._present: dict[int, Decision] = {}
        self.made: list[Decision] = []
        self.strategy_of_bracket: dict[str, int] = {}

    def admit(
        self, tag: str, qty: int, placed_ns: int, is_over: Callable[[str], bool]
    ) -> Decision | None:
        """An entry has reached the exchange. `is_over`: a bracket holds nothing and has no live
        order.
        """
        strategy_id = self._strategy_of(tag)
        if strategy_id == NONE_ID:
            return None
        self.strategy_of_bracket[tag[2:12]] = strategy_id
        decision = self._present.get(strategy_id)
        if (
            decision is not None
            and tag[2:12] < min(decision.brackets)
            and placed_ns > decision.began_ns + OVERTAKEN_NS
        ):
            # Sent before all of these, and carried out late: one of an earlier decision's.
            late = Decision({tag[2:12]}, qty, placed_ns)
            self.made.append(late)
            return late
        if decision is None or all(is_over(bracket) for bracket in decision.brackets):
            decision = self._present[strategy_id] = Decision(began_ns=placed_ns)
            self.made.append(decision)
        decision.brackets.add(tag[2:12])
        decision.qty += qty
        return decision
