"""Orders that the broker shows and the core does not know: taken back, taken in, or quarantined
with the difference in words.

At the start the whole account is explained before the gate opens. Afterwards pushes come first, and
the order book is an audit, as the positions are (`position_audit.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from otrade._core.types import Ev, Reason, Severity, Worth
from otrade.brokers.session import BrokerRows, BrokerSession, OrderReport
from otrade.clock import NS_PER_S, Clock
from otrade.errors import BrokerError
from otrade.live.notices.board import NoticeBoard
from otrade.live.oms.cl_ord_id import parse
from otrade.live.oms.order_book_poller import OrderBookPoller
from otrade.live.oms.order_router import OrderRouter
from otrade.live.plan.day_plan import DayPlan
from otrade.live.reconciliation.bracket_recovery import BracketRecovery
from otrade.live.reconciliation.discrepancies import Discrepancy, order_discrepancies
from otrade.live.reconciliation.position_audit import PositionAudit
from otrade.patience import WAITS_NS, patiently, wait_unless

START_POLLS = 2
APART_NS = NS_PER_S
"""Between them: a broker takes no more books in a second, and its positions may be a moment behind."""
HALF_HOUR_NS = 1800 * NS_PER_S
LATE_LOOK_NS = 2 * NS_PER_S
LATE_NS = 60 * NS_PER_S
"""A book may be behind (brokers answer from caches): orders of an earlier run that the start has
not seen may turn up for so long.
"""
T = TypeVar("T")


class Reconciler:
    """One day's account with the broker."""

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        board: NoticeBoard,
        router: OrderRouter,
        session: BrokerSession,
        book_poller: OrderBookPoller,
        *,
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
        stop: asyncio.Event,
    ) -> None:
        """`stop`: set when a person stops the engine. A start that the broker does not answer ends
        with it.
        """
        self._plan = plan
        self._engine = plan.engine
        self._clock = clock
        self._board = board
        self._router = router
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._stop = stop
        self._recovery = BracketRecovery(plan)
        self._session = session
        self._book_poller = book_poller
        self._known: set[str] = set()
        """Ids of orders that are not the core's and have been spoken of, or explain themselves."""
        self._foreign: dict[str, int] = {}
        """Live orders that are not the core's, by id: their instruments."""
        self._late: dict[str, OrderReport] = {}
        """Orders of an earlier run that the start's book did not show, by id, until they are taken
        back.
        """
        self._late_task: asyncio.Task[None] | None = None
        self._ts_start_ns = 0
        self.runs_taken_back: set[int] = set()
        """Earlier runs with brackets that the core did not know."""
        self.positions = PositionAudit(
            plan,
            clock,
            board,
            session,
            book_poller,
            is_suspect=lambda instrument_id: instrument_id in self._foreign.values(),
            drain=router.drain,
            on_trouble=on_trouble,
            on_fault=on_fault,
        )

    # ---------------------------------------------------------------------------------------- start
    async def reconcile_start(self) -> None:
        """Take back what is ours, resolve what is in doubt as far as one book can, quarantine the
        rest.
        """
        found: list[Discrepancy] = []
        self._ts_start_ns = self._clock.now_ns()
        for look in range(START_POLLS):
            if look:
                await wait_unless(self._stop, self._clock, APART_NS)
            rows, ts_request_ns = await self._known_book()
            positions = await self.patiently(self.positions.read)
            await self._exact_values(rows, partial(self.patiently, self._session.trades))
            unknown = self._take_rows(
                rows,
                ts_request_ns,
                rows,
                partial(self.positions.bound_at_start, positions=positions),
            )
            # Orders that ended before we began explain themselves; later reports about them are no
            # news.
            self._known.update(row.broker_order_id for row in unknown)
            self._count_earlier(rows)
            found = order_discrepancies(unknown, self._plan)
            self._foreign = {item.key: item.instrument_id for item in found}
            differences = self.positions.compare(positions)
            found += differences
            if not differences:
                break
            # Something may have traded between the two answers: look again before accusing anybody.
        self.positions.foreign.settle(
            {i: foreign for i, (foreign, _) in self.positions.differences.items()}
        )
        for item in found:
            self.positions.quarantine(item)
        if self._known:
            self.positions.poll_soon()

    async def _exact_values(
        self, rows: list[OrderReport], trades: Callable[[], Awaitable[dict[str, tuple[int, int]]]]
    ) -> None:
        """Orders of an earlier run get their value from the day's trades: an average price has been
        rounded.
        """
        strange = [row for row in rows if row.cum_qty and self._is_ours_and_unknown(row)]
        if not strange:
            return
        traded = await trades()
        for row in strange:
            qty, value_e4 = traded.get(row.broker_order_id, (0, 0))
            if qty == row.cum_qty:
                row.cum_value_e4, row.worth = value_e4, Worth.EXACT

    def _count_earlier(self, rows: BrokerRows[OrderReport]) -> None:
        """The broker's counts go on where an earlier run, or a person, has left them. Of the last half hour a
        book tells orders and cancels, and not how often an order was changed.
        """
        since_ns = self._clock.now_ns() - HALF_HOUR_NS
        recent = [row for row in rows if not 0 < row.ts_update_ns <= since_ns]
        self._engine.set_budget(
            **{
                **self._plan.budget,
                "day_used": max(len(rows), self._engine.budget()["day_used"]),
                "half_hour_used": len(recent) + sum(row.ev == Ev.CANCELED for row in recent),
            }
        )

    async def _known_book(self) -> tuple[BrokerRows[OrderReport], int]:
        """A book that holds what the journal knows, and when it was asked for. One that goes on to
        lack something is taken for what
        it shows: it proves nothing, and is looked at again during the day.
        """
        for wait_ns in (*WAITS_NS, 0):
            ts_request_ns = self._clock.now_ns()
            rows = await self.patiently(self._session.order_book)
            missing = self._book_poller.lacking(rows, ts_request_ns)
            if not missing or not wait_ns:
                break
            text = f"the order book lacks {len(missing)} orders of the journal, the first is {missing[0]}: asked again"
            self._on_trouble(BrokerError(text))
            await wait_unless(self._stop, self._clock, wait_ns)
        return rows, ts_request_ns

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again when the broker is busy or did not answer: without its book nothing may be
        traded, nor be given up but by a person.
        """
        return await patiently(ask, self._clock, self._on_trouble, self._stop)

    def _is_ours_and_unknown(self, row: OrderReport) -> bool:
        return (
            parse(row.cl_ord_id) is not None
            and self._engine.find_order(row.cl_ord_id, row.broker_order_id) < 0
        )

    def _take_rows(
        self,
        rows: BrokerRows[OrderReport],
        ts_request_ns: int,
        ours: list[OrderReport],
        before_end: Callable[[list[OrderReport]], None] | None = None,
    ) -> list[OrderReport]:
        """Take a whole book. Those of `ours` that the core does not know become its own first. What
        it does not know afterwards.
        """
        now_ns = self._clock.now_ns()
        for adopted in self._recovery.adopt(ours, now_ns):
            self.runs_taken_back.add(adopted.run)
            self._board.say(
                Severity.WARN, "TAKEN_BACK", adopted.text, instrument_id=adopted.instrument_id
            )
        return self._book_poller.take(rows, ts_request_ns, before_end=before_end)

    # ------------------------------------------------------------------------------------- the news
    def on_book(self, unknown: list[OrderReport]) -> None:
        """Rows of a book that the core did not know."""
        for row in unknown:
            self.on_unknown(row)
        live = {row.broker_order_id for row in unknown if order_discrepancies([row], self._plan)}
        for key in [key for key in self._foreign if key.removeprefix("order ") not in live]:
            del self._foreign[key]

    def on_unknown(self, report: OrderReport) -> None:
        """An order that the core did not send. One of ours all the same (the watchdog's, or of a
        bracket that we know) is taken in, one that the start did not see is taken back; once any
        other trades or could trade, its instrument is quarantined.
        """
        self.positions.on_foreign(report)
        if self._take_in(report) or report.broker_order_id in self._known:
            return
        if self._is_late(report):
            self._late[report.broker_order_id] = report
            if self._late_task is None:
                self._late_task = asyncio.get_running_loop().create_task(self._take_back_late())
            return
        self._suspect(report)

    def _suspect(self, report: OrderReport) -> None:
        instrument_id = self._plan.instrument_of.get(report.instrument_token)
        if instrument_id is None or report.product not in (
            "",
            self._plan.instruments[instrument_id].product,
        ):
            return  # another product is another position
        found = order_discrepancies([report], self._plan)
        for item in found:
            self._foreign[item.key] = item.instrument_id
        if report.cum_qty > 0 and not found:
            text = (
                f"{report.tradingsymbol}: order {report.broker_order_id} traded "
                f"{report.cum_qty} units and is not this "
                "engine's; nothing new is traded here."
            )
            found = [Discrepancy(instrument_id, f"order {report.broker_order_id}", text)]
        if found:
            self._known.add(report.broker_order_id)
            self.positions.poll_soon()  # what did it do to the position?
        for item in found:
            self.positions.quarantine(item)

    def _is_late(self, report: OrderReport) -> bool:
        """Is it an earlier run's, and did the book that the start believed not show it yet? One of
        an engine that runs beside this one is told from it by time: what the other does once we
        have been here for a while is no news of ours.
        """
        tag = parse(report.cl_ord_id)
        if (
            tag is None
            or tag.run >= self._engine.sizes["run_id"]
            or report.instrument_token not in self._plan.instrument_of
        ):
            return False
        is_young = self._clock.now_ns() <= self._ts_start_ns + LATE_NS
        return is_young or 0 < report.ts_update_ns <= self._ts_start_ns

    async def _take_back_late(self) -> None:
        """As at the start: out of one whole book, and with the day's trades for exact values."""
        try:
            ts_request_ns = self._clock.now_ns()
            rows = await self._session.order_book()
            await self._exact_values(rows, self._session.trades)
            ours = [
                row for row in rows if row.broker_order_id not in self._known and self._is_late(row)
            ]
            unknown = {
                row.broker_order_id: row for row in self._take_rows(rows, ts_request_ns, ours)
            }
            self._count_earlier(rows)  # the start has counted the book that it saw
            for key in self._late.keys() & unknown.keys():
                # It cannot be taken back: no strategy trades there any more, or its entry is not
                # shown.
                self._known.add(key)
                self._suspect(unknown[key])
        except BrokerError as error:
            self._on_trouble(error)
            for report in self._late.values():
                self._hold(report)
        except Exception as error:
            self._on_fault(error, "taking back orders of an earlier run")
        finally:
            self._late_task = None
            self._late.clear()
            self.positions.poll_soon()
            self._book_poller.want()  # what this book did not show either is told by the next one

    def _hold(self, report: OrderReport) -> None:
        instrument_id = self._plan.instrument_of[report.instrument_token]
        if not self._engine.instrument(instrument_id)["quarantined"]:
            text = (
                f"{report.tradingsymbol}: order {report.broker_order_id} of an earlier run has turned up, and the broker does not answer "
                "what became of it; nothing new is traded here until it does."
            )
            self.positions.quarantine(
                Discrepancy(instrument_id, f"order {report.broker_order_id}", text)
            )

    def _take_in(self, report: OrderReport) -> bool:
        tag = parse(report.cl_ord_id)
        if tag is None:
            return False
        mine = {
            (b["tag_run"], b["tag_bracket"])
            for b in map(self._engine.bracket, range(self._engine.n_brackets))
        }
        if (tag.run, tag.bracket) not in mine:
            return False
        self._recovery.adopt([report], self._clock.now_ns())
        if self._router.take_report(report) == Reason.UNKNOWN_ORDER:
            return False
        whose = "sent by the watchdog" if tag.is_watchdog else "of an earlier run"
        self._board.say(
            Severity.WARN,
            "TAKEN_BACK",
            f"{report.tradingsymbol}: order {report.cl_ord_id}, {whose}, is taken in",
        )
        self._router.drain()
        return True

    def audit(self, now_ns: int) -> None:
        """On the beat. The start's book may have been behind: what explains a difference would be
        in the next one.
        """
        is_young = now_ns <= self._ts_start_ns + LATE_NS
        is_due = now_ns >= self._book_poller.ts_last_request_ns + LATE_LOOK_NS
        if self.positions.differences and is_young and is_due:
            self._book_poller.want()
        self.positions.audit(now_ns)

    async def close(self) -> None:
        await self.positions.close()
        if self._late_task is not None:
            await asyncio.gather(self._late_task, return_exceptions=True)
