"""Asking the broker for quotes: price bands that move during the day, and prices while the feed
says nothing.

The core says which instruments are due (`quote.pyx`: what hangs on each, how near an edge it is,
whether a refusal spoke of it); here they are asked for, one question at a time, within the share of
the minute that docs/operations.md gives to them. An answer is an event of the core, with the time
of its question.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from otrade.brokers.session import QUOTES_MAX, BrokerSession
from otrade.clock import NS_PER_S, Clock
from otrade.errors import BrokerError
from otrade.live.plan.day_plan import DayPlan

GAP_NS = NS_PER_S + NS_PER_S // 10
"""Kite takes one quote a second; the tenth is for two questions of which the first took longer on
its way.
"""
PER_MINUTE = 30
RETRY_MAX_NS = 10 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S


class QuotePoller:
    """Asks for what is due. `poll` belongs on the beat."""

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        session: BrokerSession,
        *,
        on_commands: Callable[[], None],
        on_trouble: Callable[[BrokerError], None],
        on_fault: Callable[[BaseException, str], None],
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._session = session
        self._on_commands = on_commands
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._asked_ns: deque[int] = deque(maxlen=PER_MINUTE)
        self._next_ns = 0
        self._task: asyncio.Task[None] | None = None
        self._turn = 0
        """Where the next question begins, when more is due than one question holds."""
        self.n_failed = 0

    def poll(self, now_ns: int) -> None:
        """Ask, when something is due and the rate allows it."""
        if self._task is not None or now_ns < self._next_ns:
            return
        if len(self._asked_ns) == PER_MINUTE and now_ns - self._asked_ns[0] < MINUTE_NS:
            return
        due = self._plan.engine.quotes_wanted(now_ns)
        if not due:
            return
        later = [i for i in due if i >= self._turn]
        ids = (later + [i for i in due if i < self._turn])[:QUOTES_MAX]
        self._turn = ids[-1] + 1 if len(due) > QUOTES_MAX else 0
        self._asked_ns.append(now_ns)
        self._next_ns = now_ns + GAP_NS
        self._task = asyncio.get_running_loop().create_task(self._ask(ids, now_ns))

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self, ids: list[int], ts_ask_ns: int) -> None:
        engine, planned = self._plan.engine, self._plan.instruments
        try:
            found = await self._session.quotes([(planned[i].token, planned[i].name) for i in ids])
            now_ns = self._clock.now_ns()
            for i in ids:
                quote = found.get(planned[i].token)
                # An answer without a row says that there is none; it is not asked for again until
                # it is due again.
                engine.on_quote(
                    i,
                    ts_ask_ns,
                    now_ns,
                    ltp_e4=quote.ltp_e4 if quote else 0,
                    bid_px_e4=quote.bid_e4 if quote else 0,
                    ask_px_e4=quote.ask_e4 if quote else 0,
                    band_lo_e4=quote.band_lo_e4 if quote else 0,
                    band_hi_e4=quote.band_hi_e4 if quote else 0,
                )
            self.n_failed = 0
            self._on_commands()
        except BrokerError as error:
            self.n_failed += 1
            self._next_ns = self._clock.now_ns() + min(
                GAP_NS << min(self.n_failed, 4), RETRY_MAX_NS
            )
            self._on_trouble(error)
        except Exception as error:
            self.n_failed += 1
            self._next_ns = self._clock.now_ns() + RETRY_MAX_NS
            self._on_fault(error, "taking a quote")
        finally:
            self._task = None
