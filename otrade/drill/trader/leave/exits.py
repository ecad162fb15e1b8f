"""The judge of exits: every price that a stop, a target or a way out asks for is one that the
trader too would have asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otrade.drill.trader.leave.held import EnteredBracket, averages_at
from otrade.drill.trader.leave.levels import (
    PriceRange,
    first_triggers,
    ladder,
    may_trail,
    stop_limit,
    stop_trigger,
    targets,
    trailed_trigger,
)
from otrade.drill.trader.record import SessionRecord, ToldQuote
from otrade.drill.trader.replay import SeenTouch
from otrade.drill.trader.terms import ATR, E4
from otrade.drill.trader.tolerances import CLAMPED_NS, CLAMPING
from otrade.simulator.exchange.orders import REJECTED, Order, RequestedTerms

SECOND = 1_000_000_000
FRESH_NS = 2 * SECOND
"""A way out is priced anew once an interval, from a touch of that moment: so long before it stood,
beside the ladder's own interval.
"""
REPRICED_NS = 90 * SECOND
"""For so long after a refusal the price is another one than the touch would give."""
FIRST_PRICES = 3
"""A trail begins at the price before the fill, or at one of the next ones: when the fill is known."""
BLIND_NS = 30 * SECOND
"""A way out without a fresh touch is priced by a quote, or not at all."""


class WrongExit(AssertionError):
    """An exit that asks for a price that no trader would have asked for, in words."""


@dataclass(slots=True)
class ExitCounts:
    """What the judge had to do."""

    n_stops: int = 0
    n_targets: int = 0
    n_ways_out: int = 0
    n_tolerated: int = 0
    """Terms that a trouble leaves open."""


class ExitJudge:
    """One session, once it is over."""

    def __init__(
        self,
        record: SessionRecord,
        brackets: list[EnteredBracket],
        unsure: Callable[[int, int], str],
        possible_moves: Callable[[str, int, int, int], set[int] | None] = lambda *_: None,
    ) -> None:
        """`unsure`: may a trouble have delayed something between these times? `possible_moves`: where
        strategies may have asked for a stop of that side then; None: anywhere.
        """
        self._record = record
        self._brackets = brackets
        self._unsure = unsure
        self._possible_moves = possible_moves
        self.counts = ExitCounts()

    def check(self) -> None:
        """WrongExit for the first thing that is wrong."""
        for bracket in self._brackets:
            for order in bracket.exits:
                if (order.tag or "")[12] in "ST":
                    self._check_terms(bracket, order)

    # ---- prices

    def _check_terms(self, bracket: EnteredBracket, order: Order) -> None:
        """Each thing that this order has asked for."""
        asked: RequestedTerms | None = None
        triggers: set[int] = set()
        for ts_ns, state in order.told:
            terms = state.terms
            if asked is not None and _prices(asked) == _prices(terms):
                continue
            asked = terms
            if self._is_open_to_doubt(bracket, order, ts_ns):
                self.counts.n_tolerated += 1
            elif terms.order_type == "SL":
                self._check_stop(bracket, order, ts_ns, terms)
            elif terms.order_type == "LIMIT" and (order.tag or "")[12] == "T":
                self._check_target(bracket, order, ts_ns, terms)
            elif terms.order_type == "LIMIT" and terms.price_e4 not in triggers:
                self._check_way_out(bracket, order, ts_ns, terms)
            if terms.order_type == "SL":
                triggers.add(terms.price_e4)

    def _is_open_to_doubt(self, bracket: EnteredBracket, order: Order, ts_ns: int) -> bool:
        """May the price be drawn in to a band, or be another one since it was refused? May another
        process have adopted the position without knowing what it had paid?
        """
        if self._record.in_force(CLAMPING, ts_ns - CLAMPED_NS, ts_ns):
            return True
        lives = self._record.lives[1:]
        if any(
            not life.has_journal and bracket.entry.ts_placed_ns < life.started_ns < ts_ns
            for life in lives
        ):
            return True
        return any(
            state.status == REJECTED and ts_ns - REPRICED_NS <= told_ns < ts_ns
            for other in bracket.exits
            for told_ns, state in other.told
        ) or _was_refused(order, ts_ns)

    def _check_stop(
        self, bracket: EnteredBracket, order: Order, ts_ns: int, terms: RequestedTerms
    ) -> None:
        averages = averages_at(self._record, bracket, ts_ns)
        if averages is None:
            raise WrongExit(f"stop {order.tag} was sent before anything had been filled")
        self.counts.n_stops += 1
        side, tick_e4, expected = bracket.side, bracket.instrument.tick_e4, list[str]()
        for plan in bracket.plans:
            if stop_limit(plan, side, terms.trigger_e4, tick_e4) != terms.price_e4:
                wanted_e4 = stop_limit(plan, side, terms.trigger_e4, tick_e4)
                expected.append(f"a limit of {wanted_e4 / E4:.2f} behind that trigger")
                continue
            first = first_triggers(plan, side, averages, bracket.sent_at(), tick_e4)
            if (
                first is None
                or first.holds(terms.trigger_e4)
                or self._was_moved(bracket, ts_ns, terms)
            ):
                return
            expected.append(f"a trigger of {first.words}")
            if plan.get("trail_kind", 0) and self._may_trail(bracket, plan, ts_ns, averages, terms):
                return
        raise WrongExit(
            f"stop {order.tag} asks for trigger {terms.trigger_e4 / E4:.2f} and limit {terms.price_e4 / E4:.2f}; "
            f"the trader expects {' or '.join(expected)}"
        )

    def _was_moved(self, bracket: EnteredBracket, ts_ns: int, terms: RequestedTerms) -> bool:
        """Has its strategy asked for a stop there? Where a trouble moves what it has seen, nobody
        knows where.
        """
        if any(one.level_e4 == terms.trigger_e4 and one.ts_ns <= ts_ns for one in bracket.moves):
            return True
        if not bracket.moves or not self._unsure(bracket.opened_ns, ts_ns):
            return False
        key, side = bracket.instrument.key, bracket.side
        levels = self._possible_moves(key, side, bracket.opened_ns, ts_ns)
        if levels is not None:
            return terms.trigger_e4 in levels
        self.counts.n_tolerated += 1
        return True

    def _may_trail(
        self,
        bracket: EnteredBracket,
        plan: Mapping[str, Any],
        ts_ns: int,
        averages: PriceRange,
        terms: RequestedTerms,
    ) -> bool:
        """Is the trigger the trail's distance behind a price that was the best when it was seen?"""
        if plan["trail_kind"] == ATR:
            return True
        side, tick_e4 = bracket.side, bracket.instrument.tick_e4
        filled_ns = bracket.opened_ns
        seen = bracket.prices(filled_ns, ts_ns)
        # The fill is told while prices come; late where pushes were lost.
        is_late = self._unsure(filled_ns, filled_ns)
        for first in range(len(seen) if is_late else FIRST_PRICES):
            best_e4 = 0
            for one in seen[first:]:
                if best_e4 and (one.ltp_e4 - best_e4) * side <= 0:
                    continue
                best_e4 = one.ltp_e4
                found = [
                    trailed_trigger(plan, side, best_e4, paid_e4, tick_e4)
                    for paid_e4 in (averages.low_e4, averages.high_e4)
                ]
                has_begun = any(
                    may_trail(plan, side, best_e4, paid_e4)
                    for paid_e4 in (averages.low_e4, averages.high_e4)
                )
                if has_begun and min(found) <= terms.trigger_e4 <= max(found):
                    return True
        return any(
            stop_trigger(paid_e4, side, abs(paid_e4 - terms.trigger_e4), tick_e4)
            == terms.trigger_e4
            and trailed_trigger(plan, side, paid_e4, paid_e4, tick_e4) == terms.trigger_e4
            for paid_e4 in (averages.low_e4, averages.high_e4)
        )

    def _check_target(
        self, bracket: EnteredBracket, order: Order, ts_ns: int, terms: RequestedTerms
    ) -> None:
        averages = averages_at(self._record, bracket, ts_ns)
        self.counts.n_targets += 1
        if averages is None:
            raise WrongExit(f"target {order.tag} was sent before anything had been filled")
        expected = []
        for plan in bracket.plans:
            found = targets(plan, bracket.side, averages, bracket.instrument.tick_e4)
            if plan["target_kind"] == ATR or (found and found.holds(terms.price_e4)):
                return
            expected.append(found.words if found else "none")
        raise WrongExit(
            f"target {order.tag} asks for {terms.price_e4 / E4:.2f}; the trader expects {' or '.join(expected)}"
        )

    def _check_way_out(
        self, bracket: EnteredBracket, order: Order, ts_ns: int, terms: RequestedTerms
    ) -> None:
        """A limit in the stop's place: at the target, or a step of the ladder."""
        averages = averages_at(self._record, bracket, ts_ns)
        side, tick_e4 = bracket.side, bracket.instrument.tick_e4
        self.counts.n_ways_out += 1
        for plan in bracket.plans:
            at_target = targets(plan, side, averages, tick_e4) if averages else None
            if plan["target_kind"] == ATR or (at_target and at_target.holds(terms.price_e4)):
                return
            since_ns = ts_ns - FRESH_NS - round(plan["ladder_interval_ns"])
            for one in self._touches(bracket, since_ns, ts_ns):
                far_e4 = one.bid_e4 if side > 0 else one.ask_e4
                touch_e4 = one.ltp_e4
                if far_e4:
                    touch_e4 = min(far_e4, touch_e4) if side > 0 else max(far_e4, touch_e4)
                if terms.price_e4 in ladder(plan, side, touch_e4, tick_e4):
                    return
        if self._unsure(ts_ns - BLIND_NS, ts_ns):
            self.counts.n_tolerated += 1
            return
        raise WrongExit(
            f"exit {order.tag} asks for {terms.price_e4 / E4:.2f}: neither its target nor a step of its ladder"
        )

    def _touches(
        self, bracket: EnteredBracket, from_ns: int, until_ns: int
    ) -> list[SeenTouch | ToldQuote]:
        """What a way out may be priced by: packets and quotes of that time, and where no packet has
        come since, the last quote before it.
        """
        seen = bracket.prices(from_ns, until_ns)
        quotes = [
            one
            for one in self._record.quotes
            if one.key == bracket.instrument.key and one.ts_ns <= until_ns
        ]
        last = [one for one in quotes if one.ts_ns < from_ns][-1:]
        if seen and last and last[0].ts_ns < seen[0].ts_ns:
            last = []
        return [*seen, *last, *(one for one in quotes if one.ts_ns >= from_ns)]


def _prices(terms: RequestedTerms) -> tuple[str, int, int]:
    return terms.order_type, terms.price_e4, terms.trigger_e4


def _was_refused(order: Order, ts_ns: int) -> bool:
    """Has the exchange turned down a change of it shortly before?"""
    return any(
        state.status_message and ts_ns - REPRICED_NS <= told_ns < ts_ns
        for told_ns, state in order.told
    )
