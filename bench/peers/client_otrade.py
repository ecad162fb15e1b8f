"""OTrade as on a live day: the Kite session under uvloop, the whole core, a bracket an order,
limits, rate budget, journal on disk.

Left out is what needs the world outside: login, instrument file, watchdog; the page too, unless it
is asked for. The engine is assembled from the same specs that the configuration makes. The rate
budget counts every order of the last second, but not of the last minute: no broker would take so
many. The journal has the windows of an engine of many instruments, because frames come a hundred
times as often as a broker sends them.

Prints "ready"; at SIGTERM one JSON object of what it says of itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
import signal
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from bench.peers.market import (
    ACCESS_TOKEN,
    API_KEY,
    QTY,
    Where,
    level_paise,
    read_arguments,
    symbol_of,
    token_of,
)
from bench.peers.trace import FrameTrace
from otrade._core.types import Severity
from otrade.brokers.kite import adapter as adapter_module
from otrade.brokers.kite.adapter import KiteAdapter
from otrade.brokers.session import ListedInstrument
from otrade.charges import NO_CHARGES, Charges
from otrade.clock import NS_PER_S, WallClock
from otrade.config.schema import JournalConfig, SpeedConfig
from otrade.live.day.trading_day import DayOptions, TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.live.persistence.day_journal import FEW_INSTRUMENTS, open_journal
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.engine_builder import (
    EngineSpec,
    InstrumentSpec,
    SessionSpec,
    StrategySpec,
    build_plan,
    sink_of,
)
from otrade.live.runtime.cpu_tuning import CpuTuning
from otrade.live.runtime.gc_control import GcControl

HOUR_NS = 3_600 * NS_PER_S
WIDE = 10**6
MANY = FEW_INSTRUMENTS + 1
LIMITS = {
    "max_order_qty": 1_000,
    "max_order_notional_e4": 10**13,
    "max_open_positions": WIDE,
    "max_trades": WIDE,
    "max_daily_loss_e4": 10**13,
    "max_drawdown_e4": 10**13,
    "stale_feed_ns": 5 * NS_PER_S,
    "px_jump_bps_max": 2_000,
}
BUDGET = {
    "per_second": 500,
    "per_minute": 0,
    "per_day": WIDE,
    "reserve_second": 3,
    "reserve_minute": 30,
    "reserve_day": 100,
    "modifies_per_order": 25,
}
PLAN: dict[str, int | float] = {
    "stop_kind": 1,
    "stop_value": 50.0,
    "target_kind": 1,
    "target_value": 100.0,
    "size_mode": 0,
    "size_value": float(QTY),
    "max_qty": 100,
    "enabled": 1,
    "entry_offset_bps": 5.0,
    "entry_timeout_ns": 900 * NS_PER_S,
    "stop_limit_bps": 20.0,
    "hysteresis_bps": 10.0,
    "ladder_start_bps": 10.0,
    "ladder_step_bps": 10.0,
    "ladder_interval_ns": 2 * NS_PER_S,
    "ladder_max_steps": 5,
    "protection_e2": -1,
}


def spec(i: int, mode: str, now_ns: int) -> InstrumentSpec:
    """One instrument in the middle of its session, with one strategy: its level, crossed up or
    down.
    """
    open_ns = now_ns - HOUR_NS
    strategy = StrategySpec(
        f"level {symbol_of(i)}",
        "price_level",
        60,
        {"bar_mode": 0, "side_mask": 3, "level": level_paise(i) / 100},
        PLAN,
    )
    session = SessionSpec(
        open_ns, open_ns, now_ns + 2 * HOUR_NS, now_ns + 3 * HOUR_NS, now_ns + 4 * HOUR_NS
    )
    return InstrumentSpec(
        token_of(i),
        "NSE",
        symbol_of(i),
        "MIS",
        0,
        "",
        mode,
        500,
        1,
        0,
        1,
        0,
        0,
        session,
        [strategy],
    )


def no_charges(bracket_id: int, instrument_id: int, fills: object) -> Charges:
    return NO_CHARGES


def _pages(
    where: Where, day: TradingDay, board: NoticeBoard, directory: Path
) -> contextlib.AbstractAsyncContextManager[dict[str, Any] | None]:
    if where.pages < 0:
        return contextlib.nullcontext()
    from bench.peers.page import pages

    return pages(where.pages, day, board, directory)


async def main(where: Where, directory: Path) -> None:
    clock = WallClock()
    now_ns = clock.now_ns()
    adapter = KiteAdapter(
        API_KEY, "", clock=clock, rest_root=where.rest_root, feed_root=where.feed_root
    )
    adapter.use(ACCESS_TOKEN)
    encoder = adapter.encoder()
    instruments = [spec(i, where.mode, now_ns) for i in range(where.instruments)]

    def make_plan() -> DayPlan:
        slots = where.orders_max + 256
        plan = build_plan(
            "2026-11-23",
            instruments,
            EngineSpec(1, brackets=slots, orders=2 * slots, limits=LIMITS, budget=BUDGET),
        )
        plan.engine.set_encoder(encoder)
        return plan

    board = NoticeBoard(clock.now_ns)
    identity = {"day": "2026-11-23", "account": "peers", "engine": "bench", "mode": "live"}
    journal = open_journal(directory, identity, JournalConfig(), board, now_ns, n_instruments=MANY)
    plan = journal.recover(make_plan)
    journal.begin(plan, {**identity, "encoder": adapter.spelled()}, 1, now_ns)
    day = TradingDay(
        plan, clock, board, no_charges, DayOptions("flatten", needs_journal=True), journal=journal
    )
    adapter.close()
    if where.late:
        adapter_module.KiteSession = functools.partial(
            adapter_module.KiteSession, use_fast_path=False
        )
    broker = adapter.session(
        encoder=encoder,
        sink=sink_of(plan.engine, adapter.frame_kinds[0]),
        listed=[ListedInstrument(i.token, i.key, i.exchange, i.symbol) for i in instruments],
        clock=clock,
        rng=random.Random(1),
        callbacks=day.callbacks(),
        feed_now_ns=None,
        answer_timeout_ns=5 * NS_PER_S,
        order_connections=4,
    )
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, lambda: day.shutdown.stop("the measurement is over")
    )
    with GcControl(plan.engine) as care:
        day.listen_to_beats(care.on_beat)
        await day.open(broker)
        async with contextlib.AsyncExitStack() as beside:
            said = await beside.enter_async_context(_pages(where, day, board, directory))
            beside.enter_context(
                CpuTuning(SpeedConfig(busy_poll=where.busy_poll, lock_memory=True), board)
            )
            trace = FrameTrace(broker.latency) if where.trace else None
            print("ready", flush=True)
            await day.ended.wait()
        await day.close()
    report = {
        "orders": day.router.n_sent,
        "early": broker.n_fast_path,
        "inside": broker.latency.order.summary(),
        "core": broker.latency.core.summary(),
        "python_frames": trace.between() if trace is not None else {},
        "pages": said,
        "ticks": plan.engine.counters()["ticks"],
        "alarms": board.n_by_severity[Severity.ALARM],
        "verified": day.is_verified,
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="otrade-peers-") as var,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(main(read_arguments(), Path(var)))
