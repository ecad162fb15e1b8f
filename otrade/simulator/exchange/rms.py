"""What a broker does to an account by itself: the square-off of intraday positions, and what it
takes no more after it; and what its owner can do beside the API: convert a position into another
product.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import RequestRefused, bad_input
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock
from otrade.simulator.exchange.ledger import Ledger
from otrade.simulator.exchange.market_data import MarketData
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms

FEE_E4 = 59 * E4
"""Rs 50 and 18 per cent, for each order of a square-off."""
SHARES_MAX = 30_000
"""Shares are squared off in orders of at most so many; derivatives in what the exchange takes at
once.
"""
BLOCKED = "RMS:Blocked: MIS orders are not taken after the square off time. Use another product, or close the position at the broker."
SHORT_SESSION_MIN = 14
"""Before the end of a session of an hour (as a broker did in the Muhurat session of 2023)."""


@dataclass(frozen=True, slots=True)
class RmsRules:
    """One broker's."""

    placed_by: str
    """Whose name stands on the orders of a square-off."""
    times: Sequence[tuple[str, dict[str, str]]]
    """(first day, time of the square-off by kind of hours), dates rising."""

    def cut_off_ns(self, contract: ListedContract, date: dt.date) -> int:
        """When this instrument is squared off."""
        _, close_ns = contract.session_ns(date)
        if date in hours.MUHURAT:
            return close_ns - SHORT_SESSION_MIN * 60 * NS_PER_S
        times = [row for start, row in self.times if start <= date.isoformat()][-1]
        return min(hours.ist_ns(date, times[contract.hours_kind]), close_ns - 60 * NS_PER_S)


class RmsExchange(Protocol):
    """What risk management needs of the order system."""

    @property
    def clock(self) -> VirtualClock: ...

    @property
    def market(self) -> MarketData: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def date(self) -> dt.date: ...

    def live_orders(self) -> list[Order]: ...

    def place(
        self, request: OrderRequest, placed_by: str | None = None
    ) -> Sequence[Order | RequestRefused]: ...


class BrokerRms:
    """One account's, on one exchange."""

    def __init__(
        self, exchange: RmsExchange, rules: RmsRules, cancel: Callable[[Order, str], None]
    ) -> None:
        """`cancel` takes an order out of the market at once."""
        self._exchange = exchange
        self._cancel = cancel
        self._rules = rules
        self._closed: set[str] = set()
        """Instruments that take no new MIS orders any more today."""

    def open_day(self, date: dt.date) -> None:
        """Arm the day's square-offs."""
        self._closed.clear()
        exchange = self._exchange
        times: dict[tuple[str, bool], int] = {}
        """By what the hours of a contract depend on: there are thousands."""
        due: dict[int, list[ListedContract]] = {}
        for contract in exchange.market.universe.contracts:
            if contract.tradable:
                alike = contract.hours_kind, contract.expiry == date and contract.is_of_index
                if alike not in times:
                    times[alike] = self._rules.cut_off_ns(contract, date)
                due.setdefault(times[alike], []).append(contract)
        for due_ns, contracts in due.items():
            keys = [contract.key for contract in contracts]

            def run(keys: list[str] = keys) -> None:
                if exchange.date == date:
                    self.close_to_new(keys)
                    self.square_off(keys)

            exchange.clock.schedule(due_ns, run, EventKind.SESSION)

    def close_to_new(self, keys: Iterable[str]) -> None:
        """No new MIS orders for these, from now on."""
        self._closed.update(keys)

    def blocked(self, contract: ListedContract, product: str) -> str | None:
        """Why a new order is rejected; None when it is not."""
        return BLOCKED if product == "MIS" and contract.key in self._closed else None

    def square_off(self, keys: Iterable[str]) -> list[Order]:
        """Pending MIS orders are cancelled first; then what is open is closed at the market, and
        charged for.
        """
        exchange, placed = self._exchange, list[Order]()
        for key in keys:
            contract = exchange.market.universe.resolve(key)
            for order in exchange.live_orders():
                if order.contract.key == contract.key and order.product == "MIS":
                    self._cancel(order, "RMS: Auto square off")
            orders = self._close(
                contract, exchange.ledger.held(contract, "MIS"), self._rules.placed_by
            )
            exchange.ledger.fees_e4 += FEE_E4 * len(orders)
            placed += orders
        return placed

    def held(self, key: str, product: str = "MIS") -> int:
        """Units that are open in a product, without their sign."""
        contract = self._exchange.market.universe.resolve(key)
        return abs(self._exchange.ledger.held(contract, product))

    def lot(self, key: str) -> int:
        return self._exchange.market.universe.resolve(key).lot

    def close_manually(self, key: str, qty: int, product: str = "MIS") -> list[Order]:
        """The owner sells (or buys back) so many units of what is open, in the broker's app."""
        contract = self._exchange.market.universe.resolve(key)
        held = self._exchange.ledger.held(contract, product)
        units = min(abs(held), qty) * (1 if held > 0 else -1)
        return self._close(contract, units, "MANUAL", product)

    def _close(
        self, contract: ListedContract, held: int, placed_by: str, product: str = "MIS"
    ) -> list[Order]:
        most = contract.freeze_qty // contract.lot * contract.lot or abs(held)
        if contract.expiry is None:
            most = min(most, SHARES_MAX)
        left, placed = abs(held), list[Order]()
        while left > 0:
            terms = RequestedTerms("MARKET", min(left, most), protection_pct=-1.0)
            request = OrderRequest(
                contract, -1 if held > 0 else 1, product, terms, margin_in_book=True
            )
            try:
                order = self._exchange.place(request, placed_by)[0]
            except RequestRefused:
                break  # the exchange is closed
            assert isinstance(order, Order)
            placed.append(order)
            left -= terms.quantity
        return placed

    def convert(self, key: str, from_product: str, to_product: str, qty: int) -> None:
        """Units of the day move into another product, at their price. RequestRefused when there are not
        so many, or it is too late.
        """
        contract = self._exchange.market.universe.resolve(key)
        if self.blocked(contract, to_product):
            raise bad_input("Position cannot be converted to MIS after the square off time.")
        ledger = self._exchange.ledger
        held = ledger.held(contract, from_product)
        if abs(held) < qty:
            raise bad_input(f"Invalid `quantity`. Only {abs(held)} can be converted.")
        ledger.convert(contract, from_product, to_product, qty)
