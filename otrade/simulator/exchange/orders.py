"""Orders and trades as the broker keeps them, and as Kite writes them."""

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import E4, ListedContract

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


@lru_cache(maxsize=64)
def _stamp(second: int) -> str:
    return dt.datetime.fromtimestamp(second, IST).strftime("%Y-%m-%d %H:%M:%S")


def stamp(ts_ns: int) -> str:
    """`yyyy-mm-dd hh:mm:ss` IST, as in every Kite payload."""
    return _stamp(ts_ns // NS_PER_S)


def number(value_e4: int) -> int | float:
    """Rupees; whole amounts as JSON integers, as Kite writes them."""
    whole, rest = divmod(value_e4, E4)
    return whole if not rest else value_e4 / E4


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
    """The broker's face has looked at the tag itself."""
    slices_max: int = 0
    """Pieces that autoslice may make; 0: as the configuration says."""
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

    def to_json(self) -> dict[str, Any]:
        contract, at = self.order.contract, stamp(self.ts_ns)
        return {
            "trade_id": self.trade_id,
            "order_id": self.order.order_id,
            "exchange": contract.exchange,
            "tradingsymbol": contract.tradingsymbol,
            "instrument_token": contract.token,
            "product": self.order.product,
            "average_price": number(self.price_e4),
            "quantity": self.qty,
            "exchange_order_id": self.order.exchange_order_id,
            "transaction_type": self.order.transaction_type,
            "fill_timestamp": at,
            "order_timestamp": at[11:],
            "exchange_timestamp": at,
        }


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
    broker_tags: tuple[str, ...] = ()
    """Words that the broker puts among the tags, before the user's own."""
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
    history: list[dict[str, Any]] = field(default_factory=list)
    trades: list[Execution] = field(default_factory=list)
    told: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """(time, order object) of each state that was pushed or recorded."""

    def as_told(self, ts_ns: int) -> dict[str, Any] | None:
        """The order object as it was at that time; None when there was none yet."""
        return next((row for told_ns, row in reversed(self.told) if told_ns <= ts_ns), None)

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

    def to_json(self, status: str | None = None) -> dict[str, Any]:
        """The order object of every Kite payload."""
        terms, contract = self.terms, self.contract
        return {
            "placed_by": self.placed_by,
            "account_id": self.placed_by,
            "order_id": self.order_id,
            "exchange_order_id": self.exchange_order_id,
            "parent_order_id": self.parent_order_id,
            "status": status or self.status,
            "status_message": self.status_message,
            "status_message_raw": self.status_message,
            "order_timestamp": stamp(self.ts_order_ns),
            "exchange_update_timestamp": stamp(self.ts_update_ns) if self.ts_update_ns else None,
            "exchange_timestamp": stamp(self.ts_exchange_ns) if self.ts_exchange_ns else None,
            "variety": self.variety,
            "modified": self.modifications > 0,
            "exchange": contract.exchange,
            "tradingsymbol": contract.tradingsymbol,
            "instrument_token": contract.token,
            "order_type": terms.order_type,
            "transaction_type": self.transaction_type,
            "validity": terms.validity,
            "validity_ttl": terms.validity_ttl,
            "product": self.product,
            "quantity": terms.quantity,
            "disclosed_quantity": terms.disclosed_quantity,
            "price": number(terms.price_e4),
            "trigger_price": number(terms.trigger_e4),
            "average_price": round(
                self.average_price, 2
            ),  # as brokers round it; the list of trades is exact
            "filled_quantity": self.filled_qty,
            "pending_quantity": self.leaves_qty,
            "cancelled_quantity": self.cancelled_qty,
            "auction_number": None,
            "market_protection": terms.protection_pct,
            "meta": {},
            # The broker's words push the user's own tag out of `tag`.
            "tag": None if self.broker_tags else self.tag,
            "tags": [*self.broker_tags, *([self.tag] if self.tag else [])],
            "guid": self.guid,
        }
