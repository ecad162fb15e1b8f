"""Looking at the broker's order book: when the core asks, after every reconnect, and regularly as
an audit.

However many ask, one look is under way at a time and looks are `GAP_NS` apart; a request that comes
during a look gets another one after it, because only a book asked for later can prove that an order
is absent.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from otrade._core.engine import Engine
from otrade._core.types import Reason
from otrade.brokers.base import BrokerSession, OrderReport
from otrade.brokers.order_book import ENDED
from otrade.errors import BrokerError, TokenError

from .clock import NS_PER_S, Clock, TimerHandle
from .desk import OrderDesk

GAP_NS = NS_PER_S
RETRY_MAX_NS = 30 * NS_PER_S
AUDIT_PENDING_NS = 5 * NS_PER_S
AUDIT_OPEN_NS = 15 * NS_PER_S
AUDIT_BLIND_NS = 2 * NS_PER_S


class BookKeeper:
    """Polls the order book and feeds it to the core, whole."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        desk: OrderDesk,
        session: BrokerSession,
        *,
        on_unknown: Callable[[list[OrderReport]], None],
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
        audit_flat_ns: int,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._desk = desk
        self._session = session
        self._on_unknown = on_unknown
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._audit_flat_ns = audit_flat_ns
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._timer: TimerHandle | None = None
        self._next_ns = 0
        self._closed = False
        self.is_blind = False
        """Nobody pushes order updates to us."""
        self._told: dict[str, Mapping[str, Any]] = {}
        """The last row of each order that has ended, as the broker's session keeps it (`BookReader`)."""
        self.n_failed = 0
        self.n_looks = 0
        self.ts_last_ns = 0
        self.ts_asked_ns = 0
        """When the book was asked for that was last read whole."""

    def want(self) -> None:
        """Look as soon as the rate allows."""
        self._wanted = True
        if self._closed or self._task is not None or self._timer is not None:
            return
        now_ns = self._clock.now_ns()
        if now_ns >= self._next_ns:
            self._start()
        else:
            self._timer = self._clock.call_at(self._next_ns, self._due)

    def audit(self, now_ns: int) -> None:
        """Want a look when the last one is too old for what is going on."""
        risk = self._engine.risk()
        if risk["n_in_doubt"] or self.n_failed:
            age_ns = AUDIT_PENDING_NS
        else:
            age_ns = self._audit_flat_ns
            if self._engine.n_live:
                age_ns = min(age_ns, AUDIT_BLIND_NS if self.is_blind else AUDIT_OPEN_NS)
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
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        ts_request_ns = self._clock.now_ns()
        gap_ns = GAP_NS
        try:
            rows = await self._session.order_book()
            self._on_unknown(self.take(rows, ts_request_ns))
        except BrokerError as error:
            self.n_failed += 1
            gap_ns = min(GAP_NS << min(self.n_failed, 8), RETRY_MAX_NS)
            # Without a token every look fails: the token's owner asks for one when there is a new
            # token.
            self._wanted = not isinstance(error, TokenError)
            self._on_trouble(error)
        except Exception as error:
            self._on_fault(error, "taking the order book")
        else:
            self.n_failed = 0
        self._task = None
        self._next_ns = self._clock.now_ns() + gap_ns
        if self._wanted:
            self.want()

    def take(
        self, rows: list[OrderReport], ts_request_ns: int, *, before_end: Callable[[list[OrderReport]], None] | None = None
    ) -> list[OrderReport]:
        """Hand a whole book to the core and send what it leads to. The rows that are not the core's; `before_end` is told of them
        before the core acts on what it has read.

        What the core has been told of an order that has ended is not told again while its row stays as it was: such orders are
        most of a long day's book, and the journal would hold them anew for each look.
        """
        self._engine.on_book_begin(ts_request_ns)
        unknown = [row for row in rows if not self._is_old_news(row) and self._tell(row) == Reason.UNKNOWN_ORDER]
        if before_end is not None:
            before_end(unknown)
        now_ns = self._clock.now_ns()
        self._engine.on_book_end(now_ns)
        self._desk.drain()
        self.n_looks += 1
        self.ts_last_ns = now_ns
        self.ts_asked_ns = ts_request_ns
        return unknown

    def _is_old_news(self, row: OrderReport) -> bool:
        return row.ev in ENDED and self._told.get(row.broker_order_id) is row.raw

    def _tell(self, row: OrderReport) -> int:
        reason = self._desk.take_report(row)
        if row.ev in ENDED and reason != Reason.UNKNOWN_ORDER:
            self._told[row.broker_order_id] = row.raw
        return reason
