"""What goes wrong with Kite's requests goes wrong with Upstox's as well, in its words; the
exchange's books stay exact.
"""

import asyncio
from typing import Any

import orjson
import pytest

from otrade.simulator.faults.requests import AnswerFault, RequestFault
from tests.simulator.kite.kite_client import KiteHttpClient
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account

PLACE = ("POST", "/v3/order/place")


@pytest.mark.parametrize("how", ["504", "502_html", "reset", "silence", "slow", "cut"])
def test_a_placement_whose_answer_suffers_was_carried_out(how: AnswerFault) -> None:
    async def work(s: UpstoxAccount) -> None:
        said: list[str] = []
        s.faults.answer_wrongly(
            how,
            method="POST",
            path_prefix="/v3/order/place",
            body='"tag":"T2"',
            delay_ns=10**9,
            then=lambda: said.append(how),
        )
        assert isinstance(await s.attempt(*PLACE, body=s.terms()), tuple), "another tag"
        got = await s.attempt(*PLACE, body=s.terms(tag="T2"), seconds=1.5)
        if how == "504":
            assert (
                isinstance(got, tuple)
                and got[0] == 504
                and got[1]["errors"][0]["errorCode"] == "UDAPI100500"
            )
        elif how == "502_html":
            assert isinstance(got, tuple) and got[0] == 502 and b"<html>" in got[1]
        elif how == "slow":
            assert isinstance(got, tuple) and got[0] == 200
        else:
            assert got == ("silence" if how == "silence" else "lost")
        assert [order.tag for order in s.orders] == ["T1", "T2"] and said == [how]
        assert s.faults.seen == {f"answer_{how}": 1}

    upstox_account(work)


@pytest.mark.parametrize("how", ["reset", "silence", "503", "429", "500"])
def test_a_lost_request_is_not_carried_out(how: RequestFault) -> None:
    async def work(s: UpstoxAccount) -> None:
        s.faults.lose_request(how, path_prefix="/v3/order")
        got = await s.attempt(*PLACE, body=s.terms())
        if how in ("reset", "silence"):
            assert got == ("lost" if how == "reset" else "silence")
        else:
            code = "UDAPI10005" if how == "429" else "UDAPI100500"
            assert isinstance(got, tuple) and (got[0], got[1]["errors"][0]["errorCode"]) == (
                int(how),
                code,
            )
        assert s.orders == [] and s.faults.seen == {f"lose_{how}": 1}
        await s.place()

    upstox_account(work)


@pytest.mark.parametrize(
    ("status", "error_type", "told"),
    [
        (403, "UDAPI1154", (403, "UDAPI1154")),
        (400, "InputException", (400, "UDAPI100036")),
        (403, "token", (401, "UDAPI100050")),
        (503, "NetworkException", (503, "UDAPI100500")),
    ],
)
def test_the_next_requests_are_refused(status: int, error_type: str, told: tuple[int, str]) -> None:
    async def work(s: UpstoxAccount) -> None:
        s.faults.fail_next(status, error_type, "because", path_prefix="/v2/order")
        assert (await s.refusal("GET", "/v2/order/retrieve-all"))[:2] == told
        assert await s.data("GET", "/v2/order/retrieve-all") == []

    upstox_account(work)


def test_a_half_open_line_carries_nothing() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.ask("GET", "/v2/user/profile")
        s.faults.half_open(5 * 10**9)
        task: Any = await _silent(s)
        assert s.orders == []
        await s.wait(5)
        s.http.close()
        task.cancel()
        await s.place()

    upstox_account(work)


async def _silent(s: UpstoxAccount) -> Any:
    task = asyncio.ensure_future(s.http.ask(*PLACE, body=s.terms()))
    await s.wait(2)
    assert not task.done()
    return task


def test_a_stale_book() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.market(1)
        await s.wait(5)
        s.faults.stale_book(1, 10**10)
        assert await s.data("GET", "/v2/order/retrieve-all") == []
        (row,) = await s.data("GET", "/v2/order/retrieve-all")
        assert (row["order_id"], row["status"]) == (order_id, "complete")

    upstox_account(work)


def test_the_day_is_capped_and_exits_are_rejected() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.market(1)
        await s.wait(1)
        s.faults.reject_exits(1)
        s.faults.cap_day(1)
        await s.market(1, "SELL")
        await s.wait(1)
        rows = await s.data("GET", "/v2/order/retrieve-all")
        assert [row["status"] for row in rows] == ["complete", "rejected"] and "risk desk" in rows[
            1
        ]["status_message"]
        assert await s.refusal(*PLACE, body=s.terms()) == (429, "UDAPI10005", None)

    upstox_account(work)


def test_both_brokers_show_the_same_orders() -> None:
    async def work(s: UpstoxAccount) -> None:
        kite = KiteHttpClient(s.ports.rest, s.sim.issue_access_token())
        first = await s.place(3)
        form = {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "product": "CNC",
            "order_type": "MARKET",
            "quantity": 2,
            "market_protection": -1,
            "validity": "DAY",
            "tag": "K1",
        }
        status, told = await s.sim.during(kite.ask("POST", "/orders/regular", form))
        assert status == 200
        await s.wait(1)
        _, body = await s.sim.during(kite.ask("GET", "/orders"))
        ours, theirs = await s.data("GET", "/v2/order/retrieve-all"), body["data"]
        kite.close()
        assert (
            [row["order_id"] for row in ours]
            == [row["order_id"] for row in theirs]
            == [first, told["data"]["order_id"]]
        )
        for row, other in zip(ours, theirs, strict=True):
            assert row["status"] == other["status"].lower() and row["instrument_token"] == INFY
            for name in (
                "quantity",
                "filled_quantity",
                "pending_quantity",
                "average_price",
                "price",
                "exchange_order_id",
            ):
                assert row[name] == other[name]
            assert row["tag"] in (other["tag"], *other["tags"]), "Kite puts its own words first"
        assert [
            (row["product"], other["product"]) for row, other in zip(ours, theirs, strict=True)
        ] == [("I", "MIS"), ("D", "CNC")]

    upstox_account(work, broker="both")


def test_a_target_that_cannot_be_read_is_refused_in_its_words() -> None:
    async def work(s: UpstoxAccount) -> None:
        status, _, body = await s.sim.during(
            s.http.raw(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n")
        )
        assert (
            status in (400, 404)
            and orjson.loads(body)["status"] == "error"
            and b"errorCode" in body
        )

    upstox_account(work)
