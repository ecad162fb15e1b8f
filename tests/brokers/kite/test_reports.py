"""Kite's order object in every state, in every spelling of its numbers, as one report."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otrade._core.pack import field_names
from otrade._core.types import Ev, OrdType, Reason, Side, Source, Worth
from otrade.brokers.kite.reports import EV_OF_STATUS, report_of
from otrade.brokers.kite.session import funds_of, position_of
from otrade.brokers.parse import ist_ns
from otrade.errors import BrokerError
from otrade.live.oms.cl_ord_id import parse as parse_tag

FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures" / "kite"
ROW: dict[str, Any] = {
    "order_id": "1914227164488687616",
    "status": "OPEN",
    "status_message": None,
    "exchange_update_timestamp": "2026-11-23 09:24:25",
    "exchange": "NSE",
    "tradingsymbol": "M&M",
    "instrument_token": 519937,
    "order_type": "LIMIT",
    "transaction_type": "BUY",
    "product": "MIS",
    "quantity": 75,
    "price": 1500.05,
    "trigger_price": 0,
    "average_price": 0,
    "filled_quantity": 0,
    "tag": "K0001ABC",
    "tags": ["K0001ABC"],
}

# What the reference says of every documented word: (word, untouched, with 25 of 75 filled).
WORDS = [
    ("PUT ORDER REQ RECEIVED", Ev.ACCEPTED, Ev.ACCEPTED),
    ("VALIDATION PENDING", Ev.ACCEPTED, Ev.ACCEPTED),
    ("OPEN PENDING", Ev.ACCEPTED, Ev.ACCEPTED),
    ("AMO REQ RECEIVED", Ev.ACCEPTED, Ev.ACCEPTED),
    ("MODIFY VALIDATION PENDING", Ev.ACCEPTED, Ev.ACCEPTED),
    ("MODIFY PENDING", Ev.ACCEPTED, Ev.ACCEPTED),
    ("MODIFY AMO REQ RECEIVED", Ev.ACCEPTED, Ev.ACCEPTED),
    ("MODIFIED", Ev.ACCEPTED, Ev.ACCEPTED),
    ("NOT MODIFIED", Ev.REPLACE_REJECTED, Ev.REPLACE_REJECTED),
    ("CANCEL PENDING", Ev.ACCEPTED, Ev.ACCEPTED),
    ("NOT CANCELLED", Ev.CANCEL_REJECTED, Ev.CANCEL_REJECTED),
    ("OPEN", Ev.WORKING, Ev.FILL_PART),
    ("TRIGGER PENDING", Ev.WORKING, Ev.FILL_PART),
    ("UPDATE", Ev.WORKING, Ev.FILL_PART),
    ("COMPLETE", Ev.FILL_FULL, Ev.FILL_FULL),
    ("CANCELLED", Ev.CANCELED, Ev.CANCELED),
    ("CANCELLED AMO", Ev.CANCELED, Ev.CANCELED),
    ("REJECTED", Ev.REJECTED, Ev.REJECTED),
    ("SOME NEW WORD", Ev.UNKNOWN, Ev.UNKNOWN),
    ("", Ev.UNKNOWN, Ev.UNKNOWN),
    (None, Ev.UNKNOWN, Ev.UNKNOWN),
    # Seen at brokers and in adapters, in no page of the documentation.
    ("PARTIALLY FILLED", Ev.WORKING, Ev.FILL_PART),
    ("WAITING FOR APPROVAL", Ev.ACCEPTED, Ev.ACCEPTED),
    ("INVALID", Ev.REJECTED, Ev.REJECTED),
    ("LAPSED", Ev.CANCELED, Ev.CANCELED),
    ("trigger_pending", Ev.WORKING, Ev.FILL_PART),
    (" Partially  filled ", Ev.WORKING, Ev.FILL_PART),
    ("Waiting-for-approval", Ev.ACCEPTED, Ev.ACCEPTED),
    ("LAPSED SOMEHOW", Ev.UNKNOWN, Ev.UNKNOWN),
]


def test_no_word_is_untested() -> None:
    assert {word for word, _, _ in WORDS} >= set(EV_OF_STATUS)


@pytest.mark.parametrize(("word", "untouched", "partly"), WORDS)
def test_every_status_word(word: str | None, untouched: Ev, partly: Ev) -> None:
    assert report_of(ROW | {"status": word}, Source.PUSH, 5).ev == untouched
    filled = {"filled_quantity": 25, "average_price": 1500.0}
    report = report_of(ROW | {"status": word} | filled, Source.BOOK, 5)
    assert (report.ev, report.cum_qty, report.source) == (partly, 25, Source.BOOK)


OWN = "OT00002S0000E000000"


@pytest.mark.parametrize(
    ("tag", "tags", "read"),
    [
        (None, ["mktp", "mktp:2.00", OWN], OWN),
        ("mktp", ["mktp", "mktp:2.00", OWN], OWN),
        (None, ["autoslice", OWN, "mktp"], OWN),
        ("", [OWN], OWN),
        (OWN, ["mktp"], OWN),
        (None, ["mktp", "mktp:2.00"], "mktp"),
        (None, None, ""),
        (None, "mktp", ""),
        (None, [None, 7, OWN], OWN),
        (None, ["OT00002S0000X000000"], "OT00002S0000X000000"),
    ],
)
@pytest.mark.parametrize("source", [Source.PUSH, Source.BOOK, Source.POSTBACK])
def test_our_tag_is_found_among_the_brokers_words(
    tag: Any, tags: Any, read: str, source: Source
) -> None:
    """Published order rows with market protection: `tag: null, tags: ["mktp", "mktp:2.00"]`."""
    assert report_of(ROW | {"tag": tag, "tags": tags}, source, 0).cl_ord_id == read
    assert (parse_tag(read) is not None) == (read == OWN)


def test_every_field() -> None:
    report = report_of(ROW, Source.PUSH, 77)
    moment = datetime(2026, 11, 23, 3, 54, 25, tzinfo=UTC)
    assert {name: getattr(report, name) for name in field_names("report_t")} == {
        "cl_ord_id": "K0001ABC",
        "broker_order_id": "1914227164488687616",
        "ev": Ev.WORKING,
        "source": Source.PUSH,
        "side": Side.BUY,
        "order_qty": 75,
        "cum_qty": 0,
        "cum_value_e4": 0,
        "price_e4": 15_000_500,
        "trigger_e4": 0,
        "ord_type": OrdType.LIMIT,
        "triggered": False,
        "reason": Reason.OK,
        "ts_update_ns": int(moment.timestamp()) * 10**9,
        "ts_recv_ns": 77,
        "worth": Worth.NONE,
    }
    assert (report.tradingsymbol, report.exchange, report.product) == ("M&M", "NSE", "MIS")


@pytest.mark.parametrize(
    ("average", "filled", "value_e4"),
    [
        (470, 1, 4_700_000),
        (109.4, 3, 3_282_000),
        ("109.35", "7", 7_654_500),
        (100.033333, 3, 3_001_000),  # 100.00, 100.05, 100.05: exact to the paisa by six decimals
        (1500.0666667, 750, 11_250_500_000),
        (0.05, 1_000_000, 500_000_000),
        (83.5025, 4, 3_340_100),
        (None, None, 0),
        (123456.789, 99_999, 123_455_554_432_110),
    ],
)
def test_filled_value_is_exact(average: Any, filled: Any, value_e4: int) -> None:
    row = ROW | {"average_price": average, "filled_quantity": filled, "quantity": 10**7}
    assert report_of(row, Source.PUSH, 0).cum_value_e4 == value_e4


@pytest.mark.parametrize(
    ("spelled", "read"),
    [(75, 75), (75.0, 75), ("75", 75), ("75.0", 75), (None, 0), ("", 0), (0, 0)],
)
def test_spellings_of_a_quantity(spelled: Any, read: int) -> None:
    assert report_of(ROW | {"quantity": spelled}, Source.PUSH, 0).order_qty == read


@pytest.mark.parametrize(
    "bad",
    [
        {"quantity": 7.5},
        {"quantity": -1},
        {"quantity": "many"},
        {"quantity": True},
        {"quantity": [1]},
        {"filled_quantity": float("nan")},
        {"average_price": "inf"},
        {"price": {}},
        {"order_id": None},
        {"order_id": ""},
        {"order_id": 1.9142271644886876e18},
        {"order_id": ["1"]},
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_field(bad: dict[str, Any]) -> None:
    with pytest.raises(BrokerError, match=next(iter(bad))):
        report_of(ROW | bad, Source.BOOK, 0)


def test_ids_tags_types_sides() -> None:
    def read(**change: Any) -> Any:
        return report_of(ROW | change, Source.PUSH, 0)

    assert read(order_id=1914227164488687616).broker_order_id == "1914227164488687616"
    assert read(tag=None, tags=[]).cl_ord_id == ""
    assert read(tag=None, tags=["T7", "x"]).cl_ord_id == "T7"
    assert read(order_type="SL-M").ord_type == OrdType.SL_M
    assert read(order_type="MARKET").ord_type == OrdType.MARKET
    assert read(order_type="ODD").ord_type == 0
    assert read(transaction_type="SELL").side == Side.SELL
    assert read(transaction_type=None).side == Side.NONE
    assert (
        read(status="REJECTED", status_message="Insufficient funds").reason == Reason.BROKER_MARGIN
    )
    assert (
        read(status="REJECTED", status_message="16283 : Tick size").reason == Reason.EXCHANGE_REJECT
    )
    assert read(status_message="line\nbreak\x00" + "x" * 500).text.startswith("line break")
    assert len(read(status_message="x" * 500).text) == 127


@pytest.mark.parametrize(
    ("kind", "word", "filled", "triggered"),
    [
        ("SL", "TRIGGER PENDING", 0, False),
        ("SL", "OPEN", 0, True),
        ("SL", "OPEN", 10, True),
        ("SL", "UPDATE", 0, False),
        ("SL", "UPDATE", 10, True),
        ("SL-M", "COMPLETE", 75, True),
        ("SL", "OPEN PENDING", 0, False),
        ("SL", "CANCELLED", 0, False),
        ("LIMIT", "OPEN", 10, False),
    ],
)
def test_when_a_stop_has_been_triggered(kind: str, word: str, filled: int, triggered: bool) -> None:
    row = ROW | {"order_type": kind, "status": word, "filled_quantity": filled}
    assert report_of(row, Source.PUSH, 0).triggered is triggered


@pytest.mark.parametrize("text", [None, "", "soon", 17, "0000-00-00 00:00:00"])
def test_no_time_is_zero(text: Any) -> None:
    assert ist_ns(text) == 0


def test_time_is_ist() -> None:
    assert ist_ns("1970-01-01 05:30:01") == 10**9
    assert ist_ns("2026-11-23T09:15:00+0530") == ist_ns("2026-11-23 09:15:00")


@pytest.mark.parametrize("name", ["orders.json", "order_info.json", "postback.json"])
def test_published_objects(name: str) -> None:
    if not (FIXTURES / name).exists():
        pytest.skip(f"NO PUBLISHED FIXTURE beside the repository: ../shared/fixtures/kite/{name}")
    data = json.loads((FIXTURES / name).read_text())
    rows = data.get("data", [data])
    for row in rows:
        report = report_of(row, Source.BOOK, 1)
        assert report.ev != Ev.UNKNOWN and report.broker_order_id == row["order_id"]
        assert report.cum_value_e4 == round(row["average_price"] * row["filled_quantity"] * 10_000)


def test_published_positions_and_funds() -> None:
    if not (FIXTURES / "positions.json").exists():
        pytest.skip(
            "NO PUBLISHED FIXTURE beside the repository: ../shared/fixtures/kite/positions.json"
        )
    rows = json.loads((FIXTURES / "positions.json").read_text())["data"]["net"]
    for row in rows:
        position = position_of(row)
        assert position.net_qty == row["quantity"]
        assert position.buy_value_e4 == round(row["buy_value"] * 10_000)
    margins = json.loads((FIXTURES / "margins.json").read_text())["data"]
    funds = {fund.segment: fund for fund in funds_of(margins)}
    assert set(funds) == {name for name, row in margins.items() if row["enabled"]}
    for name, fund in funds.items():
        assert fund.net_e4 == round(margins[name]["net"] * 10_000)
