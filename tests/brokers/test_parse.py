"""Edges of what brokers may say: the largest that is believed, one more, and the smallest fill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from otrade._core.types import Ev, Side, Source, Worth
from otrade.brokers import parse
from otrade.brokers.kite.reports import report_of as kite_report
from otrade.brokers.upstox.reports import position_of, product_of, time_ns
from otrade.errors import BrokerError
from tests.brokers.kite.test_reports import ROW
from tests.brokers.upstox.test_error_map import LISTING
from tests.brokers.upstox.test_error_map import report as upstox_report

MOST = 10**10


@pytest.mark.parametrize("value", [0, 1, MOST, str(MOST), float(MOST), "7.0", None, ""])
def test_a_count_that_is_one(value: Any) -> None:
    assert parse.count({"n": value}, "n") == int(Decimal(str(value or 0)))


@pytest.mark.parametrize(
    "value", [-1, MOST + 1, str(MOST + 1), 0.5, "1.5", True, "x", float("nan")]
)
def test_a_count_that_is_none(value: Any) -> None:
    with pytest.raises(BrokerError):
        parse.count({"n": value}, "n")


@pytest.mark.parametrize("value", [0, 1, -1, MOST, -MOST, str(-MOST)])
def test_a_signed_count(value: Any) -> None:
    assert parse.signed_count({"n": value}, "n") == int(value)


@pytest.mark.parametrize("value", [None, "", MOST + 1, -MOST - 1, 0.5, "-1.5"])
def test_no_signed_count(value: Any) -> None:
    with pytest.raises(BrokerError):
        parse.signed_count({"n": value}, "n")


def test_a_field_that_is_not_there_is_no_signed_count() -> None:
    with pytest.raises(BrokerError):
        parse.signed_count({}, "n")


@pytest.mark.parametrize(
    ("value", "e4"),
    [
        (0, 0), (1, 10_000), (-1, -10_000), (MOST, MOST * 10_000), (-MOST, -MOST * 10_000),
        (100.05, 1_000_500), ("100.05", 1_000_500), (-0.05, -500), (0.00005, 1), (0.00004, 0),
        ("0.00005", 1), (1234567.8901, 12_345_678_901), (float(MOST), MOST * 10_000),
        (100.00005, 1_000_001), (None, 0), ("", 0),
    ],
)  # fmt: skip
def test_a_price_to_the_hundredth_of_a_paisa(value: Any, e4: int) -> None:
    assert parse.price_e4({"p": value}, "p") == e4


@pytest.mark.parametrize(
    "value", [MOST + 1, -MOST - 1, str(MOST + 1), 1e11, "inf", True, "a", 1e30]
)
def test_no_price(value: Any) -> None:
    with pytest.raises(BrokerError):
        parse.price_e4({"p": value}, "p")


def test_a_value_that_the_core_can_hold_and_one_that_it_cannot() -> None:
    qty = 2**62 // (MOST * 10_000)
    assert parse.value_e4({"p": MOST}, "p", qty) == MOST * 10_000 * qty
    with pytest.raises(BrokerError):
        parse.value_e4({"p": MOST}, "p", qty + 1)
    with pytest.raises(BrokerError):
        parse.value_e4({"p": -MOST}, "p", qty + 1)
    assert parse.value_e4({"p": 53687.0912}, "p", 2**33) == 2**62, "the most that there can be"
    assert parse.value_e4({"p": 0.25}, "p", 4) == 10_000
    assert parse.value_e4({"p": "100.033333"}, "p", 3) == 3_001_000, "rounded once, and at the end"


@pytest.mark.parametrize(
    ("average", "qty", "told"),
    [
        (100.05, 1, (1_000_500, Worth.AVERAGE)),
        (100.05, 0, (0, Worth.NONE)),
        (0, 0, (0, Worth.NONE)),
        (0, 1, (0, Worth.UNKNOWN)),
        (None, 5, (0, Worth.UNKNOWN)),
        ("", 5, (0, Worth.UNKNOWN)),
    ],
)
def test_what_a_fill_cost(average: Any, qty: int, told: tuple[int, Worth]) -> None:
    assert parse.fill_value({"a": average}, "a", qty) == told


def test_a_fill_costs_no_less_than_nothing() -> None:
    with pytest.raises(BrokerError):
        parse.fill_value({"a": -0.05}, "a", 1)


@pytest.mark.parametrize("value", ["1", 7, "A" * 31])
def test_an_id(value: Any) -> None:
    assert parse.identity({"id": value}, "id") == str(value)


@pytest.mark.parametrize("value", ["", "A" * 32, 1.5, None, True, "ü", "a\n"])
def test_no_id(value: Any) -> None:
    with pytest.raises(BrokerError):
        parse.identity({"id": value}, "id")


def test_times() -> None:
    assert parse.ist_ns("1970-01-01 05:30:01") == 1_000_000_000
    assert parse.ist_ns("1970-01-01 05:30:00") == 0
    assert parse.ist_ns("1970-01-01 05:29:59") == 0, "before the epoch is no time"
    assert parse.ist_ns("1970-01-01T00:00:02+00:00") == 2_000_000_000
    assert parse.ist_ns("2026-11-23 09:24:25.000001") % 10**9 == 1_000
    assert [parse.ist_ns(word) for word in (None, "", "soon", 7, "2300-01-01 00:00:00")] == [0] * 5
    assert time_ns("23-Nov-2026 09:24:25") == parse.ist_ns("2026-11-23 09:24:25") > 0
    assert time_ns("2026-11-23 09:24:25") == parse.ist_ns("2026-11-23 09:24:25")
    assert [time_ns(word) for word in (None, "23-Nov", "23-Abc-2026 09:24:25", 5)] == [0] * 4


def test_words() -> None:
    assert parse.clean_text("a\tb\x07 ") == "a b"
    assert parse.clean_text("x" * 200) == "x" * 127
    assert parse.clean_text(None) == parse.clean_text("") == ""
    assert parse.clean_text("abcdef", 3) == "abc"
    assert parse.decimal(1_000_500) == "100.05" and parse.decimal(10_000) == "1"
    assert parse.decimal(1) == "0.0001"
    assert parse.parse_body(b"[1]") is None and parse.parse_body(b"<p>") is None
    assert parse.parse_body(b'{"a":1}') == {"a": 1}


@pytest.mark.parametrize(("cum", "ev"), [(0, Ev.WORKING), (1, Ev.FILL_PART), (74, Ev.FILL_PART)])
@pytest.mark.parametrize("reader", ["kite", "upstox"])
def test_a_single_unit_is_a_partial_fill(cum: int, ev: Ev, reader: str) -> None:
    changed = {"status": "open", "filled_quantity": cum, "average_price": 100.0}
    read = (
        upstox_report(**changed)
        if reader == "upstox"
        else kite_report(ROW | changed, Source.BOOK, 5)
    )
    assert (read.ev, read.cum_qty, read.cum_value_e4) == (ev, cum, cum * 1_000_000)
    assert read.worth == (Worth.AVERAGE if cum else Worth.NONE)


@pytest.mark.parametrize(
    ("kind", "status", "cum", "triggered"),
    [
        ("SL", "OPEN", 0, True),
        ("SL", "TRIGGER PENDING", 0, False),
        ("SL", "TRIGGER PENDING", 1, True),
        ("SL-M", "OPEN", 0, True),
        ("LIMIT", "OPEN", 1, False),
        ("MARKET", "COMPLETE", 5, False),
    ],
)
@pytest.mark.parametrize("reader", ["kite", "upstox"])
def test_when_a_stop_has_been_triggered(
    kind: str, status: str, cum: int, triggered: bool, reader: str
) -> None:
    changed = {
        "status": status, "order_type": kind, "filled_quantity": cum, "average_price": 100.0,
    }  # fmt: skip
    read = (
        upstox_report(**changed)
        if reader == "upstox"
        else kite_report(ROW | changed, Source.BOOK, 5)
    )
    assert read.triggered is triggered


@pytest.mark.parametrize(
    ("word", "side"), [("BUY", Side.BUY), ("SELL", Side.SELL), ("", Side.NONE), (None, Side.NONE)]
)
def test_sides(word: Any, side: Side) -> None:
    assert kite_report(ROW | {"transaction_type": word}, Source.PUSH, 5).side == side
    assert upstox_report(transaction_type=word).side == side


@pytest.mark.parametrize(
    ("word", "exchange", "product"),
    [
        ("I", "NSE", "MIS"), ("I", "NFO", "MIS"), ("D", "NSE", "CNC"), ("D", "BSE", "CNC"),
        ("D", "NFO", "NRML"), ("D", "MCX", "NRML"), ("CO", "NSE", "CO"), (None, "NSE", ""),
    ],
)  # fmt: skip
def test_products_of_upstox(word: Any, exchange: str, product: str) -> None:
    assert product_of(word, exchange) == product


@pytest.mark.parametrize(("told", "multiplier"), [(1.0, 1), (5, 5), (0, 1), (None, 1)])
def test_a_multiplier_that_is_not_told_is_one(told: Any, multiplier: int) -> None:
    row = {
        "instrument_token": "NSE_EQ|INE009A01021", "exchange": "NSE", "product": "I",
        "quantity": 1, "multiplier": told, "last_price": 1.0,
    }  # fmt: skip
    assert position_of(row, LISTING).multiplier == multiplier
