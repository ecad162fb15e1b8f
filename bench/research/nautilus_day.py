"""The day in NautilusTrader: `python -m bench.research.nautilus_day DAY.npz OUT.json`, in the peers' own environment.

Its own means throughout: trade ticks, bars of 5 seconds that its data engine aggregates, its exponential averages, a margin account, a
latency model, contingent orders. Its fastest set-up: no log, no analysis afterwards, one instrument, objects made before the clock starts.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
from nautilus_trader import __version__
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import INR
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    ContingencyType,
    OmsType,
    OrderSide,
    OrderType,
    TriggerType,
)
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import LimitOrder, StopMarketOrder
from nautilus_trader.trading.strategy import Strategy

from bench.research import rules

VENUE = Venue("NSE")
ID = InstrumentId(Symbol("INFY"), VENUE)
BARS = BarType.from_str(f"{ID}-{rules.BAR_S}-SECOND-LAST-INTERNAL")
LATENCY_NS = 1
"""An order that leaves at the close of a bar is at the exchange with the next tick, as in the others."""


class NautilusCrossover(Strategy):
    """See `rules.py`."""

    def __init__(self) -> None:
        super().__init__()
        self.fast = ExponentialMovingAverage(rules.FAST)
        self.slow = ExponentialMovingAverage(rules.SLOW)
        self.side = 0
        self.is_busy = False
        self.entry: tuple[int, int, int] = (0, 0, 0)
        self.round_trips: list[rules.RoundTrip] = []

    def on_start(self) -> None:
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        fast, slow, before = self.fast.value, self.slow.value, self.side
        self.side = 1 if fast > slow else -1 if fast < slow else before
        if not self.slow.initialized or before in (0, self.side):
            return
        if self.is_busy or bar.ts_event >= rules.LAST_ENTRY_NS:
            return
        self.is_busy = True
        side = OrderSide.BUY if self.side > 0 else OrderSide.SELL
        self.submit_order(self.order_factory.market(ID, side, Quantity.from_int(rules.QTY)))

    def on_order_filled(self, event: OrderFilled) -> None:
        px_e4 = round(float(event.last_px) * rules.E4)
        if event.order_type == OrderType.MARKET:
            self._protect(1 if event.order_side == OrderSide.BUY else -1, px_e4, event.ts_event)
            return
        reason = "target" if event.order_type == OrderType.LIMIT else "stop"
        self.round_trips.append(rules.RoundTrip(*self.entry, event.ts_event, px_e4, reason))
        self.is_busy = False

    def _protect(self, side: int, entry_e4: int, ts_ns: int) -> None:
        """A stop and a target, of which one ends the other."""
        self.entry = (side, ts_ns, entry_e4)
        names = [self.order_factory.generate_client_order_id() for _ in range(2)]
        common = dict(
            trader_id=self.trader_id,
            strategy_id=self.id,
            instrument_id=ID,
            order_side=OrderSide.SELL if side > 0 else OrderSide.BUY,
            quantity=Quantity.from_int(rules.QTY),
            ts_init=self.clock.timestamp_ns(),
            reduce_only=True,
            contingency_type=ContingencyType.OCO,
        )
        stop = StopMarketOrder(
            client_order_id=names[0],
            init_id=UUID4(),
            trigger_price=Price(rules.stop_e4(side, entry_e4) / rules.E4, 2),
            trigger_type=TriggerType.LAST_PRICE,
            linked_order_ids=[names[1]],
            **common,
        )
        target = LimitOrder(
            client_order_id=names[1],
            init_id=UUID4(),
            price=Price(rules.target_e4(side, entry_e4) / rules.E4, 2),
            linked_order_ids=[names[0]],
            **common,
        )
        self.submit_order(stop)
        self.submit_order(target)


def ticks_of(day: rules.Day) -> list[TradeTick]:
    n = len(day.ts_ns)
    times = day.ts_ns.astype(np.uint64)
    return TradeTick.from_raw_arrays_to_list(
        ID,
        2,
        0,
        np.ascontiguousarray(day.px_e4 / rules.E4),
        day.qty.astype(np.float64),
        np.zeros(n, np.uint8),
        [str(i) for i in range(n)],
        times,
        times,
    )


def run(day: rules.Day) -> tuple[float, list[rules.RoundTrip]]:
    """Seconds of CPU, and the trades."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    engine.add_venue(
        VENUE,
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(1_000_000_000, INR)],
        base_currency=INR,
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS),
        trade_execution=True,
    )
    engine.add_instrument(
        Equity(
            ID,
            ID.symbol,
            INR,
            2,
            Price.from_str("0.05"),
            Quantity.from_int(1),
            0,
            0,
            maker_fee=Decimal(str(rules.FEE)),
            taker_fee=Decimal(str(rules.FEE)),
        )
    )
    strategy = NautilusCrossover()
    engine.add_strategy(strategy)
    engine.add_data(ticks_of(day), validate=False, sort=False)
    gc.collect()
    gc.freeze()
    began = time.process_time()
    engine.run()
    return time.process_time() - began, strategy.round_trips


def main() -> None:
    with np.load(sys.argv[1]) as kept:
        day = rules.Day(kept["ts_ns"], kept["px_e4"], kept["qty"])
    seconds, round_trips = run(day)
    Path(sys.argv[2]).write_text(
        json.dumps({"version": __version__, "seconds": seconds, "round_trips": round_trips})
    )


if __name__ == "__main__":
    main()
