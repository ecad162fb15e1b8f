"""Ticks a second of the backtest's loop, with exchange, orders and charges on: an EMA crossover with brackets on five
million ticks of one session, then once more from the same memory.

`python -m bench.research_ticks [--ticks N]`, or `make bench-research`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from typing import Any

import numpy as np
import orjson

from otrade._core.engine.checkpoint import Checkpoint
from otrade.calendar import Calendar
from otrade.config.manager import from_bytes
from otrade.live.notices.board import NoticeBoard
from otrade.research.backtest.day_loop import DayLoop
from otrade.research.backtest.day_setup import (
    ArchiveHistory,
    DayTables,
    TradedInstrument,
    make_ready,
)
from otrade.research.backtest.exchange import Exchange
from otrade.research.backtest.listing import HistoricalListing, KnownFacts

DATE = dt.date(2025, 9, 1)
SYMBOL = "NSE:INFY"
TICK_E4 = 500
CONFIG: dict[str, Any] = {
    "mode": "paper",
    "instruments": [{"symbol": SYMBOL}],
    "strategies": [
        {
            "kind": "ema_cross",
            "name": "cross",
            "instrument": SYMBOL,
            "sizing": {"mode": "fixed", "value": 50},
            "bracket": {
                "stop": {"kind": "pct", "value": 0.2},
                "target": {"kind": "pct", "value": 0.4},
                "on_opposite": "reverse",
            },
            "params": {
                "bar_s": 60,
                "on": "bar_close",
                "side": "both",
                "fast_period": 9,
                "slow_period": 21,
            },
        }
    ],
    "risk": {
        "max_order_notional_rupees": 5_000_000,
        "max_trades_per_day": 1_000,
        "max_daily_loss_rupees": 10_000_000,
        "max_drawdown_rupees": 10_000_000,
    },
}


class TickBench:
    """One day of one instrument, ready to be run again and again without allocating anything."""

    def __init__(self, n_ticks: int, seed: int = 7) -> None:
        with tempfile.TemporaryDirectory() as folder:
            given = {**CONFIG, "paths": {"var": folder}}
            config = from_bytes(orjson.dumps(given), "bench.json")
        calendar = Calendar.load()
        record = HistoricalListing(calendar, KnownFacts()).find(
            SYMBOL, DATE, 15_000_000, TICK_E4, ""
        )
        session = calendar.session("cash", DATE)
        assert session is not None
        traded = [TradedInstrument(0, record, session)]
        self.ready = make_ready(
            DayTables(config, calendar),
            DATE,
            traded,
            {},
            ArchiveHistory({}),
            NoticeBoard(lambda: 0),
            with_stale_gate=False,
        )
        self.exchange = Exchange(1)
        self.exchange.add_instrument(
            key=SYMBOL,
            token=record.token,
            tick_e4=TICK_E4,
            lot=1,
            freeze_qty=0,
            open_ns=session.open_ns,
            close_ns=session.close_ns,
        )
        self.exchange.open_day(1, 20250901, 0, 0)
        self.exchange.set_models(queue=1, slip_ticks=1, slip_bps_e2=0, share_e2=0)
        self.engine = self.ready.plan.engine
        self.loop = DayLoop(self.engine, self.exchange)
        rng = np.random.default_rng(seed)
        span_ns = session.close_ns - session.open_ns
        self.ts_ns = session.open_ns + np.arange(n_ticks, dtype=np.int64) * (span_ns // n_ticks)
        steps = rng.integers(-1, 2, n_ticks)
        self.px_e4 = np.ascontiguousarray(15_000_000 + np.cumsum(steps) * TICK_E4, np.int64)
        self.qty = rng.integers(1, 500, n_ticks).astype(np.int64)
        self.loop.set_trades(0, self.ts_ns, self.px_e4, self.qty)
        self.loop.set_latency(0, 0, np.empty(0, np.int64), 1, 20250901)
        self._checkpoint = Checkpoint(self.engine)
        self._begin = self._checkpoint.save()

    def run(self) -> tuple[float, list[Any]]:
        """Seconds of CPU, and the executions."""
        self._checkpoint.restore(self._begin)
        self.exchange.clear_day()
        self.loop.begin(self.ready.start_ns)
        began = time.process_time()
        self.loop.run(self.ready.plan.close_ns + 3_000_000_000)
        return time.process_time() - began, self.exchange.fill_rows()


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--ticks", type=int, default=5_000_000)
    args = ap.parse_args()
    bench = TickBench(args.ticks)
    first_s, fills = bench.run()
    again_s, same = bench.run()
    assert fills == same, "a second run from the same memory traded otherwise"
    best = min(first_s, again_s)
    print(
        f"otrade: {args.ticks:,} ticks, {len(fills)} executions: {args.ticks / best / 1e6:.1f} million ticks a second ({best:.2f} s)"
    )


if __name__ == "__main__":
    main()
