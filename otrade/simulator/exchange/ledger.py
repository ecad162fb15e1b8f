"""Positions and money of the one account. Money is exact: e4 rupees times units, as int."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.exchange.margins import MarginLeg, together_e4
from otrade.simulator.exchange.orders import Execution

MIS_SHARE_BPS = 2000
Group = tuple[str, str, str]
"""Exchange, root and product of derivatives that are margined together."""


class WorkingOrder(Protocol):
    """An order as far as it blocks money."""

    @property
    def contract(self) -> ListedContract: ...

    @property
    def product(self) -> str: ...

    @property
    def side(self) -> int: ...

    @property
    def leaves_qty(self) -> int: ...

    @property
    def sequence(self) -> int: ...


AnyOrder = TypeVar("AnyOrder", bound=WorkingOrder)


@dataclass(slots=True)
class Position:
    """One instrument in one product."""

    contract: ListedContract
    product: str
    overnight_qty: int = 0
    overnight_value_e4: int = 0
    buy_qty: int = 0
    buy_value_e4: int = 0
    sell_qty: int = 0
    sell_value_e4: int = 0

    @property
    def qty(self) -> int:
        """Open quantity, negative when short."""
        return self.overnight_qty + self.buy_qty - self.sell_qty

    def sides_e4(self) -> tuple[int, int, int, int]:
        """(bought, for, sold, for) with what was held overnight."""
        held = self.overnight_qty
        buy, sell = max(held, 0), max(-held, 0)
        value = self.overnight_value_e4
        return (
            self.buy_qty + buy,
            self.buy_value_e4 + (value if held > 0 else 0),
            self.sell_qty + sell,
            self.sell_value_e4 + (value if held < 0 else 0),
        )

    @property
    def average_e4(self) -> float:
        """Average price of the side that is open; 0 when flat."""
        bought, paid, sold, got = self.sides_e4()
        return 0.0 if not self.qty else paid / bought if self.qty > 0 else got / sold

    @property
    def realised_e4(self) -> int:
        """Profit of what was bought and sold, at average prices."""
        bought, paid, sold, got = self.sides_e4()
        closed = min(bought, sold)
        if not closed:
            return 0
        return round(got * closed / sold - paid * closed / bought) * self.contract.multiplier

    def figures(self, ltp_e4: int, close_e4: int, *, day: bool = False) -> "PositionFigures":
        """At that last price and previous close; `day` leaves out what was held overnight."""
        by = self.contract.multiplier
        if day:
            bought, paid, sold, got = (
                self.buy_qty,
                self.buy_value_e4,
                self.sell_qty,
                self.sell_value_e4,
            )
        else:
            bought, paid, sold, got = self.sides_e4()
        qty = bought - sold
        value_e4 = (got - paid) * by
        pnl_e4 = value_e4 + qty * ltp_e4 * by
        marked_e4 = 0 if day else abs(self.overnight_qty) * close_e4 - self.overnight_value_e4
        return PositionFigures(
            qty=qty,
            average=(paid / bought if qty > 0 else got / sold) / E4 if qty else 0,
            value_e4=value_e4,
            pnl_e4=pnl_e4,
            m2m_e4=pnl_e4 - (1 if self.overnight_qty > 0 else -1) * marked_e4 * by,
            bought=bought,
            buy_price=paid / bought / E4 if bought else 0,
            buy_value_e4=paid * by,
            sold=sold,
            sell_price=got / sold / E4 if sold else 0,
            sell_value_e4=got * by,
            day_buy_price=self.buy_value_e4 / self.buy_qty / E4 if self.buy_qty else 0,
            day_sell_price=self.sell_value_e4 / self.sell_qty / E4 if self.sell_qty else 0,
        )


@dataclass(frozen=True, slots=True)
class PositionFigures:
    """A position at a price. Prices are rupees, values e4 rupees times units."""

    qty: int
    average: float
    """Of the side that is open; 0 when flat."""
    value_e4: int
    pnl_e4: int
    m2m_e4: int
    """Since the previous close."""
    bought: int
    buy_price: float
    buy_value_e4: int
    sold: int
    sell_price: float
    sell_value_e4: int
    day_buy_price: float
    day_sell_price: float


def group_of(contract: ListedContract, product: str) -> Group | None:
    """Of shares: none, each blocks for itself."""
    return None if contract.expiry is None else (contract.exchange, contract.root, product)


def share_margin_e4(product: str, value_e4: int) -> int:
    """Money that shares of that value block."""
    return value_e4 * MIS_SHARE_BPS // E4 if product == "MIS" else value_e4


@dataclass(slots=True, frozen=True)
class Claim:
    """What an order may still trade, and at which price."""

    contract: ListedContract
    product: str
    side: int
    qty: int
    price_e4: int

    def leg(self, qty: int = 0) -> MarginLeg:
        """All of it, or so many units."""
        qty = qty or self.qty
        return MarginLeg(
            self.contract, self.side * qty, qty * self.price_e4 * self.contract.multiplier
        )

    @property
    def margin_e4(self) -> int:
        """Of this order alone."""
        leg = self.leg()
        if self.contract.expiry is None:
            return share_margin_e4(self.product, leg.value_e4)
        return leg.alone_e4


class Ledger:
    """Every position of the account, and what it has left to trade with."""

    def __init__(self, funds_rupees: float, *, second_exit_costs: bool = True) -> None:
        self.opening_e4 = round(funds_rupees * E4)
        self.second_exit_costs = second_exit_costs
        """False: exits of the same position, of which each closes it alone, block nothing beside
        each other.
        """
        self._positions: dict[tuple[str, str], Position] = {}
        self.fees_e4 = 0
        """What the broker has charged for its own square-offs."""

    def positions(self) -> list[Position]:
        return list(self._positions.values())

    def position(self, contract: ListedContract, product: str) -> Position:
        key = (contract.key, product)
        if key not in self._positions:
            self._positions[key] = Position(contract, product)
        return self._positions[key]

    def held(self, contract: ListedContract, product: str) -> int:
        """Open quantity of one instrument, 0 when it never traded."""
        position = self._positions.get((contract.key, product))
        return position.qty if position else 0

    def book(self, trade: Execution) -> None:
        """Take one execution into the position."""
        order = trade.order
        position = self.position(order.contract, order.product)
        if order.side > 0:
            position.buy_qty += trade.qty
            position.buy_value_e4 += trade.qty * trade.price_e4
        else:
            position.sell_qty += trade.qty
            position.sell_value_e4 += trade.qty * trade.price_e4

    def convert(
        self, contract: ListedContract, from_product: str, to_product: str, qty: int
    ) -> None:
        """Move units of the day, at their average price."""
        source, target = self.position(contract, from_product), self.position(contract, to_product)
        value_e4 = round(source.average_e4 * qty)
        if source.qty > 0:
            source.buy_qty -= qty
            source.buy_value_e4 -= value_e4
            target.buy_qty += qty
            target.buy_value_e4 += value_e4
        else:
            source.sell_qty -= qty
            source.sell_value_e4 -= value_e4
            target.sell_qty += qty
            target.sell_value_e4 += value_e4

    def restore(self, cash_e4: int, held: Iterable[Position], trades: Iterable[Execution]) -> None:
        """As a day began, and what has traded since."""
        self.opening_e4 = cash_e4
        self._positions = {(p.contract.key, p.product): p for p in held}
        for trade in trades:
            self.book(trade)

    def roll(self, resolve: Callable[[str], ListedContract | None]) -> None:
        """A new day: profit becomes cash, open quantities become overnight ones, expired contracts
        disappear.
        """
        self.opening_e4 -= self.fees_e4
        self.fees_e4 = 0
        carried = {}
        for key, position in self._positions.items():
            self.opening_e4 += position.realised_e4
            contract = resolve(position.contract.key)
            if position.qty and contract is not None:
                value_e4 = round(position.average_e4 * abs(position.qty))
                carried[key] = Position(contract, position.product, position.qty, value_e4)
        self._positions = carried

    def realised_e4(self) -> int:
        return sum(position.realised_e4 for position in self._positions.values()) - self.fees_e4

    def shortage_e4(
        self, others: Sequence[AnyOrder], wanted: AnyOrder, price_of: Callable[[AnyOrder], int]
    ) -> tuple[int, int] | None:
        """What an order would block beside the others that work, and what is left for it, where that is not
        enough. An order that blocks nothing more is always carried.
        """
        before = self.blocked_e4(others, price_of)
        more = self.blocked_e4([*others, wanted], price_of) - before
        left = self.opening_e4 + self.realised_e4() - before
        return (more, left) if more > 0 and more > left else None

    def blocked_e4(self, orders: Iterable[AnyOrder], price_of: Callable[[AnyOrder], int]) -> int:
        """Money held by positions, derivatives of one underlying together, and by what the working
        orders would add to them.
        """
        held, total_e4 = self._legs(), 0
        for position in self._positions.values():
            if position.contract.expiry is None and position.qty:
                value_e4 = round(abs(position.qty) * position.average_e4)
                total_e4 += share_margin_e4(position.product, value_e4)
        total_e4 += sum(together_e4(legs) for legs in held.values())
        claims = [
            Claim(order.contract, order.product, order.side, order.leaves_qty, price_of(order))
            for order in sorted(orders, key=lambda o: o.sequence)
        ]
        return total_e4 + self._added_e4(claims, ())

    def _legs(self, *claims: Claim) -> defaultdict[Group, list[MarginLeg]]:
        """What is held of derivatives, and these."""
        found: defaultdict[Group, list[MarginLeg]] = defaultdict(list)
        for position in self._positions.values():
            group = group_of(position.contract, position.product)
            if group is not None and position.qty:
                value_e4 = round(abs(position.qty) * position.average_e4)
                by = position.contract.multiplier
                found[group].append(MarginLeg(position.contract, position.qty, value_e4 * by))
        for claim in claims:
            group = group_of(claim.contract, claim.product)
            if group is not None:
                found[group].append(claim.leg())
        return found

    def preview_e4(self, wanted: Sequence[Claim], working: Sequence[Claim] = ()) -> int:
        """What these orders would block once they have all traded, with the benefit of a hedge, beside
        what is held: an exit is covered by what is held and by what those before it open.
        """
        opened: Counter[tuple[str, str]] = Counter()
        opening, exits, total_e4 = list[Claim](), list(working), 0
        for claim in wanted:
            key = (claim.contract.key, claim.product)
            if (self.held(claim.contract, claim.product) + opened[key]) * claim.side < 0:
                exits.append(claim)
                continue
            opened[key] += claim.side * claim.qty
            opening.append(claim)
            if claim.contract.expiry is None:
                total_e4 += claim.margin_e4
        after = self._legs(*opening)
        before = self._legs()
        total_e4 += sum(
            together_e4(legs) - together_e4(before.get(group, ())) for group, legs in after.items()
        )
        total_e4 += self._added_e4(exits, opening) - self._added_e4(working, ())
        return max(0, total_e4)

    def _added_e4(self, claims: Iterable[Claim], opened: Sequence[Claim]) -> int:
        """Money for what these orders, oldest first, would do to what is held and what is taken as
        opened. Nobody knows which of them will trade: those of one kind add up, and none is a hedge
        for another.
        """
        held = self._legs(*opened)
        total_e4 = 0
        closing: dict[tuple[str, str, int], int] = {}
        legs: defaultdict[tuple[Group, str, int], list[MarginLeg]] = defaultdict(list)
        for claim in claims:
            key = (claim.contract.key, claim.product, claim.side)
            if key not in closing:
                more = sum(c.side * c.qty for c in opened if (c.contract.key, c.product) == key[:2])
                open_qty = self.held(claim.contract, claim.product) + more
                closing[key] = max(0, -claim.side * open_qty)
            covered = min(claim.qty, closing[key])
            if self.second_exit_costs:
                closing[key] -= covered
            rest = claim.qty - covered
            group = group_of(claim.contract, claim.product)
            if group is None:
                value_e4 = rest * claim.price_e4
                total_e4 += share_margin_e4(claim.product, value_e4)
            elif rest:
                kind = claim.contract.instrument_type
                legs[group, kind, claim.side].append(claim.leg(rest))
        for (group, kind, side), added in legs.items():
            keys = {leg.contract.key for leg in added}
            # What an order would turn round is no hedge for it.
            before = [
                leg for leg in held[group] if leg.contract.key not in keys or leg.qty * side > 0
            ]
            more_e4 = together_e4([*before, *added]) - together_e4(before)
            if kind != "FUT" and side > 0:
                # A premium is due whole, whatever the option will be good for once it is held.
                more_e4 = max(more_e4, sum(leg.value_e4 for leg in added))
            total_e4 += max(0, more_e4)
        return total_e4
