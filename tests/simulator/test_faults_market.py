"""Troubles of the market itself, on prices that are written by hand: locked circuits, gaps, fills
in pieces, fills after a cancel.

The future's lot is 65, its tick 0.10 and its band 10 per cent of yesterday's close; depth as `client`
tells.
"""

import random
from typing import Any

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import RequestRefused
from tests.simulator.order_client import OrderClient, e4
from tests.simulator.test_campaign import check_order

LOT = 65
FLAT = [24_000.0] * 60


def truth_agrees(client: OrderClient) -> None:
    """Orders, trades, positions: three ways to the same quantity and money."""
    exchange = client.exchange
    net = cash_e4 = 0
    for trade in exchange.trades():
        net += trade.order.side * trade.qty
        cash_e4 -= trade.order.side * trade.qty * trade.price_e4
    for order in exchange.orders():
        assert order.filled_qty == sum(trade.qty for trade in order.trades)
        assert order.filled_value_e4 == sum(trade.qty * trade.price_e4 for trade in order.trades)
    assert exchange.net_qty() == ({client.contract.key: net} if net else {})
    position = next(iter(exchange.ledger.positions()), None)
    if position is not None:
        assert position.sell_value_e4 - position.buy_value_e4 == cash_e4


def bands(client: OrderClient) -> tuple[float, float]:
    quote = client.exchange.market.quote(client.contract)
    tick = client.contract.tick_e4
    return -(-quote.low_band_e4 // tick) * tick / 10_000, quote.high_band_e4 // tick * tick / 10_000


@pytest.mark.parametrize("side", [1, -1])
def test_nobody_takes_the_other_side_of_a_locked_circuit(side: int) -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    client.exchange.market.watch(client.contract)
    low, high = bands(client)
    limit = high if side > 0 else low
    client.at(2)
    client.exchange.faults.lock_circuit(client.contract.key, side, 20 * NS_PER_S)
    client.at(4)
    quote = client.exchange.market.quote(client.contract)
    bids, asks = quote.depth()
    assert quote.ltp_e4 == e4(limit)
    assert (asks if side > 0 else bids) == [] and (bids if side > 0 else asks)[0].price_e4 == e4(
        limit
    )
    assert quote.totals()[1 if side > 0 else 0] == 0
    stuck = client.place(side, "MARKET", LOT, protection_pct=-1.0)
    resting = client.place(side, "LIMIT", LOT, limit)
    client.at(20)
    assert (stuck.status, resting.status) == ("OPEN", "OPEN") and not client.exchange.trades()
    # Whoever gives what everybody wants is served at the band.
    given = client.place(-side, "LIMIT", LOT, limit)
    assert client.fills(given) == [(LOT, limit)]
    client.at(25)
    assert quote.ltp_e4 == e4(24_000) and quote.locked == 0
    assert stuck.filled_qty == resting.filled_qty == LOT, "it trades again when the lock is over"
    assert client.exchange.faults.seen == {"lock_circuit": 1} and not client.exchange.faults.pending
    truth_agrees(client)


def test_a_stop_limit_is_jumped_over() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    client.place(1, "LIMIT", LOT, 24_010)
    stop = client.place(-1, "SL", LOT, 23_950, 23_960)
    client.at(5)
    assert stop.status == "TRIGGER PENDING"
    client.exchange.faults.gap(client.contract.key, -100)
    assert stop.status == "TRIGGER PENDING", "the jump comes with the next trade"
    client.at(30)
    quote = client.exchange.market.quote(client.contract)
    assert quote.ltp_e4 == e4(23_760) and quote.low_e4 == e4(23_760)
    assert (stop.status, stop.filled_qty) == ("OPEN", 0), (
        "triggered, and left resting above the market"
    )
    client.modify(stop, price=23_700)
    assert stop.status == "COMPLETE" and stop.trades[0].price_e4 <= e4(23_760)
    assert client.exchange.faults.seen == {"gap": 1} and client.exchange.net_qty() == {}
    truth_agrees(client)


def test_gaps_add_up_and_stay_inside_the_band() -> None:
    client = OrderClient(FLAT, close=24_000)
    key = client.contract.key
    quote = client.exchange.market.quote(client.contract)
    client.exchange.market.watch(client.contract)
    client.exchange.faults.gap(key, 100)
    client.exchange.faults.gap(key, -100)
    client.at(1)
    assert quote.ltp_e4 == e4(round(24_000 * 1.01 * 0.99, 1))
    client.exchange.faults.gap(key, 3_000)
    client.at(2)
    assert quote.ltp_e4 == e4(bands(client)[1])
    client.at(100)
    client.exchange.faults.gap(key, 100)
    assert client.exchange.faults.seen == {"gap": 3}, (
        "after the last trade there is none to jump with"
    )


def test_fills_come_in_pieces() -> None:
    def day(seed: int) -> list[tuple[int, int]]:
        client = OrderClient(FLAT, seed=seed, funds_rupees=1e10)
        client.exchange.faults.cut_fills(True)
        order = client.place(1, "LIMIT", 3 * LOT, 24_010)
        entry = client.place(1, "LIMIT", 20 * LOT, 24_010)
        client.at(59)
        for each in (order, entry):
            check_order(each)
            assert each.status == "COMPLETE" and all(trade.qty % LOT == 0 for trade in each.trades)
        told = [row.filled_qty for row in client.pushes if row.order.order_id == entry.order_id]
        assert told == sorted(told) and told[-1] == 20 * LOT
        assert client.exchange.faults.seen["cut_fills"] > 0
        truth_agrees(client)
        return [(trade.ts_ns, trade.qty) for trade in client.exchange.trades()]

    first = day(1)
    assert len({ts_ns for ts_ns, _ in first}) >= 4, "spread over time"
    assert day(1) == first != day(2)


def test_without_the_fault_the_same_order_trades_at_once() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    order = client.place(1, "LIMIT", 3 * LOT, 24_010)
    assert order.status == "COMPLETE" and len({trade.ts_ns for trade in order.trades}) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_cancelled_order_turns_out_to_have_traded(seed: int) -> None:
    client = OrderClient(FLAT, seed=seed, funds_rupees=1e10)
    client.exchange.faults.fill_after_cancel(1)
    first = client.place(1, "LIMIT", 4 * LOT, 23_900)
    second = client.place(1, "LIMIT", 4 * LOT, 23_900)
    client.exchange.cancel(first.order_id)
    client.settle()
    assert (
        first.status == "CANCELLED"
        and first.filled_qty == 0
        and client.pushes[-1].status == "CANCELLED"
    )
    client.at(2)
    told = [
        (row.status, row.filled_qty)
        for row in client.pushes
        if row.order.order_id == first.order_id
    ]
    assert told[0] == ("OPEN", 0) and told[1] == ("CANCELLED", 0)
    assert 0 < first.filled_qty <= 4 * LOT and first.filled_qty % LOT == 0
    if first.filled_qty == 4 * LOT:
        assert told[2:] == [("COMPLETE", 4 * LOT)]
    else:
        assert told[2:] == [("UPDATE", first.filled_qty), ("CANCELLED", first.filled_qty)]
        assert first.cancelled_qty == 4 * LOT - first.filled_qty
    assert first.history[-1].status == first.status == told[-1][0]
    assert client.exchange.net_qty() == {client.contract.key: first.filled_qty}
    truth_agrees(client)
    # Once: the next cancel is one.
    client.exchange.cancel(second.order_id)
    client.at(5)
    assert (second.status, second.filled_qty) == ("CANCELLED", 0)
    assert (
        client.exchange.faults.seen == {"fill_after_cancel": 1}
        and not client.exchange.faults.pending
    )


def test_a_stop_that_was_never_triggered_has_not_traded_after_its_cancel() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    client.exchange.faults.fill_after_cancel(1)
    stop = client.place(-1, "SL", LOT, 23_900, 23_910)
    client.exchange.cancel(stop.order_id)
    client.at(5)
    assert (stop.status, stop.filled_qty) == ("CANCELLED", 0) and client.exchange.faults.pending


def test_what_partly_traded_before_its_cancel_trades_no_more_than_its_quantity() -> None:
    for seed in range(8):
        client = OrderClient(FLAT, seed=seed, funds_rupees=1e10)
        client.exchange.faults.cut_fills(True)
        order = client.place(1, "LIMIT", 40 * LOT, 24_000)
        client.at(1)
        if order.is_final:
            continue
        client.exchange.faults.fill_after_cancel(1)
        before = order.filled_qty
        client.exchange.cancel(order.order_id)
        client.at(4)
        assert before < order.filled_qty <= 40 * LOT
        assert order.filled_qty + order.cancelled_qty == 40 * LOT
        truth_agrees(client)


def mixed(seed: int) -> list[Any]:
    """A busy minute with everything about the market going wrong at once."""
    rng = random.Random(seed)
    prices = [24_000.0]
    for _ in range(120):
        prices.append(round(prices[-1] + rng.randint(-30, 30) / 10, 1))
    client = OrderClient(prices, seed=seed, funds_rupees=1e11)
    faults, key = client.exchange.faults, client.contract.key
    for second in range(1, 110):
        client.at(second)
        rng.choice(
            [
                lambda: faults.gap(key, rng.randint(-50, 50)),
                lambda: faults.lock_circuit(key, rng.choice((1, -1)), rng.randint(1, 8) * NS_PER_S),
                lambda: faults.cut_fills(rng.random() < 0.7),
                lambda: faults.fill_after_cancel(1),
                lambda: faults.reject_exits(1),
                lambda: faults.cap_modifications(2),
                lambda: None,
            ]
        )()
        ltp = client.exchange.market.quote(client.contract).ltp_e4 / 10_000
        try:
            if rng.random() < 0.6:
                client.place(
                    rng.choice((1, -1)),
                    "LIMIT",
                    rng.randint(1, 12) * LOT,
                    round(ltp + rng.randint(-20, 20) / 10, 1),
                )
            live = client.exchange.live_orders()
            if live and rng.random() < 0.5:
                client.exchange.cancel(rng.choice(live).order_id)
            elif live:
                client.modify(rng.choice(live), quantity=rng.randint(1, 12) * LOT)
        except RequestRefused as error:
            assert error.status in (400, 429)
        truth_agrees(client)
    client.at(130)
    truth_agrees(client)
    assert len(client.exchange.trades()) > 20 and len(faults.seen) >= 5
    return [
        (trade.order.order_id, trade.ts_ns, trade.qty, trade.price_e4)
        for trade in client.exchange.trades()
    ]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_books_stay_exact_and_the_same_seed_gives_the_same_day(seed: int) -> None:
    assert mixed(seed) == mixed(seed)
