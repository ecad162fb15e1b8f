"""The judge of leaving: what must be out by a time is on its way out by then, and nothing leaves
without a reason that the trader can name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otrade.drill.trader.leave.held import EnteredBracket, averages_at
from otrade.drill.trader.leave.levels import first_triggers, targets, trailed_trigger
from otrade.drill.trader.loss import LossLimits
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.replay import SeenTouch, TraderExit, TraderSignal
from otrade.drill.trader.terms import ATR
from otrade.simulator.exchange.orders import (
    CANCEL_PENDING,
    CANCELLED,
    COMPLETE,
    FINAL,
    NOT_MODIFIED,
    REJECTED,
    Order,
)

SECOND = 1_000_000_000
MS = 1_000_000
OUT_NS = 2 * SECOND
"""After its time a position is on its way out within this,"""
PLACE_NS = SECOND // 2
"""and so much more for each other one that is open then: their requests wait for the rate."""
BEAT_NS = 100 * MS
"""The engine's clock and the exchange's are read at different moments of the same reaction."""
SIGNAL_NS = 2 * SECOND
"""A way out that follows a signal has arrived within this."""
SAID = "its strategy file says to leave"
IGNORES = 0
"""`on_opposite` of a plan that goes on to its stop or target."""
HALTS_EXITS = frozenset({"kill"})
"""A person's halt, after which an opposite signal takes nothing out."""
HALTS = frozenset({"kill", "stop-entries"})
LIFTS = frozenset({"rearm"})


class WrongLeave(AssertionError):
    """A position that stays, or leaves, for no reason, in words."""


@dataclass(slots=True)
class LeaveCounts:
    """What the judge had to do."""

    n_dues: int = 0
    """Times by which a position had to be on its way out."""
    n_reasons: int = 0
    n_open: int = 0
    """Those that a trouble leaves open."""


@dataclass(frozen=True, slots=True)
class LeaveDue:
    """From then on a position must leave."""

    ts_ns: int
    why: str


@dataclass
class LeaveJudge:
    """One session, once it is over. `unsure`: may a trouble have delayed something between these
    times?
    """

    record: SessionRecord
    brackets: list[EnteredBracket]
    signals: Mapping[str, list[TraderSignal]]
    """Of each instrument."""
    exits: Mapping[str, list[TraderExit]]
    """What its strategy files have said of leaving."""
    profit: RunningProfit
    unsure: Callable[[int, int], str]
    closed_by_others: frozenset[str]
    """Instruments in which somebody else has traded: he may have closed what was ours."""
    counts: LeaveCounts = field(default_factory=LeaveCounts)

    def check(self, entries: Iterable[Order]) -> None:
        """WrongLeave for the first thing that is wrong."""
        lost = self._loss_dues()
        for bracket in self.brackets:
            if bracket.instrument.key in self.closed_by_others:
                continue
            dues = [*self._times(bracket), *self._signals(bracket), *self._said(bracket), *lost]
            for due in dues:
                self._check_due(bracket, due)
            self._check_reason(bracket, [*dues, *_may_time_out(bracket), *self._near_loss()])
        self._check_halts(entries)

    # ---- what must leave, and when

    def _times(self, bracket: EnteredBracket) -> list[LeaveDue]:
        """Its square-off, its time exit, and a person's word."""
        dues = []
        if bracket.instrument.square_off_ns:
            dues.append(LeaveDue(bracket.instrument.square_off_ns, "the square-off"))
        lasts = {round(plan.get("time_exit_ns", 0)) for plan in bracket.plans}
        first_ns = bracket.entry.trades[0].ts_ns
        if len(lasts) == 1 and (lasts_ns := lasts.pop()):
            dues.append(LeaveDue(first_ns + lasts_ns, "its time exit"))
        dues += [
            LeaveDue(one.ts_ns, "a person's flatten")
            for one in self.record.commands
            if one.done
            and one.name == "flatten"
            and one.args.get("instrument_id") in (None, bracket.instrument.place)
        ]
        return dues

    def _signals(self, bracket: EnteredBracket) -> list[LeaveDue]:
        """Signals of the other side, where its plan heeds them."""
        if len({one.number for one in bracket.strategies}) != 1:
            return []
        if bracket.strategies[0].plan.get("on_opposite", IGNORES) == IGNORES:
            return []
        return [
            LeaveDue(one.until_ns, "an opposite signal")
            for one in self.signals[bracket.instrument.key]
            if one.strategy in bracket.strategies
            and one.side != bracket.side
            and not one.is_close
            and not one.if_flat
            and not self._is_halted(one.ts_ns, HALTS_EXITS)
            and not self.record.is_off(bracket.instrument.place, one.strategy.name, one.ts_ns)
        ]

    def _said(self, bracket: EnteredBracket) -> list[LeaveDue]:
        """Where its strategy file says to leave."""
        if len({one.number for one in bracket.strategies}) != 1:
            return []
        return [
            LeaveDue(one.until_ns, SAID)
            for one in self.exits[bracket.instrument.key]
            if one.strategy in bracket.strategies
            and one.side == bracket.side
            and not one.is_close
            and one.ts_ns > bracket.opened_ns + BEAT_NS
            and not self._is_halted(one.ts_ns, HALTS_EXITS)
            and not self.record.is_off(bracket.instrument.place, one.strategy.name, one.ts_ns)
        ]

    def _loss_dues(self) -> list[LeaveDue]:
        """The day's loss, the first time that it is reached after a person has armed the engine."""
        dues = []
        limits = LossLimits(self.record, self.profit)
        for since_ns, until_ns in self._armed():
            for span in limits.spans(since_ns, until_ns):
                near_ns, at_ns = limits.perhaps(span), limits.surely(span)
                if near_ns > span.from_ns and at_ns and span.limits["flatten_on_limit"]:
                    dues.append(LeaveDue(at_ns, "the day's loss limit"))
                if near_ns:
                    break  # it has halted the engine, whether it flattens or not
        return dues

    def _armed(self) -> list[tuple[int, int]]:
        """(from, until) of the times in which nobody had halted the engine."""
        found, since_ns = [], self.record.lives[0].started_ns
        for command in [one for one in self.record.commands if one.done]:
            if command.name in HALTS and since_ns:
                found.append((since_ns, command.ts_ns))
                since_ns = 0
            elif command.name in LIFTS:
                if since_ns:
                    found.append((since_ns, command.ts_ns))
                since_ns = command.ts_ns
        if since_ns:
            found.append((since_ns, 1 << 62))
        return found

    def _is_halted(self, ts_ns: int, names: frozenset[str]) -> bool:
        """Was the engine halted then, or within a beat of it: a command has its turn at one?"""
        return any(
            self._last_command(at_ns, names) in names
            for at_ns in (ts_ns - BEAT_NS, ts_ns + BEAT_NS)
        )

    def _last_command(self, ts_ns: int, names: frozenset[str]) -> str:
        """The newest one that halts or lifts a halt; empty: none came."""
        return next(
            (
                command.name
                for command in reversed(self.record.commands)
                if command.ts_ns <= ts_ns and command.done and command.name in (names | LIFTS)
            ),
            "",
        )

    def _check_due(self, bracket: EnteredBracket, due: LeaveDue) -> None:
        if bracket.open_qty(due.ts_ns - BEAT_NS) <= 0 or bracket.open_qty(due.ts_ns + OUT_NS) <= 0:
            return
        others = sum(one.open_qty(due.ts_ns) > 0 for one in self.brackets)
        latest_ns = due.ts_ns + OUT_NS + PLACE_NS * others
        if bracket.open_qty(latest_ns) <= 0 or self.unsure(due.ts_ns, latest_ns):
            return
        self.counts.n_dues += 1
        if not any(_leaves(order, latest_ns) for order in bracket.exits):
            raise WrongLeave(
                f"bracket {bracket.tag}: {bracket.open_qty(latest_ns)} units are open {(latest_ns - due.ts_ns) / SECOND:.1f} s after "
                f"{due.why}, and nothing takes them out"
            )

    # ---- why something left

    def _near_loss(self) -> list[LeaveDue]:
        """Where the day's loss is near, the engine may have seen it reached."""
        limits = LossLimits(self.record, self.profit)
        return [
            LeaveDue(near_ns, "a loss near the limit")
            for since_ns, until_ns in self._armed()
            for span in limits.spans(since_ns, until_ns)
            if span.limits["flatten_on_limit"] and (near_ns := limits.perhaps(span))
        ]

    def _check_reason(self, bracket: EnteredBracket, dues: list[LeaveDue]) -> None:
        """The first request of a way out has a reason."""
        left = self._left(bracket)
        if left is None:
            return
        ts_ns, order = left
        if self.unsure(bracket.entry.ts_placed_ns, ts_ns):
            self.counts.n_open += 1
            return
        self.counts.n_reasons += 1
        if any(
            due.ts_ns <= ts_ns + BEAT_NS
            and (
                due.why not in ("an opposite signal", SAID)
                or ts_ns <= due.ts_ns + SIGNAL_NS + OUT_NS
            )
            for due in dues
        ):
            return
        if self._may_be_signal(bracket, ts_ns) or _had_refusals(bracket, ts_ns):
            return
        if not self._has_traded(bracket, ts_ns):
            raise WrongLeave(
                f"exit {order.tag} leaves the market's way, and neither stop, target nor time, no signal and no person asks for it"
            )

    def _left(self, bracket: EnteredBracket) -> tuple[int, Order] | None:
        """The first request of an exit that is neither a stop nor at the target. None: none was."""
        found = []
        for order in bracket.exits:
            if (order.tag or "")[12] != "S":
                continue
            limits = {
                state.terms.price_e4 for _, state in order.told if state.terms.order_type == "SL"
            }
            for ts_ns, state in order.told:
                terms = state.terms
                if terms.order_type == "SL" or terms.price_e4 in limits:
                    continue
                if terms.order_type == "LIMIT" and self._is_at_target(
                    bracket, ts_ns, terms.price_e4
                ):
                    continue
                found.append((ts_ns, order))
                break
        return min(found, key=lambda row: row[0], default=None)

    def _is_at_target(self, bracket: EnteredBracket, ts_ns: int, price_e4: int) -> bool:
        averages = averages_at(self.record, bracket, ts_ns)
        if averages is None:
            return False
        for plan in bracket.plans:
            found = targets(plan, bracket.side, averages, bracket.instrument.tick_e4)
            if plan["target_kind"] == ATR or (found and found.holds(price_e4)):
                return True
        return False

    def _may_be_signal(self, bracket: EnteredBracket, ts_ns: int) -> bool:
        """Has a strategy that it may be of just said the other side, or to leave, if only nearly?"""
        key = bracket.instrument.key
        if any(
            one.side == bracket.side
            and one.ts_ns - BEAT_NS <= ts_ns <= one.until_ns + SIGNAL_NS
            and one.strategy in bracket.strategies
            for one in self.exits[key]
        ):
            return True
        return any(
            one.side != bracket.side
            # What is said while nothing is held ends what had not filled, or was not known to have.
            and not (one.if_flat and bracket.opened_ns < one.ts_ns - BEAT_NS)
            and one.ts_ns - BEAT_NS <= ts_ns <= one.until_ns + SIGNAL_NS
            and one.strategy in bracket.strategies
            and one.strategy.plan.get("on_opposite", IGNORES) != IGNORES
            for one in self.signals[key]
        )

    def _has_traded(self, bracket: EnteredBracket, ts_ns: int) -> bool:
        """Has its stop's price been seen, wherever the trail had put it, or its target's?"""
        side, tick_e4 = bracket.side, bracket.instrument.tick_e4
        averages = averages_at(self.record, bracket, ts_ns)
        if averages is None:
            return True
        seen = bracket.prices(bracket.entry.trades[0].ts_ns - SECOND, ts_ns)
        return any(
            self._stop_or_target(bracket, plan, seen, side, tick_e4, ts_ns)
            for plan in bracket.plans
        )

    def _stop_or_target(
        self,
        bracket: EnteredBracket,
        plan: Mapping[str, Any],
        seen: list[SeenTouch],
        side: int,
        tick_e4: int,
        ts_ns: int,
    ) -> bool:
        averages = averages_at(self.record, bracket, ts_ns)
        if averages is None or ATR in (
            plan["stop_kind"],
            plan["target_kind"],
            plan.get("trail_kind", 0),
        ):
            return True
        first = first_triggers(plan, side, averages, bracket.sent_at(), tick_e4)
        target = targets(plan, side, averages, tick_e4)
        if first is None:
            return True
        stop_e4 = first.high_e4 if side > 0 else first.low_e4
        target_e4 = target and (target.low_e4 if side > 0 else target.high_e4)
        best_e4 = 0
        for one in seen:
            price_e4 = one.ltp_e4
            if target_e4 and (price_e4 - target_e4) * side >= 0:
                return True
            if plan.get("trail_kind", 0) and (not best_e4 or (price_e4 - best_e4) * side > 0):
                best_e4 = price_e4
                trail_e4 = max(
                    side * trailed_trigger(plan, side, best_e4, paid_e4, tick_e4)
                    for paid_e4 in (averages.low_e4, averages.high_e4)
                )
                stop_e4 = side * max(side * stop_e4, trail_e4)
            if moved_e4 := bracket.moved_to(one.ts_ns):
                stop_e4 = side * max(side * stop_e4, side * moved_e4)
            if (price_e4 - stop_e4) * side <= 0:
                return True
        return False

    # ---- a halt

    def _check_halts(self, entries: Iterable[Order]) -> None:
        """A person's halt takes every entry out."""
        halts = [one.ts_ns for one in self.record.commands if one.done and one.name in HALTS]
        for entry in entries if halts else ():
            for ts_ns in halts:
                at_first, later = entry.as_told(ts_ns - BEAT_NS), entry.as_told(ts_ns + OUT_NS)
                if (
                    at_first is None
                    or later is None
                    or at_first.status in FINAL
                    or later.status in FINAL
                    or any(
                        ts_ns - BEAT_NS <= told_ns <= ts_ns + OUT_NS
                        and state.status in (CANCEL_PENDING, CANCELLED, COMPLETE)
                        for told_ns, state in entry.told
                    )
                    or self.unsure(entry.ts_placed_ns, ts_ns + OUT_NS)
                ):
                    continue
                raise WrongLeave(
                    f"entry {entry.tag} still stands {OUT_NS / SECOND:.0f} s after a person has halted the engine, and nothing cancels it"
                )


def _may_time_out(bracket: EnteredBracket) -> list[LeaveDue]:
    """Time exits of each plan that it may follow."""
    first_ns = bracket.entry.trades[0].ts_ns
    lasts = {round(plan.get("time_exit_ns", 0)) for plan in bracket.plans} - {0}
    return [LeaveDue(first_ns + lasts_ns, "its time exit") for lasts_ns in lasts]


def _leaves(order: Order, ts_ns: int) -> bool:
    """Is it, at that time, a way out: no stop that waits for its trigger, and not turned down?"""
    state = order.as_told(ts_ns)
    if state is None or state.status == REJECTED:
        return False
    return state.terms.order_type != "SL" or any(
        told.status == "OPEN" for told_ns, told in order.told if told_ns <= ts_ns
    )


def _had_refusals(bracket: EnteredBracket, ts_ns: int) -> bool:
    """Has a request of one of its exits been turned down?"""
    return any(
        state.status in (REJECTED, NOT_MODIFIED) or state.status_message
        for order in bracket.exits
        for told_ns, state in order.told
        if told_ns <= ts_ns
    )
