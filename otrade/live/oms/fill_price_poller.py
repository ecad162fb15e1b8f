"""What fills cost, from the broker's list of trades: the day's profit is made of it.

An order update brings at best an average, rounded as the broker likes, and for a partial fill often
none. The list of trades has every execution with its price. It is asked for at once when a value is
not known, and now and then while one is only an average.
It may be behind too: what it tells of an order is taken when it covers all that the order has
filled.
"""

import asyncio
from collections.abc import Callable

from otrade._core.engine.engine import Engine
from otrade.brokers.session import BrokerSession
from otrade.clock import NS_PER_S, Clock
from otrade.errors import BrokerError
from otrade.live.oms.order_router import OrderRouter

UNKNOWN_WAITS_NS = tuple(NS_PER_S * seconds for seconds in (3, 3, 6, 12, 15))
"""Between two questions while a value is not known and the list brings nothing new
(docs/operations.md: twenty a minute at most).
"""
ROUNDED_NS = 15 * NS_PER_S
ROUNDED_MAX_NS = 60 * NS_PER_S
LAST_POLLS = 3


class FillPricePoller:
    """Asks one session for trades, and tells the core what they say."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        router: OrderRouter,
        session: BrokerSession,
        *,
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._router = router
        self._session = session
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._task: asyncio.Task[None] | None = None
        self._ts_request_ns = 0
        self._n_vain = 0
        """Questions in a row that brought nothing new."""
        self._n_unknown = 0

    def poll(self, now_ns: int) -> None:
        """On the beat: ask when something is wanted and the last question is old enough."""
        unknown, rounded = self._engine.n_unvalued, self._engine.n_rounded
        if unknown > self._n_unknown:
            self._n_vain = 0  # a new one: it is asked for at once
        self._n_unknown = unknown
        if (
            self._task is None
            and (unknown or rounded)
            and now_ns >= self._ts_request_ns + self._gap_ns()
        ):
            self._task = asyncio.get_running_loop().create_task(self._poll())

    def _gap_ns(self) -> int:
        if self._n_unknown:
            return UNKNOWN_WAITS_NS[min(self._n_vain, len(UNKNOWN_WAITS_NS) - 1)]
        return min(ROUNDED_NS << min(self._n_vain, 4), ROUNDED_MAX_NS)

    async def _poll(self) -> None:
        try:
            self._n_vain = 0 if await self._take() else self._n_vain + 1
        except BrokerError as error:
            self._n_vain += 1
            self._on_trouble(error)
        except Exception as error:
            self._on_fault(error, "taking the list of trades")
        finally:
            self._task = None

    async def _take(self) -> bool:
        """Ask once. Has it brought anything?"""
        self._ts_request_ns = self._clock.now_ns()
        traded = await self._session.trades()
        had: int = self._engine.n_unvalued + self._engine.n_rounded
        for order_id, slot in self._engine.unvalued_fills().items():
            qty, value_e4 = traded.get(order_id, (0, 0))
            if qty >= self._engine.order(slot)["cum_qty"]:
                self._engine.on_traded(order_id, qty, value_e4, self._clock.now_ns())
        self._router.drain()
        left: int = self._engine.n_unvalued + self._engine.n_rounded
        return left < had

    async def finish(self) -> None:
        """The day is over: ask until all is known, a few times."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        for _ in range(LAST_POLLS):
            if not self._engine.n_unvalued and not self._engine.n_rounded:
                return
            await self._poll()
