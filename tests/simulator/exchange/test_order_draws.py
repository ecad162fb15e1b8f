"""What is drawn for one order or instrument is its own: others beside it change nothing. Events of
one instant have an order that is written down.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from otrade.simulator.base.config import DelayRange, LatencyConfig
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock
from otrade.simulator.draws import KeyedDraws, number_of
from otrade.simulator.exchange.account_record import AccountRecord
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.faults.injector import FaultInjector
from tests.simulator.scripted_market import DATE, NOW, ScriptedMarket

EXCHANGE = LatencyConfig(
    request=NOW, order_ack=NOW, exchange=DelayRange(5, 20), read=NOW, push=NOW, tick=NOW
)
PRICES = [26000.0 + (i % 7) * 0.1 for i in range(60)]


def life_of_one(others: int, seed: int) -> list[Any]:
    """An order that trades in pieces, is modified, is cancelled, and turns out to have traded: each
    state with its nanosecond, beside so many other orders.
    """
    market = ScriptedMarket(PRICES, latency=EXCHANGE, seed=seed, funds_rupees=1e12)
    exchange, faults = market.exchange, market.exchange.faults
    faults.cut_fills(True)
    infy = exchange.market.universe.resolve("NSE:INFY")
    for i in range(others):
        far = RequestedTerms("LIMIT", 1, infy.base_e4 * 97 // 100 // infy.tick_e4 * infy.tick_e4)
        exchange.place(OrderRequest(infy, 1, "MIS", far, tag=f"INFY{i}"))
        market.place(1, "LIMIT", 65, 25800, tag=f"FAR{i}", settle=False)
        market.place(1, "LIMIT", 65, 25800, settle=False)
    order = market.place(1, "LIMIT", 1755, 26000.3, tag="OT1", settle=False)
    market.at(3)
    if not order.is_final:
        market.modify(order, price=26000.2)
    market.at(6)
    faults.fill_after_cancel(1)
    if not order.is_final:
        exchange.cancel(order.order_id)
    market.at(10)
    return [(s.status, s.ts_update_ns, s.filled_qty, s.terms.price_e4) for s in order.history]


@pytest.mark.parametrize("seed", range(8))
def test_other_orders_change_nothing(seed: int) -> None:
    alone = life_of_one(0, seed)
    assert life_of_one(1, seed) == alone, f"seed {seed}"
    assert life_of_one(7, seed) == alone, f"seed {seed}"
    assert life_of_one(0, seed + 100) != alone, "and yet the seed does"


def test_the_way_to_the_exchange_is_the_documented_formula() -> None:
    market = ScriptedMarket(PRICES, latency=EXCHANGE, seed=77)
    order = market.place(1, "LIMIT", 65, 25900, tag="OT7", settle=False)
    market.at(1)
    key = number_of(f"OT7/{market.contract.key}/1")
    draws = KeyedDraws(77, 20261118, key, number_of("exchange way"))
    assert order.ts_exchange_ns - market.start_ns == draws.between(5_000_000, 20_000_000)


def test_another_order_changes_no_fault() -> None:
    def told(others: int) -> list[Any]:
        clock = VirtualClock()
        faults = FaultInjector(5, clock)
        faults.open_day(DATE)
        faults.shuffle_pushes(20, 1_000_000)
        for other in range(others):
            faults.take_push(100 + other)
        late = [faults.take_push(1) for _ in range(3)]
        faults.garble_push(9)
        garbled = [faults.take_garbling(order) for order in (*range(50, 50 + others), 1)]
        part = faults.part(1, 650, 65)
        return [late, garbled[-1], part]

    assert told(0) == told(1) == told(10)


def test_rows_that_lack_do_not_depend_on_who_else_is_there() -> None:
    """The lowest lots go: a row that is added can only take a place of theirs for itself."""

    def missing(n_rows: int, seed: int) -> set[str]:
        faults = FaultInjector(seed, VirtualClock())
        faults.open_day(DATE)
        rows = [{"tag": f"OT{i}"} for i in range(n_rows)]
        shown = faults.spoil("book", "lacks", list(rows)) or []
        return {row["tag"] for row in rows} - {row["tag"] for row in shown}

    for seed in range(50):
        before, after = missing(9, seed), missing(10, seed)
        assert 1 <= len(before) <= 2
        assert after <= before | {"OT9"}, f"seed {seed}"


def test_events_of_an_instant_run_by_kind_token_and_name() -> None:
    due = [
        (kind, token, name, n)
        for kind in (EventKind.TRADES, EventKind.EXCHANGE, EventKind.ANSWER)
        for token in (256, 512)
        for name in ("OTa", "OTb")
        for n in (0, 1)
    ]
    made = list(due)
    rng = random.Random(20261130)
    rng.shuffle(made)
    made.sort(key=lambda event: event[3])  # of those that are alike the first made is the first
    clock, ran = VirtualClock(1_000), []
    clock.call_at(5_000, lambda: ran.append("client"))
    for event in made:
        clock.schedule(5_000, lambda event=event: ran.append(event), *event[:3])
    while clock.next_ns() is not None:
        callback = clock.pop().callback
        assert callback is not None
        callback()
    assert ran == [*due, "client"]


def test_orders_of_one_instant_reach_the_exchange_by_name() -> None:
    """No latency: all three arrive at the same nanosecond, and the middle one by name is second."""
    market = ScriptedMarket(PRICES, funds_rupees=1e12)
    for tag in ("OTc", "OTa", "OTb"):
        market.place(1, "LIMIT", 65, 25900, tag=tag, settle=False)
    market.settle()
    arrived = [state.order.tag for state in market.pushes]
    assert arrived == ["OTa", "OTb", "OTc"]


def test_an_order_after_a_restart_draws_under_a_number_of_its_own(tmp_path: Path) -> None:
    """Two orders of one ClOrdID, and two without any, were there before; none of their draws is drawn
    a second time, and each new order's are those of a day that nobody stopped.
    """

    def place(market: ScriptedMarket, tags: tuple[str | None, ...]) -> list[Order]:
        return [market.place(1, "LIMIT", 65, 25900, tag=tag, settle=False) for tag in tags]

    def market() -> ScriptedMarket:
        return ScriptedMarket(PRICES, latency=EXCHANGE, seed=77)

    before, after = ("OT7", None, "OT7", None), ("OT7", None, "OT8")
    whole = market()
    first = place(whole, before)
    whole.at(1)
    right = place(whole, after)

    stopped = market()
    record = AccountRecord(tmp_path, {"seed": 77}, pytest.fail)
    record.begin("world", stopped.exchange, stopped.clock)
    place(stopped, before)
    stopped.at(1)
    record.close()
    saved = AccountRecord(tmp_path, {"seed": 77}, pytest.fail).saved()
    assert saved is not None

    again = market()
    again.exchange.restore(saved)
    again.clock.advance(whole.clock.now_ns())
    new = place(again, after)
    key = again.contract.key
    assert [order.draw_key for order in new] == [
        number_of(f"OT7/{key}/3"),
        number_of(f"/{key}/3"),
        number_of(f"OT8/{key}/1"),
    ]
    assert not {order.draw_key for order in new} & {order.draw_key for order in first}
    again.at(2)
    whole.at(2)
    assert [o.ts_exchange_ns for o in new] == [o.ts_exchange_ns for o in right]
