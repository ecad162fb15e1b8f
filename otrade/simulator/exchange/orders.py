"""Orders and trades as the broker keeps them."""

from dataclasses import dataclass, field

from otrade.simulator.base.universe import E4, ListedContract

# States, in the words of the order systems behind most Indian brokers.
PUT_REQ = "PUT ORDER REQ RECEIVED"
VALIDATION = "VALIDATION PENDING"
OPEN_PENDING = "OPEN PENDING"
OPEN = "OPEN"
TRIGGER = "TRIGGER PENDING"
MODIFY_VALIDATION = "MODIFY VALIDATION PENDING"
MODIFY_PENDING = "MODIFY PENDING"
MODIFIED = "MODIFIED"
CANCEL_PENDING = "CANCEL PENDING"
COMPLETE = "COMPLETE"
CANCELLED = "CANCELLED"
REJECTED = "REJECTED"
NOT_MODIFIED = "NOT MODIFIED"
NOT_CANCELLED = "NOT CANCELLED"
"""Told to listeners of states only: the exchange turned a change down, the order is what it was."""
UPDATE = "UPDATE"
"""Only in pushes: a partial fill or a modification."""

FINAL = frozenset((COMPLETE, CANCELLED, REJECTED))
WORKING = frozenset((OPEN, TRIGGER))


@dataclass(slots=True)
class RequestedTerms:
    """What a place or modify request asks for."""

    order_type: str
    quantity: int
    price_e4: int = 0
    trigger_e4: int = 0
    validity: str = "DAY"
    validity_ttl: int = 0
    disclosed_quantity: int = 0
    protection_pct: float = 0.0
    """Market protection, per cent; -1 is automatic, 0 is none."""


def used_terms(terms: RequestedTerms) -> RequestedTerms:
    """Prices that the order type does not use are ignored, as brokers do."""
    if terms.order_type in ("MARKET", "SL-M"):
        terms.price_e4 = 0
    if terms.order_type in ("MARKET", "LIMIT"):
        terms.trigger_e4 = 0
    return terms


@dataclass(slots=True)
class OrderRequest:
    """A place request, parsed."""

    contract: ListedContract
    side: int
    """1 buys, -1 sells."""
    product: str
    terms: RequestedTerms
    variety: str = "regular"
    tag: str | None = None
    autoslice: bool = False
    any_tag: bool = False
    """The broker's servers have looked at the tag themselves."""
    slices_max: int = 0
    """Pieces that autoslice may make; 0: any number."""
    margin_in_book: bool = False
    """Too little money is a REJECTED order in the book, not a refused request."""


@dataclass(slots=True, eq=False)
class Execution:
    """One execution."""

    trade_id: str
    order: "Order"
    qty: int
    price_e4: int
    ts_ns: int


@dataclass(slots=True, eq=False)
class Order:
    """One order and its history."""

    order_id: str
    contract: ListedContract
    side: int
    product: str
    terms: RequestedTerms
    variety: str
    tag: str | None
    placed_by: str
    ts_placed_ns: int
    sequence: int
    """Time priority at the exchange; a modification of price or a larger quantity loses it."""
    guid: str
    draw_key: int = 0
    """Names its draws: the number of its ClOrdID, its instrument, and how many orders had both
    before.
    """
    autoslice: bool = False
    """Its quantity may have been cut out of a larger one."""
    market_protection_pct: float = 0.0
    """What a market order was placed with, per cent, -1 for automatic; 0: it is none."""
    is_marked: bool = False
    """The broker puts words of its own among the tags, for no reason that the order shows."""
    parent_order_id: str | None = None
    exchange_order_id: str | None = None
    status: str = PUT_REQ
    status_message: str | None = None
    ts_order_ns: int = 0
    ts_exchange_ns: int = 0
    ts_update_ns: int = 0
    filled_qty: int = 0
    filled_value_e4: int = 0
    cancelled_qty: int = 0
    modifications: int = 0
    triggered: bool = False
    history: list["OrderState"] = field(default_factory=list)
    trades: list[Execution] = field(default_factory=list)
    told: list[tuple[int, "OrderState"]] = field(default_factory=list)
    """(time, state) of each one that was pushed or recorded."""

    def as_told(self, ts_ns: int) -> "OrderState | None":
        """As it was at that time; None when there was none yet."""
        return next((state for told_ns, state in reversed(self.told) if told_ns <= ts_ns), None)

    @property
    def name(self) -> str:
        """Its ClOrdID, or the broker's id where it has none."""
        return self.tag or self.order_id

    @property
    def transaction_type(self) -> str:
        return "BUY" if self.side > 0 else "SELL"

    @property
    def leaves_qty(self) -> int:
        """Quantity that can still trade."""
        return 0 if self.status in FINAL else self.terms.quantity - self.filled_qty

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def waits_for_trigger(self) -> bool:
        return self.terms.order_type in ("SL", "SL-M") and not self.triggered

    @property
    def average_price(self) -> float:
        """Exact quantity-weighted price of the fills, in rupees."""
        return self.filled_value_e4 / self.filled_qty / E4 if self.filled_qty else 0

    def state(self, status: str | None = None) -> "OrderState":
        """As it is now, under another status word when one is given."""
        return OrderState(
            self,
            status or self.status,
            self.status_message,
            self.terms,
            self.exchange_order_id,
            self.ts_exchange_ns,
            self.ts_update_ns,
            self.filled_qty,
            self.average_price,
            self.leaves_qty,
            self.cancelled_qty,
            self.modifications,
        )


@dataclass(slots=True, eq=False)
class OrderState:
    """An order at one moment: what changes in its life."""

    order: Order
    status: str
    status_message: str | None
    terms: RequestedTerms
    exchange_order_id: str | None
    ts_exchange_ns: int
    ts_update_ns: int
    filled_qty: int
    average_price: float
    leaves_qty: int
    cancelled_qty: int
    modifications: int
