"""The day in OTrade: `python -m bench.research.otrade_day DAY.npz OUT.json`. The loop that backtests run in, with the core's gates, orders
and charges and the exchange on; then once more from the same memory, which has to trade the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson

import otrade
from bench.research import rules
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
from otrade.research.backtest.models import QUEUES

CONFIG: dict[str, Any] = {
    "mode": "paper",
    "instruments": [{"symbol": rules.SYMBOL}],
    "strategies": [
        {
            "kind": "ema_cross",
            "name": "cross",
            "instrument": rules.SYMBOL,
            "sizing": {"mode": "fixed", "value": rules.QTY},
            "bracket": {
                "stop": {"kind": "pct", "value": rules.STOP_PERCENT},
                "target": {"kind": "pct", "value": rules.TARGET_PERCENT},
                "exit_mode": "oco",
                "on_opposite": "ignore",
            },
            "params": {
                "bar_s": rules.BAR_S,
                "on": "bar_close",
                "side": "both",
                "fast_period": rules.FAST,
                "slow_period": rules.SLOW,
            },
        }
    ],
    "risk": {
        "max_order_notional_rupees": 5_000_000,
        "max_trades_per_day": 1_000,
        "cooldown_after_stop_s": 0,
        "max_daily_loss_rupees": 10_000_000,
        "max_drawdown_rupees": 10_000_000,
    },
}


EXITS = {"T": "target", "S": "stop", "X": "other"}
"""What the letter in a ClOrdID says."""


class TickBench:
    """One day of one instrument, ready to be run again and again without allocating anything."""

    def __init__(self, day: rules.Day) -> None:
        self.day = day
        with tempfile.TemporaryDirectory() as folder:
            given = {**CONFIG, "paths": {"var": folder}}
            config = from_bytes(orjson.dumps(given), "bench.json")
        calendar = Calendar.load()
        record = HistoricalListing(calendar, KnownFacts()).find(
            rules.SYMBOL, rules.DATE, rules.START_E4, rules.TICK_E4, ""
        )
        session = calendar.session("cash", rules.DATE)
        assert session is not None
        traded = [TradedInstrument(0, record, session)]
        self.ready = make_ready(
            DayTables(config, calendar),
            rules.DATE,
            traded,
            {},
            ArchiveHistory({}),
            NoticeBoard(lambda: 0),
            with_stale_gate=False,
        )
        self.exchange = Exchange(1)
        self.exchange.add_instrument(
            key=rules.SYMBOL,
            token=record.token,
            tick_e4=rules.TICK_E4,
            lot=1,
            freeze_qty=0,
            open_ns=session.open_ns,
            close_ns=session.close_ns,
        )
        self.exchange.open_day(1, int(f"{rules.DATE:%Y%m%d}"), 0, 0)
        self.exchange.set_models(queue=QUEUES["touch"], slip_ticks=0, slip_bps_e2=0, share_e2=0)
        self.engine = self.ready.plan.engine
        self.loop = DayLoop(self.engine, self.exchange)
        self.loop.set_trades(0, *day)
        self.loop.set_latency(0, 0, np.empty(0, np.int64), 1, int(f"{rules.DATE:%Y%m%d}"))
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


def round_trips(fills: list[Any]) -> list[rules.RoundTrip]:
    """Each entry with the execution that ended it."""
    found = []
    for entry, ended in zip(fills[::2], fills[1::2], strict=False):
        assert entry[4] == ended[4] == rules.QTY and entry[3] == -ended[3]
        found.append(
            rules.RoundTrip(entry[3], entry[0], entry[5], ended[0], ended[5], EXITS[ended[2][12]])
        )
    return found


def main() -> None:
    with np.load(sys.argv[1]) as kept:
        day = rules.Day(kept["ts_ns"], kept["px_e4"], kept["qty"])
    bench = TickBench(day)
    seconds, fills = bench.run()
    again_s, same = bench.run()
    assert fills == same, "a second run from the same memory traded otherwise"
    Path(sys.argv[2]).write_text(
        json.dumps(
            {
                "version": otrade.__version__,
                "seconds": seconds,
                "again_s": again_s,
                "round_trips": round_trips(fills),
            }
        )
    )


if __name__ == "__main__":
    main()
