"""Positions once their entries have filled: which orders they are, what was paid, and which plans
they may follow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otrade.drill.trader.leave.levels import PriceRange
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.record import SessionRecord, TakenOver
from otrade.drill.trader.replay import SeenTouch, TraderMove
from otrade.drill.trader.said import unknown_terms
from otrade.simulator.exchange.orders import Order

SECOND = 1_000_000_000
ROUNDED_E4 = 100
"""An average is told in paise, or its fourth decimal is cut: by so much it may differ."""
SENT_NS = 2 * SECOND
"""The price at which an entry was sent is one that was seen so long before its arrival."""
KNOWN_NS = 3 * SECOND
"""A fill has changed the levels within this."""
WRONG_AVERAGE = frozenset({"avg_missing", "avg_revised", "trades_late"})
"""Fills whose price is not told, or told wrongly at first: the last price stands in for it."""
WRONG_AVERAGE_SHARE = 0.006
ATTRIBUTED_NS = 60 * SECOND
"""An order that is late because of a trouble may be so long behind its signal."""


@dataclass(slots=True)
class EnteredBracket:
    """The orders of one run and number, and the plans that they may follow."""

    tag: str
    entry: Order
    exits: list[Order]
    plans: list[Mapping[str, Any]]
    instrument: TraderInstrument
    touches: list[SeenTouch]
    unsure: Callable[[int, int], str]
    """May a trouble have delayed something between these times?"""
    strategies: list[TradedStrategy] = field(default_factory=list)
    """Whose it may be."""
    moves: list[TraderMove] = field(default_factory=list)
    """What may have moved its stop: all that was said of it while it was held, oldest first."""
    taken_ns: int = 0
    """When a person has taken it over from somebody else; 0: it was entered."""
    _tightest: list[tuple[int, int]] = field(init=False, default_factory=list)
    """(since when, the tightest stop that was asked for)."""

    def __post_init__(self) -> None:
        for one in self.moves:
            if not self._tightest or (one.level_e4 - self._tightest[-1][1]) * self.side > 0:
                self._tightest.append((one.ts_ns, one.level_e4))

    @property
    def opened_ns(self) -> int:
        """Since when its stop may follow the price."""
        return self.taken_ns or self.entry.trades[0].ts_ns

    @property
    def side(self) -> int:
        return self.entry.side

    def averages(self, ts_ns: int, *, is_wrong: bool) -> PriceRange | None:
        """What had been paid for a unit, after each fill that may have been the last one known then.
        None: nothing was filled.
        """
        found, qty, value_e4 = list[int](), 0, 0
        known_ns = 0
        if not self.unsure(self.entry.ts_placed_ns, ts_ns):
            known_ns = ts_ns - KNOWN_NS
        for trade in self.entry.trades:
            if trade.ts_ns > ts_ns:
                break
            if trade.ts_ns <= known_ns:
                found.clear()
            qty += trade.qty
            value_e4 += trade.qty * trade.price_e4
            found.append(value_e4 // qty)
        if not found:
            return None
        more_e4 = round(found[-1] * WRONG_AVERAGE_SHARE) if is_wrong else ROUNDED_E4
        return PriceRange(min(found) - more_e4, max(found) + more_e4)

    def moved_to(self, ts_ns: int) -> int:
        """The tightest stop that was asked for until then; 0: none was."""
        at = bisect_right(self._tightest, ts_ns, key=lambda one: one[0])
        return self._tightest[at - 1][1] if at else 0

    def prices(self, from_ns: int, until_ns: int) -> list[SeenTouch]:
        """What was known of the price between these times, and when they began."""
        first = bisect_left(self.touches, from_ns, key=lambda one: one.ts_ns)
        last = bisect_right(self.touches, until_ns, key=lambda one: one.ts_ns)
        return self.touches[max(first - 1, 0) : last]

    def sent_at(self) -> PriceRange:
        """Prices at which its entry may have been sent; of what was taken over, what had been paid."""
        if self.taken_ns and (paid := self.averages(self.taken_ns, is_wrong=False)):
            return paid
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


def averages_at(record: SessionRecord, bracket: EnteredBracket, ts_ns: int) -> PriceRange | None:
    """What had been paid for a unit, as it may have been told by then. None: nothing was filled."""
    return bracket.averages(ts_ns, is_wrong=record.in_force(WRONG_AVERAGE, 0, ts_ns))


def entered_brackets(
    orders: Iterable[Order],
    instruments: Iterable[TraderInstrument],
    touches: Mapping[str, list[SeenTouch]],
    strategies_of: Mapping[str, list[tuple[TradedStrategy, Mapping[str, Any]]]],
    moves: Mapping[str, list[TraderMove]],
    unsure: Callable[[int, int], str],
    possible_terms: Callable[[TradedStrategy, int, int], list[Mapping[str, Any]]],
    taken_over: Iterable[TakenOver] = (),
) -> list[EnteredBracket]:
    """Those whose entry has filled, and what was taken over. `strategies_of`: whose a bracket may be; where the trader does
    not know, or a trouble makes it doubtful, it may be that of any strategy of its instrument.
    """
    listed = {one.key: one for one in instruments}
    grouped: dict[str, list[Order]] = {}
    orders = list(orders)
    for order in orders:
        if order.tag:
            grouped.setdefault(order.tag[2:12], []).append(order)
    found = []
    for tag, group in grouped.items():
        entry = next((order for order in group if (order.tag or "")[12] == "E"), None)
        if entry is None or not entry.trades:
            continue
        instrument, known = listed[entry.contract.key], strategies_of.get(tag)
        if not known or unsure(entry.ts_placed_ns - ATTRIBUTED_NS, entry.ts_placed_ns):
            known = [
                (one, plan)
                for one in instrument.strategies
                for plan in possible_terms(one, entry.side, entry.ts_placed_ns)
            ] + (known or [])
            known = known or [(one, unknown_terms(one)) for one in instrument.strategies]
        plans = [plan for _, plan in known]
        exits = [order for order in group if order is not entry]
        found.append(
            EnteredBracket(
                tag,
                entry,
                exits,
                plans,
                instrument,
                touches[entry.contract.key],
                unsure,
                [one for one, _ in known],
                [
                    one
                    for one in moves.get(instrument.key, [])
                    if one.side == entry.side
                    and one.until_ns >= entry.trades[0].ts_ns
                    and any(one.strategy is strategy for strategy, _ in known)
                ],
            )
        )
    for taken in taken_over:
        key, exits = taken.order.contract.key, taken.exits_among(orders)
        if exits:
            first = listed[key].strategies[0]
            tag = (exits[0].tag or "")[2:12]
            plans = [first.plan]
            found.append(
                EnteredBracket(
                    tag,
                    taken.order,
                    exits,
                    plans,
                    listed[key],
                    touches[key],
                    unsure,
                    [first],
                    [
                        one
                        for one in moves.get(key, [])
                        if one.strategy is first
                        and one.side == taken.order.side
                        and one.until_ns >= taken.ts_ns
                    ],
                    taken.ts_ns,
                )
            )
    return found
