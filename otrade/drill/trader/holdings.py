"""What each strategy holds, from the exchange's own books: a bracket is the run and number in its
orders' tags.
"""

from dataclasses import dataclass, field

from otrade.drill.trader.plan import TradedStrategy
from otrade.drill.trader.tolerances import TOLD_NS
from otrade.simulator.exchange.orders import FINAL, OPEN, Order


@dataclass(slots=True)
class EnteredDecision:
    """What one signal led to: one or more brackets of a strategy, sent from `since_ns` on."""

    strategy: TradedStrategy
    side: int
    since_ns: int
    qty: int
    brackets: list["SeenBracket"] = field(default_factory=list)

    @property
    def sent_qty(self) -> int:
        return sum(bracket.entry.history[0].terms.quantity for bracket in self.brackets)

    @property
    def may_be_of(self) -> frozenset[int]:
        """The numbers of all strategies whose it, or a part of it, may be."""
        also = (one.number for bracket in self.brackets for one in bracket.also)
        return frozenset((self.strategy.number, *also))

    def is_of(self, strategy: TradedStrategy) -> bool:
        """Is it that strategy's, or may a part of it be?"""
        return strategy is self.strategy or any(strategy in one.also for one in self.brackets)

    def is_surely_open(self, ts_ns: int) -> bool:
        return self.since_ns <= ts_ns and any(
            not one.also and (not one.first_flat_ns or ts_ns < one.first_flat_ns)
            for one in self.brackets
        )

    def may_be_open(self, ts_ns: int, late_ns: int = 0) -> bool:
        return self.since_ns <= ts_ns and any(
            not one.last_ns or ts_ns <= one.last_ns + TOLD_NS + late_ns for one in self.brackets
        )

    def is_filled(self, ts_ns: int) -> bool:
        return any(trade.ts_ns <= ts_ns for one in self.brackets for trade in one.entry.trades)


class SeenBracket:
    """One bracket's orders over the whole session."""

    def __init__(self, entry: Order, orders: list[Order], others_ns: list[int]) -> None:
        """`others_ns`: when somebody else has ordered the same thing; he may have closed it."""
        self.entry = entry
        self.also: list[TradedStrategy] = []
        """Other strategies that may have sent it: they wished for the same thing as well."""
        self._orders = orders
        self._has_others = bool(others_ns)
        self.first_flat_ns = self.last_ns = 0
        """When nothing was open and no order of it live for the first time; and when the last of
        its orders ended. 0: never.
        """
        events = sorted(
            (ts_ns, number, state.filled_qty, state.status in FINAL)
            for number, order in enumerate(orders)
            for ts_ns, state in order.told
        )
        filled, live = dict.fromkeys(range(len(orders)), 0), dict[int, bool]()
        for ts_ns, number, qty, is_final in events:
            filled[number] = max(filled[number], qty)
            live[number] = not is_final
            net = sum(orders[at].side * qty for at, qty in filled.items())
            is_flat = net == 0 or (bool(others_ns) and ts_ns >= others_ns[0])
            if is_flat and not any(live.values()):
                self.first_flat_ns = self.first_flat_ns or ts_ns
                self.last_ns = ts_ns
            else:
                self.last_ns = 0
        if others_ns:
            self.first_flat_ns = min(self.first_flat_ns or others_ns[0], others_ns[0])

    @property
    def was_stopped(self) -> bool | None:
        """Did its first stop end it? None: perhaps."""
        return None if self._has_others else _was_stopped(self.entry, self._orders)


def brackets_of(orders: list[Order]) -> dict[str, SeenBracket]:
    """By run and number; those without an entry of ours left out."""
    grouped: dict[str, list[Order]] = {}
    others = [order for order in orders if not order.tag]
    for order in orders:
        if order.tag:
            grouped.setdefault(order.tag[2:12], []).append(order)
    found = {}
    for tag, group in grouped.items():
        entry = next((order for order in group if (order.tag or "")[12] == "E"), None)
        if entry is not None:
            foreign_ns = [
                other.ts_placed_ns
                for other in others
                if (other.contract.key, other.product) == (entry.contract.key, entry.product)
                and other.ts_placed_ns >= entry.ts_placed_ns
            ]
            found[tag] = SeenBracket(entry, group, foreign_ns)
    return found


def _was_stopped(entry: Order, orders: list[Order]) -> bool | None:
    """By what its exits have asked for, and where they traded."""
    left = [order for order in orders if order is not entry and order.trades]
    if not entry.trades or not left:
        return False if not entry.trades else None
    if len(left) == 1:
        asked = {
            (state.terms.order_type, state.terms.trigger_e4)
            for order in orders
            for _, state in order.told
            if order is not entry
        }
        if len(asked) == 1 and asked.pop()[0] == "SL":
            return True
    if any(_may_be_the_stop(order) for order in left):
        return None
    best = [trade.price_e4 * entry.side for order in left for trade in order.trades]
    paid = [trade.price_e4 * entry.side for trade in entry.trades]
    types = {order.told[-1][1].terms.order_type for order in left}
    return False if types == {"LIMIT"} and min(best) > max(paid) else None


def _may_be_the_stop(order: Order) -> bool:
    """It had triggered and was priced anew where it did not trade; or price was beyond the stop
    before there was one, and it was a limit from the first.
    """
    if (order.tag or "")[12] == "T":
        return False
    triggered = any(
        state.status == OPEN and state.terms.order_type == "SL" for _, state in order.told
    )
    return triggered or order.told[0][1].terms.order_type != "SL"
