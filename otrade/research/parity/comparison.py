"""A day and its second run, trade by trade: what is the same, what differs, and why.

Brackets are paired by strategy, instrument, side and the moment of the decision; their orders by leg, in the order of their decisions. The
reason of a difference is what the journal itself tells, asked in this order: the broker's answer to an order of the trade; a
request in doubt or another fault at that time; what a person did; the trade of before that differs and was still open, or
has left the strategy in another state; then, where prices are the journal's own packets, the time on the way and the order book. What
none of these explains is called unexplained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

import msgspec

from otrade._core.types import ExitReason, Leg, OrdStatus, OrdType, Reason, Side
from otrade.live.notices.messages import reason_words
from otrade.research.parity.day_tape import DayTrouble, JournalTape
from otrade.research.parity.day_trades import DayTrade, TradeOrder
from otrade.units import NS_PER_MS, NS_PER_S, ist_hms, rupees

LATENCY, BOOK, BROKER, FAULT, PERSON, UNEXPLAINED = (
    "latency", "book", "broker", "fault", "person", "unexplained",
)  # fmt: skip
CLASSES = (LATENCY, BOOK, BROKER, FAULT, PERSON, UNEXPLAINED)
"""Why something differs."""
APART_NS = 5 * NS_PER_S
"""Two decisions that are the same one are not farther apart: a live beat is not to the nanosecond."""
AROUND_NS = 2 * NS_PER_S
"""What has happened so short a time before still is its reason."""
OTHER_TRIP = 0.2
"""An order's round trip that differs from the model's by more than this part of it was another one."""
RIGHT_REASONS = (Reason.OK,)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One order whose executions differ. `first`: of the journal; `second`: of the backtest; None: there is none.
    `better_e4`: what the journal's was better by, in money; None where quantities differ.
    """

    what: str
    """order (only one has it), quantity, price, or time."""
    why: str
    words: str
    at_ns: int
    strategy: str
    symbol: str
    leg: str
    side: str
    first: TradeOrder | None
    second: TradeOrder | None
    better_e4: int | None


class TradePair(msgspec.Struct, frozen=True):
    """A trade of the journal and the same one of the backtest; either may not be there. `why` is empty when all is the same."""

    first: DayTrade | None
    second: DayTrade | None
    why: str

    @property
    def better_e4(self) -> int | None:
        """The journal's gross profit less the backtest's; None while one of them is open."""
        amounts = [0 if one is None else one.gross_e4 for one in (self.first, self.second)]
        return None if None in amounts else (amounts[0] or 0) - (amounts[1] or 0)


Compared = TypeVar("Compared", DayTrade, TradeOrder)


class Comparison:
    """Of two lists of trades. `way_ns`: of an order in the backtest; `is_recorded`: its prices are the journal's packets."""

    def __init__(
        self,
        first: Sequence[DayTrade],
        second: Sequence[DayTrade],
        tape: JournalTape,
        way_ns: int,
        *,
        is_recorded: bool,
    ) -> None:
        self._tape = tape
        self._way_ns = way_ns
        self._is_recorded = is_recorded
        self.n_same = 0
        """Orders whose executions are the same."""
        self.differences: list[Difference] = []
        self.pairs: list[TradePair] = []
        self._before: dict[str, tuple[str, str]] = {}
        """Of a strategy that has differed: why, and the first trade that did."""
        self._first_before: tuple[str, str] | None = None
        """Of all of them the first one: brackets are counted differently since, and so are orders' ids."""
        for one, other in _paired(first, second):
            self._compare(one, other)
        self.differences.sort(key=lambda difference: difference.at_ns)

    # ------------------------------------------------------------------------------------- a pair
    def _compare(self, one: DayTrade | None, other: DayTrade | None) -> None:
        trade = _either(one, other)
        found = []
        for mine, theirs in _orders_paired(one, other):
            what = _what(mine, theirs)
            if not what:
                self.n_same += 1
                continue
            why, words = self._reason(one, other, mine, theirs)
            order = _either(mine, theirs)
            better_e4 = None
            if mine is not None and theirs is not None and mine.qty == theirs.qty:
                better_e4 = -order.side * (mine.value_e4 - theirs.value_e4) * trade.multiplier
            found.append(
                Difference(
                    what=what,
                    why=why,
                    words=words,
                    at_ns=order.update_ns or order.intent_ns,
                    strategy=trade.strategy,
                    symbol=trade.symbol,
                    leg=order.leg.name,
                    side=Side(order.side).name,
                    first=mine,
                    second=theirs,
                    better_e4=better_e4,
                )
            )
        has_traded = any(side is not None and side.qty for side in (one, other))
        why = found[0].why if found else ""
        if any(one_of.what in ("order", "quantity") for one_of in found):
            since = (why, f"{ist_hms(trade.open_ns)} {trade.words()}")
            self._before.setdefault(trade.strategy, since)
            self._first_before = self._first_before or since
        elif one is not None and other is not None and one.is_closed and other.is_closed:
            self._before.pop(trade.strategy, None)  # both have come to the same again
        self.differences += found
        if has_traded:
            self.pairs.append(TradePair(one, other, why))

    def _reason(
        self,
        one: DayTrade | None,
        other: DayTrade | None,
        mine: TradeOrder | None,
        theirs: TradeOrder | None,
    ) -> tuple[str, str]:
        trade = _either(one, other)
        for asked in one.orders if one is not None else ():
            said = self._broker_words(asked)
            if said:
                return said
        if one is not None and one.exit_reason == ExitReason.BROKER:
            return BROKER, "the broker squared the position off"
        begins = ends = trade.open_ns
        if one is not None and other is not None:
            ends = max(
                found.update_ns or found.intent_ns for found in (mine, theirs) if found is not None
            )
        for trouble in self._tape.troubles:
            if self._touches(trouble, one, other, begins, ends):
                return trouble.why, f"{trouble.words} ({ist_hms(trouble.from_ns)})"
        if one is not None and one.exit_reason in (ExitReason.FLATTEN, ExitReason.MANUAL):
            return PERSON, "somebody closed the position"
        before = self._before.get(trade.strategy)
        if before is not None and (one is None or other is None):
            return before[0], f"the strategy was in another state since {before[1]}"
        if not self._is_recorded:
            first = self._first_before
            if first is not None and mine is not None and theirs is not None:
                if mine.tag != theirs.tag:
                    return (
                        first[0],
                        f"its id is another one since {first[1]}, and the simulation draws by it",
                    )
            return UNEXPLAINED, "nothing in the journal says why"
        return self._market_reason(one, other, mine, theirs)

    def _broker_words(self, order: TradeOrder) -> tuple[str, str] | None:
        """What the broker's answer to an order was, when that was no plain yes."""
        if order.tag in self._tape.unanswered:
            at_ns = self._tape.unanswered[order.tag]
            return FAULT, f"a request of {order.tag} was in doubt ({ist_hms(at_ns)})"
        if order.tag in self._tape.refused:
            said = reason_words(Reason[self._tape.refused[order.tag]])
            return BROKER, f"the broker refused {order.tag}: {said}"
        if order.status == OrdStatus.ABSENT:
            return FAULT, f"{order.tag}: {reason_words(order.reason)}"
        if order.status == OrdStatus.REJECTED:
            return BROKER, f"{order.tag} was rejected: {reason_words(order.reason)}"
        if order.status == OrdStatus.CANCELED and order.reason not in RIGHT_REASONS:
            return BROKER, f"{order.tag} was cancelled: {reason_words(order.reason)}"
        return None

    @staticmethod
    def _touches(
        trouble: DayTrouble,
        one: DayTrade | None,
        other: DayTrade | None,
        begins: int,
        ends: int,
    ) -> bool:
        if trouble.why == "person" and trouble.from_ns == trouble.until_ns:
            return one is not None and (
                one.open_ns <= trouble.from_ns <= (one.close_ns or ends) + AROUND_NS
            )
        if trouble.why == "person" and one is not None and other is not None:
            return False  # a pause keeps entries out, and changes nothing of what is open
        return trouble.from_ns - AROUND_NS <= ends and begins <= trouble.until_ns + AROUND_NS

    def _market_reason(
        self,
        one: DayTrade | None,
        other: DayTrade | None,
        mine: TradeOrder | None,
        theirs: TradeOrder | None,
    ) -> tuple[str, str]:
        """At the journal's own packets: the way there, or the book."""
        if mine is None or theirs is None:
            if one is None or other is None:
                return UNEXPLAINED, "one of the two did not decide this"
            return BOOK, "another exit of the same position traded first"
        model_ns = 2 * self._way_ns
        if mine.ord_type == OrdType.LIMIT and mine.leg == Leg.TARGET:
            return BOOK, "it rested: how much stood before it is not in the packets"
        if mine.trip_ns and abs(mine.trip_ns - model_ns) > OTHER_TRIP * model_ns:
            return (
                LATENCY,
                f"{mine.trip_ns / NS_PER_MS:.1f} ms from request to answer, {model_ns / NS_PER_MS:.1f} ms in the backtest",
            )
        return BOOK, "the book was another one than the last packet's"


def _either(one: Compared | None, other: Compared | None) -> Compared:
    """Of a pair, of which at least one is there: the journal's, or else the backtest's."""
    found = one or other
    assert found is not None
    return found


def _paired(
    first: Sequence[DayTrade], second: Sequence[DayTrade]
) -> list[tuple[DayTrade | None, DayTrade | None]]:
    """In the order of time. Of several that could be meant the nearest one."""
    waiting: dict[tuple[str, str, int], list[DayTrade]] = defaultdict(list)
    for trade in second:
        waiting[trade.strategy, trade.symbol, trade.side].append(trade)
    pairs: list[tuple[DayTrade | None, DayTrade | None]] = []
    for trade in first:
        candidates = waiting[trade.strategy, trade.symbol, trade.side]
        near = min(candidates, key=lambda one: abs(one.open_ns - trade.open_ns), default=None)
        if near is not None and abs(near.open_ns - trade.open_ns) <= APART_NS:
            candidates.remove(near)
            pairs.append((trade, near))
        else:
            pairs.append((trade, None))
    pairs += [(None, trade) for left in waiting.values() for trade in left]
    return sorted(pairs, key=lambda pair: _either(*pair).open_ns)


def _orders_paired(
    one: DayTrade | None, other: DayTrade | None
) -> list[tuple[TradeOrder | None, TradeOrder | None]]:
    """Orders that traded, by leg."""
    pairs: list[tuple[TradeOrder | None, TradeOrder | None]] = []
    for leg in Leg:
        mine, theirs = (
            [order for order in trade.orders if order.leg == leg and order.qty] if trade else []
            for trade in (one, other)
        )
        pairs += zip_longest(mine, theirs)
    return sorted(pairs, key=lambda pair: _either(*pair).intent_ns)


def _what(mine: TradeOrder | None, theirs: TradeOrder | None) -> str:
    """Which of its executions' facts differs first; empty: none."""
    if mine is None or theirs is None:
        return "order"
    if mine.qty != theirs.qty:
        return "quantity"
    if mine.value_e4 != theirs.value_e4:
        return "price"
    # A broker tells whole seconds.
    return "" if mine.update_ns // NS_PER_S == theirs.update_ns // NS_PER_S else "time"


def order_words(order: TradeOrder | None) -> str:
    """As a line of the comparison has it."""
    if order is None:
        return "no such order"
    price_e4 = (2 * order.value_e4 + order.qty) // (2 * order.qty) if order.qty else 0
    return f"{ist_hms(order.update_ns)} {Side(order.side).name:4} {order.qty:>6} at {rupees(price_e4):>12} {order.leg.name:6} {order.tag}"
