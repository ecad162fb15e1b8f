"""The morning board of the running engine, for the page: the same questions as `otrade preflight`,
about the instruments that it has found already, at most twice a minute.
"""

import asyncio
from collections.abc import Sequence

from otrade.brokers.adapter import BrokerAdapter
from otrade.calendar import Calendar
from otrade.clock import NS_PER_S, Clock
from otrade.config.schema import Config
from otrade.contract.views import PreflightLine, PreflightView, Verdict
from otrade.instruments import Instrument
from otrade.live.control.preflight import OwnPositions, PreflightBoard, preflight
from otrade.live.day.trading_day import TradingDay
from otrade.units import NS_PER_MS

LOOK_EVERY_NS = 30 * NS_PER_S
WORDS: tuple[Verdict, ...] = ("GO", "LOOK", "NO_GO")


class PreflightService:
    """Asks while nothing is at stake for the address too; once orders have gone out from here they
    have told.
    """

    def __init__(
        self,
        config: Config,
        adapter: BrokerAdapter,
        calendar: Calendar,
        clock: Clock,
        day: TradingDay,
        records: Sequence[Instrument],
    ) -> None:
        self._config = config
        self._adapter = adapter
        self._calendar = calendar
        self._clock = clock
        self._day = day
        self._records = records
        self._lock = asyncio.Lock()
        self._ts_ns = -LOOK_EVERY_NS
        self._view: PreflightView | None = None

    async def run(self) -> PreflightView:
        """The board; that of the last time while it is young."""
        async with self._lock:
            now_ns = self._clock.now_ns()
            if self._view is None or now_ns - self._ts_ns >= LOOK_EVERY_NS:
                board = await preflight(
                    self._config,
                    self._adapter,
                    None,
                    self._calendar,
                    self._clock,
                    records=self._records,
                    asks_address=self._day.router.n_sent == 0,
                    ours=self._ours(),
                )
                self._ts_ns = self._clock.now_ns()
                self._view = view_of(board, self._ts_ns)
            return self._view

    def _ours(self) -> OwnPositions:
        """Stops at work are not leftovers: nobody must be told to cancel them."""
        plan, engine = self._day.plan, self._day.engine
        nets = plan.net_of()
        return OwnPositions(
            has_order=lambda row: engine.find_order(row.cl_ord_id, row.broker_order_id) >= 0,
            nets={
                (row.exchange, row.symbol, row.product): nets[i]
                for i, row in enumerate(plan.instruments)
            },
        )


def view_of(board: PreflightBoard, ts_ns: int) -> PreflightView:
    """The board as the contract has it."""
    return PreflightView(
        verdict=WORDS[board.verdict],
        ts_ms=ts_ns // NS_PER_MS,
        lines=[
            PreflightLine(name=i.name, verdict=WORDS[i.verdict], words=i.words, fix=i.fix)
            for i in board.lines
        ],
    )
