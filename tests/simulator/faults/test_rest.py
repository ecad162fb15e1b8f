"""Requests that are lost, and answers that are: what the client sees, and what the exchange knows."""

import asyncio
from typing import Any, get_args

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.faults.requests import AnswerFault, RequestFault
from otrade.simulator.kite.rest.rows import order_row
from tests.harness.waiting import until
from tests.simulator.kite.kite_account import KEY, KiteAccount, Outcome, kite_account
from tests.simulator.kite.kite_client import KiteHttpClient

ANSWERS: dict[str, Any] = {
    "504": 504,
    "502_html": 502,
    "reset": "lost",
    "silence": "silence",
    "slow": "silence",
    "cut": "lost",
}
REQUESTS: dict[str, Any] = {
    "reset": "lost",
    "silence": "silence",
    "503": 503,
    "429": 429,
    "500": 500,
}


def brief(outcome: Outcome) -> Any:
    return outcome if isinstance(outcome, str) else outcome[0]


@pytest.mark.parametrize("how", [how for how in get_args(AnswerFault) if how != "late"])
def test_the_order_lives_and_its_answer_does_not(how: AnswerFault) -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.answer_wrongly(
            how, method="POST", path_prefix="/orders", delay_ns=5 * NS_PER_S if how == "slow" else 0
        )
        assert s.faults.pending
        outcome = await s.attempt("POST", "/orders/regular", s.form())
        assert brief(outcome) == ANSWERS[how]
        if how == "502_html":
            assert b"<html>" in outcome[1]
        assert [order.status for order in s.orders] == ["OPEN"]
        assert s.faults.seen == {f"answer_{how}": 1} and not s.faults.pending
        # Only that one: the next order is answered, and the book shows both.
        await s.buy()
        await s.wait(1)
        assert [row["status"] for row in await s.data("GET", "/orders")] == ["OPEN", "OPEN"]

    kite_account(work)


def test_a_slow_answer_comes_late_and_whole() -> None:
    async def work(s: KiteAccount) -> None:
        for method, path, params in (
            ("POST", "/orders/regular", s.form()),
            ("GET", "/orders", None),
        ):
            s.faults.answer_wrongly("slow", method=method, delay_ns=5 * NS_PER_S)
            before_ns = s.sim.clock.now_ns()
            assert (await s.ask(method, path, params))[0] == 200
            assert 5 * NS_PER_S < s.sim.clock.now_ns() - before_ns < 6 * NS_PER_S

    kite_account(work)


def test_an_order_is_taken_long_after_its_answer() -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.answer_wrongly("late", method="POST", path_prefix="/orders", delay_ns=9 * NS_PER_S)
        assert (await s.ask("POST", "/orders/regular", s.form()))[0] == 504
        await s.wait(8)
        assert s.orders == [] and await s.data("GET", "/orders") == []
        await s.wait(2)
        assert [order.status for order in s.orders] == ["OPEN"]
        assert [row["status"] for row in await s.data("GET", "/orders")] == ["OPEN"]
        assert s.faults.seen == {"answer_late": 1} and not s.faults.pending

    kite_account(work)


@pytest.mark.parametrize("how", get_args(RequestFault))
def test_a_lost_request_is_not_carried_out(how: RequestFault) -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.lose_request(how, count=2, method="POST", path_prefix="/orders")
        for _ in range(2):
            assert brief(await s.attempt("POST", "/orders/regular", s.form())) == REQUESTS[how]
        assert s.orders == []
        assert s.faults.seen == {f"lose_{how}": 2} and not s.faults.pending
        await s.buy()
        assert len(s.orders) == 1

    kite_account(work)


def test_faults_wait_for_their_method_and_path() -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.lose_request("503", method="DELETE", path_prefix="/orders")
        s.faults.answer_wrongly("504", method="PUT")
        order_id = await s.buy()
        await s.data("GET", "/orders")
        await s.wait(1)
        assert (
            brief(
                await s.ask(
                    "PUT",
                    f"/orders/regular/{order_id}",
                    {"order_type": "LIMIT", "price": round(s.ltp - 30)},
                )
            )
            == 504
        )
        await s.wait(1)
        assert s.orders[0].modifications == 1
        assert brief(await s.ask("DELETE", f"/orders/regular/{order_id}")) == 503
        await s.wait(1)
        assert s.orders[0].status == "OPEN"
        await s.data("DELETE", f"/orders/regular/{order_id}")
        await s.wait(1)
        assert s.orders[0].status == "CANCELLED"

    kite_account(work)


def test_an_answer_is_picked_by_what_was_asked() -> None:
    called: list[int] = []

    async def work(s: KiteAccount) -> None:
        s.faults.answer_wrongly(
            "504", method="POST", body="quantity=2&", then=lambda: called.append(len(s.orders))
        )
        await s.buy(1)
        assert not called
        assert brief(await s.ask("POST", "/orders/regular", s.form(2))) == 504
        assert called == [1] and [order.terms.quantity for order in s.orders] == [1, 2]

    kite_account(work)


def test_half_open_swallows_requests_and_answers_under_way() -> None:
    async def work(s: KiteAccount) -> None:
        # The answer to an order leaves 28 ms after the order system saw it at the earliest: it
        # falls into the hole.
        await s.ask("GET", "/user/profile")
        s.sim.clock.schedule(
            s.sim.clock.now_ns() + 30_000_000, lambda: s.faults.half_open(10 * NS_PER_S)
        )
        under_way = asyncio.ensure_future(s.http.ask("POST", "/orders/regular", s.form()))
        await s.wait(1)
        assert len(s.orders) == 1 and not under_way.done()
        fresh = KiteHttpClient(s.ports.rest, s.token)
        within = asyncio.ensure_future(fresh.ask("POST", "/orders/regular", s.form()))
        await until(  # a connect takes wall time
            lambda: s.faults.seen["half_open_request"], step=lambda: s.wait(0.001)
        )
        await s.wait(12)
        assert not s.faults.is_half_open
        assert not under_way.done() and not within.done() and len(s.orders) == 1
        for task in (under_way, within):
            task.cancel()
        await asyncio.gather(under_way, within, return_exceptions=True)
        fresh.close()
        s.http.close()
        await s.buy()
        assert len(s.orders) == 2
        assert s.faults.seen == {"half_open": 1, "half_open_request": 1}

    kite_account(work)


def test_exits_are_rejected_by_the_risk_system() -> None:
    async def work(s: KiteAccount) -> None:
        s.sim.exchange.place_manual(KEY, 1, 10)
        await s.wait(1)
        assert s.sim.exchange.net_qty() == {KEY: 10}
        s.faults.reject_exits(2)
        await s.buy()  # no exit
        trigger = round(s.ltp - 30)
        await s.buy(10, -20, transaction_type="SELL")
        await s.buy(
            10, order_type="SL", trigger_price=trigger, price=trigger - 5, transaction_type="SELL"
        )
        await s.buy(10, -20, transaction_type="SELL")
        await s.wait(1)
        assert [order.status for order in s.orders] == [
            "COMPLETE",
            "OPEN",
            "REJECTED",
            "REJECTED",
            "OPEN",
        ]
        rejected = (await s.data("GET", "/orders"))[2]
        assert rejected["status_message"].startswith("RMS:") and rejected["filled_quantity"] == 0
        assert s.faults.seen == {"reject_exits": 2} and not s.faults.pending

    kite_account(work)


def test_the_book_is_shown_as_it_was() -> None:
    async def work(s: KiteAccount) -> None:
        order_id = await s.buy()
        await s.wait(5)
        shown = (await s.data("GET", "/orders"))[0]
        await s.data("DELETE", f"/orders/regular/{order_id}")
        await s.buy()
        await s.wait(1)
        s.faults.stale_book(2, 3 * NS_PER_S)
        for _ in range(2):
            assert await s.data("GET", "/orders") == [shown]
        assert [row["status"] for row in await s.data("GET", "/orders")] == ["CANCELLED", "OPEN"]
        assert s.faults.seen == {"stale_book": 2} and not s.faults.pending

    kite_account(work)


def test_a_stale_book_has_only_the_words_of_a_book() -> None:
    """A partial fill is pushed as UPDATE; no book ever shows that word."""

    async def work(s: KiteAccount) -> None:
        s.faults.cut_fills(True)
        order_id = await s.buy(100_000, -5)
        shown: list[tuple[int, Any]] = []
        for _ in range(20):
            await s.wait(0.5)
            shown.append((s.sim.clock.now_ns(), (await s.data("GET", "/orders"))[0]))
        assert {row["status"] for _, row in shown} <= {"OPEN", "COMPLETE"}
        assert len({row["filled_quantity"] for _, row in shown}) > 3, (
            "it should have traded in pieces"
        )
        for ts_ns, row in shown:
            was = s.sim.exchange.order(order_id).as_told(ts_ns + 1_000_000)
            assert was is not None
            assert (was.status, was.filled_qty, order_row(was).keys()) == (
                row["status"],
                row["filled_quantity"],
                row.keys(),
            )

    kite_account(work, funds_rupees=1e10)


def test_an_order_takes_so_many_modifications_and_no_more() -> None:
    async def work(s: KiteAccount) -> None:
        order_id = await s.buy()
        s.faults.cap_modifications(2)
        for i in range(4):
            await s.wait(1)
            status, body = await s.ask(
                "PUT",
                f"/orders/regular/{order_id}",
                {"order_type": "LIMIT", "price": round(s.ltp - 30 - i)},
            )
            assert status == (200 if i < 2 else 400)
        assert "Maximum allowed order modifications" in body["message"]
        assert s.orders[0].modifications == 2 and s.faults.seen == {"cap_modifications": 2}
        s.faults.clear()
        await s.data(
            "PUT",
            f"/orders/regular/{order_id}",
            {"order_type": "LIMIT", "price": round(s.ltp - 40)},
        )

    kite_account(work)


def test_the_cap_of_the_day() -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.cap_day(1)
        order_id = await s.buy()
        for _ in range(2):
            status, body = await s.ask("POST", "/orders/regular", s.form())
            assert (status, body["error_type"]) == (
                429,
                "NetworkException",
            ) and "for the day" in body["message"]
        await s.wait(1)
        await s.data("DELETE", f"/orders/regular/{order_id}")  # a cancel is no placement
        assert len(s.orders) == 1 and s.faults.seen == {"cap_day": 2}

    kite_account(work)
