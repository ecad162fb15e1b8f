"""Troubles of the market itself, on prices that are written by hand: locked circuits, gaps, fills
in pieces, fills after a cancel.

The future's lot is 65, its tick 0.10 and its band 10 per cent of yesterday's close; depth as `market`
tells.
"""

import random
from typing import Any

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import RequestRefused
from tests.simulator.scripted_market import ScriptedMarket, e4
from tests.simulator.test_campaign import check_order

LOT = 65
FLAT = [24_000.0] * 60


def truth_agrees(market: ScriptedMarket) -> None:
    """Orders, trades, positions: three ways to the same quantity and money."""
    exchange = market.exchange
    net = cash_e4 = 0
    for trade in exchange.trades():
        net += trade.order.side * trade.qty
        cash_e4 -= trade.order.side * trade.qty * trade.price_e4
    for order in exchange.orders():
        assert order.filled_qty == sum(trade.qty for trade in order.trades)
        assert order.filled_value_e4 == sum(trade.qty * trade.price_e4 for trade in order.trades)
    assert exchange.net_qty() == ({market.contract.key: net} if net else {})
    position = next(iter(exchange.ledger.positions()), None)
    if position is not None:
        assert position.sell_value_e4 - position.buy_value_e4 == cash_e4


def bands(market: ScriptedMarket) -> tuple[float, float]:
    quote = market.exchange.market.quote(market.contract)
    tick = market.contract.tick_e4
    return -(-quote.low_band_e4 // tick) * tick / 10_000, quote.high_band_e4 // tick * tick / 10_000


@pytest.mark.parametrize("side", [1, -1])
def test_nobody_takes_the_other_side_of_a_locked_circuit(side: int) -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    market.exchange.market.watch(market.contract)
    low, high = bands(market)
    limit = high if side > 0 else low
    market.at(2)
    market.exchange.faults.lock_circuit(market.contract.key, side, 20 * NS_PER_S)
    market.at(4)
    quote = market.exchange.market.quote(market.contract)
    bids, asks = quote.depth()
    assert quote.ltp_e4 == e4(limit)
    assert (asks if side > 0 else bids) == [] and (bids if side > 0 else asks)[0].price_e4 == e4(
        limit
    )
    assert quote.totals()[1 if side > 0 else 0] == 0
    stuck = market.place(side, "MARKET", LOT, protection_pct=-1.0)
    resting = market.place(side, "LIMIT", LOT, limit)
    market.at(20)
    assert (stuck.status, resting.status) == ("OPEN", "OPEN") and not market.exchange.trades()
    # Whoever gives what everybody wants is served at the band.
    given = market.place(-side, "LIMIT", LOT, limit)
    assert market.fills(given) == [(LOT, limit)]
    market.at(25)
    assert quote.ltp_e4 == e4(24_000) and quote.locked == 0
    assert stuck.filled_qty == resting.filled_qty == LOT, "it trades again when the lock is over"
    assert market.exchange.faults.seen == {"lock_circuit": 1} and not market.exchange.faults.pending
    truth_agrees(market)


def test_a_stop_limit_is_jumped_over() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    market.place(1, "LIMIT", LOT, 24_010)
    stop = market.place(-1, "SL", LOT, 23_950, 23_960)
    market.at(5)
    assert stop.status == "TRIGGER PENDING"
    market.exchange.faults.gap(market.contract.key, -100)
    assert stop.status == "TRIGGER PENDING", "the jump comes with the next trade"
    market.at(30)
    quote = market.exchange.market.quote(market.contract)
    assert quote.ltp_e4 == e4(23_760) and quote.low_e4 == e4(23_760)
    assert (stop.status, stop.filled_qty) == ("OPEN", 0), (
        "triggered, and left resting above the market"
    )
    market.modify(stop, price=23_700)
    assert stop.status == "COMPLETE" and stop.trades[0].price_e4 <= e4(23_760)
    assert market.exchange.faults.seen == {"gap": 1} and market.exchange.net_qty() == {}
    truth_agrees(market)


def test_gaps_add_up_and_stay_inside_the_band() -> None:
    market = ScriptedMarket(FLAT, close=24_000)
    key = market.contract.key
    quote = market.exchange.market.quote(market.contract)
    market.exchange.market.watch(market.contract)
    market.exchange.faults.gap(key, 100)
    market.exchange.faults.gap(key, -100)
    market.at(1)
    assert quote.ltp_e4 == e4(round(24_000 * 1.01 * 0.99, 1))
    market.exchange.faults.gap(key, 3_000)
    market.at(2)
    assert quote.ltp_e4 == e4(bands(market)[1])
    market.at(100)
    market.exchange.faults.gap(key, 100)
    assert market.exchange.faults.seen == {"gap": 3}, (
        "after the last trade there is none to jump with"
    )


def test_fills_come_in_pieces() -> None:
    def day(seed: int) -> list[tuple[int, int]]:
        market = ScriptedMarket(FLAT, seed=seed, funds_rupees=1e10)
        market.exchange.faults.cut_fills(True)
        order = market.place(1, "LIMIT", 3 * LOT, 24_010)
        entry = market.place(1, "LIMIT", 20 * LOT, 24_010)
        market.at(59)
        for each in (order, entry):
            check_order(each)
            assert each.status == "COMPLETE" and all(trade.qty % LOT == 0 for trade in each.trades)
        told = [row.filled_qty for row in market.pushes if row.order.order_id == entry.order_id]
        assert told == sorted(told) and told[-1] == 20 * LOT
        assert market.exchange.faults.seen["cut_fills"] > 0
        truth_agrees(market)
        return [(trade.ts_ns, trade.qty) for trade in market.exchange.trades()]

    first = day(1)
    assert len({ts_ns for ts_ns, _ in first}) >= 4, "spread over time"
    assert day(1) == first != day(2)


def test_without_the_fault_the_same_order_trades_at_once() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    order = market.place(1, "LIMIT", 3 * LOT, 24_010)
    assert order.status == "COMPLETE" and len({trade.ts_ns for trade in order.trades}) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_cancelled_order_turns_out_to_have_traded(seed: int) -> None:
    market = ScriptedMarket(FLAT, seed=seed, funds_rupees=1e10)
    market.exchange.faults.fill_after_cancel(1)
    first = market.place(1, "LIMIT", 4 * LOT, 23_900)
    second = market.place(1, "LIMIT", 4 * LOT, 23_900)
    market.exchange.cancel(first.order_id)
    market.settle()
    assert (
        first.status == "CANCELLED"
        and first.filled_qty == 0
        and market.pushes[-1].status == "CANCELLED"
    )
    market.at(2)
    told = [
        (row.status, row.filled_qty)
        for row in market.pushes
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
    assert market.exchange.net_qty() == {market.contract.key: first.filled_qty}
    truth_agrees(market)
    # Once: the next cancel is one.
    market.exchange.cancel(second.order_id)
    market.at(5)
    assert (second.status, second.filled_qty) == ("CANCELLED", 0)
    assert (
        market.exchange.faults.seen == {"fill_after_cancel": 1}
        and not market.exchange.faults.pending
    )


def test_a_stop_that_was_never_triggered_has_not_traded_after_its_cancel() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    market.exchange.faults.fill_after_cancel(1)
    stop = market.place(-1, "SL", LOT, 23_900, 23_910)
    market.exchange.cancel(stop.order_id)
    market.at(5)
    assert (stop.status, stop.filled_qty) == ("CANCELLED", 0) and market.exchange.faults.pending


def test_what_partly_traded_before_its_cancel_trades_no_more_than_its_quantity() -> None:
    for seed in range(8):
        market = ScriptedMarket(FLAT, seed=seed, funds_rupees=1e10)
        market.exchange.faults.cut_fills(True)
        order = market.place(1, "LIMIT", 40 * LOT, 24_000)
        market.at(1)
        if order.is_final:
            continue
        market.exchange.faults.fill_after_cancel(1)
        before = order.filled_qty
        market.exchange.cancel(order.order_id)
        market.at(4)
        assert before < order.filled_qty <= 40 * LOT
        assert order.filled_qty + order.cancelled_qty == 40 * LOT
        truth_agrees(market)


def mixed(seed: int) -> list[Any]:
    """A busy minute with everything about the market going wrong at once."""
    rng = random.Random(seed)
    prices = [24_000.0]
    for _ in range(120):
        prices.append(round(prices[-1] + rng.randint(-30, 30) / 10, 1))
    market = ScriptedMarket(prices, seed=seed, funds_rupees=1e11)
    faults, key = market.exchange.faults, market.contract.key
    for second in range(1, 110):
        market.at(second)
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
        ltp = market.exchange.market.quote(market.contract).ltp_e4 / 10_000
        try:
            if rng.random() < 0.6:
                market.place(
                    rng.choice((1, -1)),
                    "LIMIT",
                    rng.randint(1, 12) * LOT,
                    round(ltp + rng.randint(-20, 20) / 10, 1),
                )
            live = market.exchange.live_orders()
            if live and rng.random() < 0.5:
                market.exchange.cancel(rng.choice(live).order_id)
            elif live:
                market.modify(rng.choice(live), quantity=rng.randint(1, 12) * LOT)
        except RequestRefused as error:
            assert error.status in (400, 429)
        truth_agrees(market)
    market.at(130)
    truth_agrees(market)
    assert len(market.exchange.trades()) > 20 and len(faults.seen) >= 5
    return [
        (trade.order.order_id, trade.ts_ns, trade.qty, trade.price_e4)
        for trade in market.exchange.trades()
    ]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_books_stay_exact_and_the_same_seed_gives_the_same_day(seed: int) -> None:
    assert mixed(seed) == mixed(seed)


def test_an_order_that_opens_something_is_passed_over_for_a_while() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    market.exchange.faults.pass_over(1, 5 * NS_PER_S)
    first = market.place(1, "LIMIT", LOT, 24_001)
    second = market.place(1, "LIMIT", LOT, 24_001)
    market.settle()
    assert (first.status, first.filled_qty) == ("OPEN", 0) and second.status == "COMPLETE"
    exit_ = market.place(-1, "LIMIT", LOT, 23_999)
    market.settle()
    assert exit_.status == "COMPLETE"
    market.at(4)
    assert first.status == "OPEN"
    market.at(8)
    assert first.status == "COMPLETE"
    truth_agrees(market)
