"""What others have traded beside us, unit by unit: worked by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from otrade._core.types import Ev, Leg, Side
from otrade.brokers.session import BrokerPosition, OrderReport
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.live.reconciliation.discrepancies import order_discrepancies, position_discrepancies
from otrade.live.reconciliation.foreign_orders import ForeignFillPart, ForeignFills, is_brokers_own
from tests.live.reconciliation.test_recovered_decisions import row

PLAN: Any = SimpleNamespace(
    instruments=[
        SimpleNamespace(product="MIS", symbol="NSE:ONE"),
        SimpleNamespace(product="NRML", symbol="NFO:TWO"),
    ],
    instrument_of={1: 0, 2: 1},
    strategies=[],
)


def order(number: str, side: int, cum: int, **given: Any) -> OrderReport:
    """Somebody else's, of the first instrument; all that it has filled at 100 rupees."""
    fields = dict(
        cl_ord_id="", broker_order_id=number, ev=Ev.WORKING, order_qty=100, cum_qty=cum,
        cum_value_e4=cum * 1_000_000, product="MIS", status="OPEN", tradingsymbol="ONE", raw={},
    )  # fmt: skip
    return msgspec.structs.replace(row(0, Leg.ENTRY, side, 100, 10), **{**fields, **given})


def filled(*orders: OrderReport) -> ForeignFills:
    fills = ForeignFills(PLAN)
    for one in orders:
        assert fills.take(one)
    return fills


def parts(found: list[ForeignFillPart]) -> list[tuple[str, int]]:
    return [(part.report.broker_order_id, part.qty) for part in found]


def test_only_orders_of_others_in_our_product_count() -> None:
    fills = ForeignFills(PLAN)
    tag = make(ClOrdId(run=3, bracket=1, leg=Leg.ENTRY, attempt=0, slot=1))
    assert fills.instrument_of(order("A", Side.BUY, 1)) == 0
    assert fills.instrument_of(order("A", Side.BUY, 1, product="CNC")) is None
    assert fills.instrument_of(order("A", Side.BUY, 1, instrument_token=3)) is None
    assert fills.instrument_of(order("A", Side.BUY, 1, instrument_token=2)) is None
    assert fills.instrument_of(order("A", Side.BUY, 1, instrument_token=2, product="NRML")) == 1
    assert fills.instrument_of(order("A", Side.BUY, 1, cl_ord_id=tag)) is None
    assert not fills.take(order("A", Side.BUY, 1, product="CNC"))
    assert fills.net(0) == 0


def test_a_fill_is_news_once() -> None:
    fills = ForeignFills(PLAN)
    assert not fills.take(order("A", Side.BUY, 0))
    assert fills.take(order("A", Side.BUY, 1)), "one unit is a fill"
    assert not fills.take(order("A", Side.BUY, 1))
    assert fills.take(order("A", Side.BUY, 2))
    assert not fills.take(order("A", Side.BUY, 1)), "an old row"
    assert fills.net(0) == 2


def test_net_is_signed_and_without_what_is_explained() -> None:
    fills = filled(order("A", Side.BUY, 5), order("B", Side.SELL, 12), order("C", Side.BUY, 1))
    assert (fills.net(0), fills.net(1)) == (-6, 0)
    fills.explain(ForeignFillPart(order("B", Side.SELL, 12), 7))
    assert fills.net(0) == 1
    fills.explain(ForeignFillPart(order("B", Side.SELL, 12), 4))
    assert fills.net(0) == 5
    assert parts(fills.unexplained(0, Side.SELL)) == [("B", 1)]
    assert parts(fills.unexplained(0, Side.BUY)) == [("A", 5), ("C", 1)]
    fills.explain(ForeignFillPart(order("B", Side.SELL, 12), 1))
    assert fills.unexplained(0, Side.SELL) == [], "nothing of it is left"
    assert fills.unexplained(1, Side.BUY) == []


def test_drawn_are_the_newest_and_told_oldest_first() -> None:
    fills = filled(
        order("A", Side.BUY, 5), order("B", Side.SELL, 4), order("C", Side.BUY, 3),
        order("D", Side.BUY, 2),
    )  # fmt: skip
    assert parts(fills.draw(0, 4)) == [("C", 2), ("D", 2)]
    assert fills.net(0) == 2
    assert parts(fills.draw(0, 1)) == [("C", 1)], "one unit has a side too"
    assert parts(fills.draw(0, -9)) == [("B", 4)]
    assert parts(fills.draw(0, 9)) == [("A", 5)]
    assert fills.draw(0, 9) == []
    assert fills.net(0) == 0


def test_settled_is_what_is_older_than_the_difference() -> None:
    fills = filled(order("A", Side.BUY, 5), order("B", Side.BUY, 4), order("C", Side.SELL, 3))
    fills.settle({0: 4})
    assert fills.net(0) == 4, "six were bought net: two of them are older"
    assert parts(fills.unexplained(0, Side.BUY)) == [("A", 3), ("B", 4)]
    assert parts(fills.unexplained(0, Side.SELL)) == [("C", 3)]
    fills.settle({})
    assert fills.net(0) == 0
    fills.settle({0: -2})
    assert fills.net(0) == -2, "positions show two sold, and no order tells of them"
    assert fills.take(order("D", Side.BUY, 6))
    assert fills.net(0) == 4
    fills.settle({0: 4})
    assert fills.net(0) == 4


def test_pieces_of_an_order_are_booked_at_what_each_has_cost() -> None:
    fills = filled(order("A", Side.BUY, 4))
    first = ForeignFillPart(order("A", Side.BUY, 4), 4)
    fills.explain(first)
    assert fills.value_e4(first, 4, 4_000_000) == 4_000_000
    assert fills.take(order("A", Side.BUY, 10))
    second = ForeignFillPart(order("A", Side.BUY, 10), 3)
    fills.explain(second)
    # Six more have come for 6.6 millions, of which these are half.
    assert fills.value_e4(second, 10, 10_600_000) == 3_300_000
    third = ForeignFillPart(order("A", Side.BUY, 10), 3)
    fills.explain(third)
    assert fills.value_e4(third, 10, 10_600_000) == 3_300_000


def test_a_piece_after_some_that_nobody_booked_is_worth_its_share() -> None:
    fills = filled(order("A", Side.BUY, 10))
    fills.explain(ForeignFillPart(order("A", Side.BUY, 10), 4))  # explained, and not booked
    last = ForeignFillPart(order("A", Side.BUY, 10), 6)
    fills.explain(last)
    assert fills.value_e4(last, 10, 10_000_000) == 6_000_000


@pytest.mark.parametrize(
    ("placed_by", "own"),
    [("ADMINSQF", True), ("adminsqf2", True), ("rms", True), ("AB1234", False), (None, False)],
)
def test_the_brokers_own_orders_are_told_by_who_placed_them(placed_by: Any, own: bool) -> None:
    assert is_brokers_own(order("A", Side.BUY, 1, raw={"placed_by": placed_by})) is own


def test_an_order_that_can_trade_and_is_nobodys_is_said() -> None:
    rows = [
        order("A", Side.BUY, 0),
        order("B", Side.BUY, 0, product=""),
        order("C", Side.BUY, 0, product="CNC"),
        order("D", Side.BUY, 0, instrument_token=9),
        order("E", Side.BUY, 5, ev=Ev.CANCELED),
        order("F", Side.SELL, 1, instrument_token=2, product="NRML", ev=Ev.FILL_PART),
    ]
    found = order_discrepancies(rows, PLAN)
    assert [(d.instrument_id, d.key) for d in found] == [
        (0, "order A"), (0, "order B"), (1, "order F"),
    ]  # fmt: skip
    assert "order A (100 units, OPEN)" in found[0].text


def test_a_position_that_differs_is_said() -> None:
    def position(net: int) -> BrokerPosition:
        return BrokerPosition(1, "NSE", "ONE", "MIS", net, 0, 0, 0, 0, 1_234_500, 1)

    def said(rows: dict[int, BrokerPosition], net_of: dict[int, int]) -> list[tuple[int, str]]:
        return [(d.instrument_id, d.key) for d in position_discrepancies(rows, net_of, PLAN)]

    assert said({}, {0: 0, 1: 0}) == []
    assert said({0: position(10)}, {0: 10, 1: 0}) == []
    assert said({0: position(0)}, {0: 0}) == []
    assert said({0: position(10)}, {0: 9, 1: -1}) == [(0, "position 10"), (1, "position 0")]
    (one,) = position_discrepancies({0: position(-5)}, {0: 5}, PLAN)
    assert "shows -5 units of MIS (last price" in one.text and "this engine +5" in one.text
