"""An exchange without sockets or latency, on which trades are written by hand: every number can be
worked on paper.

With `noise` 0 the k-th level of depth (k from 0) shows `int(depth_lots * (0.4 + 0.25 k))` lots: the
future below has depth_lots 8 and lot 65, so 3, 5, 7, 9, 11 lots = 195, 325, 455, 585, 715 units.
Its tick is 0.10 rupees. A trade at a higher price than the one before is at the ask, else at the
bid; the spread is one tick.
"""

import datetime as dt
from array import array
from dataclasses import replace
from typing import Any

from otrade.simulator.base.config import NS_PER_S, DelayRange, LatencyConfig, SimConfig
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest, OrderState, RequestedTerms
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.prices.price_paths import PricePath

DATE = dt.date(2026, 11, 18)
NOW = DelayRange(0, 0)
INSTANT = LatencyConfig(request=NOW, order_ack=NOW, exchange=NOW, read=NOW, push=NOW, tick=NOW)
SLICES_MAX, MODIFICATIONS_MAX = 10, 25
START_NS = ist_ns(DATE, "09:15:00")


def e4(rupees: float) -> int:
    return round(rupees * 10_000)


class ScriptedMarket:
    """One future (`NFO:NIFTY.FUT`, lot 65) whose i-th trade, at 09:15 plus i seconds, has the i-th
    price.
    """

    def __init__(
        self,
        prices: list[float],
        *,
        key: str = "NFO:NIFTY.FUT",
        close: float | None = None,
        last_qty: int = 65,
        noise: int = 0,
        start_ns: int = START_NS,
        date: dt.date = DATE,
        latency: LatencyConfig = INSTANT,
        **config: Any,
    ) -> None:
        self.clock = VirtualClock(start_ns)
        cfg = SimConfig(dates=(date,), latency=latency, **config)
        self.exchange = OrderSystem(cfg, self.clock, RULES)
        universe = self.exchange.prices.universe(date)
        self.contract = universe.resolve(key)
        n = len(prices)
        path = PricePath(
            array("q", [start_ns + i * NS_PER_S for i in range(n)]),
            array("q", [e4(p) for p in prices]),
            array("q", [last_qty] * n),
            array("Q", [noise] * n),
        )
        self.exchange.prices.set_path(self.contract, date, path, e4(close or prices[0]))
        self.exchange.open_day(date)
        self.pushes: list[OrderState] = []
        self.exchange.on_update.append(self.pushes.append)
        self.start_ns = start_ns
        self.at(0)

    def at(self, second: float) -> None:
        """Run every event up to `second` after the first trade."""
        until_ns = self.start_ns + int(second * NS_PER_S)
        while (ts_ns := self.clock.next_ns()) is not None and ts_ns <= until_ns:
            timer = self.clock.pop()
            if timer.callback is not None:
                timer.callback()
        self.clock.advance(until_ns)

    def settle(self) -> None:
        """Run what is due now."""
        self.at((self.clock.now_ns() - self.start_ns) / NS_PER_S)

    def place(
        self,
        side: int,
        order_type: str,
        quantity: int,
        price: float = 0,
        trigger: float = 0,
        *,
        product: str = "NRML",
        settle: bool = True,
        variety: str = "regular",
        tag: str | None = None,
        autoslice: bool = False,
        **terms: Any,
    ) -> Order:
        asked = RequestedTerms(order_type, quantity, e4(price), e4(trigger), **terms)
        request = OrderRequest(
            self.contract, side, product, asked, variety, tag, autoslice, slices_max=SLICES_MAX
        )
        placed = self.exchange.place(request)[0]
        if isinstance(placed, RequestRefused):
            raise placed
        if settle:
            self.settle()
        return placed

    def modify(self, order: Order, **changes: Any) -> None:
        for name in ("price", "trigger"):
            if name in changes:
                changes[f"{name}_e4"] = e4(changes.pop(name))
        self.exchange.modify(
            order.order_id,
            lambda terms: replace(terms, **changes),
            times_max=MODIFICATIONS_MAX,
        )
        self.settle()

    def fills(self, order: Order) -> list[tuple[int, float]]:
        return [(trade.qty, trade.price_e4 / 10_000) for trade in order.trades]

    def statuses(self, order: Order) -> list[str]:
        return [state.status for state in order.history]
