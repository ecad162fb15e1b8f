"""Limits of size, value, positions and trades, troubles or not: each entry at the exchange beside the
trader's decisions, which he has counted from the exchange's books.

A limit is for a whole decision, however many slices the exchange sees. Where nobody can know which
decision an order belongs to, it is held to the limits by itself, and counts for no other.
"""

from collections.abc import Callable, Iterable

from otrade.drill.trader.holdings import EnteredDecision, SeenBracket
from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.tolerances import DOUBT
from otrade.simulator.exchange.orders import Order

SECOND = 1_000_000_000
ATTRIBUTED_NS = 60 * SECOND
"""An order that is late because of a trouble may be so long behind its signal."""


class LimitPassed(AssertionError):
    """An entry beyond a limit, in words."""


class LimitJudge:
    """One session, once it is over."""

    def __init__(
        self,
        instruments: Iterable[TraderInstrument],
        decisions: list[EnteredDecision],
        unsure: Callable[[int, int], str],
        loosest: Callable[[str, int], int],
        sent_ns: Callable[[Order], int],
        was_known: Callable[[int, Order], bool],
    ) -> None:
        """`unsure`: may a trouble have delayed something between these times? `loosest`: the highest
        value of a limit that was in force since then, 0: none was. `sent_ns`: no earlier an order has
        left. `was_known`: must whoever sent it have known what had happened then?
        """
        self._instruments = {one.key: one for one in instruments}
        self._unsure = unsure
        self._loosest = loosest
        self._sent_ns = sent_ns
        self._was_known = was_known
        self._decisions = decisions
        self._certain = {
            id(one): one for one in decisions if one.brackets and self._is_certain(one)
        }

    def check(self) -> None:
        """LimitPassed for the first entry that is beyond one."""
        entries = [
            (bracket.entry.ts_placed_ns, number, decision, bracket)
            for number, decision in enumerate(self._decisions)
            for bracket in decision.brackets
            if bracket.entry.tag  # what was taken over was somebody else's to size
        ]
        for _, _, decision, bracket in sorted(entries, key=lambda row: row[:2]):
            self._check_size(decision, bracket)
            self._check_trades(decision, bracket.entry)
            self._check_positions(decision, bracket.entry)

    def _is_certain(self, decision: EnteredDecision) -> bool:
        """Are these orders this strategy's, and of one decision?"""
        instrument = self._instruments[decision.brackets[0].entry.contract.key]
        if any(bracket.also for bracket in decision.brackets):
            return False
        if len(instrument.strategies) == 1:
            # What was sent before may arrive among what is sent now, where answers are lost.
            return len(decision.brackets) == 1 or all(
                self._unsure(one.entry.ts_placed_ns - ATTRIBUTED_NS, one.entry.ts_placed_ns)
                != DOUBT
                for one in decision.brackets
            )
        return not any(
            self._unsure(bracket.entry.ts_placed_ns - ATTRIBUTED_NS, bracket.entry.ts_placed_ns)
            for bracket in decision.brackets
        )

    def _asked(self, decision: EnteredDecision, bracket: SeenBracket) -> int:
        """Units of the whole decision, up to this order."""
        own = [bracket]
        if id(decision) in self._certain:
            own = [
                one
                for one in decision.brackets
                if one.entry.ts_placed_ns <= bracket.entry.ts_placed_ns
            ]
        return sum(one.entry.history[0].terms.quantity for one in own)

    def _check_size(self, decision: EnteredDecision, bracket: SeenBracket) -> None:
        """A whole decision, and what it is worth at its limit. At the market it is the engine's last
        price that counts, and the order may stand at the exchange as a limit at its protection.
        """
        entry, asked = bracket.entry, self._asked(decision, bracket)
        max_qty = self._loosest("max_order_qty", self._sent_ns(entry))
        if max_qty and asked > max_qty:
            raise LimitPassed(
                f"entry {entry.tag} makes {asked} units of one decision; max_order_qty is {max_qty}"
            )
        instrument = self._instruments[entry.contract.key]
        if any(strategy.plan.get("entry_type") for strategy in instrument.strategies):
            return
        limit_e4 = self._loosest("max_order_notional_e4", self._sent_ns(entry))
        value_e4 = asked * entry.history[0].terms.price_e4 * instrument.multiplier
        if limit_e4 and value_e4 > limit_e4:
            raise LimitPassed(
                f"entry {entry.tag} makes {value_e4 / 10_000:.2f} of one decision; the limit is {limit_e4 / 10_000:.2f}"
            )

    def _others(self, decision: EnteredDecision) -> list[EnteredDecision]:
        """Decisions that this one surely is no part of."""
        others = [one for one in self._certain.values() if one is not decision]
        if id(decision) in self._certain:
            return others
        key = decision.brackets[0].entry.contract.key
        return [one for one in others if one.brackets[0].entry.contract.key != key]

    def _check_trades(self, decision: EnteredDecision, entry: Order) -> None:
        """No further decision once as many have traded as the day may have, also where that was
        lowered since.
        """
        limit = self._loosest("max_trades", self._sent_ns(entry))
        traded = [one for one in self._others(decision) if self._has_traded(one, entry)]
        if limit and len(traded) >= limit:
            raise LimitPassed(
                f"entry {entry.tag} was placed after {len(traded)} trades; the limit is {limit}"
            )

    def _check_positions(self, decision: EnteredDecision, entry: Order) -> None:
        """No entry above the limit of open positions. What one strategy holds is one position, in
        however many brackets.
        """
        limit = self._loosest("max_open_positions", self._sent_ns(entry))
        held = {
            one.strategy.number
            for one in self._others(decision)
            if one.is_surely_open(entry.ts_placed_ns) and self._has_traded(one, entry)
        } - {decision.strategy.number}
        if limit and len(held) >= limit:
            raise LimitPassed(
                f"entry {entry.tag} was placed beside {len(held)} open positions; the limit is {limit}"
            )

    def _has_traded(self, decision: EnteredDecision, entry: Order) -> bool:
        """Has something of it been filled, as whoever sent the entry must have known?"""
        if decision.since_ns >= entry.ts_placed_ns:
            return False
        return any(
            self._was_known(trade.ts_ns, entry)
            for bracket in decision.brackets
            for trade in bracket.entry.trades[:1]
        )
