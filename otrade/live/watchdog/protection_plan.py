"""What must be done at the broker so that our open quantity is protected, or closed: decided from
the order book alone.

Pure: rows in, needs out. A bracket is all orders whose tags say so; what it has open is what they
have filled. Orders without our tag are not even looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import msgspec

from otrade._core.types import Ev, Leg, OrdType
from otrade.brokers.book_cache import ENDED
from otrade.brokers.session import OrderReport
from otrade.live.oms.cl_ord_id import WATCHDOG_ATTEMPT, ClOrdId, parse
from otrade.live.watchdog.heartbeat import ProtectedBracket, ProtectionFile

Key = tuple[int, int]
"""Run and bracket, as in the tags."""
STOPS = frozenset({OrdType.SL, OrdType.SL_M})
ON_THE_WAY = frozenset({Ev.ACCEPTED, Ev.UNKNOWN})


class ProtectionAct(Enum):
    """What is to be done."""

    CANCEL = "cancel"
    SHRINK = "shrink"
    """Lower a stop's quantity to `qty`."""
    STOP = "stop"
    """Place a stop for `qty` units."""
    RESTOP = "restop"
    """Make this resting exit a stop again."""
    EXIT = "exit"
    """Close `qty` units now: by the order named, made marketable, or by a new one."""
    WAIT = "wait"
    """An order is on its way: look again."""


class ProtectionNeed(msgspec.Struct, frozen=True):
    """One thing to do. `qty` is in units; for changes of an order it is the order's new whole
    quantity.
    """

    act: ProtectionAct
    key: Key
    order_id: str = ""
    qty: int = 0


class BracketRows(msgspec.Struct):
    """One bracket as the book shows it."""

    key: Key
    rows: list[tuple[ClOrdId, OrderReport]] = msgspec.field(default_factory=list)

    @property
    def first(self) -> OrderReport:
        return self.rows[0][1]

    @property
    def net_qty(self) -> int:
        """What it has open: positive long, negative short."""
        return sum(row.side * row.cum_qty for _, row in self.rows)

    @property
    def is_over_exited(self) -> bool:
        """More has gone out than had come in."""
        return any(
            tag.leg == Leg.ENTRY and row.cum_qty and row.side * self.net_qty < 0
            for tag, row in self.rows
        )

    @property
    def live(self) -> list[tuple[ClOrdId, OrderReport]]:
        return [(tag, row) for tag, row in self.rows if is_live(row)]

    @property
    def next_attempt(self) -> int:
        """The first attempt of the watchdog that no order has."""
        return max(
            (tag.attempt + 1 for tag, _ in self.rows if tag.is_watchdog), default=WATCHDOG_ATTEMPT
        )

    @property
    def n_rejected(self) -> int:
        """The watchdog's own orders that were rejected."""
        return sum(tag.is_watchdog and row.ev == Ev.REJECTED for tag, row in self.rows)

    @property
    def n_stops_rejected(self) -> int:
        return sum(
            tag.is_watchdog and row.ev == Ev.REJECTED and row.ord_type in STOPS
            for tag, row in self.rows
        )

    @property
    def name(self) -> str:
        return f"{self.first.exchange}:{self.first.tradingsymbol}"


class StopLevel(msgspec.Struct, frozen=True):
    """Where a stop belongs."""

    trigger_e4: int
    limit_e4: int


def is_live(row: OrderReport) -> bool:
    """Can it still trade?"""
    return row.ev not in ENDED


def leaves(row: OrderReport) -> int:
    return row.order_qty - row.cum_qty


def groups_of(rows: Iterable[OrderReport]) -> dict[Key, BracketRows]:
    """The brackets of a book."""
    found: dict[Key, BracketRows] = {}
    for row in rows:
        tag = parse(row.cl_ord_id)
        if tag is not None:
            key = tag.run, tag.bracket
            found.setdefault(key, BracketRows(key)).rows.append((tag, row))
    return found


def has_risk(groups: Mapping[Key, BracketRows]) -> bool:
    """Is anything of ours open, or could it become so?"""
    return any(group.net_qty or group.live for group in groups.values())


def level_of(group: BracketRows, protection: ProtectionFile | None) -> StopLevel | None:
    """Where this bracket's stop belongs: as the engine left word, else where its stop stood last.
    None: nobody knows.
    """
    spec = spec_of(group.key, protection)
    if (
        spec is not None
        and spec.stop_trigger_e4 > 0
        and spec.stop_limit_e4 > 0
        and spec.side * group.net_qty > 0
    ):
        return StopLevel(spec.stop_trigger_e4, spec.stop_limit_e4)
    stops = [
        (tag.attempt, row)
        for tag, row in group.rows
        if tag.leg == Leg.STOP and row.ord_type == OrdType.SL and row.trigger_e4
    ]
    if not stops:
        return None
    row = max(stops, key=lambda stop: stop[0])[1]
    return StopLevel(row.trigger_e4, row.price_e4)


def most_of(group: BracketRows, protection: ProtectionFile | None) -> int:
    """How large one order of this bracket may be: the freeze quantity, as the engine left word of it,
    else the largest of its orders that the exchange has not rejected, which it takes surely.
    """
    spec = spec_of(group.key, protection)
    if spec is not None and spec.freeze_qty:
        return spec.freeze_qty
    return max((row.order_qty for _, row in group.rows if row.ev != Ev.REJECTED), default=0)


def spec_of(key: Key, protection: ProtectionFile | None) -> ProtectedBracket | None:
    """What the engine wrote about this bracket."""
    rows = protection.brackets if protection is not None else []
    return next((row for row in rows if (row.run, row.bracket) == key), None)


def room_of(
    groups: Iterable[BracketRows], net_of: Mapping[tuple[str, str, str], int]
) -> dict[Key, int]:
    """How many units of each bracket the broker's positions still show. Somebody may have closed
    some by hand: an exit for those would open the other side.
    """
    left: dict[tuple[str, str, str], int] = {}
    found: dict[Key, int] = {}
    for group in groups:
        net = group.net_qty
        account_key = group.first.exchange, group.first.tradingsymbol, group.first.product
        if account_key not in left:
            left[account_key] = net_of.get(account_key, 0)
        # Long and short brackets of one instrument cancel out in its position: then it says nothing
        # about either.
        mixed = any(other.net_qty * net < 0 and other.name == group.name for other in groups)
        room = (
            abs(net) if mixed else min(abs(net), max(left[account_key] * (1 if net > 0 else -1), 0))
        )
        found[group.key] = room
        left[account_key] -= room if net > 0 else -room
    return found


def needs_of(
    group: BracketRows, *, is_wanted_out: Callable[[BracketRows], bool], room: int, most_qty: int
) -> list[ProtectionNeed]:
    """What this bracket needs now; nothing when it is closed, or a stop rests for every open unit.

    `is_wanted_out`: close it rather than protect it. `room`: units that new orders may exit at
    most. `most_qty`: one order is no larger, and what is more gets another one.
    """
    net = group.net_qty
    side = 1 if net > 0 else -1
    key, needs = group.key, []
    exits = []
    for tag, row in group.live:
        if tag.leg != Leg.ENTRY and net and row.side == -side:
            exits.append(row)
        else:
            # An entry, or what would only add to what is open.
            needs.append(ProtectionNeed(ProtectionAct.CANCEL, key, row.broker_order_id))
    if not net:
        return needs
    if any(row.ev in ON_THE_WAY for row in exits):
        return [*needs, ProtectionNeed(ProtectionAct.WAIT, key)]
    resting = [row for row in exits if row.ord_type in STOPS and not row.triggered]
    others = [row for row in exits if row not in resting]
    is_gapped = any(row.ord_type in STOPS for row in others)
    if is_gapped or group.is_over_exited or is_wanted_out(group):
        return needs + _out(group, exits, room, most_qty)
    return needs + _protect(key, abs(net), resting, others, room, most_qty)


def _out(
    group: BracketRows, exits: list[OrderReport], room: int, most_qty: int
) -> list[ProtectionNeed]:
    """One order that closes all of it, or as much as one order may; any other exit goes first. What
    has gone out too often may be more than the freeze quantity: it goes back in parts.
    """
    key, open_qty = group.key, abs(group.net_qty)
    if not exits:
        qty = min(open_qty, room, most_qty)
        return [ProtectionNeed(ProtectionAct.EXIT, key, qty=qty)] if qty else []
    keep, *rest = exits
    if rest:
        return [ProtectionNeed(ProtectionAct.CANCEL, key, row.broker_order_id) for row in rest]
    whole_qty = min(keep.cum_qty + open_qty, most_qty)
    return [ProtectionNeed(ProtectionAct.EXIT, key, keep.broker_order_id, whole_qty)]


def _protect(
    key: Key,
    open_qty: int,
    resting: list[OrderReport],
    others: list[OrderReport],
    room: int,
    most_qty: int,
) -> list[ProtectionNeed]:
    """A stop for every open unit, and no more than that. The exchange rejects one above the freeze
    quantity, and nothing would stand.
    """
    needs = []
    if others:
        keep, *rest = others
        needs = [ProtectionNeed(ProtectionAct.CANCEL, key, row.broker_order_id) for row in rest]
        if not resting:
            return [
                *needs,
                ProtectionNeed(
                    ProtectionAct.RESTOP,
                    key,
                    keep.broker_order_id,
                    min(keep.cum_qty + open_qty, most_qty),
                ),
            ]
        return [*needs, ProtectionNeed(ProtectionAct.CANCEL, key, keep.broker_order_id)]
    covered = sum(map(leaves, resting))
    if covered < open_qty:
        qty = min(open_qty - covered, max(room - covered, 0), most_qty)
        return [ProtectionNeed(ProtectionAct.STOP, key, qty=qty)] if qty else []
    surplus = covered - open_qty
    for row in sorted(resting, key=leaves):
        if surplus <= 0:
            break
        if leaves(row) <= surplus:
            needs.append(ProtectionNeed(ProtectionAct.CANCEL, key, row.broker_order_id))
        else:
            needs.append(
                ProtectionNeed(
                    ProtectionAct.SHRINK, key, row.broker_order_id, row.order_qty - surplus
                )
            )
        surplus -= leaves(row)
    return needs
