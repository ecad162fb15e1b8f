"""A process of the drill warms up as a live one does: the same questions by the broker's real
protocol, and answers as the scenario has them.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.candle_rows import MinuteCandle
from otrade.calendar import Calendar, TradingSession
from otrade.clock import pause
from otrade.drill.draws.history import LATE_S, MAX_WAIT_S, HistoryDraw
from otrade.drill.trader.record import ToldMinute
from otrade.errors import BrokerError
from otrade.instruments import Instrument
from otrade.live.day.trading_day import TradingDay
from otrade.live.startup.bar_history import BarHistoryReader
from otrade.live.startup.warm_start import WarmedInstrument, WarmStart
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.simulator import Simulator, wire_name

SECOND = 1_000_000_000
TellHistory = Callable[[str, int, Sequence[ToldMinute]], None]
"""Told of (instrument, when it was asked, the answer)."""
REFUSAL = "PermissionException 403: Insufficient permission for that call."


class _Teller:
    """A broker's adapter whose answers to questions of history are the scenario's. `told` hears
    them.
    """

    def __init__(
        self, adapter: BrokerAdapter, clock: Any, draw: HistoryDraw, told: TellHistory
    ) -> None:
        self._adapter = adapter
        self._clock = clock
        self._draw = draw
        self._told = told

    async def minute_bars(
        self, instrument: Instrument, first: dt.date, today: dt.date, *, with_today: bool
    ) -> list[MinuteCandle]:
        if self._draw.answer == "refused":
            raise BrokerError(REFUSAL)
        if self._draw.answer == "empty":
            return []
        asked_ns = self._clock.now_ns()
        bars = await self._adapter.minute_bars(instrument, first, today, with_today=with_today)
        if self._draw.answer == "late":
            await pause(self._clock, round(LATE_S * SECOND))
        self._told(
            f"{instrument.exchange}:{instrument.tradingsymbol}",
            asked_ns,
            [
                ToldMinute(bar.ts_open_ns, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume)
                for bar in bars
            ],
        )
        return bars


async def warm_up(
    sim: Simulator,
    day: TradingDay,
    adapter: BrokerAdapter,
    contracts: list[ListedContract],
    calendar: Calendar,
    draw: HistoryDraw,
    told: TellHistory,
) -> None:
    """Between the making of a process's day and its first connection. `adapter` has a token; it is
    closed. `contracts` as the plan has them.
    """
    today, clock = sim.exchange.date, day.clock
    teller: Any = _Teller(adapter, clock, draw, told)
    traded = []
    for contract, planned in zip(contracts, day.plan.instruments, strict=True):
        record = _record(contract, wire_name(adapter.name, contract))
        session = TradingSession(record.calendar_segment, today, planned.open_ns, planned.close_ns)
        traded.append(WarmedInstrument(record, contract.key, session))
    warm = WarmStart(
        day.plan,
        traded,
        calendar,
        clock,
        BarHistoryReader(teller, clock, today, {}, round(MAX_WAIT_S * SECOND), None),
        day.journal.make_room if day.journal is not None else None,
    )
    try:
        await sim.during(warm.feed())
    finally:
        adapter.close()
    warm.say(day.board, is_resumed=day.journal is not None and day.journal.is_resumed)


def _record(contract: ListedContract, key: str) -> Instrument:
    return Instrument(
        token=contract.token,
        exchange_token=contract.token >> 8,
        exchange=contract.exchange,
        tradingsymbol=contract.tradingsymbol,
        name=contract.name,
        expiry=contract.expiry,
        tick_size_e4=contract.tick_e4,
        lot_size=contract.lot,
        instrument_type=contract.instrument_type,
        segment=contract.segment,
        key=key,
    )
