"""What a broker's row does not tell is not nothing: rows that cannot be read, quantities that are
null, depth that cannot be.
"""

from typing import Any

import pytest

from otrade.brokers.book_cache import table_of
from otrade.brokers.parse import signed_count
from otrade.brokers.quote_rows import band_of, quote_of
from otrade.errors import BrokerError
from otrade.live.oms.book_completeness import hides_ours
from otrade.live.oms.cl_ord_id import ClOrdId, make

OURS = make(ClOrdId(7, 1, 1, 1, 1))


def unreadable(row: Any) -> Any:
    raise BrokerError("price of a broker's row is NaN")


ROWS = (
    {"tag": OURS},
    {"tag": None, "tags": ["mktp", "mktp:2.00", OURS]},
    {"tag": "mktp", "tags": ["mktp", OURS]},
)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_ours_that_cannot_be_read_is_known_by_its_tag_wherever_it_stands(
    row: dict[str, Any],
) -> None:
    assert hides_ours(table_of([{"order_id": "1", **row}], unreadable, "order_id"))
    assert not hides_ours(
        table_of([{"order_id": "1", "tag": None, "tags": ["mktp"]}], unreadable, "order_id")
    ), "somebody else's"


@pytest.mark.parametrize("row", [{}, {"quantity": None}, {"quantity": ""}])
def test_a_position_of_unknown_quantity_is_not_flat(row: dict[str, Any]) -> None:
    with pytest.raises(BrokerError, match="quantity of a broker's row is missing"):
        signed_count(row, "quantity")
    assert signed_count({"quantity": 0}, "quantity") == 0


@pytest.mark.parametrize(
    "depth", [{"buy": 5}, {"buy": [{"price": 1e16}]}, {"buy": [{"price": 1e300}], "sell": None}]
)
def test_a_depth_that_cannot_be_is_an_error_or_nothing_and_no_fault(depth: dict[str, Any]) -> None:
    try:
        quote = quote_of({"last_price": 100.0, "depth": depth})
    except BrokerError:
        return
    assert quote is None or quote.bid_e4 == 0


@pytest.mark.parametrize(
    "row",
    [None, 5, {"lower_circuit_limit": 1e300, "upper_circuit_limit": 110}, {"last_price": 100.0}],
)
def test_a_band_that_cannot_be_read_is_none(row: Any) -> None:
    assert band_of(row) is None
    assert band_of({"last_price": 0, "lower_circuit_limit": 90, "upper_circuit_limit": 110.05}) == (
        900_000,
        1_100_500,
    )
