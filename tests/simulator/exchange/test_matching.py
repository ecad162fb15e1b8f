"""Matching, worked by hand on the depth described in `scripted_market.py`."""

import msgspec
import pytest

from otrade.simulator.base.config import DelayRange
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.draws import KeyedDraws, number_of
from otrade.simulator.kite.rest.rows import funds_row, order_row, position_row
from tests.simulator.scripted_market import INSTANT, ScriptedMarket, e4

FLAT = [26000.0] * 5
# At the second trade the price rose: 26000.1 is the ask, 26000.0 the bid. Unchanged prices keep the
# side.
ASK_26000_1 = [26000.0, 26000.1, 26000.1, 26000.1, 26000.1]


@pytest.mark.parametrize(
    ("side", "quantity", "price", "fills", "status"),
    [
        # Bid 26000.0, ask 26000.1 after a rise; asks 195 @ .1, 325 @ .2, 455 @ .3
        (1, 65, 26000.1, [(65, 26000.1)], "COMPLETE"),
        (1, 195, 26000.1, [(195, 26000.1)], "COMPLETE"),
        (1, 260, 26000.1, [(195, 26000.1)], "OPEN"),
        (1, 260, 26000.2, [(195, 26000.1), (65, 26000.2)], "COMPLETE"),
        (1, 260, 26000.9, [(195, 26000.1), (65, 26000.2)], "COMPLETE"),
        (1, 65, 26000.0, [], "OPEN"),
        (-1, 65, 26000.0, [(65, 26000.0)], "COMPLETE"),
        (-1, 585, 25999.8, [(195, 26000.0), (325, 25999.9), (65, 25999.8)], "COMPLETE"),
        (-1, 65, 26000.1, [], "OPEN"),
    ],
)
def test_limit_takes_depth(side, quantity, price, fills, status) -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(side, "LIMIT", quantity, price)
    assert market.fills(order) == fills
    assert order.status == status
    assert order.leaves_qty == quantity - sum(qty for qty, _ in fills)


def test_average_price_is_exact() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "LIMIT", 260, 26000.2)
    # (195 * 26000.1 + 65 * 26000.2) / 260 = 26000.125
    assert order.average_price == 26000.125
    assert order_row(order.state())["average_price"] == 26000.12, "brokers round it"


def test_depth_is_used_up_until_the_next_trade() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    market.place(1, "LIMIT", 195, 26000.1)
    second = market.place(1, "LIMIT", 65, 26000.1)
    assert second.status == "OPEN"
    market.at(2)
    # Renewed depth offers 195 at the price of the resting order.
    assert market.fills(second) == [(65, 26000.1)]


@pytest.mark.parametrize(
    ("prices", "fills"),
    [
        ([26000.0, 26000.0, 25999.0], [(65, 25999.5)]),  # through: at the order's own price
        ([26000.0, 26000.0, 25999.6], []),
    ],
)
def test_resting_buy(prices, fills) -> None:
    market = ScriptedMarket(prices, last_qty=130)
    market.at(1)
    order = market.place(1, "LIMIT", 65, 25999.5)
    market.at(2)
    assert market.fills(order) == fills


@pytest.mark.parametrize("tag", ["A", "B", "C", "D"])
def test_a_touched_order_gets_what_is_drawn_for_it(tag: str) -> None:
    """0 to 15 thirtieths of what traded, by the documented key of the order."""
    market = ScriptedMarket([26000.0, 26000.0, 25999.5], last_qty=30 * 65, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "LIMIT", 1300, 25999.5, tag=tag, product="NRML")
    market.at(2)
    key = number_of(f"{tag}/{market.contract.key}/1")
    share = KeyedDraws(1, 20261118, key, number_of("exchange queue")).integer(16)
    assert market.fills(order) == ([(65 * share, 25999.5)] if share else [])


def test_touched_order_waits_in_the_queue() -> None:
    market = ScriptedMarket([26000.0, 25999.5, 25999.5], last_qty=65)
    order = market.place(1, "LIMIT", 65, 25999.5)
    market.at(2)
    assert order.status == "OPEN" and not order.trades


def test_large_resting_order_fills_over_time() -> None:
    # At 25999.3 (bid, after a fall) asks are 195 @ 25999.4, 325 @ .5, 455 @ .6.
    market = ScriptedMarket([26000.0, 25999.3, 25999.3, 25999.3], funds_rupees=1e9)
    order = market.place(1, "LIMIT", 1300, 25999.5)
    market.at(1)
    # asks 25999.4 and 25999.5: 195 + 325
    assert market.fills(order) == [(520, 25999.5)]
    assert market.pushes[-1].status == "UPDATE"
    assert (market.pushes[-1].filled_qty, market.pushes[-1].leaves_qty) == (
        520,
        780,
    )
    market.at(3)
    assert market.fills(order) == [(520, 25999.5), (520, 25999.5), (260, 25999.5)]
    assert order.status == "COMPLETE"


def test_better_price_and_then_older_order_goes_first() -> None:
    market = ScriptedMarket([26000.0, 25999.4])
    late_price = market.place(1, "LIMIT", 195, 25999.5)
    same_price = market.place(1, "LIMIT", 195, 25999.5)
    better = market.place(1, "LIMIT", 65, 25999.6)
    market.at(1)
    # One ask level (195) is at or under 25999.5; the better order took 65 of it.
    assert market.fills(better) == [(65, 25999.6)]
    assert market.fills(late_price) == [(130, 25999.5)]
    assert not same_price.trades


def test_market_becomes_protected_limit() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "MARKET", 65, protection_pct=0.001)
    # 26000.1 * 1.00001 = 26000.360001, up to the tick
    assert order.terms.order_type == "LIMIT"
    assert order.terms.price_e4 == e4(26000.4)
    assert market.fills(order) == [(65, 26000.1)]


def test_protected_market_order_that_does_not_fill_rests() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "MARKET", 1300, protection_pct=0.0001)
    # 26000.1 * 1.000001 = 26000.126, up to 26000.2: 195 + 325 are offered
    assert market.fills(order) == [(195, 26000.1), (325, 26000.2)]
    assert order.status == "OPEN"
    assert order_row(order.state())["order_type"] == "LIMIT"
    assert order_row(order.state())["price"] == 26000.2


def test_automatic_protection_and_sell_side() -> None:
    market = ScriptedMarket(FLAT)
    order = market.place(-1, "MARKET", 65, protection_pct=-1.0)
    assert order.terms.price_e4 == e4(25220)  # 3 per cent under 26000
    assert order.status == "COMPLETE"


def test_ioc_cancels_the_rest() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "LIMIT", 260, 26000.1, validity="IOC")
    assert order.status == "CANCELLED"
    assert (order.filled_qty, order.cancelled_qty, order.leaves_qty) == (195, 65, 0)


def test_stop_sell_triggers_on_last_price() -> None:
    market = ScriptedMarket([26000.0, 25990.1, 25990.0, 25985.0])
    order = market.place(-1, "SL", 65, price=25980, trigger=25990)
    assert order.status == "TRIGGER PENDING"
    market.at(1)
    assert order.status == "TRIGGER PENDING"
    market.at(2)
    # 25990.0 is the bid after the fall.
    assert market.fills(order) == [(65, 25990.0)]
    assert market.statuses(order) == [
        "PUT ORDER REQ RECEIVED",
        "VALIDATION PENDING",
        "OPEN PENDING",
        "TRIGGER PENDING",
        "OPEN",
        "COMPLETE",
    ]


def test_stop_whose_limit_was_jumped_rests_open() -> None:
    market = ScriptedMarket([26000.0, 25950.0, 25990.0])
    order = market.place(-1, "SL", 65, price=25980, trigger=25990)
    market.at(1)
    assert order.status == "OPEN" and not order.trades
    assert market.pushes[-1].status == "OPEN"
    market.at(2)
    assert market.fills(order) == [(65, 25980.0)]


def test_stop_market_buy_is_protected() -> None:
    market = ScriptedMarket([26000.0, 26010.0])
    order = market.place(1, "SL-M", 65, trigger=26005, protection_pct=0.01)
    market.at(1)
    # 26010 is the ask after the rise; protection 26012.601 up to 26012.7
    assert order.terms.price_e4 == e4(26012.7)
    assert market.fills(order) == [(65, 26010.0)]


def test_price_moves_through_stop_while_it_travels() -> None:
    market = ScriptedMarket([26000.0, 25980.0])
    order = market.place(-1, "SL", 65, price=25970, trigger=25990, settle=False)
    market.at(1)
    assert order.status == "COMPLETE"


def test_modify_stop_to_limit_and_back() -> None:
    market = ScriptedMarket([26000.0, 26000.0, 25990.0])
    order = market.place(-1, "SL", 65, price=25980, trigger=25990.5)
    market.modify(order, order_type="LIMIT", price=26010, trigger=0)
    assert (order.status, order.terms.trigger_e4) == ("OPEN", 0)
    market.modify(order, order_type="SL", price=25980, trigger=25990)
    assert order.status == "TRIGGER PENDING"
    assert order.modifications == 2
    market.at(2)
    assert market.fills(order) == [(65, 25990.0)]
    assert market.statuses(order)[4:8] == [
        "MODIFY VALIDATION PENDING",
        "MODIFY PENDING",
        "MODIFIED",
        "OPEN",
    ]


def test_modify_quantity_is_the_new_total() -> None:
    market = ScriptedMarket(ASK_26000_1, funds_rupees=1e9)
    market.at(1)
    order = market.place(1, "LIMIT", 260, 26000.1)
    assert order.filled_qty == 195
    with pytest.raises(RequestRefused, match="already filled"):
        market.modify(order, quantity=195)
    market.modify(order, quantity=325)
    assert order.leaves_qty == 130
    assert market.pushes[-1].status == "UPDATE"


def test_modification_cap() -> None:
    market = ScriptedMarket(FLAT)
    order = market.place(1, "LIMIT", 65, 25900)
    for i in range(25):
        market.modify(order, price=25901 + i)
    with pytest.raises(RequestRefused, match="modifications exceeded"):
        market.modify(order, price=25990)


SLOW = msgspec.structs.replace(INSTANT, exchange=DelayRange(1000, 1000))


def test_cancel() -> None:
    market = ScriptedMarket(FLAT)
    order = market.place(1, "LIMIT", 65, 25995)
    market.exchange.cancel(order.order_id)
    assert order.status == "CANCEL PENDING"
    market.settle()
    assert (order.status, order.cancelled_qty) == ("CANCELLED", 65)
    with pytest.raises(RequestRefused, match="already CANCELLED"):
        market.exchange.cancel(order.order_id)


@pytest.mark.parametrize("change", ["cancel", "modify"])
def test_change_loses_the_race_to_a_fill(change: str) -> None:
    # Sent at 1.5 s and a second on its way; the market trades through the order at 2 s.
    market = ScriptedMarket([26000.0, 26000.0, 25990.0], latency=SLOW)
    order = market.place(1, "LIMIT", 65, 25995)
    market.at(1.5)
    if change == "cancel":
        market.exchange.cancel(order.order_id)
    else:
        market.modify(order, price=25900)
    market.at(3)
    assert order.status == "COMPLETE"
    assert market.fills(order) == [(65, 25995.0)]
    assert [push.status for push in market.pushes] == ["OPEN", "COMPLETE"]


def test_no_change_while_one_is_on_its_way() -> None:
    market = ScriptedMarket(FLAT)
    order = market.place(1, "LIMIT", 65, 25900, settle=False)
    with pytest.raises(RequestRefused, match="being processed"):
        market.exchange.cancel(order.order_id)
    market.settle()
    market.exchange.cancel(order.order_id)
    with pytest.raises(RequestRefused, match="being processed"):
        market.exchange.modify(order.order_id, lambda terms: terms)


def test_working_orders_end_with_the_session() -> None:
    market = ScriptedMarket(FLAT)
    order = market.place(1, "LIMIT", 65, 25900)
    market.at(6 * 3600 + 25 * 60)  # 15:40:00
    assert order.status == "OPEN"
    market.at(6 * 3600 + 25 * 60 + 1)
    assert order.status == "CANCELLED"


def test_positions_and_money() -> None:
    market = ScriptedMarket([26000.0, 26000.1, 26100.0, 26100.0])
    market.at(1)
    market.place(1, "LIMIT", 130, 26000.1)
    market.at(2)
    market.place(-1, "MARKET", 65, protection_pct=1.0)
    position = market.exchange.ledger.positions()[0]
    row = position_row(position, e4(26100), e4(26000))
    assert row["quantity"] == 65
    assert row["average_price"] == 26000.1
    # 65 sold at 26099.9 (bid), 65 left at 26100: 65 * 99.8 + 65 * 99.9
    assert row["pnl"] == pytest.approx(65 * 99.8 + 65 * 99.9, abs=1e-9)
    assert position.realised_e4 == 65 * e4(99.8)
    funds = funds_row(market.exchange.funds())["equity"]
    # 12 per cent of 65 * 26000.1 is blocked
    assert funds["net"] == pytest.approx(2_500_000 + 65 * 99.8 - 0.12 * 65 * 26000.1, abs=0.001)
    assert market.exchange.net_qty() == {market.contract.key: 65}
