"""May a strategy enter now? Each gate says yes, no, or that a trouble leaves it open."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from otrade.drill.trader.holdings import EnteredDecision
from otrade.drill.trader.loss import LossLimits
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.replay import SeenTouch
from otrade.drill.trader.terms import EntryTerms
from otrade.drill.trader.tolerances import (
    DIED,
    FORGOT,
    FORGOTTEN_NS,
    GIVEN_BACK_NS,
    TOLD_NS,
    doubtful_windows,
)
from otrade.simulator.exchange import orders as states
from otrade.simulator.exchange.orders import Order

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
BRAKE_AFTER = 3
BRAKE_NS, BRAKE_MAX_NS = 60 * SECOND, 32 * MINUTE
LONG_NS = 120 * SECOND
"""What happened so long ago is known by now, whatever went wrong then."""
LATE_NS = 10 * SECOND
"""So long after a position's end what belongs to it may still come."""
WRONG_PRICES = frozenset({"avg_missing", "avg_revised", "trades_late"})
HALTS = frozenset({"kill", "stop-entries", "pause"})
LIFTS = frozenset({"rearm", "resume"})


class Verdict(IntEnum):
    """What a gate says."""

    NO = 0
    OPEN = 1
    """Nobody but the engine can know."""
    YES = 2


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and its reason, in words that finish "the entry was ...": empty where it is yes."""

    verdict: Verdict
    why: str = ""


ALLOWED = Ruling(Verdict.YES)


class Gates:
    """All of them, over one session."""

    def __init__(
        self,
        record: SessionRecord,
        profit: RunningProfit,
        orders: Iterable[Order],
        budget: dict[str, int],
        others_ns: Iterable[int] = (),
    ) -> None:
        """`others_ns`: when requests came that are not in the orders' own histories: changes, and
        placements that were refused.
        """
        self._record = record
        self._loss_limits = LossLimits(record, profit)
        self._budget = budget
        self.decisions: list[EnteredDecision] = []
        """What has been entered so far, oldest first."""
        orders = list(orders)
        self._others = [order for order in orders if not order.tag]
        ours = [order for order in orders if order.tag]
        self._requests_ns = sorted([*(order.ts_placed_ns for order in ours), *others_ns])
        self._doubts = doubtful_windows(record)

    def unsure(self, from_ns: int, until_ns: int, *, of_signals: bool = False) -> str:
        """Why nobody can know exactly what was right between these times; empty: one can."""
        for doubt in self._doubts:
            if (
                doubt.from_ns <= until_ns
                and from_ns <= doubt.until_ns
                and (doubt.tolerance.moves_signals or not of_signals)
            ):
                return doubt.tolerance.why
        return ""

    def only_deaths(self, from_ns: int, until_ns: int) -> bool:
        """Is a death all that moves signals between these times?"""
        moved = [
            one.tolerance
            for one in self._doubts
            if one.from_ns <= until_ns and from_ns <= one.until_ns and one.tolerance.moves_signals
        ]
        return bool(moved) and all(one in (DIED, FORGOT) for one in moved)

    # ---- the gates

    def rule(
        self,
        instrument: TraderInstrument,
        strategy: TradedStrategy,
        terms: EntryTerms,
        touch: SeenTouch,
        ts_ns: int,
    ) -> Ruling:
        """Of all gates: the first that says no, else the first that is open. The strategy's own
        position and the rate are asked apart.
        """
        is_open = ALLOWED
        for ruling in (
            self._process(ts_ns),
            self._hours(instrument, ts_ns),
            self._person(ts_ns),
            self._switch(instrument, strategy, ts_ns),
            self._strangers(instrument, ts_ns),
            self._feed(touch, ts_ns),
            self._size(instrument, terms, touch, ts_ns),
            self._positions(strategy, ts_ns),
            self._trades(strategy, ts_ns),
            self._loss(ts_ns),
            self._cooldown(strategy, ts_ns),
            self._brake(strategy, ts_ns),
        ):
            if ruling.verdict == Verdict.NO:
                return ruling
            if ruling.verdict == Verdict.OPEN and is_open is ALLOWED:
                is_open = ruling
        if is_open is ALLOWED and (why := self.unsure(ts_ns, ts_ns)):
            return Ruling(Verdict.OPEN, why)
        return is_open

    def _soft(self, why: str, ts_ns: int, *, was_known: bool = False) -> Ruling:
        """No, unless a trouble delays what the engine knows. `was_known`: it did long before."""
        is_open = not was_known and self.unsure(ts_ns, ts_ns)
        return Ruling(Verdict.OPEN if is_open else Verdict.NO, why)

    def _was_lost(self, since_ns: int, ts_ns: int) -> bool:
        """Has another process begun without a journal between these times?"""
        return any(
            not life.has_journal and since_ns <= life.started_ns <= ts_ns
            for life in self._record.lives[1:]
        )

    def _process(self, ts_ns: int) -> Ruling:
        for number, life in enumerate(self._record.lives):
            if life.dead_ns and ts_ns > life.dead_ns:
                continue
            if ts_ns < life.started_ns:
                return Ruling(Verdict.NO, "sent while no engine lived")
            if life.dead_ns and ts_ns > life.alive_ns:
                return Ruling(Verdict.OPEN, "sent while the engine died")
            if not life.opened_ns or ts_ns < life.opened_ns:
                return Ruling(Verdict.OPEN, "sent while the engine started")
            if number and not life.has_journal and ts_ns < life.opened_ns + FORGOTTEN_NS:
                return Ruling(Verdict.OPEN, "sent in the minute after the journal was lost")
            return ALLOWED
        return Ruling(Verdict.OPEN, "sent after the last engine")

    def _hours(self, instrument: TraderInstrument, ts_ns: int) -> Ruling:
        if instrument.entry_from_ns <= ts_ns < instrument.entry_until_ns:
            return ALLOWED
        ahead_ns = max((abs(by_ns) for _, by_ns in self._record.clock_errors), default=0)
        is_near = instrument.entry_from_ns - ahead_ns - SECOND <= ts_ns
        is_near = is_near and ts_ns < instrument.entry_until_ns + ahead_ns + SECOND
        if is_near and self.unsure(ts_ns, ts_ns, of_signals=True):
            return Ruling(Verdict.OPEN, "outside the entry hours, by a clock that is wrong")
        return Ruling(Verdict.NO, "outside the entry hours")

    def _strangers(self, instrument: TraderInstrument, ts_ns: int) -> Ruling:
        """What somebody else holds keeps entries out, for as long as he holds it. Where he has given
        it back, and nothing of ours was open that he could have closed, they come again.
        """
        others = [
            order
            for order in self._others
            if order.contract.key == instrument.key
            and order.product == instrument.product
            and order.ts_placed_ns <= ts_ns
        ]
        carried = self._record.carried.get((instrument.key, instrument.product), 0)
        if carried and not others:
            return Ruling(Verdict.NO, "sent where somebody holds a position of the day before")
        if not others:
            return ALLOWED
        first_ns, last_ns = others[0].ts_placed_ns, others[-1].ts_update_ns
        is_back = (
            carried + sum(order.side * order.filled_qty for order in others) == 0
            and all(order.is_final for order in others)
            and ts_ns > last_ns + GIVEN_BACK_NS
        )
        was_ours = any(
            one.strategy in instrument.strategies
            and one.since_ns <= last_ns
            and one.may_be_open(max(first_ns, one.since_ns))
            for one in self.decisions
        )
        if is_back and not was_ours:
            return ALLOWED
        return Ruling(Verdict.OPEN, "sent where somebody else has traded")

    def _person(self, ts_ns: int) -> Ruling:
        halted = ""
        for command in self._record.commands:
            if command.ts_ns > ts_ns:
                break
            if command.done and command.name in HALTS:
                halted = f"sent though a person had said {command.name}"
            elif command.done and command.name in LIFTS:
                halted = ""
        if halted:
            return Ruling(Verdict.NO, halted)
        lost = [life for life in self._record.lives[1:] if not life.has_journal]
        if (
            lost
            and lost[-1].started_ns <= ts_ns
            and not self._rearmed_ns(ts_ns) > lost[-1].started_ns
        ):
            return Ruling(
                Verdict.OPEN, "sent after a lost journal, and nobody had armed the engine"
            )
        return ALLOWED

    def _rearmed_ns(self, ts_ns: int) -> int:
        return max(
            (c.ts_ns for c in self._record.commands if c.done and c.name == "rearm" and c.ts_ns < ts_ns),
            default=0,
        )  # fmt: skip

    def _switch(self, instrument: TraderInstrument, strategy: TradedStrategy, ts_ns: int) -> Ruling:
        if self._record.is_off(instrument.place, strategy.name, ts_ns):
            return Ruling(Verdict.NO, "sent though a person had switched the strategy off")
        return ALLOWED

    def _feed(self, touch: SeenTouch, ts_ns: int) -> Ruling:
        stale_ns = self._record.limits_at(ts_ns)["stale_feed_ns"]
        if stale_ns and ts_ns - touch.heard_ns > stale_ns:
            is_clock_good = not self.unsure(ts_ns, ts_ns, of_signals=True)
            return self._soft("sent with a stale feed", ts_ns, was_known=is_clock_good)
        return ALLOWED

    def _size(
        self, instrument: TraderInstrument, terms: EntryTerms, touch: SeenTouch, ts_ns: int
    ) -> Ruling:
        limits = self._record.limits_at(ts_ns)
        if terms.why_not:
            return Ruling(Verdict.NO, f"sent though {terms.why_not}")
        if limits["max_order_qty"] and terms.qty > limits["max_order_qty"]:
            return Ruling(Verdict.NO, f"larger than max_order_qty {limits['max_order_qty']}")
        most_e4 = limits.get("max_order_notional_e4", 0)
        value_e4 = terms.qty * (terms.limit_e4 or touch.ltp_e4) * instrument.multiplier
        if most_e4 and value_e4 > most_e4:
            return Ruling(Verdict.NO, "worth more than max_order_notional")
        return ALLOWED

    def _positions(self, strategy: TradedStrategy, ts_ns: int) -> Ruling:
        most = self._record.limits_at(ts_ns)["max_open_positions"]
        others = [one for one in self.decisions if one.strategy is not strategy]
        surely = {one.strategy.number for one in others if one.is_surely_open(ts_ns)}
        open_now = [
            whose
            for one in self.decisions
            if one.may_be_open(ts_ns) and (whose := one.may_be_of - {strategy.number})
        ]
        perhaps = min(len(open_now), len(frozenset[int]().union(*open_now)))
        if most and len(surely) >= most:
            return self._soft(
                f"sent beside {len(surely)} positions of at most {most}",
                ts_ns,
                was_known=self._are_known(
                    [one for one in others if one.is_surely_open(ts_ns)], ts_ns, most
                ),
            )
        if most and perhaps >= most:
            return Ruling(Verdict.OPEN, "sent while positions were ending")
        return ALLOWED

    def _trades(self, strategy: TradedStrategy, ts_ns: int) -> Ruling:
        most = self._record.limits_at(ts_ns)["max_trades"]
        if not most:
            return ALLOWED
        # A further slice of what the strategy has open is no trade more.
        others = [
            one for one in self.decisions if not (one.is_of(strategy) and one.may_be_open(ts_ns))
        ]
        surely = sum(one.is_filled(ts_ns) or one.is_surely_open(ts_ns) for one in others)
        perhaps = sum(one.is_filled(ts_ns) or one.may_be_open(ts_ns) for one in others)
        if surely >= most:
            return self._soft(
                f"sent after {surely} trades of at most {most}",
                ts_ns,
                was_known=self._are_known(
                    [one for one in self.decisions if one.is_filled(ts_ns - LONG_NS)], ts_ns, most
                ),
            )
        return Ruling(Verdict.OPEN, "sent near max_trades") if perhaps >= most else ALLOWED

    def _was_alone(self, decision: EnteredDecision) -> bool:
        """Was nothing else open in its instrument when it was begun, whose part it could be?"""
        key, since_ns = decision.brackets[0].entry.contract.key, decision.since_ns
        return not any(
            one is not decision
            and one.brackets
            and one.brackets[0].entry.contract.key == key
            and one.since_ns <= since_ns
            and one.may_be_open(since_ns, LATE_NS)
            for one in self.decisions
        )

    def _are_known(self, made: list[EnteredDecision], ts_ns: int, most: int) -> bool:
        """Are as many of these surely decisions of their own, which no process has forgotten?"""
        known = [
            one
            for one in made
            if (not self.unsure(one.since_ns - LONG_NS, one.since_ns) or self._was_alone(one))
            and not self._was_lost(one.since_ns, ts_ns)
            and not any(bracket.also for bracket in one.brackets)
        ]
        return len(known) >= most

    def _loss(self, ts_ns: int) -> Ruling:
        armed_ns = self._rearmed_ns(ts_ns)
        is_reached = self._loss_limits.is_reached(armed_ns, ts_ns)
        if is_reached is None:
            return Ruling(Verdict.OPEN, "sent near the day's loss limit")
        if not is_reached:
            return self._told_profit(armed_ns, ts_ns)
        before_ns = ts_ns - LONG_NS
        was_known = before_ns > armed_ns and self._loss_limits.is_reached(armed_ns, before_ns)
        was_known = was_known and not self._was_lost(armed_ns, ts_ns)
        return self._soft("sent after the day's loss limit", ts_ns, was_known=bool(was_known))

    def _told_profit(self, armed_ns: int, ts_ns: int) -> Ruling:
        """A price that is told wrong, or late, may reach a limit that the true one does not; the halt
        stays.
        """
        limits = self._record.limits_at(ts_ns)
        is_limited = limits.get("max_daily_loss_e4", 0) or limits.get("max_drawdown_e4", 0)
        wrong = any(
            kind in WRONG_PRICES and armed_ns <= told_ns <= ts_ns
            for told_ns, kind in self._record.happened
        )
        if is_limited and wrong:
            return Ruling(Verdict.OPEN, "sent after a price that was told wrong")
        return ALLOWED

    def _cooldown(self, strategy: TradedStrategy, ts_ns: int) -> Ruling:
        """After a stop, for as long as the plan says; not after a target, nor after a trail."""
        cool_ns = strategy.plan.get("cooldown_ns", 0)
        found = ALLOWED
        for one in self.decisions if cool_ns else ():
            for bracket in one.brackets if one.is_of(strategy) else ():
                end_ns = bracket.last_ns
                if not end_ns or not end_ns <= ts_ns <= end_ns + cool_ns + TOLD_NS:
                    continue
                if (
                    bracket.was_stopped
                    and not bracket.also
                    and end_ns + TOLD_NS < ts_ns < end_ns + cool_ns
                ):
                    return self._soft("sent in the cool-down after a stop", ts_ns)
                if bracket.was_stopped is not False:
                    found = Ruling(Verdict.OPEN, "sent soon after a position's end")
        return found

    def _brake(self, strategy: TradedStrategy, ts_ns: int) -> Ruling:
        rejected: list[int] = []
        for one in self.decisions:
            entries = [bracket.entry for bracket in one.brackets]
            if one.strategy is not strategy or one.since_ns >= ts_ns:
                continue
            if all(entry.status == states.REJECTED and not entry.filled_qty for entry in entries):
                rejected.append(max(entry.ts_update_ns for entry in entries))
            else:
                rejected.clear()
        if len(rejected) >= BRAKE_AFTER and ts_ns < rejected[-1] + BRAKE_NS:
            return self._soft(f"sent after {len(rejected)} rejected ones in a row", ts_ns)
        if rejected and ts_ns < rejected[-1] + BRAKE_MAX_NS:
            return Ruling(Verdict.OPEN, "sent after rejected ones")
        return ALLOWED

    # ---- the rate

    def has_room(self, ts_ns: int, n: int) -> bool:
        """Surely: in every window, for so many entries and a stop for each, beside what others that
        are open may want.
        """
        owed = sum(len(one.brackets) for one in self.decisions if one.may_be_open(ts_ns))
        budget = self._budget
        for window_ns, name in ((SECOND, "second"), (MINUTE, "minute"), (30 * MINUTE, "half_hour")):
            limit = budget.get(f"per_{name}", 0)
            if not limit:
                continue
            first = bisect_left(self._requests_ns, ts_ns - window_ns)
            used = bisect_right(self._requests_ns, ts_ns + TOLD_NS) - first
            if used + owed + 2 * n > limit - budget.get(f"reserve_{name}", 0):
                return False
        return True

    def has_room_to_cancel(self, from_ns: int, until_ns: int) -> bool:
        """Surely, all that time: a cancel may take what is kept for stops and ways out, and those
        that are open may want one request each.
        """
        owed = sum(len(one.brackets) for one in self.decisions if one.may_be_open(from_ns))
        budget = self._budget
        for window_ns, name in ((SECOND, "second"), (MINUTE, "minute"), (30 * MINUTE, "half_hour")):
            limit = budget.get(f"per_{name}", 0)
            first = bisect_left(self._requests_ns, from_ns - window_ns)
            used = bisect_right(self._requests_ns, until_ns + TOLD_NS) - first
            if limit and used + owed > limit:
                return False
        return True

    def is_crowded(self, ts_ns: int) -> bool:
        """So many requests on the way that one may wait for a connection."""
        near = bisect_right(self._requests_ns, ts_ns + TOLD_NS)
        return near - bisect_left(self._requests_ns, ts_ns - 100_000_000) > 3
