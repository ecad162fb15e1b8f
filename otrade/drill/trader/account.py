"""The account as a whole: each instrument in each product, execution by execution, whoever sent it.

What somebody else trades gives back his own first, then closes ours, and the rest is his. Which of
several brackets of one side he has closed nobody can say: together they may take out what is left.
Where he closes units of ours and then opens as many again, either may take them out. An order of
ours that takes out more than is left opens what nobody intended. Brokers tell times in whole
seconds: what somebody else trades within one of an exit of ours may have closed the same units, and
to buy that back is as right as to leave it to him.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.record import TakenOver
from otrade.simulator.exchange.orders import FINAL, Execution, Order

SECOND = 1_000_000_000
CAUSE_NS = 60 * SECOND
"""A cause is at most so old: what others have done is found within it, and a late fill is told."""
CANCEL_NS = 60_000_000
"""What stood so long ago could not be taken out before it traded: a push's way and a request's."""
UNDONE_NS = 30 * SECOND
"""What is too much is out again within this, and what its cause adds."""


class WrongAccount(AssertionError):
    """The account holds what nobody intended, in words."""


@dataclass(frozen=True, slots=True)
class OthersShare:
    """What others hold of an instrument in one product, from then on. `is_sure`: nobody can say
    otherwise.
    """

    ts_ns: int
    units: int
    is_sure: bool


@dataclass(slots=True)
class AccountPart:
    """One instrument in one product."""

    net: int = 0
    strangers: int = 0
    """What others hold of it."""
    brackets: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(side, units that its own orders have left open) by run and number of the tag."""
    closed: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})
    """Units of ours that others have closed, by the side that was open,"""
    again: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})
    """and of those the ones that they have opened again."""
    others_ns: list[int] = field(default_factory=list)
    exits: list[tuple[int, int]] = field(default_factory=list)
    """(time, units) of what exits of ours have closed."""
    either: int = 0
    """Units that others opened within a second of an exit of ours."""
    excess_ns: int = 0
    """Since when more is out than was in."""

    @property
    def excess(self) -> int:
        over = sum(-units for _, units in self.brackets.values() if units < 0)
        return over + sum(max(-self.open_units(side), 0) for side in (1, -1))

    @property
    def ours(self) -> int:
        units = sum(side * units for side, units in self.brackets.values())
        return units - self.closed[1] + self.closed[-1]

    def open_units(self, side: int) -> int:
        """Of that side's brackets together; below 0: more was closed than was left."""
        held = sum(
            units for of_side, units in self.brackets.values() if of_side == side and units > 0
        )
        return held - self.closed[side]


class AccountJudge:
    """One session, once it is over. `unsure`: may a trouble have delayed something between these
    times? `ledger`: what the exchange says that the account holds, by instrument and product;
    `carried`: what it held in the morning.
    """

    def __init__(
        self,
        instruments: Iterable[TraderInstrument],
        orders: Iterable[Order],
        trades: Iterable[Execution],
        ledger: Mapping[tuple[str, str], int],
        unsure: Callable[[int, int], str],
        taken_over: Iterable[TakenOver] = (),
        carried: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._taken_over = sorted(taken_over, key=lambda taken: taken.ts_ns)
        self._products = {one.key: one.product for one in instruments}
        self._orders = list(orders)
        self._trades = list(trades)
        self._ledger = ledger
        self._unsure = unsure
        self._parts: dict[tuple[str, str], AccountPart] = {}
        self.n_moments = 0
        """Executions after which the account was added up."""
        self.others: dict[tuple[str, str], list[OthersShare]] = {}
        """By instrument and product, once it is checked."""
        for place, units in (carried or {}).items():
            self._parts[place] = AccountPart(net=units, strangers=units)
            self.others[place] = [OthersShare(0, units, is_sure=True)]

    def check(self) -> None:
        """WrongAccount for the first thing that is wrong."""
        waiting = deque(self._taken_over)
        for trade in self._trades:
            while waiting and waiting[0].ts_ns <= trade.ts_ns:
                self._take_over(waiting.popleft())
            order = trade.order
            place = order.contract.key, order.product
            part = self._parts.setdefault(place, AccountPart())
            part.net += order.side * trade.qty
            if order.tag:
                self._ours(part, order, trade)
            else:
                part.others_ns.append(trade.ts_ns)
                self._others(part, order.side, trade.qty, trade.ts_ns)
            self.n_moments += 1
            self.others.setdefault(place, []).append(
                OthersShare(trade.ts_ns, part.strangers, not part.either and not part.excess)
            )
            if part.net != part.ours + part.strangers:
                raise WrongAccount(
                    f"{place[0]}: the account holds {part.net} units, "
                    f"we {part.ours} and others {part.strangers}"
                )
            self._check_excess(place[0], part, trade.ts_ns)
        for taken in waiting:
            self._take_over(taken)
        self._check_end()

    def _take_over(self, taken: TakenOver) -> None:
        """What somebody else holds is a bracket's of ours from then on."""
        order, place = taken.order, (taken.order.contract.key, taken.order.product)
        part = self._parts[place]
        exits = taken.exits_among(self._orders)
        tag = (exits[0].tag or "")[2:12] if exits else order.order_id
        part.brackets[tag] = order.side, order.filled_qty
        part.strangers -= order.side * order.filled_qty
        self.others[place].append(OthersShare(taken.ts_ns, part.strangers, not part.either))

    def _ours(self, part: AccountPart, order: Order, trade: Execution) -> None:
        key, product = order.contract.key, order.product
        tag = (order.tag or "")[2:12]
        if product != self._products.get(key):
            raise WrongAccount(f"order {order.tag} traded {key} in {product}, which is not ours")
        is_entry = (order.tag or "")[12] == "E"
        if tag not in part.brackets:
            if not is_entry:
                raise WrongAccount(f"exit {order.tag} traded and nothing had been entered")
            part.brackets[tag] = order.side, 0
        side, units = part.brackets[tag]
        part.brackets[tag] = side, units + order.side * side * trade.qty
        if order.side != side:
            part.exits.append((trade.ts_ns, trade.qty))
            again = max(
                min(-part.open_units(side), part.again[side], part.strangers * side),
                0,
            )
            part.again[side] -= again
            part.closed[side] -= again
            part.strangers -= side * again

    @staticmethod
    def _others(part: AccountPart, side: int, qty: int, ts_ns: int) -> None:
        back = min(qty, max(-part.strangers * side, 0))
        part.strangers += side * back
        left = qty - back
        closed = min(max(part.open_units(-side), 0), left)
        part.closed[-side] += closed
        left -= closed
        for tag, (of_side, units) in part.brackets.items():
            if of_side == side and units < 0:  # he squares off what was too much
                back = min(-units, left)
                part.brackets[tag] = of_side, units + back
                left -= back
        back = min(max(-part.open_units(side), 0), left)
        part.closed[side] -= back
        part.again[side] = min(part.again[side], part.closed[side])
        left -= back
        part.strangers += side * left
        part.again[side] += min(part.closed[side] - part.again[side], left)
        just = sum(units for at_ns, units in part.exits if ts_ns - at_ns <= SECOND)
        part.either += min(left, just)

    def _check_excess(self, key: str, part: AccountPart, ts_ns: int) -> None:
        if not part.excess:
            self._check_undone(key, part, ts_ns)
            part.excess_ns = 0
        elif part.excess_ns:
            self._check_undone(key, part, ts_ns)
        else:
            part.excess_ns = ts_ns
            if not self._has_cause(key, part, ts_ns):
                raise WrongAccount(
                    f"{key}: {part.excess} units were taken out that were not in, and nobody had closed them"
                )

    def _check_undone(self, key: str, part: AccountPart, ts_ns: int) -> None:
        since_ns = part.excess_ns
        if since_ns and ts_ns > since_ns + UNDONE_NS and not self._unsure(since_ns, ts_ns):
            raise WrongAccount(
                f"{key}: what was taken out too much is still open {(ts_ns - since_ns) / SECOND:.1f} s later"
            )

    def _has_cause(self, key: str, part: AccountPart, ts_ns: int) -> bool:
        """Somebody else has just traded there, a trouble hides what traded, or stop and target both
        worked and both traded before one could be taken out.
        """
        return (
            any(ts_ns - CAUSE_NS <= at_ns <= ts_ns for at_ns in part.others_ns)
            or bool(self._unsure(ts_ns - CAUSE_NS, ts_ns))
            or any(
                units < 0 and self._had_both(key, tag, ts_ns)
                for tag, (_, units) in part.brackets.items()
            )
        )

    def _had_both(self, key: str, tag: str, ts_ns: int) -> bool:
        legs = set()
        for order in self._orders:
            if order.contract.key == key and (order.tag or "")[2:12] == tag:
                before = [order.as_told(at_ns) for at_ns in (ts_ns - CANCEL_NS, ts_ns - 1)]
                if any(state is not None and state.status not in FINAL for state in before):
                    legs.add((order.tag or "")[12])
        return {"S", "T"} <= legs

    def _check_end(self) -> None:
        for (key, product), part in self._parts.items():
            left = {tag: units for tag, (_, units) in part.brackets.items() if units}
            undone = part.open_units(1) + part.open_units(-1)
            if part.excess or undone > part.either:
                raise WrongAccount(
                    f"{key}: the day ended with {left} of ours, "
                    f"of which others have closed {part.closed[1] + part.closed[-1]}"
                )
            if part.net != part.strangers and not undone:
                raise WrongAccount(f"{key}: others hold {part.strangers}, the account {part.net}")
            held = self._ledger.get((key, product), 0)
            if held != part.net:
                raise WrongAccount(
                    f"{key}: the exchange says {held} units in {product}, its trades {part.net}"
                )
