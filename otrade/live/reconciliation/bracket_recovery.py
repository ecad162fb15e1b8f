"""Brackets taken back from the broker's book: rows with our tags that the core does not know become
its own again.

A tag says run, bracket and leg, so nothing but the book is needed: after a restart without a
journal, after one whose journal lost its tail, and for orders of the watchdog. What carries no tag
of ours is never touched here.
"""

from collections.abc import Iterable

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.types import BracketState, Ev, Leg, OrdStatus, OrdType, Side, Source, Worth
from otrade.brokers.book_cache import ENDED
from otrade.brokers.session import OrderReport
from otrade.clock import NS_PER_S
from otrade.errors import EngineError
from otrade.live.oms.cl_ord_id import ClOrdId, parse
from otrade.live.plan.bracket_orders import orders_of
from otrade.live.plan.day_plan import DayPlan

FALLBACK_STOP_BPS = 100
"""Where a stop goes whose plan needs an ATR that a fresh start does not have: 1 % from the entry."""

STATUS_OF_END = {
    Ev.CANCELED: OrdStatus.CANCELED,
    Ev.REJECTED: OrdStatus.REJECTED,
    Ev.EXPIRED: OrdStatus.EXPIRED,
}
BPS, RUPEES = 1, 2


class AdoptedBracket(msgspec.Struct, frozen=True):
    """One bracket that was taken back, in words."""

    instrument_id: int
    run: int
    """The run that had opened it."""
    text: str


class _RecoveredRow(msgspec.Struct, frozen=True):
    tag: ClOrdId
    report: OrderReport


class _Slice(msgspec.Struct, frozen=True):
    """A bracket that was taken back. `ts_end_ns`: when its last order had ended and nothing was
    open any more; 0: not yet. `is_full`: its entry was as large as the exchange takes.
    """

    bracket_id: int
    key: tuple[int, int]
    ts_end_ns: int
    is_full: bool


class _Decisions:
    """Which brackets are slices of one decision. The book does not say; but a strategy has one
    position at a time, so brackets of one side that were there at the same time belong together.
    The broker's times are whole seconds: what began in the second in which the others ended is one
    more slice when the bracket before it was a full one. Where that is not sure, the limits count
    a trade too many, not one too few.
    """

    def __init__(self) -> None:
        self._slices: dict[tuple[int, int], list[_Slice]] = {}

    def slice_of(
        self,
        strategy_id: int,
        side: int,
        key: tuple[int, int],
        ts_open_ns: int,
        *,
        is_shared: bool,
    ) -> int:
        """A bracket of the decision that was under way then; -1: there was none. `is_shared`: several
        strategies trade the instrument.
        """
        slices = self._slices.get((strategy_id, side), [])
        for one in slices:
            is_before = one.is_full and one.key == (key[0], key[1] - 1)
            is_there = not one.ts_end_ns or one.ts_end_ns > ts_open_ns
            if is_shared and not is_before:
                continue
            if is_there or (is_before and one.ts_end_ns == ts_open_ns):
                return slices[0].bracket_id
        self._slices.pop((strategy_id, side), None)
        return -1

    def add(
        self,
        strategy_id: int,
        side: int,
        key: tuple[int, int],
        bracket_id: int,
        group: list[_RecoveredRow],
        *,
        is_full: bool,
    ) -> None:
        """A bracket was taken back."""
        net = sum(int(row.report.side) * row.report.cum_qty for row in group)
        is_over = net == 0 and not any(_is_live(row.report) for row in group)
        end_ns = max((row.report.ts_update_ns for row in group), default=0) if is_over else 0
        self._slices.setdefault((strategy_id, side), []).append(
            _Slice(bracket_id, key, end_ns, is_full)
        )


class BracketRecovery:
    """Adopts the orders of a book into a day's core."""

    def __init__(self, plan: DayPlan) -> None:
        self._plan = plan
        self._engine: Engine = plan.engine

    def adopt(self, rows: Iterable[OrderReport], now_ns: int) -> list[AdoptedBracket]:
        """Make room in the core for every row of ours that it does not know. Report the rows to it
        next, as a book.

        Rows of instruments that are not traded here are left alone, and are then unknown orders
        like any other.
        """
        groups: dict[tuple[int, int], list[_RecoveredRow]] = {}
        for report in rows:
            tag = parse(report.cl_ord_id)
            if tag is None or self._plan.instrument_of.get(report.instrument_token) is None:
                continue
            if self._engine.find_order(report.cl_ord_id, report.broker_order_id) < 0:
                groups.setdefault((tag.run, tag.bracket), []).append(_RecoveredRow(tag, report))
        known = self._brackets_by_tag() if groups else {}
        found = []
        decisions = _Decisions()
        for key, group in sorted(groups.items()):
            bracket_id = known.get(key)
            if bracket_id is None:
                adopted = self._new_bracket(key, group, decisions, now_ns)
                if adopted is None:
                    continue
                bracket_id, words = adopted
                found.append(words)
            # The order adopted last for a leg holds its role: what is live comes last.
            for row in sorted(group, key=lambda row: (_is_live(row.report), row.tag.attempt)):
                self._adopt_order(bracket_id, row, now_ns)
        return found

    def _brackets_by_tag(self) -> dict[tuple[int, int], int]:
        found = {}
        for bracket_id in range(self._engine.n_brackets):
            bracket = self._engine.bracket(bracket_id)
            found[bracket["tag_run"], bracket["tag_bracket"]] = bracket_id
        return found

    def _new_bracket(
        self,
        key: tuple[int, int],
        group: list[_RecoveredRow],
        decisions: _Decisions,
        now_ns: int,
    ) -> tuple[int, AdoptedBracket] | None:
        instrument_id = self._plan.instrument_of[group[0].report.instrument_token]
        strategy_ids = [
            i
            for i, strategy in enumerate(self._plan.strategies)
            if strategy.instrument_id == instrument_id
        ]
        side, qty, entry_e4 = _entry_of(group)
        if not strategy_ids or side == Side.NONE or qty <= 0:
            return None
        strategy_id = strategy_ids[0]
        stop_e4 = _stop_of(group)
        distance_e4 = (
            abs(entry_e4 - stop_e4)
            if stop_e4 and entry_e4
            else stop_distance_e4(self._engine, strategy_id, entry_e4)
        )
        opened_ns = min(
            (row.report.ts_update_ns for row in group if row.report.ts_update_ns), default=0
        )
        bracket_id = self._engine.adopt_bracket(
            strategy_id,
            side,
            qty,
            max(distance_e4, self._engine.instrument(instrument_id)["tick_size_e4"]),
            now_ns,
            stop_e4=stop_e4,
            ts_open_ns=min(opened_ns, now_ns),
            tag_run=key[0],
            tag_bracket=key[1],
            slice_of=decisions.slice_of(
                strategy_id, side, key, opened_ns, is_shared=len(strategy_ids) > 1
            ),
        )
        is_full = qty >= _slice_qty(self._plan, instrument_id) > 0
        decisions.add(strategy_id, side, key, bracket_id, group, is_full=is_full)
        name = self._plan.strategies[strategy_id].name
        unsure = (
            f" (one of {len(strategy_ids)} strategies here: the book does not say which)"
            if len(strategy_ids) > 1
            else ""
        )
        text = f"{self._plan.symbol_of(instrument_id)}: {len(group)} orders of an earlier run are taken back under {name}{unsure}"
        if self._engine.strategy(strategy_ids[0])["is_file"]:
            text += "; its strategy's own levels are lost with the journal: the stop is where the book has it, and there is no target"
        return bracket_id, AdoptedBracket(instrument_id, key[0], text)

    def _adopt_order(self, bracket_id: int, row: _RecoveredRow, now_ns: int) -> None:
        status = STATUS_OF_END.get(row.report.ev, OrdStatus.PENDING_NEW)
        _adopt_reported(
            self._engine, bracket_id, row.tag.leg, row.tag.attempt, status, row.report, now_ns
        )


def closable_qty(plan: DayPlan, instrument_id: int, qty: int, ts_ns: int = 0) -> int:
    """How much of `qty` (signed) would close open brackets of ours, in units: of those that held
    something at a time of the broker's, where one is given.
    """
    brackets = _against(plan, instrument_id, qty)
    return min(
        abs(qty),
        sum(
            left
            for id, left in brackets
            if not ts_ns or _held_since_ns(plan, id) <= ts_ns + NS_PER_S
        ),
    )


def _held_since_ns(plan: DayPlan, bracket_id: int) -> int:
    """Since when a bracket had holdings that somebody else could close, at the latest: its entry may
    have waited at the exchange. The earlier of when the core heard of a fill and of the broker's
    time of the entry's last report; of one that is taken over, when that was.
    """
    bracket = plan.engine.bracket(bracket_id)
    told_ns = [
        order["ts_update_ns"]
        for order in orders_of(plan.engine, bracket)
        if order["leg"] == Leg.ENTRY and order["cum_qty"] and order["ts_update_ns"]
    ]
    return min([bracket["ts_entry_ns"], *told_ns])


def _against(plan: DayPlan, instrument_id: int, qty: int) -> list[tuple[int, int]]:
    """(bracket, open quantity) of what a foreign quantity of that sign closes, in the order in
    which the core lets go of it.
    """
    found = []
    for bracket_id in plan.engine.live_brackets():
        bracket = plan.engine.bracket(bracket_id)
        if (
            bracket["instrument_id"] == instrument_id
            and bracket["side"] * qty < 0
            and bracket["open_qty"] > 0
        ):
            found.append((bracket_id, bracket["open_qty"]))
    return found


def adopt_position(
    plan: DayPlan,
    instrument_id: int,
    qty: int,
    value_e4: int,
    now_ns: int,
    *,
    by_broker: bool = False,
) -> str:
    """Take over `qty` units (signed) that somebody else bought or sold for `value_e4`. Words;
    EngineError when it cannot be done.

    It is spread over the open brackets of the other side, as their exit. What is left over becomes
    brackets of the instrument's first strategy, each with its stop, none above the exchange's
    freeze quantity. `by_broker`: the broker's own square-off has traded it.
    """
    side = Side.BUY if qty > 0 else Side.SELL
    closed: list[tuple[int, int]] = []
    left = abs(qty)
    for bracket_id, open_qty in _against(plan, instrument_id, qty):
        if left > 0:
            closed.append((bracket_id, min(open_qty, left)))
            left -= closed[-1][1]
    strategy_ids = [
        i for i, strategy in enumerate(plan.strategies) if strategy.instrument_id == instrument_id
    ]
    if left and not strategy_ids:
        raise EngineError(
            f"{plan.symbol_of(instrument_id)} has no strategy whose stop could protect the position: add one"
        )
    words = []
    rest_qty, rest_e4 = abs(qty), value_e4
    for bracket_id, part in closed:
        part_e4 = rest_e4 * part // rest_qty
        _fill(plan, bracket_id, Leg.TARGET, side, part, part_e4, now_ns, by_broker=by_broker)
        rest_qty, rest_e4 = rest_qty - part, rest_e4 - part_e4
    if closed:
        which = (
            "the bracket that had opened them"
            if len(closed) == 1
            else f"the {len(closed)} brackets that had opened them"
        )
        who = "the broker" if by_broker else "hand"
        words.append(f"{abs(qty) - left} units closed by {who} are booked on {which}")
    opened = _slices(plan, instrument_id, left)
    first_id = -1
    for part in opened:
        part_e4 = rest_e4 * part // rest_qty
        distance_e4 = stop_distance_e4(plan.engine, strategy_ids[0], part_e4 // part)
        bracket_id = plan.engine.adopt_bracket(
            strategy_ids[0], side, part, distance_e4, now_ns, slice_of=first_id
        )
        first_id = bracket_id if first_id < 0 else first_id
        _fill(plan, bracket_id, Leg.ENTRY, side, part, part_e4, now_ns)
        rest_qty, rest_e4 = rest_qty - part, rest_e4 - part_e4
    if opened:
        stops = (
            "its stop"
            if len(opened) == 1
            else f"{len(opened)} stops, none above the freeze quantity"
        )
        words.append(
            f"{left} units are taken over under {plan.strategies[strategy_ids[0]].name}, with {stops}"
        )
    return f"{plan.symbol_of(instrument_id)}: {'; '.join(words)}"


def closed_at(plan: DayPlan, instrument_id: int, side: int, ts_ns: int) -> tuple[int, int]:
    """The bracket against which an order of that side traded at a time (the broker's, in whole
    seconds) while it was open, and how many units an exit of our own has closed of it since, that
    nobody else has closed as well yet; (-1, 0) when there is none.
    """
    for bracket_id in range(plan.engine.n_brackets - 1, -1, -1):
        bracket = plan.engine.bracket(bracket_id)
        is_its = (
            bracket["instrument_id"] == instrument_id
            and bracket["side"] == -side
            and bracket["state"] == BracketState.CLOSED
        )
        if (
            is_its
            and _held_since_ns(plan, bracket_id) <= ts_ns + NS_PER_S
            and ts_ns <= bracket["ts_close_ns"]
        ):
            exits = [
                order
                for order in orders_of(plan.engine, bracket)
                if order["leg"] in (Leg.STOP, Leg.TARGET)
            ]
            qty = sum(
                order["cum_qty"]
                for order in exits
                if order["cl_ord_id"] != "" and order["ts_update_ns"] >= ts_ns
            )
            qty -= max(sum(order["cum_qty"] for order in exits) - bracket["entry_qty"], 0)
            return (bracket_id, qty) if qty > 0 else (-1, 0)
    return -1, 0


def close_again(
    plan: DayPlan,
    bracket_id: int,
    side: int,
    qty: int,
    value_e4: int,
    now_ns: int,
    *,
    by_broker: bool,
) -> None:
    """Somebody else's order closed what our own exit closed as well: the bracket comes back with
    what is too much, and undoes it.
    """
    _fill(plan, bracket_id, Leg.TARGET, Side(side), qty, value_e4, now_ns, by_broker=by_broker)


def _slice_qty(plan: DayPlan, instrument_id: int) -> int:
    """The largest order of whole lots that the exchange takes; 0: no limit is known."""
    instrument = plan.engine.instrument(instrument_id)
    return int(instrument["freeze_qty"] // instrument["lot_size"] * instrument["lot_size"])


def _slices(plan: DayPlan, instrument_id: int, qty: int) -> list[int]:
    """So many units in orders that the exchange takes."""
    most = _slice_qty(plan, instrument_id) or qty
    return [most] * (qty // most) + ([qty % most] if qty % most else []) if qty else []


def _fill(
    plan: DayPlan,
    bracket_id: int,
    leg: Leg,
    side: Side,
    qty: int,
    value_e4: int,
    now_ns: int,
    *,
    by_broker: bool = False,
) -> None:
    """An order of somebody else's, filled whole, as one of this bracket's."""
    engine = plan.engine
    reference = f"ADOPTED-{engine.sizes['run_id']}-{engine.n_orders}"
    px_e4 = value_e4 // qty
    report = OrderReport(
        cl_ord_id="",
        broker_order_id=reference,
        ev=Ev.FILL_FULL,
        source=Source.BOOK,
        side=side,
        order_qty=qty,
        cum_qty=qty,
        cum_value_e4=value_e4,
        price_e4=px_e4,
        trigger_e4=0,
        ord_type=OrdType.LIMIT,
        triggered=False,
        reason=0,
        ts_update_ns=0,
        ts_recv_ns=now_ns,
        worth=Worth.EXACT,  # there is no list of trades that would tell it better
    )
    _adopt_reported(engine, bracket_id, leg, 0, OrdStatus.PENDING_NEW, report, now_ns, by_broker)
    engine.on_report(report)


def _adopt_reported(
    engine: Engine,
    bracket_id: int,
    leg: Leg,
    attempt: int,
    status: OrdStatus,
    report: OrderReport,
    now_ns: int,
    by_broker: bool = False,
) -> None:
    """Make a reported order the bracket's; the report itself follows."""
    engine.adopt_order(
        bracket_id,
        leg,
        attempt,
        status,
        cl_ord_id=report.cl_ord_id,
        broker_order_id=report.broker_order_id,
        side=report.side,
        order_qty=report.order_qty,
        price_e4=report.price_e4,
        trigger_e4=report.trigger_e4,
        ord_type=report.ord_type,
        ts_ns=now_ns,
        by_broker=by_broker,
    )


def stop_distance_e4(engine: Engine, strategy_id: int, px_e4: int) -> int:
    """How far the strategy's plan puts a stop from this price."""
    strategy = engine.strategy(strategy_id)
    kind: int = strategy["plan"]["stop_kind"]
    value: float = strategy["plan"]["stop_value"]
    atr: float = strategy["signal"]["atr"]
    if kind == BPS:
        return max(round(px_e4 * value / 10_000), 1)
    if kind == RUPEES:
        return max(round(value * 10_000), 1)
    if atr > 0:
        return max(round(value * atr * 10_000), 1)
    return max(px_e4 * FALLBACK_STOP_BPS // 10_000, 1)


def _is_live(report: OrderReport) -> bool:
    return report.ev not in ENDED


def _entry_of(group: list[_RecoveredRow]) -> tuple[int, int, int]:
    """(side, quantity, price) of the bracket's entry; quantity 0 when the book does not show it."""
    for row in group:
        report = row.report
        if row.tag.leg == Leg.ENTRY:
            px_e4 = (
                report.cum_value_e4 // report.cum_qty if report.cum_value_e4 else report.price_e4
            )
            return report.side, report.order_qty, px_e4
    return Side.NONE, 0, 0


def _stop_of(group: list[_RecoveredRow]) -> int:
    """Where its stop stands, or stood last; 0 when none is known."""
    stops = [row for row in group if row.tag.leg == Leg.STOP and row.report.trigger_e4 > 0]
    stops.sort(key=lambda row: (_is_live(row.report), row.tag.attempt))
    return stops[-1].report.trigger_e4 if stops else 0
