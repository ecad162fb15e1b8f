"""Rows of orders that have ended are read once, and again as soon as they say something else;
values are those of exact decimals.
"""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otrade._core.types import Ev, Source, Worth
from otrade.brokers.book_cache import BookReader, traded_of
from otrade.brokers.kite.reports import report_of
from otrade.brokers.parse import clean_text, value_e4
from otrade.brokers.session import OrderReport
from otrade.brokers.upstox.reports import report_of as upstox_report_of
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.errors import BrokerError
from tests.brokers.kite.test_reports import ROW


class Reads:
    """Counts what is really read."""

    def __init__(self) -> None:
        self.n = 0
        self.book = BookReader(self._read)

    def _read(self, row: Mapping[str, Any], ts_recv_ns: int) -> OrderReport:
        self.n += 1
        return report_of(row, Source.BOOK, ts_recv_ns)


def fresh(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As a new answer brings them: equal, and not the same objects."""
    parsed: list[dict[str, Any]] = json.loads(json.dumps(rows))
    return parsed


DONE = ROW | {
    "order_id": "1",
    "status": "COMPLETE",
    "filled_quantity": 75,
    "average_price": 1500.05,
}
GONE = ROW | {"order_id": "2", "status": "CANCELLED"}


def test_ended_orders_are_read_once_and_others_always() -> None:
    reads = Reads()
    rows = [DONE, GONE, ROW | {"order_id": "3"}]
    first = reads.book.reports(fresh(rows), 10)
    second = reads.book.reports(fresh(rows), 20)
    assert reads.n == 4
    assert [report.raw is before.raw for report, before in zip(second, first, strict=True)] == [
        True,
        True,
        False,
    ]
    assert {report.ts_recv_ns for report in second} == {20} and {
        report.ts_recv_ns for report in first
    } == {10}
    for report in second:
        report.ts_recv_ns = 10
    assert second == first


@pytest.mark.parametrize(
    "news",
    [
        {"status": "COMPLETE", "filled_quantity": 75, "average_price": 1500.05},
        {"filled_quantity": 3, "average_price": 1500.0},
        {"status": "OPEN"},
        {"exchange_update_timestamp": "2026-11-23 09:24:26"},
        {"status_message": "a word of the broker's"},
    ],
    ids=str,
)
def test_an_ended_order_that_says_something_else_is_read(news: dict[str, Any]) -> None:
    reads = Reads()
    before = reads.book.reports(fresh([GONE]), 10)[0]
    after = reads.book.reports(fresh([GONE | news]), 20)[0]
    assert reads.n == 2 and after.raw is not before.raw
    assert after == report_of(GONE | news, Source.BOOK, 20)


def test_a_report_that_somebody_changes_is_not_the_one_that_is_kept() -> None:
    reads = Reads()
    reads.book.reports(fresh([DONE]), 10)[0].cum_value_e4 = 7
    assert reads.book.reports(fresh([DONE]), 20)[0].cum_value_e4 == 75 * 15_000_500


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"filled_quantity": "many"}, "filled_quantity"),
        ({"quantity": -1}, "quantity"),
        ({"order_id": None}, "order_id"),
        ({"quantity": 10**30}, "quantity"),
        ({"filled_quantity": 1e300}, "filled_quantity"),
        ({"price": 1e300}, "price"),
        ({"price": "NaN"}, "price"),
        ({"average_price": "-3", "filled_quantity": 5}, "average_price"),
        ({"average_price": 9e9, "filled_quantity": 9_999_999_999}, "average_price"),
        ({"order_id": "x" * 32}, "order_id"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_read_blinds_nobody_to_the_rest(
    bad: dict[str, Any], named: str
) -> None:
    reads = Reads()
    reads.book.reports(fresh([DONE]), 10)
    table = reads.book.reports([DONE | {"order_id": "9"} | bad, GONE], 20)
    assert [row.broker_order_id for row in table] == ["2"], "bad foreign row blinds the book"
    (unread,) = table.unread
    assert named in unread.why and len(unread.why) < 120, "in words, and not the whole row"
    assert unread.row_id == clean_text(bad.get("order_id", "9")) and unread.tag == DONE["tag"]
    assert unread.instrument_token == DONE["instrument_token"]
    assert reads.book.reports(fresh([DONE]), 30)[0].ev == Ev.FILL_FULL


@pytest.mark.parametrize("average", [0, 0.0, "0", None, ""], ids=str)
@pytest.mark.parametrize("status", ["OPEN", "UPDATE", "COMPLETE"])
def test_a_price_that_is_not_told_is_not_nothing(average: Any, status: str) -> None:
    row = DONE | {"status": status, "average_price": average}
    kite = report_of(row, Source.PUSH, 1)
    upstox = upstox_report_of(row, Source.PUSH, 1, SymbolMap())
    del row["average_price"]
    absent = report_of(row, Source.PUSH, 1)
    for report in (kite, upstox, absent):
        assert (report.cum_qty, report.cum_value_e4, report.worth) == (75, 0, Worth.UNKNOWN)
    assert report_of(DONE, Source.PUSH, 1).worth == Worth.AVERAGE
    assert (
        report_of(DONE | {"filled_quantity": 0, "status": "OPEN"}, Source.PUSH, 1).worth
        == Worth.NONE
    )


def test_half_a_sum_of_trades_is_no_value() -> None:
    rows = [
        {"order_id": "1", "quantity": 5, "average_price": 100.05},
        {"order_id": "1", "quantity": 5, "average_price": 100.1},
        {"order_id": "2", "quantity": 5, "average_price": 100.05},
        {"order_id": "2", "quantity": 5, "average_price": 0},
        {"order_id": "3", "quantity": -5, "average_price": 100.05},
        {"order_id": None, "quantity": 5, "average_price": 100.05},
        {"order_id": "4", "quantity": 1e300, "average_price": 100.05},
    ]
    assert traded_of(rows) == {"1": (10, 5 * 1_000_500 + 5 * 1_001_000)}


def exact_e4(text: str, qty: int) -> int:
    """Half up, in fractions."""
    return int((Fraction(text) * qty * 10_000 + Fraction(1, 2)).__floor__())


@given(st.decimals(0, 10_000_000, places=8), st.integers(0, 8), st.integers(0, 500_000))
@example(Decimal("1517.65"), 2, 10)
@example(Decimal("0.00005"), 8, 1)
@example(Decimal("1500.01666667"), 8, 30)
@example(Decimal("9999999.9999"), 4, 1)
def test_a_value_is_exact_however_the_price_is_spelled(
    price: Decimal, places: int, qty: int
) -> None:
    price = price.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{price:f}"
    spellings: list[Any] = [float(text), text]
    if price == price.to_integral_value():
        spellings.append(int(price))
    for spelled in spellings:
        # A float stands for its shortest decimal: that is what the broker had written.
        assert value_e4({"p": spelled}, "p", qty) == exact_e4(
            repr(spelled) if isinstance(spelled, float) else text, qty
        )


@pytest.mark.parametrize("bad", [True, float("nan"), float("inf"), "x", [], {}])
def test_a_value_of_no_number_is_an_error(bad: Any) -> None:
    with pytest.raises(BrokerError, match="average_price"):
        value_e4({"average_price": bad}, "average_price", 3)


def test_no_price_is_zero() -> None:
    assert [
        value_e4(row, "price", 9)
        for row in ({}, {"price": None}, {"price": ""}, {"price": 0}, {"price": 0.0})
    ] == [0] * 5
