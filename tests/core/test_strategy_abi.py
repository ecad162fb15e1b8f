"""The ABI of compiled strategies: its rows lie where C, numpy and ctypes say, and nothing overlaps."""

import ctypes

import pytest

from otrade._core.kernels import layout, strategy_abi

MARKET = {
    "last": "ltp_e4",
    "last_before": "prev_ltp_e4",
    "bid": "bid_px_e4",
    "ask": "ask_px_e4",
    "bid_qty": "bid_qty",
    "ask_qty": "ask_qty",
    "volume": "volume",
    "last_qty": "ltq",
    "new_volume": "d_volume",
    "day_open": "open_e4",
    "day_high": "high_e4",
    "day_low": "low_e4",
    "former_close": "close_e4",
    "average": "avg_px_e4",
    "open_interest": "oi",
    "buyers_qty": "buy_qty",
    "sellers_qty": "sell_qty",
}
"""What a strategy calls the members of market_t."""


@pytest.mark.parametrize("record", strategy_abi.BYTES)
def test_a_field_lies_where_its_row_says(record: str) -> None:
    made, kept = strategy_abi.structure(record), strategy_abi.dtype(record)
    assert ctypes.sizeof(made) == kept.itemsize == strategy_abi.BYTES[record]
    for row in strategy_abi.fields(record):
        assert getattr(made, row.field).offset == row.offset == kept.fields[row.field][1]


@pytest.mark.parametrize("record", [*strategy_abi.MADE, "decision"])
def test_the_rows_of_a_record_fill_its_c_struct(record: str) -> None:
    struct = layout.dtype(strategy_abi.struct_name(record))
    offsets = [struct.fields[name][1] for name in struct.names]
    assert offsets == [row.offset for row in strategy_abi.fields(record)]
    assert offsets == list(range(0, strategy_abi.BYTES[record], 8))
    assert struct.itemsize == strategy_abi.BYTES[record]


def test_the_market_is_the_core_s_own() -> None:
    struct = layout.dtype("market_t")
    assert struct.itemsize == strategy_abi.BYTES["market"]
    found = {row.field: row.offset for row in strategy_abi.fields("market")}
    assert found == {name: struct.fields[member][1] for name, member in MARKET.items()}
    prices = {row.field for row in strategy_abi.fields("market") if row.type == "e4"}
    assert prices == {name for name, member in MARKET.items() if member.endswith("_e4")}


def test_further_bars_are_an_array_of_bars() -> None:
    size = strategy_abi.BARS_MAX * strategy_abi.BYTES["bar"]
    assert ctypes.sizeof(strategy_abi.structure("bars")) == size
    assert strategy_abi.dtype("bars").itemsize == size


def test_entry_points_take_records_that_there_are() -> None:
    known = {*strategy_abi.BYTES, "params", "state", "bars"}
    for taken in strategy_abi.ENTRY_POINTS.values():
        assert set(taken) <= known
        assert taken[:2] == ("params", "state")
        assert taken[-1] == "decision"
        assert set(taken) >= strategy_abi.WRITTEN


def test_the_id_changes_with_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    before = strategy_abi.abi_id()
    moved = strategy_abi.ROWS[0]._replace(offset=8)
    monkeypatch.setattr(strategy_abi, "ROWS", (moved, *strategy_abi.ROWS[1:]))
    assert strategy_abi.abi_id() != before
