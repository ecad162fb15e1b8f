"""Kite's published responses, whole, through the calls that read them. Where they are missing, the
tests say so.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from collections.abc import Awaitable, Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from otrade._core.types import Ev, OrdType, Side, Source
from otrade.brokers.kite.emergency_client import KiteEmergencyClient, holding_of
from otrade.brokers.kite.error_map import answer_of, error_of
from otrade.brokers.kite.reports import report_of
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.session import OrderReport
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.http_connection import HttpResponse
from otrade.errors import BrokerError
from otrade.instruments.kite import KiteInstrumentFile
from tests.harness.scripted_server import ManualClock

FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures" / "kite"
TODAY = dt.date(2026, 11, 23)


def published(name: str) -> bytes:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"NO PUBLISHED FIXTURE beside the repository: ../shared/fixtures/kite/{name}")
    return path.read_bytes()


def asked(name: str, ask: Callable[[KiteRest], Awaitable[Any]]) -> tuple[Any, Any]:
    """What our client makes of the published answer, and the answer's data as plain JSON."""
    body = published(name)

    class Published(KiteRest):
        async def _exchange(self, request: bytes) -> HttpResponse:
            return HttpResponse(200, {"content-type": "application/json"}, body)

    async def work() -> Any:
        return await ask(
            Published(parse("https://api.kite.trade", ("https",)), "key", clock=ManualClock())
        )

    return asyncio.run(work()), json.loads(body)["data"]


ROWS: list[tuple[str, Callable[[KiteRest], Awaitable[Any]]]] = [
    ("profile.json", lambda rest: rest.profile()),
    ("orders.json", lambda rest: rest.orders()),
    ("order_info.json", lambda rest: rest.order_history("1")),
    ("trades.json", lambda rest: rest.trades()),
    ("holdings.json", lambda rest: rest.holdings()),
    ("margins.json", lambda rest: rest.margins()),
    ("quote.json", lambda rest: rest.quote(["NSE:INFY"])),
    ("ltp.json", lambda rest: rest.quote(["NSE:INFY"], "ltp")),
    ("generate_session.json", lambda rest: rest.generate_session("token", "secret")),
]


@pytest.mark.parametrize(("name", "ask"), ROWS, ids=[name for name, _ in ROWS])
def test_published_answers_come_out_whole(
    name: str, ask: Callable[[KiteRest], Awaitable[Any]]
) -> None:
    read, data = asked(name, ask)
    assert read == data and len(read) > 0


def test_positions() -> None:
    read, data = asked("positions.json", lambda rest: rest.positions())
    assert read == {"net": data["net"], "day": data["day"]}


@pytest.mark.parametrize("name", ["orders.json", "order_info.json"])
def test_every_order_becomes_a_report_with_its_own_numbers(name: str) -> None:
    for row in json.loads(published(name))["data"]:
        report = report_of(row, Source.BOOK, 5)
        assert (report.side, report.order_qty, report.cum_qty) == (
            Side[row["transaction_type"]],
            row["quantity"],
            row["filled_quantity"],
        )
        assert report.price_e4 == round(row["price"] * 10_000) and report.trigger_e4 == round(
            row["trigger_price"] * 10_000
        )
        tag = row["tag"] or next(iter(row.get("tags") or ()), "")
        assert (report.cl_ord_id, report.instrument_token) == (tag, row["instrument_token"])


def test_holdings_keep_what_was_bought_yesterday() -> None:
    for row in json.loads(published("holdings.json"))["data"]:
        held = holding_of(row)
        assert held.qty == row["quantity"] + row["t1_quantity"]
        assert held.pledged_qty == row["collateral_quantity"]
        assert held.mtf_qty == (row.get("mtf") or {}).get("quantity", 0)
        assert held.avg_px_e4 == int(
            (Decimal(str(row["average_price"])) * 10_000).to_integral_value(ROUND_HALF_UP)
        )


def test_an_order_is_taken_and_slices_are_told_one_by_one() -> None:
    for name in ("order_response.json", "order_cancel.json"):
        body = published(name)
        answer = answer_of(200, body)
        assert (answer.outcome, answer.broker_order_id) == (
            Ev.ACK,
            json.loads(body)["data"]["order_id"],
        )
    body = published("autoslice_response.json")
    answer = answer_of(200, body)
    assert answer.broker_order_id == json.loads(body)["data"]["order_id"]
    assert answer.outcome == Ev.ACK and "Insufficient funds" in answer.text, (
        "the slice that failed is not kept quiet"
    )


def test_the_published_quote_is_read_by_hand() -> None:
    body = published("quote.json")
    data = json.loads(body)["data"]["NSE:INFY"]
    like = OrderReport(
        "", "", Ev.UNKNOWN, Source.BOOK, Side.NONE, 0, 0, 0, 0, 0, OrdType.LIMIT, False, 0, 0, 0, 408065, "NSE", "INFY", "MIS", "", "", {}
    )  # fmt: skip

    async def work() -> Any:
        client = KiteEmergencyClient(
            parse("https://api.kite.trade", ("https",)),
            "key",
            "",
            clock=ManualClock(),
            timeout_ns=1,
        )

        async def exchange(request: bytes) -> HttpResponse:
            return HttpResponse(200, {}, body)

        client._rest._exchange = exchange
        return await client.quote(like)

    quote = asyncio.run(work())
    assert quote.ltp_e4 == round(data["last_price"] * 10_000)
    band = data["lower_circuit_limit"], data["upper_circuit_limit"]
    assert (quote.band_lo_e4, quote.band_hi_e4) == tuple(round(px * 10_000) for px in band)


def test_every_row_of_the_published_instruments() -> None:
    dump = published("instruments_nse.csv")
    file = KiteInstrumentFile(dump)
    rows = list(csv.DictReader(io.StringIO(dump.decode())))
    assert len(rows) > 90
    read = 0
    for row in rows:
        if (
            row["instrument_type"] != "EQ"
            or row["segment"] != "NSE"
            or float(row["tick_size"]) <= 0
        ):
            continue
        found = file.find(f"NSE:{row['tradingsymbol']}", TODAY)
        assert (found.token, found.lot_size, found.tick_size_e4) == (
            int(row["instrument_token"]), int(row["lot_size"]), round(float(row["tick_size"]) * 10_000)
        )  # fmt: skip
        read += 1
    assert read > 50


def test_an_error_in_a_published_answers_place_is_named() -> None:
    error = error_of(
        403,
        b'{"status":"error","message":"Incorrect `api_key` or `access_token`.","error_type":"TokenException"}',
    )
    assert isinstance(error, BrokerError) and "TokenException" in str(error)
