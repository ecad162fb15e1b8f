"""A run of many days keeps the present one: what is over is forgotten, and made again when asked."""

import gc
from collections import Counter

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.universe import Universe
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Execution, Order, OrderState
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.prices.price_paths import PricePath
from otrade.simulator.prices.session_path import ReferencePath

DAYS = 12
FIRST = hours.next_trading_day(SimConfig().dates[0])
KEPT = (Execution, Order, OrderState, PricePath, ReferencePath, Universe)


def counts() -> Counter[str]:
    """How many of them are alive."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KEPT))


def run(clock: VirtualClock, seconds: int) -> None:
    until_ns = clock.now_ns() + seconds * NS_PER_S
    while (ts_ns := clock.next_ns()) is not None and ts_ns <= until_ns:
        if (callback := clock.pop().callback) is not None:
            callback()
    clock.advance(until_ns)


def test_the_twelfth_day_keeps_no_more_than_the_second() -> None:
    clock = VirtualClock()
    exchange = OrderSystem(SimConfig(tick_interval_ms=10_000), clock, RULES)
    seen: list[Counter[str]] = []
    date = FIRST
    for _ in range(DAYS):
        date = hours.next_trading_day(date)
        clock.advance(hours.ist_ns(date, "09:20"))
        exchange.open_day(date)
        for key in ("NSE:INFY", "NFO:NIFTY.FUT", "NFO:NIFTY.ATMCE"):
            contract = exchange.market.universe.resolve(key)
            for side in (1, -1):
                exchange.place_manual(contract.key, side, contract.lot)
                run(clock, 60)
        assert len(exchange.trades()) == len(exchange.orders()) == 6
        assert not exchange.net_qty()
        seen.append(counts())
    assert seen[0]["PricePath"] >= 3 and seen[0]["Execution"] >= 6
    assert seen[-1] == seen[1], f"{seen[1]} became {seen[-1]}"


def test_what_was_forgotten_comes_out_the_same() -> None:
    exchange = OrderSystem(SimConfig(), VirtualClock(), RULES)
    exchange.open_day(FIRST)
    prices, infy = exchange.prices, exchange.market.universe.resolve("NSE:INFY")
    before = prices.path(infy, FIRST)
    listed = [contract.key for contract in prices.universe(FIRST).contracts]
    exchange.open_day(hours.next_trading_day(FIRST))
    again = prices.path(infy, FIRST)
    assert again is not before
    assert (again.ts_ns, again.px_e4, again.qty) == (before.ts_ns, before.px_e4, before.qty)
    assert [contract.key for contract in prices.universe(FIRST).contracts] == listed
