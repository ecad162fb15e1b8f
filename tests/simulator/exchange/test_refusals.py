"""What is refused, where (HTTP 400 or REJECTED in the book), and with which words."""

from typing import Any

import pytest

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.orders import Order
from otrade.simulator.exchange.price_bands import OUTSIDE_RANGE
from tests.simulator.scripted_market import DATE, ScriptedMarket

PRICES = [26000.0] * 3


@pytest.mark.parametrize(
    ("order", "kind", "words"),
    [
        ({"order_type": "MARKET", "quantity": 65}, "input", "without market protection"),
        (
            {"order_type": "MARKET", "quantity": 65, "protection_pct": 101},
            "input",
            "market_protection",
        ),
        (
            {"order_type": "MARKET", "quantity": 65, "protection_pct": -2},
            "input",
            "market_protection",
        ),
        (
            {"order_type": "SL-M", "quantity": 65, "trigger": 25900},
            "input",
            "without market protection",
        ),
        ({"order_type": "LIMIT", "quantity": 65}, "input", "`price`"),
        ({"order_type": "LIMIT", "quantity": 0, "price": 26000}, "input", "`quantity`"),
        ({"order_type": "LIMIT", "quantity": -65, "price": 26000}, "input", "`quantity`"),
        ({"order_type": "LIMIT", "quantity": 66, "price": 26000}, "input", "lot size 65"),
        ({"order_type": "STOP", "quantity": 65, "price": 26000}, "input", "`order_type`"),
        (
            {"order_type": "LIMIT", "quantity": 65, "price": 26000, "validity": "GTC"},
            "input",
            "`validity`",
        ),
        (
            {"order_type": "LIMIT", "quantity": 65, "price": 26000, "product": "CNC"},
            "input",
            "`product`",
        ),
        (
            {"order_type": "LIMIT", "quantity": 65, "price": 26000, "variety": "co"},
            "input",
            "variety",
        ),
        (
            {"order_type": "LIMIT", "quantity": 65, "price": 26000, "tag": "a-b"},
            "input",
            "`tag`",
        ),
        (
            {"order_type": "LIMIT", "quantity": 65, "price": 26000, "tag": "x" * 21},
            "input",
            "`tag`",
        ),
        ({"order_type": "SL", "quantity": 65, "price": 25900}, "input", "`trigger_price`"),
        (
            {"order_type": "SL", "quantity": 65, "price": 25950, "trigger": 25900},
            "input",
            "at or above",
        ),
        (
            {"order_type": "SL", "quantity": 65, "price": 26000, "trigger": 26000},
            "input",
            "lower than the last",
        ),
        (
            {"order_type": "LIMIT", "quantity": 1755, "price": 26000},
            "margin",
            "Insufficient funds",
        ),
    ],
)
def test_refused_before_the_book(order: dict[str, Any], kind: str, words: str) -> None:
    market = ScriptedMarket(PRICES)
    with pytest.raises(RequestRefused, match=words) as caught:
        market.place(-1, **order)
    assert (caught.value.status, caught.value.kind) == (400, kind)
    assert market.exchange.orders() == []
    assert market.pushes == []


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"quantity": 1820, "price": 26000.0}, "freeze quantity of 1800"),
        ({"quantity": 65, "price": 26000.05}, "Tick size for this script is 10 paise"),
        ({"quantity": 65, "price": 28600.1}, "Circuit breach"),
        ({"quantity": 65, "price": 23399.9}, "Circuit breach"),
    ],
)
def test_rejected_in_the_book(order: dict[str, Any], words: str) -> None:
    market = ScriptedMarket(PRICES, funds_rupees=1e9)
    placed = market.place(1, "LIMIT", **order)
    assert placed.status == "REJECTED"
    assert words in (placed.status_message or "")
    assert placed in market.exchange.orders()
    assert market.pushes[-1].status == "REJECTED"


@pytest.mark.parametrize(("side", "price"), [(-1, 28600.0), (1, 23400.0)])
def test_band_limits_are_allowed_away_from_the_market(side: int, price: float) -> None:
    market = ScriptedMarket(PRICES, close=26000.0)
    assert market.place(side, "LIMIT", 65, price).status in ("OPEN", "COMPLETE")


@pytest.mark.parametrize(
    ("side", "allowed", "refused"), [(1, 26780.0, 26780.1), (-1, 25220.0, 25219.9)]
)
def test_the_price_protection_lies_inside_the_band_and_says_the_circuits_words(
    side: int, allowed: float, refused: float
) -> None:
    """Three per cent of a future's last price, 26,000: that is inside the ten per cent of its band."""
    market = ScriptedMarket(PRICES, close=26000.0)
    assert market.place(side, "LIMIT", 65, allowed).status in ("OPEN", "COMPLETE")
    order = market.place(side, "LIMIT", 65, refused)
    assert (order.status, order.status_message) == ("REJECTED", OUTSIDE_RANGE)


@pytest.mark.parametrize(
    ("time", "status"), [("09:14:59", "REJECTED"), ("15:39:59", "OPEN"), ("15:40:00", "REJECTED")]
)
def test_outside_continuous_trading(time: str, status: str) -> None:
    market = ScriptedMarket(PRICES, start_ns=ist_ns(DATE, time))
    order = market.place(1, "LIMIT", 65, 25900)
    assert order.status == status


@pytest.mark.parametrize("time", ["08:59:59", "16:00:00"])
def test_closed_market_takes_nothing(time: str) -> None:
    market = ScriptedMarket(PRICES, start_ns=ist_ns(DATE, time))
    with pytest.raises(RequestRefused, match="Markets are closed"):
        market.place(1, "LIMIT", 65, 25900)


def test_share_stops_for_its_auction() -> None:
    market = ScriptedMarket([1500.0], key="NSE:INFY", start_ns=ist_ns(DATE, "15:15:00"))
    order = market.place(1, "LIMIT", 1, 1490, product="CNC")
    assert order.status == "REJECTED"
    assert "not allowed to trade in this market" in (order.status_message or "")


def test_refused_modification_leaves_the_order_as_it_was() -> None:
    market = ScriptedMarket(PRICES)
    order = market.place(1, "LIMIT", 65, 25900)
    market.modify(order, price=99999)
    assert order.status == "OPEN"
    assert order.terms.price_e4 == 259_000_000
    assert "Circuit breach" in (order.status_message or "")
    assert order.modifications == 0


def test_second_exit_needs_margin_of_its_own() -> None:
    # 12 per cent of 65 * 26000 is 202800: enough for one position, not for a second, opposite one.
    market = ScriptedMarket(PRICES, funds_rupees=250_000.0)
    assert market.place(1, "MARKET", 65, protection_pct=1.0).status == "COMPLETE"
    assert market.place(-1, "SL", 65, price=25900, trigger=25950).status == "TRIGGER PENDING"
    with pytest.raises(RequestRefused, match="Insufficient funds"):
        market.place(-1, "LIMIT", 65, 26100)


def test_autoslice_respects_freeze_and_slice_limit() -> None:
    market = ScriptedMarket(PRICES, funds_rupees=1e9)
    market.place(1, "LIMIT", 65 * 60, 25900, autoslice=True)
    # Freeze is 1800: 27 lots (1755) a slice; 3900 = 1755 + 1755 + 390
    assert [order.terms.quantity for order in market.exchange.orders()] == [1755, 1755, 390]
    with pytest.raises(RequestRefused, match="slices"):
        market.place(1, "LIMIT", 1755 * 10 + 65, 25900, autoslice=True)


def test_unknown_order() -> None:
    market = ScriptedMarket(PRICES)
    with pytest.raises(RequestRefused, match="Couldn't find"):
        market.exchange.cancel("1")


def test_manual_order_carries_no_tag() -> None:
    market = ScriptedMarket(PRICES)
    order: Order = market.exchange.place_manual("NFO:NIFTY.FUT", 1, 65, product="NRML")
    market.settle()
    assert order.status == "COMPLETE"
    assert (order.tag, order.placed_by) == (None, "MANUAL")


# ------------------------------------------------------------------------------- sales for delivery
def cnc(market: ScriptedMarket, side: int, quantity: int, price: float = 1490.0) -> Order:
    return market.place(side, "LIMIT", quantity, price, product="CNC")


def shares() -> ScriptedMarket:
    return ScriptedMarket([1500.0, 1500.5] * 10, key="NSE:INFY", last_qty=1000, funds_rupees=1e9)


def test_nothing_is_sold_for_delivery_that_is_not_held() -> None:
    market = shares()
    order = cnc(market, -1, 1)
    assert (order.status, order.status_message) == ("REJECTED", "RMS:Rule: Check holdings")


def test_what_was_bought_today_may_be_sold_once() -> None:
    """A second sale beside a stop is rejected, until the first is cancelled."""
    market = shares()
    assert cnc(market, 1, 10, 1510).status == "COMPLETE"
    stop = market.place(-1, "SL", 10, 1450, 1455, product="CNC")
    assert stop.status == "TRIGGER PENDING"
    target = cnc(market, -1, 10, 1550)
    assert (target.status, target.status_message) == ("REJECTED", "RMS:Rule: Check holdings")
    assert market.place(-1, "LIMIT", 1, 1550, product="MIS").status == "OPEN", "another product"
    with pytest.raises(RequestRefused, match="Check holdings"):
        market.modify(stop, quantity=11)
    market.modify(stop, quantity=4)
    assert cnc(market, -1, 6, 1550).status == "OPEN"
    assert cnc(market, -1, 1, 1550).status == "REJECTED"
    market.exchange.cancel(stop.order_id)
    market.settle()
    assert cnc(market, -1, 4, 1550).status == "OPEN"


def test_a_sale_leaves_less_to_sell() -> None:
    market = shares()
    cnc(market, 1, 10, 1510)
    market.at(1)
    sold = cnc(market, -1, 7, 1490)
    assert sold.status == "COMPLETE"
    assert cnc(market, -1, 4, 1550).status == "REJECTED"
    assert cnc(market, -1, 3, 1550).status == "OPEN"
