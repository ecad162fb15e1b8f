"""The judge of entries: every entry order at the exchange is one that the trader too would have
sent, at its moment and on its terms, and every one that he would have sent is there.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from otrade.drill.trader.gates import Gates, Verdict
from otrade.drill.trader.holdings import EnteredDecision, SeenBracket, brackets_of
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import SessionRecord, TakenOver
from otrade.drill.trader.replay import (
    InstrumentReplay,
    SeenTouch,
    TraderExit,
    TraderMove,
    TraderSignal,
    possible_ends,
)
from otrade.drill.trader.said import unknown_terms
from otrade.drill.trader.terms import ATR, E4, NOTIONAL, UNITS, EntryTerms, entry_terms, with_atr
from otrade.drill.trader.tolerances import (
    CLAMPED_NS,
    CLAMPING,
    CROWDED_NS,
    LOOK_NS,
    REQUEST_NS,
    TOLD_NS,
)
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import FINAL, Order

SECOND = 1_000_000_000
MS = 1_000_000
OPPOSITE_REVERSE = 2
REVERSE_NS = 60 * SECOND
"""A reversal waits for the former position's end as long as an entry may wait to be filled; so long
where the plan has no limit.
"""
LATE_NS = 60 * SECOND
"""An order that is in doubt, or carried out late, may come so long after its signal."""


SHARED_NS = 3 * SECOND
"""So long before an order, waiting for the rate apart, somebody may have wished for it."""


class WrongEntry(AssertionError):
    """An entry that is there and should not be, or the other way round, in words."""


@dataclass(slots=True)
class PendingEntry:
    """What a strategy may still send: the reversal of a position, or what waits for the rate."""

    strategy: TradedStrategy
    side: int
    from_ns: int
    until_ns: int
    is_reversal: bool
    plan: Mapping[str, Any]
    left: int = 0
    """Units of a decision that was begun; 0: all of it."""
    atr: float = 0.0


@dataclass(slots=True)
class EntryCounts:
    """What the judge had to do."""

    n_signals: int = 0
    n_allowed: int = 0
    n_matched: int = 0
    n_close_calls: int = 0
    n_bounded: int = 0
    """Times that a file's terms were looked for in all that it can have said before a death."""
    n_left_open: int = 0
    """Signals of which a trouble leaves open whether they lead to an order."""
    why_open: Counter[str] = field(default_factory=Counter)


class EntryJudge:
    """One session, once it is over."""

    def __init__(
        self,
        record: SessionRecord,
        exchange: OrderSystem,
        instruments: list[TraderInstrument],
        budget: dict[str, int],
    ) -> None:
        self._record = record
        self._exchange = exchange
        self._instruments = {one.key: one for one in instruments}
        self._entry_wait_ns = max(limits["entry_wait_ns"] for _, limits in record.limits)
        """The longest that was ever allowed."""
        self._replays = {
            key: InstrumentReplay(record, one) for key, one in self._instruments.items()
        }
        self._ways: dict[str, list[InstrumentReplay]] = {}
        """Of an instrument: the session, for each way in which the processes may have ended."""
        self._brackets = brackets_of(exchange.orders())
        self.profit = RunningProfit(
            self._instruments,
            [
                *(trade for trade in exchange.trades() if trade.order.tag),
                *(
                    replace(trade, ts_ns=taken.ts_ns)
                    for taken in record.taken_over
                    for trade in taken.order.trades
                ),
            ],
            {key: replay.touches for key, replay in self._replays.items()},
        )
        others_ns = [*exchange.changes_ns, *(ts_ns for ts_ns, _ in exchange.refused)]
        self._gates = Gates(record, self.profit, exchange.orders(), budget, others_ns)
        self._pending: list[PendingEntry] = []
        self._unmatched: list[tuple[str, SeenBracket]] = sorted(
            self._brackets.items(), key=lambda item: (item[1].entry.ts_placed_ns, item[0])
        )
        self.counts = EntryCounts()
        self.strategies_of: dict[str, list[tuple[TradedStrategy, Mapping[str, Any]]]] = {}
        """Whose a bracket (run and number of its tags) is, or may be, and the plan of its signal."""

    @property
    def touches(self) -> dict[str, list[SeenTouch]]:
        """What was known of each instrument's price, moment by moment."""
        return {key: replay.touches for key, replay in self._replays.items()}

    @property
    def signals(self) -> dict[str, list[TraderSignal]]:
        """What the strategies of each instrument have said."""
        return {key: replay.signals for key, replay in self._replays.items()}

    @property
    def exits(self) -> dict[str, list[TraderExit]]:
        """What strategy files have said of leaving, of each instrument."""
        return {key: replay.exits for key, replay in self._replays.items()}

    @property
    def moves(self) -> dict[str, list[TraderMove]]:
        """What strategy files have said of stops, of each instrument."""
        return {key: replay.moves for key, replay in self._replays.items()}

    @property
    def decisions(self) -> list[EnteredDecision]:
        """What was entered, oldest first."""
        return self._gates.decisions

    def possible_terms(
        self, strategy: TradedStrategy, side: int, placed_ns: int
    ) -> list[Mapping[str, Any]]:
        """On which plans a strategy may have entered then, where nobody knows with which bar. Of a file
        after a death: those of all that it can have said, whichever packets the dead process still took
        in. Nothing: it said nothing.
        """
        instrument = self._instrument_of(strategy)
        plan = unknown_terms(strategy)
        since_ns = placed_ns - LATE_NS - self._entry_wait_ns - LOOK_NS
        since_ns -= strategy.plan.get("entry_timeout_ns", 0) or REVERSE_NS
        if not plan.get("is_unknown") or not self._gates.only_deaths(since_ns, placed_ns):
            return [plan]
        if (ways := self._ways.get(instrument.key)) is None:
            ends = possible_ends(self._record, instrument)
            ways = [InstrumentReplay(self._record, instrument, one) for one in ends]
            self._ways[instrument.key] = ways
        if not ways:
            return [plan]
        found: list[Mapping[str, Any]] = []
        for way in ways:
            for signal in way.signals:
                if (
                    signal.strategy is strategy
                    and signal.side == side
                    and since_ns <= signal.ts_ns <= placed_ns
                    and signal.plan not in found
                ):
                    found.append(signal.plan)
        self.counts.n_bounded += 1
        return found

    def unsure(self, from_ns: int, until_ns: int) -> str:
        """Why a trouble may have delayed something between these times; empty: none has."""
        return self._gates.unsure(from_ns, until_ns)

    def check(self) -> None:
        """WrongEntry for the first thing that is wrong."""
        happenings: list[tuple[int, int, int, int, TraderSignal | Order | TakenOver]] = [
            (signal.ts_ns, 0, signal.order, number, signal)
            for replay in self._replays.values()
            for number, signal in enumerate(replay.signals)  # a bar's before those of its tick
        ]
        happenings += [
            (bracket.entry.ts_placed_ns - before_ns, 1, number, 0, bracket.entry)
            for number, (_, bracket) in enumerate(self._unmatched)
            for before_ns in REQUEST_NS
        ]
        happenings += [(taken.ts_ns, -1, 0, 0, taken) for taken in self._record.taken_over]
        for ts_ns, _, _, _, what in sorted(happenings, key=lambda row: row[:4]):
            self._expire(ts_ns)
            if isinstance(what, TakenOver):
                self._take_over(what)
            elif isinstance(what, Order):
                self._explain(what, is_last=ts_ns == what.ts_placed_ns - REQUEST_NS[0])
            else:
                self._signal(what)
        self._expire(1 << 62)
        self._check_timeouts()

    def _take_over(self, taken: TakenOver) -> None:
        """It is a position of its instrument's first strategy from then on."""
        strategy = self._instruments[taken.order.contract.key].strategies[0]
        exits = taken.exits_among(self._exchange.orders())
        bracket = SeenBracket(taken.order, [taken.order, *exits], [])
        self._gates.decisions.append(
            EnteredDecision(
                strategy, taken.order.side, taken.ts_ns, taken.order.filled_qty, [bracket]
            )
        )

    # ---- a signal, and what must follow

    def _signal(self, signal: TraderSignal) -> None:
        self.counts.n_signals += 1
        strategy = signal.strategy
        instrument = self._instrument_of(strategy)
        if signal.is_close:
            self.counts.n_close_calls += 1
        own = [one for one in self._gates.decisions if one.is_of(strategy)]
        is_said = self._is_said(signal, own)
        if is_said == Verdict.NO:
            return
        for one in (
            self._pending if is_said == Verdict.YES else ()
        ):  # what waits gives way to a newer signal
            is_kept = one.is_reversal or (one.left and one.side == signal.side)
            if one.strategy is strategy and not is_kept:
                one.until_ns = min(one.until_ns, signal.until_ns)
        unsure = self._gates.unsure(signal.ts_ns, signal.until_ns)
        if any(one.is_surely_open(signal.ts_ns) for one in own):
            self._opposite(signal, own)
            if not unsure:
                return
        elif any(one.may_be_open(signal.until_ns) for one in own):
            self._opposite(signal, own)  # it may not be known yet that it has ended
        if signal.is_filtered:
            return
        terms = entry_terms(instrument, signal.plan, signal.side, signal.touch, signal.atr)
        ruling = self._gates.rule(instrument, strategy, terms, signal.touch, signal.ts_ns)
        if ruling.verdict == Verdict.NO:
            return
        self.counts.n_allowed += 1
        hi_ns = CROWDED_NS if self._gates.is_crowded(signal.ts_ns) else REQUEST_NS[1]
        decision = EnteredDecision(strategy, signal.side, signal.ts_ns, terms.qty)
        plan = with_atr(signal.plan, signal.atr)
        self._take(decision, terms, signal.ts_ns + REQUEST_NS[0], signal.until_ns + hi_ns, plan)
        if decision.brackets:
            self._gates.decisions.append(decision)
            self.counts.n_matched += 1
        left = terms.qty - decision.sent_qty
        if left <= 0:
            return
        n = -(-left // terms.slice_qty)
        waits = any(one.until_ns > signal.ts_ns for one in self._pending)
        waits = waits or not self._gates.has_room(signal.ts_ns, n)
        if waits and self._entry_wait_ns:
            self._pending.append(
                PendingEntry(
                    strategy,
                    signal.side,
                    signal.ts_ns,
                    signal.until_ns + self._entry_wait_ns + LOOK_NS,
                    is_reversal=False,
                    plan=signal.plan,
                    left=left if decision.brackets else 0,
                    atr=signal.atr,
                )
            )
        if (
            ruling.verdict == Verdict.OPEN
            or is_said == Verdict.OPEN
            or unsure
            or waits
            or signal.is_close
            or any(one.may_be_open(signal.until_ns) for one in own)
            or self._was_refused(instrument, signal.ts_ns, signal.until_ns + hi_ns)
        ):
            self.counts.n_left_open += 1
            self.counts.why_open[ruling.why or unsure or ("rate" if waits else "near")] += 1
            return
        raise WrongEntry(
            f"{self._at(signal.ts_ns)} the trader expects a {signal.words}: {terms.words}"
            f"{f', {left} of them' if decision.brackets else ''}, and no such order came"
        )

    def _is_said(self, signal: TraderSignal, own: list[EnteredDecision]) -> Verdict:
        """A strategy file may say it only while it holds nothing, and no stop has just taken it out.
        It knows of a fill once the exchange has told of it.
        """
        found = Verdict.YES
        if not signal.if_flat:
            return found
        for bracket in (one for decision in own for one in decision.brackets):
            filled_ns = bracket.entry.trades[0].ts_ns if bracket.entry.trades else 1 << 62
            is_open = not bracket.first_flat_ns or signal.until_ns < bracket.first_flat_ns
            may_be_open = not bracket.last_ns or signal.ts_ns <= bracket.last_ns + TOLD_NS
            if filled_ns + TOLD_NS < signal.ts_ns and is_open and not bracket.also:
                return Verdict.OPEN if self.unsure(filled_ns, signal.ts_ns) else Verdict.NO
            if filled_ns <= signal.until_ns and may_be_open:
                found = Verdict.OPEN
            end_ns = bracket.last_ns
            if signal.calm_since_ns - TOLD_NS <= end_ns <= signal.until_ns:
                is_sure = signal.calm_since_ns + TOLD_NS < end_ns < signal.ts_ns - TOLD_NS
                is_sure = is_sure and not bracket.also and not self.unsure(end_ns, signal.ts_ns)
                if is_sure and bracket.was_stopped:
                    return Verdict.NO
                found = found if bracket.was_stopped is False else Verdict.OPEN
        return found

    def _opposite(self, signal: TraderSignal, own: list[EnteredDecision]) -> None:
        """The other side of what is open: it may be turned round."""
        plan = signal.plan
        if plan.get("on_opposite") != OPPOSITE_REVERSE or signal.is_filtered:
            return
        if not any(one.side != signal.side and one.may_be_open(signal.ts_ns) for one in own):
            return
        wait_ns = plan.get("entry_timeout_ns", 0) or REVERSE_NS
        self._pending = [
            one
            for one in self._pending
            if one.strategy is not signal.strategy or not one.is_reversal
        ]
        self._pending.append(
            PendingEntry(
                signal.strategy,
                signal.side,
                signal.ts_ns,
                signal.until_ns + wait_ns + self._entry_wait_ns + TOLD_NS,
                is_reversal=True,
                plan=plan,
                atr=signal.atr,
            )
        )

    def _take(
        self,
        decision: EnteredDecision,
        terms: EntryTerms,
        from_ns: int,
        until_ns: int,
        plan: Mapping[str, Any],
    ) -> None:
        """The orders of a decision that came in that time: its slices, which may overtake each
        other on their way.
        """
        key = self._instrument_of(decision.strategy).key
        whole, rest = divmod(decision.qty, terms.slice_qty)
        wanted = Counter({terms.slice_qty: whole})
        wanted[rest] += 1 if rest else 0
        for tag, bracket in list(self._unmatched):
            entry = bracket.entry
            qty = entry.history[0].terms.quantity
            if entry.ts_placed_ns > until_ns:
                break
            if (
                wanted[qty] > 0
                and entry.contract.key == key
                and entry.side == terms.side
                and entry.ts_placed_ns >= from_ns
                and self._fits(entry, terms, qty)
            ):
                wanted[qty] -= 1
                self._give(decision, tag, bracket, [plan])

    def _give(
        self,
        decision: EnteredDecision,
        tag: str,
        bracket: SeenBracket,
        plans: list[Mapping[str, Any]],
    ) -> None:
        decision.brackets.append(bracket)
        self._unmatched.remove((tag, bracket))
        others = self._others_of(bracket.entry, decision.strategy)
        bracket.also = [one for one, _ in others]
        self.strategies_of[tag] = [*((decision.strategy, plan) for plan in plans), *others]

    def _others_of(
        self, entry: Order, strategy: TradedStrategy
    ) -> list[tuple[TradedStrategy, Mapping[str, Any]]]:
        """Who else may have sent it: in units and price it is what he wished for shortly before."""
        instrument = self._instruments[entry.contract.key]
        placed_ns = entry.ts_placed_ns
        since_ns = placed_ns - self._entry_wait_ns - SHARED_NS
        found = list[tuple[TradedStrategy, Mapping[str, Any]]]()
        replay = self._replays[instrument.key]
        for signal in replay.signals:
            one = signal.strategy
            if (
                one is not strategy
                and signal.side == entry.side
                and since_ns <= signal.ts_ns <= placed_ns
            ):
                found += [
                    (one, with_atr(signal.plan, atr))
                    for atr in replay.atrs_in(one, signal.ts_ns, placed_ns) or [0.0]
                    if self._could_be(entry, instrument, signal.plan, placed_ns - SECOND, atr)
                ]
        return found

    # ---- an order that no signal of that moment has led to

    def _explain(self, entry: Order, *, is_last: bool) -> None:
        """At the earliest and at the latest moment at which it can have been decided."""
        tag = (entry.tag or "")[2:12]
        if tag in self.strategies_of:
            return
        decided = entry.ts_placed_ns - REQUEST_NS[1], entry.ts_placed_ns - REQUEST_NS[0]
        bracket = self._brackets[tag]
        tried: list[str] = []
        if not is_last and self._has_signal(entry, *decided):
            return  # it is that signal's, if its terms are
        for one in self._pending:
            if (
                self._instrument_of(one.strategy).key == entry.contract.key
                and one.side == entry.side
                and one.from_ns <= decided[1]
                and decided[0] <= one.until_ns
                and self._begin(one, tag, bracket, decided, tried)
            ):
                return
        if not is_last or self._explain_late(entry, tag, bracket):
            return
        raise WrongEntry(
            f"{self._at(decided[1])} nobody expects entry {entry.tag}: {_words(entry)}; "
            f"{'; '.join(tried) or self._nearest(entry)}"
        )

    def _begin(
        self,
        one: PendingEntry,
        tag: str,
        bracket: SeenBracket,
        decided: tuple[int, int],
        tried: list[str],
    ) -> bool:
        """Is the order what this one waited to send?"""
        instrument = self._instrument_of(one.strategy)
        entry = bracket.entry
        own = [d for d in self._gates.decisions if d.strategy is one.strategy]
        crowd_ns = CROWDED_NS if self._gates.is_crowded(decided[0]) else 0
        if not one.left and any(d.is_surely_open(decided[1]) for d in own):
            tried.append(f"strategy {one.strategy.number} had not left its position")
            return False
        atrs = self._atrs_since(instrument, one, decided[1])
        touches = self._touches(instrument, decided[0] - crowd_ns, decided[1])
        for touch, atr in product(touches, atrs):
            terms = entry_terms(instrument, one.plan, one.side, touch, atr)
            wanted = min(terms.slice_qty, one.left or terms.qty)
            ruling = self._gates.rule(instrument, one.strategy, terms, touch, decided[1])
            if not self._fits(entry, terms, wanted):
                tried.append(f"strategy {one.strategy.number} would {terms.words} then")
            elif ruling.verdict == Verdict.NO:
                tried.append(f"it was {ruling.why}")
            else:
                self._continue(one, tag, bracket, terms, decided[0], atrs)
                return True
        return False

    def _atrs_since(
        self, instrument: TraderInstrument, one: PendingEntry, ts_ns: int
    ) -> list[float]:
        """What waited is sent at the prices of then, and with an ATR of then."""
        since = self._replays[instrument.key].atrs_in(one.strategy, one.from_ns, ts_ns)
        return list(dict.fromkeys([one.atr, *since]))

    def _continue(
        self,
        one: PendingEntry,
        tag: str,
        bracket: SeenBracket,
        terms: EntryTerms,
        ts_ns: int,
        atrs: list[float],
    ) -> None:
        decision = next(
            (d for d in reversed(self._gates.decisions) if d.strategy is one.strategy and one.left),
            None,
        )
        if decision is None:
            decision = EnteredDecision(one.strategy, one.side, ts_ns, terms.qty)
            self._gates.decisions.append(decision)
            self.counts.n_matched += 1
        self._give(decision, tag, bracket, [with_atr(one.plan, atr) for atr in atrs])
        one.left = decision.qty - decision.sent_qty
        one.is_reversal = False
        one.until_ns = ts_ns + max(self._entry_wait_ns, CROWDED_NS) + LOOK_NS
        if one.left <= 0:
            self._pending.remove(one)

    def _explain_late(self, entry: Order, tag: str, bracket: SeenBracket) -> bool:
        """Where a trouble delays orders, or moves signals: any of the strategies' wishes near it."""
        why = self._gates.unsure(entry.ts_placed_ns - LATE_NS, entry.ts_placed_ns)
        if not why:
            return False
        instrument = self._instruments[entry.contract.key]
        moved = self._gates.unsure(entry.ts_placed_ns, entry.ts_placed_ns, of_signals=True)
        for signal in reversed(self._replays[instrument.key].signals):
            if (
                signal.side == entry.side
                and entry.ts_placed_ns - LATE_NS <= signal.ts_ns <= entry.ts_placed_ns
                and self._could_be(entry, instrument, signal.plan, signal.ts_ns, signal.atr)
            ):
                terms = self.possible_terms(signal.strategy, entry.side, entry.ts_placed_ns)
                self._late(signal.strategy, tag, bracket, terms or [signal.plan])
                return True
        since_ns = entry.ts_placed_ns - 2 * SECOND
        for strategy in instrument.strategies if moved else ():
            mask = 3 if strategy.file else strategy.params.get("side_mask", 0)
            plans = self.possible_terms(strategy, entry.side, entry.ts_placed_ns)
            atrs = self._replays[instrument.key].atrs_in(strategy, since_ns, entry.ts_placed_ns)
            if mask & (1 if entry.side > 0 else 2) and any(
                self._could_be(entry, instrument, _sized(plan), since_ns, atr)
                for plan in plans
                for atr in atrs or [0.0]
            ):
                self._late(strategy, tag, bracket, plans)
                return True
        return False

    def _late(
        self,
        strategy: TradedStrategy,
        tag: str,
        bracket: SeenBracket,
        plans: list[Mapping[str, Any]],
    ) -> None:
        entry = bracket.entry
        last = next((d for d in reversed(self._gates.decisions) if d.strategy is strategy), None)
        if last is None or not last.may_be_open(entry.ts_placed_ns) or last.side != entry.side:
            last = EnteredDecision(strategy, entry.side, entry.ts_placed_ns - REQUEST_NS[1], 0)
            self._gates.decisions.append(last)
        self._give(last, tag, bracket, plans)

    def _could_be(
        self,
        entry: Order,
        instrument: TraderInstrument,
        plan: Mapping[str, Any],
        from_ns: int,
        atr: float,
    ) -> bool:
        """On the plan's terms, at a price of any moment from then on."""
        for touch in self._touches(instrument, from_ns, entry.ts_placed_ns):
            terms = entry_terms(instrument, plan, entry.side, touch, atr)
            qty = entry.history[0].terms.quantity
            if plan.get("is_unknown"):
                if qty % instrument.lot == 0 and self._fits(entry, terms, qty):
                    return True
                continue
            whole = qty == terms.slice_qty or 0 < qty == terms.qty % max(terms.slice_qty, 1)
            if whole and self._fits(entry, terms, qty):
                return True
        return False

    # ---- at the end

    def cut_decisions(self) -> list[EnteredDecision]:
        """Those of which only a part was sent, where no trouble leaves open what was wanted, nor
        whose the orders were.
        """
        made = self._gates.decisions
        shared = {
            one.number for decision in made for bracket in decision.brackets for one in bracket.also
        }
        return [
            one
            for one in made
            if one.sent_qty < one.qty
            and not self._gates.unsure(one.since_ns, one.since_ns)
            and one.strategy.number not in shared
            and not any(bracket.also for bracket in one.brackets)
        ]

    def _expire(self, ts_ns: int) -> None:
        self._pending = [one for one in self._pending if ts_ns <= one.until_ns + CROWDED_NS]

    def _check_timeouts(self) -> None:
        """No entry stands longer than its plan lets it."""
        for decision in self._gates.decisions:
            timeout_ns = decision.strategy.plan.get("entry_timeout_ns", 0)
            for bracket in decision.brackets if timeout_ns else ():
                entry = bracket.entry
                if not entry.tag:
                    continue  # somebody else's, that was taken over
                end_ns = entry.ts_placed_ns + timeout_ns
                latest_ns = end_ns + STANDS_NS
                if self._gates.unsure(
                    entry.ts_placed_ns, latest_ns
                ) or not self._gates.has_room_to_cancel(end_ns, latest_ns):
                    continue
                stands = entry.as_told(latest_ns)
                if stands is not None and stands.status not in FINAL:
                    raise WrongEntry(
                        f"{self._at(latest_ns)} entry {entry.tag} still stands; its plan lets it wait "
                        f"{timeout_ns / SECOND:.0f} s"
                    )

    # ---- words and small questions

    def _fits(self, entry: Order, terms: EntryTerms, qty: int) -> bool:
        asked, at_ns = entry.history[0].terms, entry.ts_placed_ns
        is_same = asked.price_e4 == terms.limit_e4
        if not is_same and terms.limit_e4 and asked.price_e4:
            is_drawn_in = (terms.limit_e4 - asked.price_e4) * entry.side > 0
            is_same = is_drawn_in and self._record.in_force(CLAMPING, at_ns - CLAMPED_NS, at_ns)
        return (
            is_same
            and asked.quantity == qty
            and asked.order_type == ("LIMIT" if terms.limit_e4 else "MARKET")
            and asked.validity == "DAY"
            and entry.product == self._instruments[entry.contract.key].product
        )

    def _has_signal(self, entry: Order, from_ns: int, until_ns: int) -> bool:
        return any(
            one.side == entry.side and one.ts_ns <= until_ns and from_ns <= one.until_ns
            for one in self._replays[entry.contract.key].signals
        )

    def _was_refused(self, instrument: TraderInstrument, from_ns: int, until_ns: int) -> bool:
        """Has the broker refused a request for that instrument then, before it was an order?"""
        return any(
            from_ns <= ts_ns <= until_ns and request.contract.key == instrument.key
            for ts_ns, request in self._exchange.refused
        )

    def _touches(
        self, instrument: TraderInstrument, from_ns: int, until_ns: int
    ) -> list[SeenTouch]:
        return self._replays[instrument.key].touches_in(from_ns, until_ns)

    def _instrument_of(self, strategy: TradedStrategy) -> TraderInstrument:
        return next(one for one in self._instruments.values() if strategy in one.strategies)

    def _nearest(self, entry: Order) -> str:
        """What was wished for then, in words."""
        near = [
            signal
            for signal in self._replays[entry.contract.key].signals
            if abs(signal.ts_ns - entry.ts_placed_ns) < 2 * SECOND
        ]
        if not near:
            return "no strategy has a signal there"
        words = []
        instrument = self._instruments[entry.contract.key]
        for one in near:
            terms = entry_terms(instrument, one.plan, one.side, one.touch, one.atr)
            ruling = self._gates.rule(instrument, one.strategy, terms, one.touch, one.ts_ns)
            refused = "filtered" if one.is_filtered else ruling.why
            words.append(
                f"{self._at(one.ts_ns)} {one.words} would {terms.words}"
                + (f", but {refused}" if refused else "")
            )
        return "; ".join(words)

    def _at(self, ts_ns: int) -> str:
        open_ns = min(one.open_ns for one in self._instruments.values())
        return f"[{(ts_ns - open_ns) / SECOND:.3f}]"


STANDS_NS = 1500 * MS
"""An entry's cancel, from its time until the exchange has carried it out."""


def _sized(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where it is sized by a range that nobody knows, any size will do."""
    if plan["stop_kind"] == ATR and plan["size_mode"] not in (UNITS, NOTIONAL):
        return {**plan, "is_unknown": True}
    return plan


def _words(entry: Order) -> str:
    asked = entry.history[0].terms
    price = f"at {asked.price_e4 / E4:.2f}" if asked.price_e4 else "at the market"
    return f"{entry.transaction_type} {asked.quantity} {entry.contract.key} {price}"
