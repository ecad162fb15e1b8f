"""The day in backtrader: `python -m bench.research.backtrader_day DAY.npz OUT.json`, in the peers' own environment.

Its own means throughout: a feed of ticks, bars of 5 seconds that it resamples, its exponential averages, market, stop and limit orders of
which one ends the other. Its fastest set-up: ticks and indicators loaded at once (`preload`, `runonce`), no observers. Loading ticks
is not timed.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np

from bench.research import rules


class Ticks(bt.feed.DataBase):
    """Arrays, as ticks."""

    params = (("day", None), ("timeframe", bt.TimeFrame.Ticks))

    def start(self) -> None:
        super().start()
        day = self.p.day
        self._at = 0
        days = (day.ts_ns // 1000).astype("datetime64[us]")
        whole = days.astype("datetime64[D]")
        self._times = (
            whole.astype(np.int64) + 719_163 + (days - whole).astype(np.int64) / 86_400_000_000
        ).tolist()
        self._prices = (day.px_e4 / rules.E4).tolist()
        self._qty = day.qty.tolist()

    def preload(self) -> None:
        began = time.process_time()
        super().preload()
        self.loading_s = time.process_time() - began

    def _load(self) -> bool:
        i = self._at
        if i == len(self._times):
            return False
        lines, px = self.lines, self._prices[i]
        lines.datetime[0] = self._times[i]
        lines.open[0] = lines.high[0] = lines.low[0] = lines.close[0] = px
        lines.volume[0] = self._qty[i]
        lines.openinterest[0] = 0.0
        self._at = i + 1
        return True


class BacktraderCrossover(bt.Strategy):
    """See `rules.py`."""

    def __init__(self) -> None:
        self.ticks, self.bars = self.datas
        self.fast = bt.indicators.EMA(self.bars.close, period=rules.FAST)
        self.slow = bt.indicators.EMA(self.bars.close, period=rules.SLOW)
        self.n_bars = 0
        self.side = 0
        self.entry: tuple[int, int, int] | None = None
        self.children: tuple[Any, Any] | None = None
        self.waits: Any = None
        self.round_trips: list[rules.RoundTrip] = []

    def next(self) -> None:
        if len(self.bars) == self.n_bars:
            return
        self.n_bars = len(self.bars)
        fast, slow, before = self.fast[0], self.slow[0], self.side
        self.side = 1 if fast > slow else -1 if fast < slow else before
        if before in (0, self.side) or self.waits is not None or self.children is not None:
            return
        if _ns(self.bars.datetime[0]) >= rules.LAST_ENTRY_NS:
            return
        send = self.buy if self.side > 0 else self.sell
        self.waits = send(data=self.ticks, size=rules.QTY)

    def notify_order(self, order: Any) -> None:
        if order.status != order.Completed:
            return
        px_e4 = round(order.executed.price * rules.E4)
        ts_ns = _ns(order.executed.dt)
        if self.waits is not None and order.ref == self.waits.ref:
            side = 1 if order.isbuy() else -1
            self.waits, self.entry = None, (side, ts_ns, px_e4)
            send = self.sell if side > 0 else self.buy
            common = dict(data=self.ticks, size=rules.QTY)
            stop = send(
                exectype=bt.Order.Stop, price=rules.stop_e4(side, px_e4) / rules.E4, **common
            )
            target = send(
                exectype=bt.Order.Limit,
                price=rules.target_e4(side, px_e4) / rules.E4,
                oco=stop,
                **common,
            )
            self.children = (stop, target)
        else:
            reason = "target" if order.exectype == bt.Order.Limit else "stop"
            self.round_trips.append(rules.RoundTrip(*self.entry, ts_ns, px_e4, reason))
            self.children = None


def _ns(days: float) -> int:
    """Its times are floats of days: some 10 us apart."""
    when = bt.num2date(days).replace(tzinfo=UTC) + timedelta(microseconds=50)
    return int(when.timestamp() * 10_000) * 100_000


def run(day: rules.Day) -> tuple[float, list[rules.RoundTrip]]:
    """Seconds of CPU without those in which ticks are loaded, and the trades."""
    cerebro = bt.Cerebro(stdstats=False)
    ticks = Ticks(day=day)
    cerebro.adddata(ticks)
    # `resampledata` would switch off that anything is loaded at once (it sets `_doreplay`).
    bars = Ticks(day=day)
    bars.resample(timeframe=bt.TimeFrame.Seconds, compression=rules.BAR_S)
    cerebro.adddata(bars)
    cerebro.addstrategy(BacktraderCrossover)
    cerebro.broker.setcash(1e9)
    cerebro.broker.setcommission(commission=rules.FEE)
    gc.collect()
    gc.freeze()
    began = time.process_time()
    (strategy,) = cerebro.run()
    took_s = time.process_time() - began
    return took_s - 2 * ticks.loading_s, strategy.round_trips


def main() -> None:
    with np.load(sys.argv[1]) as kept:
        day = rules.Day(kept["ts_ns"], kept["px_e4"], kept["qty"])
    seconds, round_trips = run(day)
    Path(sys.argv[2]).write_text(
        json.dumps({"version": bt.__version__, "seconds": seconds, "round_trips": round_trips})
    )


if __name__ == "__main__":
    main()
