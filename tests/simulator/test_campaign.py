"""Random orders, modifications and cancels over a busy hour: what must hold after every event,
whatever happens.
"""

import datetime as dt
import random
from dataclasses import replace

import pytest

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.kite.rms_rules import RULES

DATE = dt.date(2026, 11, 18)
ACTIONS = 600


def act(exchange: OrderSystem, rng: random.Random) -> None:
    contract = exchange.market.universe.resolve(rng.choice(["NFO:NIFTY.FUT", "NSE:IDEA"]))
    ltp_e4, tick_e4 = exchange.market.quote(contract).ltp_e4, contract.tick_e4
    side = rng.choice([1, -1])
    kind = rng.choice(["LIMIT", "LIMIT", "MARKET", "SL", "SL-M"])
    near_e4 = ltp_e4 + rng.randint(-6, 6) * tick_e4
    trigger_e4 = ltp_e4 + side * rng.randint(0, 8) * tick_e4 if kind.startswith("SL") else 0
    terms = RequestedTerms(
        kind,
        contract.lot * rng.randint(1, 40),
        price_e4={"LIMIT": near_e4, "SL": trigger_e4 + side * 3 * tick_e4}.get(kind, 0),
        trigger_e4=trigger_e4,
        validity=rng.choice(["DAY", "DAY", "IOC"]),
        protection_pct=rng.choice([0.0, -1.0, 0.5]),
    )
    product = "MIS"
    choice = rng.random()
    book = exchange.orders()
    try:
        if choice < 0.5 or not book:
            exchange.place(OrderRequest(contract, side, product, terms))
        elif choice < 0.8:
            order = rng.choice(book)
            changed = replace(terms, quantity=order.contract.lot * rng.randint(1, 40))
            exchange.modify(order.order_id, lambda old: changed)
        else:
            exchange.cancel(rng.choice(book).order_id)
    except RequestRefused as exc:
        assert exc.status == 400


def check_order(order: Order) -> None:
    assert order.filled_qty == sum(trade.qty for trade in order.trades)
    assert order.filled_value_e4 == sum(trade.qty * trade.price_e4 for trade in order.trades)
    assert 0 <= order.filled_qty <= order.terms.quantity
    assert (order.status == "COMPLETE") == (order.filled_qty == order.terms.quantity)
    assert order.filled_qty + order.leaves_qty + order.cancelled_qty == order.terms.quantity or (
        order.status == "REJECTED" and not order.filled_qty
    )
    assert order.history[-1].status == order.status
    final = [
        row.status for row in order.history if row.status in ("COMPLETE", "CANCELLED", "REJECTED")
    ]
    assert len(final) == order.is_final
    if not order.modifications and order.terms.order_type in ("LIMIT", "SL"):
        assert all(
            (trade.price_e4 - order.terms.price_e4) * order.side <= 0 for trade in order.trades
        )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_invariants_hold_after_every_event(seed: int) -> None:
    rng = random.Random(seed)
    clock = VirtualClock(ist_ns(DATE, "09:15:00"))
    exchange = OrderSystem(SimConfig(seed=seed, funds_rupees=1e9), clock, RULES)
    exchange.open_day(DATE)
    pushes = []
    exchange.on_update.append(pushes.append)
    for i in range(ACTIONS):
        clock.schedule(
            clock.now_ns() + i * 2 * NS_PER_S + rng.randrange(NS_PER_S), lambda: act(exchange, rng)
        )
    until_ns = clock.now_ns() + 2 * ACTIONS * NS_PER_S
    while (ts_ns := clock.next_ns()) is not None and ts_ns <= until_ns:
        callback = clock.pop().callback
        if callback is None:
            continue
        callback()
        net: dict[str, int] = {}
        for order in exchange.orders():
            check_order(order)
            net[order.contract.key] = net.get(order.contract.key, 0) + order.side * order.filled_qty
        assert exchange.net_qty() == {key: qty for key, qty in net.items() if qty}
        assert {o.order_id for o in exchange.live_orders()} <= {
            o.order_id for o in exchange.orders() if not o.is_final
        }
    statuses = {order.status for order in exchange.orders()}
    assert {"COMPLETE", "CANCELLED"} <= statuses
    assert len(exchange.trades()) > 100
    # Money: what the ledger calls realised is the cash flow of the matched quantity.
    for position in exchange.ledger.positions():
        bought = [
            t
            for t in exchange.trades()
            if t.order.contract is position.contract and t.order.side > 0
        ]
        assert position.buy_value_e4 == sum(t.qty * t.price_e4 for t in bought)
    # The last push of each order tells its final state, and filled quantity never falls.
    seen: dict[str, int] = {}
    for push in pushes:
        assert push.filled_qty >= seen.get(push.order.order_id, 0)
        seen[push.order.order_id] = push.filled_qty
