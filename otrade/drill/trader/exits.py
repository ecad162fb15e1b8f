"""The judge of exits: every price that a stop, a target or a way out asks for is one that the
trader too would have asked for, and nothing is held beyond its time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otrade.drill.trader.levels import (
    PriceRange,
    first_triggers,
    ladder,
    stop_limit,
    stop_trigger,
    targets,
    trailed_trigger,
)
from otrade.drill.trader.plan import TradedInstrument, TradedStrategy
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.replay import SeenTouch
from otrade.drill.trader.terms import ATR, E4
from otrade.drill.trader.tolerances import CLAMPED_NS, CLAMPING
from otrade.simulator.exchange.orders import REJECTED, Order, OrderState, RequestedTerms

SECOND = 1_000_000_000
ROUNDED_E4 = 100
"""An average is told in paise, or its fourth decimal is cut: by so much it may differ."""
SENT_NS = 2 * SECOND
"""The price at which an entry was sent is one that was seen so long before its arrival."""
FRESH_NS = 2 * SECOND
"""A way out is priced anew once an interval, from a touch of that moment: so long before it stood,
beside the ladder's own interval.
"""
QUIET_NS = 120 * SECOND
"""After a trouble for so long a position may leave late."""
OUT_NS = 2 * SECOND
"""After its time a position is on its way out within this."""
WRONG_AVERAGE = frozenset({"avg_missing", "avg_revised", "trades_late"})
"""Fills whose price is not told, or told wrongly at first: the last price stands in for it."""
WRONG_AVERAGE_SHARE = 0.006
REPRICED_NS = 90 * SECOND
"""For so long after a refusal the price is another one than the touch would give."""
CLOCKS = frozenset({"clock_step", "clock_wrong"})


class WrongExit(AssertionError):
    """An exit that asks for a price or comes at a time that no trader would have, in words."""


@dataclass(slots=True)
class ExitCounts:
    """What the judge had to do."""

    n_stops: int = 0
    n_targets: int = 0
    n_ways_out: int = 0
    n_tolerated: int = 0
    """Terms that a trouble leaves open."""


@dataclass(slots=True)
class EnteredBracket:
    """The orders of one run and number, and the plans that they may follow."""

    tag: str
    entry: Order
    exits: list[Order]
    plans: list[Mapping[str, Any]]
    instrument: TradedInstrument
    touches: list[SeenTouch]

    @property
    def side(self) -> int:
        return self.entry.side

    def averages(self, ts_ns: int, *, is_wrong: bool) -> PriceRange | None:
        """What had been paid for a unit, after each fill up to then. None: nothing was filled."""
        found, qty, value_e4 = list[int](), 0, 0
        for trade in self.entry.trades:
            if trade.ts_ns > ts_ns:
                break
            qty += trade.qty
            value_e4 += trade.qty * trade.price_e4
            found.append(value_e4 // qty)
        if not found:
            return None
        more_e4 = round(found[-1] * WRONG_AVERAGE_SHARE) if is_wrong else ROUNDED_E4
        return PriceRange(min(found) - more_e4, max(found) + more_e4)

    def prices(self, from_ns: int, until_ns: int) -> list[SeenTouch]:
        """What was known of the price between these times, and when they began."""
        first = bisect_left(self.touches, from_ns, key=lambda one: one.ts_ns)
        last = bisect_right(self.touches, until_ns, key=lambda one: one.ts_ns)
        return self.touches[max(first - 1, 0) : last]

    def sent_at(self) -> PriceRange:
        """Prices at which its entry may have been sent."""
        placed_ns = self.entry.ts_placed_ns
        seen = [
            price_e4
            for one in self.prices(placed_ns - SENT_NS, placed_ns)
            for price_e4 in (one.ltp_e4, one.bid_e4, one.ask_e4)
            if price_e4
        ]
        if not seen:
            seen = [self.entry.trades[0].price_e4]
        return PriceRange(min(seen), max(seen))

    def open_qty(self, ts_ns: int) -> int:
        return sum(
            order.side * self.side * trade.qty
            for order in (self.entry, *self.exits)
            for trade in order.trades
            if trade.ts_ns <= ts_ns
        )


class ExitJudge:
    """One session, once it is over."""

    def __init__(
        self,
        record: SessionRecord,
        orders: list[Order],
        instruments: list[TradedInstrument],
        touches: Mapping[str, list[SeenTouch]],
        strategy_of: Mapping[str, TradedStrategy],
    ) -> None:
        """`strategy_of`: whose a bracket is; where the trader does not know, it may be that of any
        strategy of its instrument.
        """
        self._record = record
        self.counts = ExitCounts()
        listed = {one.key: one for one in instruments}
        self._others = {one.contract.key for one in orders if not one.tag and one.filled_qty}
        """Instruments that somebody else has traded: he may have closed what was ours."""
        grouped: dict[str, list[Order]] = {}
        for order in orders:
            if order.tag:
                grouped.setdefault(order.tag[2:12], []).append(order)
        self._brackets = []
        for tag, group in grouped.items():
            entry = next((order for order in group if (order.tag or "")[12] == "E"), None)
            if entry is None or not entry.trades:
                continue
            instrument = listed[entry.contract.key]
            known = strategy_of.get(tag)
            if self._is_troubled(entry.ts_placed_ns):
                known = None  # its signal may have been another one's
            plans = [
                one.plan for one in instrument.strategies if known is None or _are_alike(known, one)
            ]
            exits = [order for order in group if order is not entry]
            self._brackets.append(
                EnteredBracket(tag, entry, exits, plans, instrument, touches[entry.contract.key])
            )

    def check(self) -> None:
        """WrongExit for the first thing that is wrong."""
        for bracket in self._brackets:
            for order in bracket.exits:
                if (order.tag or "")[12] in "ST":
                    self._check_terms(bracket, order)
        self._check_square_off()

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

    def _averages(self, bracket: EnteredBracket, ts_ns: int) -> PriceRange | None:
        first_ns = bracket.entry.trades[0].ts_ns
        return bracket.averages(
            ts_ns, is_wrong=self._record.in_force(WRONG_AVERAGE, 0, max(first_ns, ts_ns))
        )

    def _check_stop(
        self, bracket: EnteredBracket, order: Order, ts_ns: int, terms: RequestedTerms
    ) -> None:
        averages = self._averages(bracket, ts_ns)
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
            if first is None or first.holds(terms.trigger_e4):
                return
            expected.append(f"a trigger of {first.words}")
            if plan.get("trail_kind", 0) and self._may_trail(bracket, plan, ts_ns, averages, terms):
                return
        raise WrongExit(
            f"stop {order.tag} asks for trigger {terms.trigger_e4 / E4:.2f} and limit {terms.price_e4 / E4:.2f}; "
            f"the trader expects {' or '.join(expected)}"
        )

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
        best_e4 = 0
        for one in bracket.prices(bracket.entry.trades[0].ts_ns, ts_ns):
            if best_e4 and (one.ltp_e4 - best_e4) * side <= 0:
                continue
            best_e4 = one.ltp_e4
            found = [
                trailed_trigger(plan, side, best_e4, paid_e4, tick_e4)
                for paid_e4 in (averages.low_e4, averages.high_e4)
            ]
            if min(found) <= terms.trigger_e4 <= max(found):
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
        averages = self._averages(bracket, ts_ns)
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
        averages = self._averages(bracket, ts_ns)
        side, tick_e4 = bracket.side, bracket.instrument.tick_e4
        self.counts.n_ways_out += 1
        for plan in bracket.plans:
            at_target = targets(plan, side, averages, tick_e4) if averages else None
            if plan["target_kind"] == ATR or (at_target and at_target.holds(terms.price_e4)):
                return
            since_ns = ts_ns - FRESH_NS - round(plan["ladder_interval_ns"])
            for one in bracket.prices(since_ns, ts_ns):
                far_e4 = one.bid_e4 if side > 0 else one.ask_e4
                touch_e4 = one.ltp_e4
                if far_e4:
                    touch_e4 = min(far_e4, touch_e4) if side > 0 else max(far_e4, touch_e4)
                if terms.price_e4 in ladder(plan, side, touch_e4, tick_e4):
                    return
        if self._is_troubled(ts_ns):
            self.counts.n_tolerated += 1
            return
        raise WrongExit(
            f"exit {order.tag} asks for {terms.price_e4 / E4:.2f}: neither its target nor a step of its ladder"
        )

    # ---- times

    def _is_troubled(self, ts_ns: int) -> bool:
        """Was anything wrong shortly before then?"""
        record = self._record
        return (
            any(
                one.from_ns <= ts_ns and (ts_ns <= one.until_ns + QUIET_NS or one.kind in CLOCKS)
                for one in record.troubles
            )
            or any(ts_ns - QUIET_NS <= at_ns <= ts_ns for at_ns, _ in record.happened)
            or any(ts_ns - QUIET_NS <= life.started_ns <= ts_ns for life in record.lives[1:])
        )

    def _check_square_off(self) -> None:
        """What is open at its square-off is on its way out at once."""
        for bracket in self._brackets:
            if bracket.instrument.key in self._others:
                continue
            due_ns = bracket.instrument.square_off_ns
            if not due_ns or self._is_troubled(due_ns) or bracket.open_qty(due_ns + OUT_NS) <= 0:
                continue
            if bracket.open_qty(due_ns) <= 0:
                continue
            last = [_as_told(order, due_ns + OUT_NS) for order in bracket.exits]
            if all(state is None or state.terms.order_type == "SL" for state in last):
                raise WrongExit(
                    f"bracket {bracket.tag}: {bracket.open_qty(due_ns + OUT_NS)} units are open "
                    f"{OUT_NS / SECOND:.0f} s after the square-off, and nothing takes them out"
                )


def _are_alike(one: TradedStrategy, other: TradedStrategy) -> bool:
    """Do both say the same at the same moment? Then an entry may be either's."""
    return (one.kind, one.interval_ns, one.params) == (other.kind, other.interval_ns, other.params)


def _prices(terms: RequestedTerms) -> tuple[str, int, int]:
    return terms.order_type, terms.price_e4, terms.trigger_e4


def _as_told(order: Order, ts_ns: int) -> OrderState | None:
    """As it was at that time, where it lived."""
    state = order.as_told(ts_ns)
    return None if state is None or state.status == REJECTED else state


def _was_refused(order: Order, ts_ns: int) -> bool:
    """Has the exchange turned down a change of it shortly before?"""
    return any(
        state.status_message and ts_ns - REPRICED_NS <= told_ns < ts_ns
        for told_ns, state in order.told
    )
