"""Polling the broker's order book: when the core asks, after every reconnect, and regularly as
an audit.

However many ask, one poll is under way at a time and polls are `GAP_NS` apart; a request that comes
during a poll gets another one after it, because only a book asked for later can prove that an order
is absent.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from otrade._core.engine.engine import Engine
from otrade._core.types import Reason
from otrade.brokers.book_cache import ENDED
from otrade.brokers.session import BrokerRows, BrokerSession, OrderReport
from otrade.clock import NS_PER_S, Clock, TimerHandle
from otrade.errors import BrokerError, TokenError
from otrade.live.oms.book_completeness import hides_ours, lacking_orders
from otrade.live.oms.order_router import OrderRouter

GAP_NS = NS_PER_S
RETRY_MAX_NS = 30 * NS_PER_S
AUDIT_PENDING_NS = 5 * NS_PER_S
AUDIT_OPEN_NS = 15 * NS_PER_S
AUDIT_WITHOUT_PUSH_NS = 2 * NS_PER_S
ASK_FROM = 2
"""Books in a row without an order that the broker has named: from then on that order is asked for
alone.
"""
UNKNOWN_FROM = 3
"""And from then on nobody knows what it does, unless the broker has said so meanwhile."""
DENIALS = 2
"""So often the broker must say that there is no such order, besides books that show others of ours."""
ASK_MAX = 2
"""Single orders that are asked for after one book."""
SAID_FROM = 3
"""Polls that failed in a row before a person hears of it."""
UNAVAILABLE_NS = 60 * NS_PER_S
"""Without a whole book for so long, nothing new is entered."""


class OrderBookPoller:
    """Polls the order book and feeds it to the core, whole."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        router: OrderRouter,
        session: BrokerSession,
        *,
        on_unknown: Callable[[list[OrderReport]], None],
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
        on_availability: Callable[[bool, str], None],
        audit_flat_ns: int,
    ) -> None:
        """`on_availability`: (False, why) when no whole book has come for a while, (True, "") when one has
        again.
        """
        self._engine = engine
        self._clock = clock
        self._router = router
        self._session = session
        self._on_unknown = on_unknown
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._on_availability = on_availability
        self._audit_flat_ns = audit_flat_ns
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._timer: TimerHandle | None = None
        self._next_ns = 0
        self._closed = False
        self.is_without_push = False
        """Nobody pushes order updates to us."""
        self._last_rows: dict[str, Mapping[str, Any]] = {}
        """The last row of each order that has ended, as the broker's session keeps it
        (`BookReader`).
        """
        self.n_failed = 0
        """Polls in a row that brought no whole book."""
        self._n_backed_off = 0
        """Those of them that the next one waits for: none from before a new access token."""
        self.ts_last_ns = 0
        """When a whole book came last."""
        self.ts_last_request_ns = 0
        """When that book was asked for."""
        self._ts_first_failed_ns = 0
        self._is_available = True
        self._missed: dict[str, int] = {}
        """Orders that books lack, by the broker's id: in how many in a row."""
        self._denied: dict[str, int] = {}
        self._ended: set[str] = set()
        """Orders that have ended, as the broker said when asked for them alone: a book may lack
        them.
        """
        self._said_unread: set[str] = set()

    def want(self) -> None:
        """Poll as soon as the rate allows."""
        self._wanted = True
        if self._closed or self._task is not None or self._timer is not None:
            return
        now_ns = self._clock.now_ns()
        if now_ns >= self._next_ns:
            self._start()
        else:
            self._timer = self._clock.call_at(self._next_ns, self._due)

    def on_token(self) -> None:
        """A new access token: polls that failed with the dead one do not put the next ones off."""
        self._n_backed_off = 0
        self._next_ns = min(self._next_ns, self._clock.now_ns() + GAP_NS)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.want()

    def audit(self, now_ns: int) -> None:
        """Want a poll when the last one is too old for what is going on."""
        risk = self._engine.risk()
        if risk["n_in_doubt"] or self.n_failed:
            age_ns = AUDIT_PENDING_NS
        else:
            age_ns = self._audit_flat_ns
            if self._engine.n_live:
                age_ns = min(
                    age_ns, AUDIT_WITHOUT_PUSH_NS if self.is_without_push else AUDIT_OPEN_NS
                )
        if now_ns >= self.ts_last_ns + age_ns:
            self.want()

    async def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _due(self) -> None:
        self._timer = None
        if self._wanted and not self._closed:
            self._start()

    def _start(self) -> None:
        self._wanted = False
        self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        ts_request_ns = self._clock.now_ns()
        gap_ns = GAP_NS
        try:
            rows = await self._session.order_book()
            self._on_unknown(self.take(rows, ts_request_ns))
            if self._missed:
                await self._ask_for_missing(rows)
                raise BrokerError(
                    f"it lacks {len(self._missed)} orders that the broker has taken (the first is {next(iter(self._missed))}): "
                    "it proves nothing, and is asked for again"
                )
        except BrokerError as error:
            gap_ns = self._failed(error)
        except Exception as error:
            self._on_fault(error, "taking the order book")
        else:
            self.n_failed = self._n_backed_off = 0
            if not self._is_available:
                self._is_available = True
                self._on_availability(True, "")
        self._task = None
        self._next_ns = self._clock.now_ns() + gap_ns
        if self._wanted:
            self.want()

    def _failed(self, error: BrokerError) -> int:
        """Count a poll that brought no whole book. How long to wait for the next one."""
        now_ns = self._clock.now_ns()
        if self.n_failed == 0:
            self._ts_first_failed_ns = now_ns
        self.n_failed += 1
        self._n_backed_off += 1
        # Without a token every poll fails: the token's owner asks for one when there is a new
        # token.
        self._wanted = not isinstance(error, TokenError)
        if (
            not self._missed or self.n_failed >= SAID_FROM
        ):  # a book that is behind is an everyday thing
            self._on_trouble(error)
        if self._is_available and now_ns >= self._ts_first_failed_ns + UNAVAILABLE_NS:
            self._is_available = False
            self._on_availability(False, str(error))
        return min(GAP_NS << min(self._n_backed_off - 1, 8), RETRY_MAX_NS)

    def lacking(self, rows: BrokerRows[OrderReport], ts_request_ns: int) -> list[str]:
        """Orders that the broker had named before it was asked for this book, and that this book
        does not show.
        """
        known = self._engine.known_ids(ts_request_ns)
        return [order_id for order_id in lacking_orders(rows, known) if order_id not in self._ended]

    async def _ask_for_missing(self, rows: BrokerRows[OrderReport]) -> None:
        """Ask for single orders that books go on to lack. Only the broker's word that there is no
        such order permits another one.
        """
        live = self._engine.known_ids(self._clock.now_ns())
        wanted = sorted(
            (key for key, n in self._missed.items() if n >= ASK_FROM),
            key=lambda key: not live.get(key, False),
        )
        for order_id in wanted[:ASK_MAX]:
            try:
                report = await self._session.order(order_id)
            except BrokerError as error:
                self._on_trouble(error)
                report = None
                if isinstance(error, TokenError):
                    return
            else:
                if report is not None and report.broker_order_id == order_id:
                    self._router.on_report(report)
                    self._missed[order_id] = 0
                    self._denied.pop(order_id, None)
                    if report.ev in ENDED:
                        self._ended.add(order_id)
                    continue
                if report is None and rows:
                    self._denied[order_id] = self._denied.get(order_id, 0) + 1
            is_proven = self._denied.get(order_id, 0) >= DENIALS
            if is_proven and not live.get(order_id, False):
                self._ended.add(order_id)
            elif is_proven or self._missed[order_id] >= UNKNOWN_FROM:
                self._engine.on_missing(order_id, is_proven, self._clock.now_ns())
                self._router.drain()

    def take(
        self,
        rows: BrokerRows[OrderReport],
        ts_request_ns: int,
        *,
        before_end: Callable[[list[OrderReport]], None] | None = None,
    ) -> list[OrderReport]:
        """Hand a book to the core and send what it leads to. The rows that are not the core's;
        `before_end` is told of them before the core acts on what it has read.

        A book that lacks what the broker has named before proves the absence of nothing; what it
        shows is taken.

        What the core has been told of an order that has ended is not told again while its row stays
        as it was: such orders are most of a long day's book, and the journal would hold them anew
        for each poll.
        """
        missing = self.lacking(rows, ts_request_ns)
        self._missed = {order_id: self._missed.get(order_id, 0) + 1 for order_id in missing}
        self._denied = {
            order_id: n for order_id, n in self._denied.items() if order_id in self._missed
        }
        self._say_unread(rows)
        self._engine.on_book_begin(ts_request_ns)
        unknown = [
            row
            for row in rows
            if not self._is_old_news(row) and self._report_row(row) == Reason.UNKNOWN_ORDER
        ]
        if before_end is not None:
            before_end(unknown)
        now_ns = self._clock.now_ns()
        self._engine.on_book_end(now_ns, not missing and not hides_ours(rows))
        self._router.drain()
        if not missing:
            self.ts_last_ns = now_ns
            self.ts_last_request_ns = ts_request_ns
        return unknown

    def _say_unread(self, rows: BrokerRows[OrderReport]) -> None:
        """A row that cannot be read blinds nobody to the rest; it is shown once, with its id."""
        for row in rows.unread:
            name = row.row_id or row.tag or "without an id"
            if name not in self._said_unread:
                self._said_unread.add(name)
                self._on_trouble(
                    BrokerError(
                        f"the row of order {name} cannot be read ({row.why}); the rest of the book is taken"
                    )
                )

    def _is_old_news(self, row: OrderReport) -> bool:
        return row.ev in ENDED and self._last_rows.get(row.broker_order_id) is row.raw

    def _report_row(self, row: OrderReport) -> int:
        reason = self._router.take_report(row)
        if row.ev in ENDED and reason != Reason.UNKNOWN_ORDER:
            self._last_rows[row.broker_order_id] = row.raw
        return reason
