"""Upstox's order object, answers and errors, in every documented word."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from otrade._core.types import Ev, OrdType, Reason, Side, Source
from otrade.brokers.kite.emergency_client import holding_of as kite_holding
from otrade.brokers.session import ListedInstrument
from otrade.brokers.upstox.emergency_client import holding_of as upstox_holding
from otrade.brokers.upstox.error_map import answer_of, error_of
from otrade.brokers.upstox.login import code_of, login_url
from otrade.brokers.upstox.reports import EV_OF_STATUS, funds_of, position_of, report_of, time_ns
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.errors import BrokerError, NetworkError, RateLimitError, TokenError

LISTING = SymbolMap([ListedInstrument(408065, "NSE_EQ|INE009A01021", "NSE", "INFY")])
ROW: dict[str, Any] = {
    "exchange": "NSE", "product": "I", "price": 1500.05, "quantity": 75, "status": "open", "tag": "OT00002S0000E000000",
    "instrument_token": "NSE_EQ|INE009A01021", "placed_by": "AB1234", "trading_symbol": "INFY-EQ", "order_type": "LIMIT",
    "validity": "DAY", "trigger_price": 0.0, "disclosed_quantity": 0, "transaction_type": "BUY", "average_price": 0.0,
    "filled_quantity": 0, "pending_quantity": 75, "status_message": None, "order_id": "240108010445130", "variety": "SIMPLE",
    "order_timestamp": "2026-11-23 09:24:24", "exchange_timestamp": "2026-11-23 09:24:25", "is_amo": False,
}  # fmt: skip
AT_NS = int(datetime(2026, 11, 23, 3, 54, 25, tzinfo=UTC).timestamp()) * 10**9
# What the reference says of every documented word: (word, untouched, with 25 of 75 filled).
WORDS = [
    ("put order req received", Ev.ACCEPTED, Ev.ACCEPTED), ("validation pending", Ev.ACCEPTED, Ev.ACCEPTED),
    ("open pending", Ev.ACCEPTED, Ev.ACCEPTED), ("modify validation pending", Ev.ACCEPTED, Ev.ACCEPTED),
    ("modify pending", Ev.ACCEPTED, Ev.ACCEPTED), ("modified", Ev.ACCEPTED, Ev.ACCEPTED), ("cancel pending", Ev.ACCEPTED, Ev.ACCEPTED),
    ("after market order req received", Ev.ACCEPTED, Ev.ACCEPTED), ("modify after market order req received", Ev.ACCEPTED, Ev.ACCEPTED),
    ("not modified", Ev.REPLACE_REJECTED, Ev.REPLACE_REJECTED), ("not cancelled", Ev.CANCEL_REJECTED, Ev.CANCEL_REJECTED),
    ("open", Ev.WORKING, Ev.FILL_PART), ("trigger pending", Ev.WORKING, Ev.FILL_PART), ("complete", Ev.FILL_FULL, Ev.FILL_FULL),
    ("cancelled", Ev.CANCELED, Ev.CANCELED), ("cancelled after market order", Ev.CANCELED, Ev.CANCELED),
    ("partially filled", Ev.WORKING, Ev.FILL_PART), ("update", Ev.WORKING, Ev.FILL_PART),
    ("waiting for approval", Ev.ACCEPTED, Ev.ACCEPTED), ("invalid", Ev.REJECTED, Ev.REJECTED), ("lapsed", Ev.CANCELED, Ev.CANCELED),
    ("amo req received", Ev.ACCEPTED, Ev.ACCEPTED), ("cancelled amo", Ev.CANCELED, Ev.CANCELED),
    ("partially_filled", Ev.WORKING, Ev.FILL_PART), ("waiting  for-approval", Ev.ACCEPTED, Ev.ACCEPTED),
    ("rejected", Ev.REJECTED, Ev.REJECTED), ("some new word", Ev.UNKNOWN, Ev.UNKNOWN), (None, Ev.UNKNOWN, Ev.UNKNOWN),
]  # fmt: skip


def report(**changes: Any) -> Any:
    return report_of(ROW | changes, Source.PUSH, 7, LISTING)


@pytest.mark.parametrize(("word", "untouched", "partly"), WORDS)
def test_status(word: str | None, untouched: Ev, partly: Ev) -> None:
    assert report(status=word).ev == untouched
    assert report(status=word, filled_quantity=25, average_price=1500.0).ev == partly
    if word:
        assert report(status=f" {word.upper()} ").ev == untouched, (
            "case and blanks are not what is meant"
        )


def test_no_word_is_untested() -> None:
    assert {word for word, _, _ in WORDS} >= set(EV_OF_STATUS)


def test_our_tag_is_found_wherever_it_stands() -> None:
    assert report(tag=None).cl_ord_id == "", "then the broker's order id tells whose it is"
    assert report(tag="algo", tags=["algo", ROW["tag"]]).cl_ord_id == ROW["tag"]


@pytest.mark.parametrize(
    "words",
    [
        "Insufficient funds. Required margin is 1,200.00", "RMS:Margin Exceeds, Required:17265.75, Available:1200.00 for entity account",
        "RMS: Margin Shortfall:INR 1,234.00 Available:INR 0.00", "You need to add Rs. 250.75 in your account to place this trade.",
        "There are not enough balance in the account", "Not sufficient funds",
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", ["UDAPI100036", "UDAPI1999", ""])
def test_too_little_money_is_named_so_under_any_code(words: str, code: str) -> None:
    body = json.dumps(
        {"status": "error", "errors": [{"errorCode": code, "message": words}]}
    ).encode()
    for status in (400, 403, 422):
        assert (answer_of(status, body).outcome, answer_of(status, body).reason) == (
            Ev.REFUSED,
            Reason.BROKER_MARGIN,
        )
    assert report(status="rejected", status_message=words).reason == Reason.BROKER_MARGIN
    assert answer_of(500, body).outcome == Ev.TIMEOUT, "a gate that failed has refused nothing"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Market protection is needed", "UDAPI1158"),
        ("Margin trading (MTF) is not allowed for this share", ""),
    ],
)
def test_other_refusals_are_no_matter_of_money(words: str, code: str) -> None:
    body = json.dumps({"errors": [{"errorCode": code, "message": words}]}).encode()
    assert answer_of(400, body).reason == Reason.BROKER_INPUT
    assert report(status="rejected", status_message=words).reason == Reason.EXCHANGE_REJECT


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("UDAPI1040", Reason.BROKER_INPUT), ("UDAPI1161", Reason.BROKER_PERMISSION), ("UDAPI100057", Reason.MARKET_HALTED),
        ("UDAPI100060", Reason.BROKER_INPUT),
    ],
)  # fmt: skip
def test_codes_that_no_page_lists(code: str, reason: Reason) -> None:
    body = json.dumps({"errors": [{"errorCode": code, "message": "x"}]}).encode()
    assert (answer_of(400, body).outcome, answer_of(400, body).reason) == (Ev.REFUSED, reason)


def test_fields() -> None:
    got = report(filled_quantity=25, average_price=1499.95, order_type="SL", trigger_price=1490)
    assert (got.cl_ord_id, got.broker_order_id, got.side) == (
        "OT00002S0000E000000",
        "240108010445130",
        Side.BUY,
    )
    assert (got.order_qty, got.cum_qty, got.cum_value_e4) == (75, 25, 25 * 14_999_500)
    assert (got.price_e4, got.trigger_e4, got.ord_type, got.triggered) == (
        15_000_500,
        14_900_000,
        OrdType.SL,
        True,
    )
    assert (got.ts_update_ns, got.instrument_token, got.exchange, got.tradingsymbol) == (
        AT_NS,
        408065,
        "NSE",
        "INFY",
    )
    assert (got.product, got.source) == ("MIS", Source.PUSH)


def test_an_order_of_another_instrument_keeps_the_brokers_words() -> None:
    got = report(
        instrument_token="NSE_FO|53001",
        exchange="NFO",
        trading_symbol="NIFTY FUT 29 DEC 26",
        product="D",
    )
    assert (got.instrument_token, got.exchange, got.tradingsymbol, got.product) == (
        0,
        "NFO",
        "NIFTY FUT 29 DEC 26",
        "NRML",
    )


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-23 09:24:25", AT_NS), ("23-Nov-2026 09:24:25", AT_NS), ("", 0), (None, 0), (5, 0), ("soon", 0),
        ("31-Foo-2026 01:02:03", 0),
    ],
)  # fmt: skip
def test_times_in_both_forms(text: object, ns: int) -> None:
    assert time_ns(text) == ns


@pytest.mark.parametrize("number", [75, "75", 75.0, "75.0"])
def test_numbers_in_any_spelling(number: object) -> None:
    assert report(quantity=number).order_qty == 75


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "many"},
        {"quantity": -1},
        {"quantity": 1.5},
        {"price": "NaN"},
        {"order_id": None},
        {"order_id": 1.5e14},
        {"filled_quantity": True},
    ],
)
def test_a_row_that_cannot_be_read_is_no_proof(change: dict[str, Any]) -> None:
    with pytest.raises(BrokerError):
        report(**change)


def test_rejections_say_why() -> None:
    assert (
        report(status="rejected", status_message="Insufficient funds").reason
        == Reason.BROKER_MARGIN
    )
    assert (
        report(status="rejected", status_message="Price out of range").reason
        == Reason.EXCHANGE_REJECT
    )


def test_positions_and_funds() -> None:
    row = {
        "instrument_token": "NSE_EQ|INE009A01021", "exchange": "NSE", "product": "I", "quantity": -5, "average_price": None,
        "day_buy_quantity": 10, "day_buy_value": 15000.5, "day_sell_quantity": 15, "day_sell_value": "22500", "last_price": 1501.25,
        "multiplier": 1.0,
    }  # fmt: skip
    got = position_of(row, LISTING)
    assert (got.instrument_token, got.product, got.net_qty) == (408065, "MIS", -5)
    assert (got.buy_qty, got.buy_value_e4, got.sell_qty, got.sell_value_e4) == (
        10,
        150_005_000,
        15,
        225_000_000,
    )
    assert (got.ltp_e4, got.multiplier) == (15_012_500, 1)
    (equity,) = funds_of(
        {"equity": {"available_margin": 1000.5, "used_margin": None}, "commodity": None}
    )
    assert (equity.segment, equity.net_e4, equity.used_e4) == ("equity", 10_005_000, 0)


def test_holdings_of_both_brokers_mean_the_same() -> None:
    kite = {
        "exchange": "BSE", "tradingsymbol": "AARON", "isin": "INE721Z01010", "quantity": 1, "t1_quantity": 2, "average_price": 161,
        "last_price": 352.95,
    }  # fmt: skip
    upstox = {
        **kite,
        "quantity": 3,
        "trading_symbol": "AARON",
        "instrument_token": "BSE_EQ|INE721Z01010",
    }
    assert kite_holding(kite) == upstox_holding(upstox)
    assert upstox_holding(upstox).qty == 3
    for read in (kite_holding, upstox_holding):
        with pytest.raises(BrokerError):
            read({**upstox, "quantity": "some"})


def error(code: str, message: str = "no", *, snake: bool = False) -> bytes:
    return json.dumps(
        {
            "status": "error",
            "errors": [{"error_code" if snake else "errorCode": code, "message": message}],
        }
    ).encode()


@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize(
    ("status", "code", "outcome", "reason"),
    [
        (401, "UDAPI100050", Ev.REFUSED, Reason.BROKER_TOKEN), (403, "UDAPI1154", Ev.REFUSED, Reason.BROKER_PERMISSION),
        (429, "UDAPI10005", Ev.REFUSED, Reason.BROKER_RATE), (400, "UDAPI1158", Ev.REFUSED, Reason.BROKER_INPUT),
        (400, "UDAPI100011", Ev.REFUSED, Reason.BROKER_INPUT), (400, "UDAPI100040", Ev.REFUSED, Reason.BROKER_BUSY),
        (400, "UDAPI100041", Ev.REFUSED, Reason.BROKER_BUSY),
        (400, "NEW1", Ev.REFUSED, Reason.BROKER_INPUT), (403, "NEW2", Ev.REFUSED, Reason.BROKER_PERMISSION),
        (423, "UDAPI100072", Ev.TIMEOUT, Reason.BROKER_NETWORK), (500, "UDAPI100500", Ev.TIMEOUT, Reason.BROKER_OTHER),
        (503, "", Ev.TIMEOUT, Reason.BROKER_OTHER),
    ],
)  # fmt: skip
def test_answers_to_orders(
    status: int, code: str, outcome: Ev, reason: Reason, snake: bool
) -> None:
    got = answer_of(status, error(code, snake=snake))
    assert (got.outcome, got.reason) == (outcome, reason) and code in got.text


def test_a_margin_refusal_is_told_by_its_words() -> None:
    assert answer_of(400, error("UDAPI1099", "Insufficient margin")).reason == Reason.BROKER_MARGIN


@pytest.mark.parametrize(
    ("body", "order_id"),
    [
        ({"status": "success", "data": {"order_ids": ["1"]}, "metadata": {"latency": 30}}, "1"),
        ({"status": "success", "data": {"order_id": "2"}}, "2"),
        ({"status": "partial_success", "data": {"order_ids": ["3", "4"]}}, "3"),
    ],
)
def test_success_names_the_order(body: dict[str, Any], order_id: str) -> None:
    got = answer_of(200, json.dumps(body).encode())
    assert (got.outcome, got.broker_order_id) == (Ev.ACK, order_id)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"status":"success"}',
        b'{"status":"success","data":{"order_ids":[]}}',
        b'{"data":{"order_id":"1"}}',
    ],
)
def test_a_success_that_names_no_order_is_in_doubt(body: bytes) -> None:
    assert answer_of(200, body).outcome == Ev.TIMEOUT


@pytest.mark.parametrize(
    "body", [b"<html>502</html>", b"", b'{"errors":"x"}', b'{"errors":[7]}', b"null"]
)
def test_an_error_that_is_not_theirs_is_in_doubt_from_500_and_named_below(body: bytes) -> None:
    assert answer_of(502, body).outcome == Ev.TIMEOUT
    assert answer_of(400, body).outcome == Ev.REFUSED
    assert isinstance(error_of(502, body), NetworkError)


def test_questions_raise_what_it_means() -> None:
    assert isinstance(error_of(401, error("UDAPI100050")), TokenError)
    assert isinstance(error_of(429, error("UDAPI10005")), RateLimitError)
    assert type(error_of(400, error("UDAPI100011"))) is BrokerError


def test_login_words() -> None:
    url = login_url("key", "http://127.0.0.1:8000/login/callback", "st&te")
    assert (
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Flogin%2Fcallback" in url
        and "state=st%26te" in url
    )
    assert code_of("http://127.0.0.1:8000/login/callback?code=mk404x&state=s") == "mk404x"
    with pytest.raises(BrokerError, match="log in again"):
        code_of("http://127.0.0.1:8000/login/callback?error=denied")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Order cannot be modified as it is being processed. Try later.", Reason.BROKER_BUSY),
        ("Maximum allowed order modifications exceeded.", Reason.MODIFY_CAP),
        ("Invalid `quantity`.", Reason.BROKER_INPUT),
    ],
)
def test_words_count_where_no_code_is_documented(message: str, reason: Reason) -> None:
    got = answer_of(400, error("UDAPI100036", message))
    assert (got.outcome, got.reason) == (Ev.REFUSED, reason)
