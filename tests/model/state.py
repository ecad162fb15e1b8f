"""The world outside the core, at one moment: what the broker has, what is under way to and from it, and what of each kind of trouble
has been used up. Plain data; shares no code with the product but its enums.
"""

from __future__ import annotations

import marshal
from enum import IntEnum
from typing import Any, NamedTuple

from otrade._core.types import Ev, OrdType

LIMIT, SL, MARKET = int(OrdType.LIMIT), int(OrdType.SL), int(OrdType.MARKET)


class Px(IntEnum):
    """The prices that the market has, by what they mean for a long position entered at UP."""

    GAP = 0  # beyond the stop's limit
    STOP = 1  # its trigger has traded, its limit has not been passed
    DOWN = 2  # below the strategy's level
    UP = 3  # above it
    TRAIL = 4  # the stop follows
    TARGET = 5  # the target has traded


PX_E4 = (970_000, 980_000, 999_500, 1_000_500, 1_025_500, 1_041_000)
FILL_E4 = {1: 1_000_500, -1: 1_000_000}
"""What a unit trades at, by side. One price each: profit is no matter of this check."""


class ExchangeStatus(IntEnum):
    """Where an order stands at the exchange."""

    OPEN = 0
    TRIGGER = 1
    COMPLETE = 2
    CANCELLED = 3
    REJECTED = 4


EV_OF = {
    ExchangeStatus.OPEN: Ev.WORKING,
    ExchangeStatus.TRIGGER: Ev.WORKING,
    ExchangeStatus.COMPLETE: Ev.FILL_FULL,
    ExchangeStatus.CANCELLED: Ev.CANCELED,
    ExchangeStatus.REJECTED: Ev.REJECTED,
}


class AtBroker(NamedTuple):
    """An order as the exchange holds it."""

    side: int
    kind: int
    qty: int
    price: int
    trigger: int
    status: int
    cum: int
    version: int  # counts its changes
    triggered: int

    @property
    def is_live(self) -> bool:
        return self.status <= ExchangeStatus.TRIGGER

    @property
    def leaves(self) -> int:
        return self.qty - self.cum if self.status <= ExchangeStatus.TRIGGER else 0


class Asked(NamedTuple):
    """A request on its way to the broker. `late`: its sender has given it up, and it may arrive all the same."""

    kind: int  # Cmd
    order: int
    seq: int
    side: int
    ord_type: int
    qty: int
    price: int
    trigger: int
    late: int


class Unknown(NamedTuple):
    """A placement of which the core has been told nothing yet: since when, how many whole books that were asked for later have
    lacked it, and when the first of them was asked for.
    """

    since_ns: int
    looks: int
    look_ns: int


class Used(IntEnum):
    """Troubles of which a path has so many and no more."""

    HOLD = 0  # an answer or a push that comes later than the next event
    LOST = 1  # an answer that never comes, or a request that never arrives
    LATE = 2  # a request that arrives after its sender has given it up
    REFUSAL = 3  # by the broker
    REJECT = 4  # by the exchange
    PART = 5  # fills in part
    DOUBLE = 6
    MOVE = 7  # of the price
    SIGNAL = 8
    PERSON = 9
    RESTART = 10
    LATE_FILL = 11
    BOOK = 12  # a book that lacks an order, or is read later
    LONG = 13  # half a minute at once
    SQUARE_OFF = 14


class State:
    """`orders`, `tags`, `told`, `named`, `unknown` go by the order in which the core has asked for orders."""

    __slots__ = (
        "now", "px", "tags", "orders", "told", "named", "unknown", "wire", "mail", "book_ns", "book_again",
        "used", "halt", "paused", "squared", "taint", "run", "lost",
    )  # fmt: skip

    now: int
    px: int
    tags: list[str]
    orders: list[AtBroker | None]
    told: list[int]
    """The newest version of each order that the core has been told."""
    named: list[int]
    """Has the core been told the broker's id of it?"""
    unknown: list[Unknown | None]
    wire: list[Asked]
    mail: list[tuple[Any, ...]]
    """What is under way to the core: ("answer", order, seq, outcome, reason), ("push", order, AtBroker), ("book", asked, rows)."""
    book_ns: int
    """When the book was asked for that is not answered yet; 0: none is."""
    book_again: int
    used: list[int]
    halt: int
    paused: int
    squared: int
    taint: int
    """Bits of brackets of which more may be left than is open: a fill after the cancel was told, an order that came after its
    absence was proved.
    """
    run: int
    lost: int
    """The process that had asked for some of the orders has left no journal."""

    def freeze(self) -> bytes:
        rows = [None if o is None else tuple(o) for o in self.orders]
        mail = [tuple(tuple(x) if isinstance(x, AtBroker) else x for x in m) for m in self.mail]
        unknown = [None if u is None else tuple(u) for u in self.unknown]
        return marshal.dumps(
            (self.now, self.px, self.tags, rows, self.told, self.named, unknown, [tuple(r) for r in self.wire], mail,
             self.book_ns, self.book_again, self.used, self.halt, self.paused, self.squared, self.taint, self.run, self.lost), 2
        )  # fmt: skip

    @classmethod
    def thaw(cls, data: bytes) -> State:
        s = cls()
        (s.now, s.px, s.tags, rows, s.told, s.named, unknown, wire, mail, s.book_ns, s.book_again, s.used, s.halt,
         s.paused, s.squared, s.taint, s.run, s.lost) = marshal.loads(data)  # fmt: skip
        s.orders = [None if o is None else AtBroker(*o) for o in rows]
        s.unknown = [None if u is None else Unknown(*u) for u in unknown]
        s.wire = [Asked(*r) for r in wire]
        s.mail = [(m[0], m[1], AtBroker(*m[2])) if m[0] == "push" else m for m in mail]
        return s

    def copy(self) -> State:
        s = State()
        s.now, s.px, s.tags, s.orders = self.now, self.px, self.tags[:], self.orders[:]
        s.told, s.named, s.unknown = self.told[:], self.named[:], self.unknown[:]
        s.wire, s.mail, s.book_ns, s.book_again = (
            self.wire[:],
            self.mail[:],
            self.book_ns,
            self.book_again,
        )
        s.used, s.halt, s.paused, s.squared = self.used[:], self.halt, self.paused, self.squared
        s.taint, s.run, s.lost = self.taint, self.run, self.lost
        return s

    @classmethod
    def first(cls, now: int) -> State:
        s = cls()
        s.now, s.px, s.tags, s.orders, s.told, s.named, s.unknown = (
            now,
            int(Px.DOWN),
            [],
            [],
            [],
            [],
            [],
        )
        s.wire, s.mail, s.book_ns, s.book_again, s.used = [], [], 0, 0, [0] * len(Used)
        s.halt = s.paused = s.squared = s.taint = s.run = s.lost = 0
        return s


def leg_of(tag: str) -> str:
    """E, S, T or F."""
    return tag[12]


def bracket_of(tag: str) -> str:
    """Run and bracket under which it was opened."""
    return tag[2:12]


def is_marketable(o: AtBroker, px_e4: int) -> bool:
    """Can it trade where the market is?"""
    if o.status != ExchangeStatus.OPEN:
        return False
    return px_e4 <= o.price if o.side > 0 else px_e4 >= o.price
