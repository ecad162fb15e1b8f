"""The broker's positions against the core's, by product: read as an audit, often while something is
unexplained or the broker's own square-off is near.

An instrument in quarantine is shown and not traded, the rest trades; it is released when the
difference has gone, or when a person takes it over. Where the account holds less than our fills
say, somebody has closed a part elsewhere: our exits shrink to what is there, and what the order
book shows of it is booked on the brackets that had opened it.
"""

import asyncio
from collections.abc import Callable

import msgspec

from otrade._core.engine.rows import PositionRow
from otrade._core.types import Severity
from otrade.brokers.session import BrokerPosition, BrokerRows, BrokerSession, OrderReport
from otrade.clock import NS_PER_S, Clock
from otrade.errors import BrokerError, EngineError, NetworkError
from otrade.live.notices.board import NoticeBoard
from otrade.live.oms.book_completeness import lacking_positions
from otrade.live.oms.order_book_poller import OrderBookPoller
from otrade.live.plan.day_plan import DayPlan
from otrade.live.reconciliation.bracket_recovery import (
    adopt_position,
    closable_qty,
    close_again,
    closed_at,
)
from otrade.live.reconciliation.discrepancies import Discrepancy, position_discrepancies
from otrade.live.reconciliation.foreign_orders import ForeignFillPart, ForeignFills, is_brokers_own
from otrade.units import ist_hms, rupees

CALM_AUDIT_NS = 300 * NS_PER_S
OPEN_AUDIT_NS = 60 * NS_PER_S
"""While something is open: a conversion into another product shows in the positions alone."""
UNEXPLAINED_AUDIT_NS = 15 * NS_PER_S
CUT_OFF_AUDIT_NS = 5 * NS_PER_S
"""From `CUT_OFF_SOON_NS` before the broker's own square-off until the close, while something is
open.
"""
CUT_OFF_SOON_NS = 120 * NS_PER_S
NEXT_POLL_NS = NS_PER_S
"""Between two polls that are to agree."""
LACKING_MAX = 5
"""Answers in a row that lack an instrument of ours, before one is taken all the same."""
UNSUPPORTED_POLLS = 3
UNSUPPORTED_NS = 30 * NS_PER_S
"""How long positions must show less than ours before exits shrink, where no order of anybody's says
why.
"""


class _Seen(msgspec.Struct):
    """A difference that polls agree about: signed units, and our own net at that time."""

    foreign: int
    net: int
    ts_first_ns: int
    """When the first of these polls was made."""
    polls: int = 1


class PositionAudit:
    """One day's positions with the broker. `is_suspect` says whether an instrument has an order that
    could trade and is not the core's.
    """

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        board: NoticeBoard,
        session: BrokerSession,
        book_poller: OrderBookPoller,
        *,
        is_suspect: Callable[[int], bool],
        drain: Callable[[], None],
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
    ) -> None:
        self._plan = plan
        self._engine = plan.engine
        self._clock = clock
        self._board = board
        self._session = session
        self._book_poller = book_poller
        self._is_suspect = is_suspect
        self._drain = drain
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self.foreign = ForeignFills(plan)
        self.differences: dict[int, tuple[int, BrokerPosition | None]] = {}
        """By instrument: units that the broker shows in its product and the core does not, signed,
        and the broker's row.
        """
        self.ts_last_ns = 0
        """When the broker's positions were last read whole."""
        self._others: dict[int, dict[str, int]] = {}
        """By instrument: net quantity in other products, as the last poll showed it."""
        self._others_before: dict[int, dict[str, int]] = {}
        """The same when our own product last agreed."""
        self._seen: dict[int, _Seen] = {}
        self._said: set[str] = set()
        self._ts_request_ns = 0
        self._soon_ns = 0
        """When a poll is due that does not wait for the audit's own time; 0: none."""
        self._task: asyncio.Task[None] | None = None
        self._n_lacking = 0

    # ------------------------------------------------------------------------------------ the audit
    def audit(self, now_ns: int) -> None:
        """Read the positions when the last reading is too old for what is going on."""
        self._ts_request_ns = self._ts_request_ns or now_ns
        is_due = now_ns >= self._ts_request_ns + self._gap_ns(now_ns) or 0 < self._soon_ns <= now_ns
        if not is_due or self._task is not None:
            return
        self._ts_request_ns, self._soon_ns = now_ns, 0
        self._task = asyncio.get_running_loop().create_task(self._audit())

    def poll_soon(self) -> None:
        """Something has happened that may have changed them. Polls stay a second apart, however
        many ask.
        """
        due_ns = max(self._clock.now_ns(), self._ts_request_ns + NEXT_POLL_NS)
        self._soon_ns = min(self._soon_ns or due_ns, due_ns)

    def on_foreign(self, report: OrderReport) -> None:
        """An order that is not ours. What it has filled may have closed a position of ours."""
        if self.foreign.take(report):
            self.poll_soon()

    def on_exit_refused(self, instrument_id: int) -> None:
        """An exit of ours was refused or taken out of the market: by a broker that has begun to
        square off, perhaps.
        """
        self.poll_soon()
        cut_ns = self._plan.instruments[instrument_id].broker_square_off_ns
        if 0 < cut_ns <= self._clock.now_ns():
            name = self._plan.symbol_of(instrument_id)
            self._say_once(
                Severity.ALARM,
                "EXIT_AFTER_CUT_OFF",
                f"{name}: an exit was refused after the broker's square-off time {ist_hms(cut_ns)[:5]}, when it takes no new MIS orders. "
                "The broker closes the position itself; its positions are read every few seconds, and exits follow what they show. "
                "Look at the broker's app: while the position is there, close it there",
                instrument_id,
            )

    def _gap_ns(self, now_ns: int) -> int:
        if self._engine.n_live and self._is_cut_off_near(now_ns):
            return CUT_OFF_AUDIT_NS
        if self._engine.n_quarantined:
            return UNEXPLAINED_AUDIT_NS
        return OPEN_AUDIT_NS if self._engine.n_live else CALM_AUDIT_NS

    def _is_cut_off_near(self, now_ns: int) -> bool:
        return any(
            0 < instrument.broker_square_off_ns <= now_ns + CUT_OFF_SOON_NS
            and now_ns < instrument.close_ns
            for instrument in self._plan.instruments
        )

    async def _audit(self) -> None:
        """Two polls that differ in the same way, with the core's own quantity unchanged in between,
        are a difference.
        """
        try:
            request_ns = self._clock.now_ns()
            before = self._plan.net_of()
            positions = await self.read()
            if before != self._plan.net_of():
                self.poll_soon()
                return
            found = {item.instrument_id: item for item in self.compare(positions)}
            gone = self._gone()
            for instrument_id, net_qty in before.items():
                if instrument_id not in self.differences and instrument_id not in gone:
                    self._seen.pop(instrument_id, None)
                    self._others_before[instrument_id] = self._others.get(instrument_id, {})
                elif self._engine.position(instrument_id)["net_qty"] != net_qty:
                    self.poll_soon()  # something of ours has traded since the question
                else:
                    item = found.get(instrument_id)
                    await self._weigh(
                        instrument_id,
                        net_qty,
                        gone.get(instrument_id, 0),
                        request_ns,
                        item,
                        is_empty=not positions,
                    )
            self._release()
        except BrokerError as error:
            self.poll_soon()
            self._on_trouble(error)
        except Exception as error:
            self._on_fault(error, "comparing positions")
        finally:
            self._task = None

    async def read(self) -> BrokerRows[BrokerPosition]:
        """The broker's positions. BrokerError when they lack an instrument that was traded today (by
        us, or by somebody else's order that the book has shown), or when a row that may be one of
        ours cannot be read: such an answer says nothing about what is open. One that goes on to
        lack the same is taken at last.
        """
        positions = await self._session.positions()
        ours = self._plan.instrument_of
        for row in positions.unread:
            if row.instrument_token in ours or not (row.instrument_token or row.row_id):
                raise BrokerError(
                    f"the positions' row of {row.row_id or 'an unknown instrument'} cannot be read: {row.why}"
                )
        traded = {
            token: i
            for token, i in ours.items()
            if self._engine.position(i)["buy_qty"]
            or self._engine.position(i)["sell_qty"]
            or self.foreign.has_traded(i)
        }
        missing = lacking_positions(positions, traded)
        self._n_lacking = self._n_lacking + 1 if missing else 0
        if 0 < self._n_lacking <= LACKING_MAX:
            self.poll_soon()
            raise NetworkError(
                f"the broker's positions lack {self._plan.symbol_of(missing[0])}, which was traded today: asked again"
            )
        return positions

    def compare(self, positions: list[BrokerPosition]) -> list[Discrepancy]:
        """Keep what differs between these and the core's."""
        ours = self._plan.net_of()
        rows: dict[int, BrokerPosition] = {}
        self._others = {}
        for position in positions:
            instrument_id = self._plan.instrument_of.get(position.instrument_token)
            if instrument_id is None:
                continue
            if position.product == self._plan.instruments[instrument_id].product:
                had = rows.get(instrument_id)
                rows[instrument_id] = position if had is None else _together(had, position)
            else:
                others = self._others.setdefault(instrument_id, {})
                others[position.product] = others.get(position.product, 0) + position.net_qty
        shown = {i: row.net_qty for i, row in rows.items()}
        self.differences = {
            i: (shown.get(i, 0) - net_qty, rows.get(i))
            for i, net_qty in ours.items()
            if shown.get(i, 0) != net_qty
        }
        self.ts_last_ns = self._clock.now_ns()
        return position_discrepancies(rows, ours, self._plan)

    # ---------------------------------------------------------------------------- closed elsewhere
    async def _weigh(
        self,
        instrument_id: int,
        net_qty: int,
        gone: int,
        request_ns: int,
        item: Discrepancy | None,
        *,
        is_empty: bool,
    ) -> None:
        """What one more poll means for one instrument that differs, or of which `gone` units have
        been taken for closed.
        """
        foreign, row = self.differences.get(instrument_id, (0, None))
        seen = self._seen.get(instrument_id)
        if seen is None or (seen.foreign, seen.net) != (foreign, net_qty):
            self._seen[instrument_id] = _Seen(foreign, net_qty, request_ns)
            self._poll_again()
            return
        if request_ns < seen.ts_first_ns + NEXT_POLL_NS:
            self.poll_soon()
            return
        seen.polls += 1
        if item is not None and not self._engine.instrument(instrument_id)["quarantined"]:
            self.quarantine(item)
        closable = self._closable(instrument_id, foreign)
        room = net_qty + (closable if foreign > 0 else -closable)
        if closable < gone:
            self._bound(instrument_id, room)  # there is more again than was thought: exits grow
        elif closable == 0 and not self._over_closed(instrument_id, foreign):
            return
        elif self._book_poller.ts_last_request_ns <= seen.ts_first_ns:
            # An own fill that nobody has told us of would look the same: the book comes first
            self._poll_again()
        elif self._is_told(instrument_id, foreign):
            self._bound(instrument_id, room)
            await self._book(instrument_id, net_qty, foreign, row)
        elif closable > gone and not is_empty and row is not None:
            # An answer without a single row, where we know that something has traded, is no answer.
            if seen.polls < UNSUPPORTED_POLLS or request_ns < seen.ts_first_ns + UNSUPPORTED_NS:
                self._soon_ns = self._clock.now_ns() + UNSUPPORTED_NS // UNSUPPORTED_POLLS
                return
            self._bound(instrument_id, room)
            self._board.say(
                Severity.ALARM,
                "CLOSED_ELSEWHERE",
                f"{self._plan.symbol_of(instrument_id)}: the account holds {closable} units less than this engine's fills say, in "
                f"{seen.polls} looks, and no order says why. Exits are only for what is there. See what happened at the broker; "
                "take the difference over to book it as closed",
                instrument_id=instrument_id,
            )

    def _closable(self, instrument_id: int, foreign: int) -> int:
        """Units of the difference that close what we have open. What somebody had bought before we
        sold is his, and closes nothing.
        """
        side, left, found = (1 if foreign > 0 else -1), abs(foreign), 0
        if self.foreign.net(instrument_id) != foreign:
            return closable_qty(self._plan, instrument_id, foreign)
        for part in reversed(self.foreign.unexplained(instrument_id, side)):
            qty = min(part.qty, left)
            left -= qty
            most = closable_qty(
                self._plan, instrument_id, side * (found + qty), part.report.ts_update_ns
            )
            found = max(found, min(found + qty, most))
        return found

    def _poll_again(self) -> None:
        self._book_poller.want()
        self.poll_soon()

    def _gone(self) -> dict[int, int]:
        """Units for which exits have been taken out, by instrument."""
        found: dict[int, int] = {}
        for bracket in map(self._engine.bracket, self._engine.live_brackets()):
            if bracket["gone_qty"]:
                found[bracket["instrument_id"]] = (
                    found.get(bracket["instrument_id"], 0) + bracket["gone_qty"]
                )
        return found

    def _is_told(self, instrument_id: int, foreign: int) -> bool:
        """Does an order of somebody else's, or another product, account for the difference?"""
        return self.foreign.net(instrument_id) == foreign or self._is_converted(
            instrument_id, foreign
        )

    def _is_converted(self, instrument_id: int, foreign: int) -> bool:
        if instrument_id not in self._others_before:
            return False
        moved = sum(self._others.get(instrument_id, {}).values()) - sum(
            self._others_before[instrument_id].values()
        )
        return moved != 0 and moved == -foreign

    def _bound(self, instrument_id: int, net_qty: int) -> None:
        """No exit is for more than the account holds."""
        self._engine.on_broker_net(instrument_id, net_qty, self._clock.now_ns())
        self._drain()

    def bound_at_start(self, unknown: list[OrderReport], positions: list[BrokerPosition]) -> None:
        """Before anything is asked for on the start's book: what the book shows as closed by others
        gets no new stop.
        """
        for report in unknown:
            self.foreign.take(report)
        self.compare(positions)
        for instrument_id, (foreign, row) in self.differences.items():
            told = self.foreign.net(instrument_id)
            if row is not None and told * foreign > 0 and abs(told) >= abs(foreign):
                self._engine.on_broker_net(instrument_id, row.net_qty, self._clock.now_ns())

    async def _book(
        self, instrument_id: int, net_qty: int, foreign: int, row: BrokerPosition | None
    ) -> None:
        """Book what others have closed on the brackets that had opened it, at the price of their
        trades.
        """
        is_converted = self.foreign.net(instrument_id) != foreign
        traded = {} if is_converted else await self._session.trades()
        if self._engine.position(instrument_id)["net_qty"] != net_qty:
            self.poll_soon()
            return
        side, left = (1 if foreign > 0 else -1), self._closable(instrument_id, foreign)
        name = self._plan.symbol_of(instrument_id)

        def value_of(part: ForeignFillPart) -> tuple[int, bool]:
            total_qty, total_e4 = traded.get(part.report.broker_order_id, (0, 0))
            if total_qty != part.report.cum_qty or total_e4 <= 0:
                total_qty, total_e4 = part.report.cum_qty, part.report.cum_value_e4
            if total_e4 > 0:
                return self.foreign.value_e4(part, total_qty, total_e4), True
            return part.qty * self._last_price_e4(instrument_id, row), False

        for part in [] if is_converted else self.foreign.draw(instrument_id, side * left):
            report, qty = part.report, part.qty
            value_e4, is_known = value_of(part)
            by_broker = is_brokers_own(report)
            adopt_position(
                self._plan,
                instrument_id,
                side * qty,
                value_e4,
                self._clock.now_ns(),
                by_broker=by_broker,
            )
            left -= qty
            who = "the broker's own square-off" if by_broker else "somebody else"
            price = (
                f"at {rupees(value_e4 // qty)}"
                if is_known
                else "at a price that is not known (the last price stands for it)"
            )
            self._board.say(
                Severity.ALARM if by_broker else Severity.WARN,
                "CLOSED_ELSEWHERE",
                f"{name}: {qty} units of this engine's were closed by {who}, order {report.broker_order_id}, {price}. They are booked as "
                "closed, and no exit of ours stands for them",
                instrument_id=instrument_id,
            )
        if left > 0 and is_converted:
            now = self._others.get(instrument_id, {})
            was = self._others_before.get(instrument_id, {})
            product = next(
                (product for product, qty in now.items() if qty != was.get(product, 0)),
                "another product",
            )
            value_e4 = left * self._last_price_e4(instrument_id, row)
            adopt_position(self._plan, instrument_id, side * left, value_e4, self._clock.now_ns())
            self._others_before[instrument_id] = dict(now)
            self._board.say(
                Severity.ALARM,
                "CLOSED_ELSEWHERE",
                f"{name}: {left} units were converted from {self._plan.instruments[instrument_id].product} to {product}. "
                "They are no longer this engine's: it has taken its exits for them out, and booked them at the last price. NOTHING "
                "PROTECTS THEM NOW but what you place yourself",
                instrument_id=instrument_id,
            )
        for bracket_id, part in [] if is_converted else self._over_closed(instrument_id, foreign):
            self.foreign.explain(part)
            value_e4, _ = value_of(part)
            close_again(
                self._plan,
                bracket_id,
                side,
                part.qty,
                value_e4,
                self._clock.now_ns(),
                by_broker=is_brokers_own(part.report),
            )
            self._board.say(
                Severity.ALARM,
                "CLOSED_TWICE",
                f"{name}: order {part.report.broker_order_id} of somebody else closed {part.qty} units in the moment in which an exit of "
                "ours closed them too: the account is on the other side by that much, and it is bought back (or sold) now",
                instrument_id=instrument_id,
            )
        self._drain()
        self._seen.pop(instrument_id, None)
        self.poll_soon()

    def _over_closed(self, instrument_id: int, foreign: int) -> list[tuple[int, ForeignFillPart]]:
        """Foreign units beyond what is open that were traded while a bracket of ours was: an exit
        of ours was on its way, and both have closed it. (bracket, units).
        """
        side, left = (
            (1 if foreign > 0 else -1),
            abs(foreign) - self._closable(instrument_id, foreign),
        )
        found = []
        for part in (
            self.foreign.unexplained(instrument_id, side)
            if self.foreign.net(instrument_id) == foreign
            else []
        ):
            bracket_id, ours = closed_at(self._plan, instrument_id, side, part.report.ts_update_ns)
            qty = min(part.qty, left, ours)
            if qty > 0:
                found.append((bracket_id, ForeignFillPart(part.report, qty)))
                left -= qty
        return found

    def _last_price_e4(self, instrument_id: int, row: BrokerPosition | None) -> int:
        return self._engine.market(instrument_id)["ltp_e4"] or (
            row.ltp_e4 if row is not None else 0
        )

    # ----------------------------------------------------------------------------------- quarantine
    def quarantined(self) -> list[int]:
        """Instruments that do not trade."""
        return [
            i
            for i in range(len(self._plan.instruments))
            if self._engine.instrument(i)["quarantined"]
        ]

    def quarantine(self, item: Discrepancy) -> None:
        """Nothing new is traded there, and entries that rest are cancelled; said with the difference."""
        self._engine.on_quarantine(item.instrument_id, True, self._clock.now_ns())
        self._drain()
        self._board.say(Severity.ALARM, "UNEXPLAINED", item.text, instrument_id=item.instrument_id)

    def _release(self) -> None:
        """An instrument whose difference has gone, and that has no foreign order left, trades
        again.
        """
        for instrument_id in self.quarantined():
            if instrument_id not in self.differences and not self._is_suspect(instrument_id):
                self._engine.on_quarantine(instrument_id, False, self._clock.now_ns())

    # ------------------------------------------------------------------------------------- adoption
    def adopt(self, instrument_id: int) -> tuple[bool, str]:
        """A person hands over the difference that was seen last. (done, words)."""
        name = self._plan.symbol_of(instrument_id)
        qty, position = self.differences.get(instrument_id, (0, None))
        if qty == 0:
            return (
                False,
                f"{name}: the broker shows no quantity that is not this engine's{self._other_words(instrument_id)}",
            )
        if self._is_suspect(instrument_id):
            return (
                False,
                f"{name}: an order that this engine does not know rests there, and would trade beside the new stop (an exit "
                "of an earlier run whose journal is lost, or somebody's own): cancel it at the broker, then take over",
            )
        value_e4 = _value_of(qty, position, self._engine.position(instrument_id))
        if value_e4 <= 0:
            return (
                False,
                f"{name}: the broker tells no price for the position; close it there instead",
            )
        try:
            words = adopt_position(self._plan, instrument_id, qty, value_e4, self._clock.now_ns())
        except EngineError as error:
            return False, str(error)
        self._bound(instrument_id, self._plan.net_of()[instrument_id])
        del self.differences[instrument_id]
        self._seen.pop(instrument_id, None)
        self.foreign.settle({i: foreign for i, (foreign, _) in self.differences.items()})
        self.poll_soon()
        self._release()
        self._board.say(
            Severity.WARN,
            "ADOPTED",
            f"{words} (at {rupees(value_e4 // abs(qty))})",
            instrument_id=instrument_id,
        )
        return True, words

    def _other_words(self, instrument_id: int) -> str:
        others = {
            product: qty for product, qty in self._others.get(instrument_id, {}).items() if qty
        }
        if not others:
            return ""
        shown = ", ".join(f"{qty:+d} in {product}" for product, qty in others.items())
        return (
            f" in {self._plan.instruments[instrument_id].product}. It shows {shown}: another product is another position, "
            "which this engine never touches"
        )

    def _say_once(self, severity: Severity, code: str, text: str, instrument_id: int) -> None:
        if text not in self._said:
            self._said.add(text)
            self._board.say(severity, code, text, instrument_id=instrument_id)

    async def close(self) -> None:
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def _together(one: BrokerPosition, other: BrokerPosition) -> BrokerPosition:
    """Two rows of one instrument and product are one position."""
    sums = ("net_qty", "buy_qty", "sell_qty", "buy_value_e4", "sell_value_e4")
    return msgspec.structs.replace(
        one, **{name: getattr(one, name) + getattr(other, name) for name in sums}
    )


def _value_of(qty: int, position: BrokerPosition | None, ours: PositionRow) -> int:
    """What the foreign quantity cost: the broker's total less the core's own, exact when nobody
    else traded the other way. Else as if it had been traded at the last price; 0 when the broker
    tells none.
    """
    if position is None:
        return 0
    side = "buy" if qty > 0 else "sell"
    other = "sell" if qty > 0 else "buy"
    shown = {
        "buy": (position.buy_qty, position.buy_value_e4),
        "sell": (position.sell_qty, position.sell_value_e4),
    }
    known = {
        "buy": (ours["buy_qty"], ours["buy_value_e4"]),
        "sell": (ours["sell_qty"], ours["sell_value_e4"]),
    }
    strange_qty = shown[side][0] - known[side][0]
    strange_value_e4 = shown[side][1] // position.multiplier - known[side][1]
    if strange_qty == abs(qty) and shown[other][0] == known[other][0] and strange_value_e4 > 0:
        return strange_value_e4
    return abs(qty) * position.ltp_e4
