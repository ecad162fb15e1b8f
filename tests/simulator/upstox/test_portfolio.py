"""Upstox's portfolio stream over a real socket, whole and with everything that can happen to a
push.
"""

import json
from typing import Any

import pytest
from picows import WSMsgType

from otrade.simulator.base.config import NS_PER_S, DelayRange, LatencyConfig
from otrade.simulator.faults.pushes import UNKNOWN_STATUS
from otrade.simulator.upstox.rest.settings import UpstoxSettings
from tests.simulator.upstox.test_orders import ORDER_FIELDS
from tests.simulator.upstox.test_streams import refusal
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account
from tests.simulator.upstox.upstox_feed_client import (
    MARKET,
    PORTFOLIO,
    UpstoxFeedRecorder,
    address,
    dial,
    listen,
    url_of,
)

ON_THE_WAY = ["put order req received", "validation pending", "open pending"]


async def three_orders(s: UpstoxAccount) -> None:
    """Placed one after another; each is pushed open."""
    for i in range(3):
        await s.place(i + 1)
        await s.wait(1)


def test_every_state_of_an_order() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        order_id = await s.place(5)
        await s.wait(1)
        await s.data("PUT", "/v3/order/modify", body={"order_id": order_id, "quantity": 7})
        await s.wait(1)
        await s.data("DELETE", "/v3/order/cancel", {"order_id": order_id})
        await s.wait(1)
        assert [row["status"] for row in recorder.texts] == [
            *ON_THE_WAY,
            "open",
            "modify validation pending",
            "modify pending",
            "modified",
            "open",
            "cancel pending",
            "cancelled",
        ]
        assert recorder.kinds == {WSMsgType.TEXT} and len(recorder.raw) == len(recorder.texts)
        last = recorder.texts[-1]
        assert set(last) == ORDER_FIELDS | {"update_type", "user_id", "instrument_key"}
        assert (last["update_type"], last["instrument_key"], last["instrument_token"]) == (
            "order",
            INFY,
            INFY,
        )
        (row,) = await s.data("GET", "/v2/order/retrieve-all")
        assert {name: last[name] for name in row} == row
        history = await s.data("GET", "/v2/order/history", {"order_id": order_id})
        assert [row["status"] for row in history] == [row["status"] for row in recorder.texts]

    upstox_account(work)


def test_the_states_on_the_way_can_be_left_out() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        order_id = await s.place(5)
        await s.wait(1)
        await s.data("PUT", "/v3/order/modify", body={"order_id": order_id, "quantity": 7})
        await s.wait(1)
        await s.data("DELETE", "/v3/order/cancel", {"order_id": order_id})
        await s.wait(1)
        assert recorder.told() == [("open", 0, 5), ("open", 0, 7), ("cancelled", 0, 7)]

    upstox_account(work, servers={"upstox": UpstoxSettings(push_interim=False)})


def test_partial_fills_are_open_orders_that_filled() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        s.faults.cut_fills(True)
        await s.market(200, product="D")
        await s.wait(120)
        told = [row for row in recorder.told() if row[1]]
        assert len(told) > 2 and {status for status, _, _ in told[:-1]} == {"open"}
        assert told[-1] == ("complete", 200, 200)
        fills = [filled for _, filled, _ in told]
        assert fills == sorted(set(fills)), "each once"

    upstox_account(work)


def test_orders_of_other_terminals_and_of_the_other_broker() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        s.sim.exchange.place_manual("NSE:INFY", 1, 3, product="CNC")
        await s.wait(1)
        assert recorder.told()[-1] == ("complete", 3, 3)
        assert recorder.texts[-1]["placed_by"] == "MANUAL" and recorder.texts[-1]["product"] == "D"

    upstox_account(work, broker="both")


@pytest.mark.parametrize(
    ("types", "kinds"),
    [
        (None, {"order"}),
        ("order", {"order"}),
        ("position", {"position"}),
        ("order,position,holding,gtt_order", {"order", "position"}),
        ("holding", set()),
    ],
)
def test_update_types(types: str | None, kinds: set[str]) -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO, **({} if types is None else {"update_types": types}))
        bearer = {"Authorization": f"Bearer {s.token}"}
        url = url_of(s, PORTFOLIO, **({} if types is None else {"update_types": types}))
        other = await dial(s, url, extra_headers=bearer)
        await s.market(10)
        await s.wait(1)
        assert {row["update_type"] for row in recorder.texts} == kinds
        assert other.raw == recorder.raw

    upstox_account(work)


def test_positions() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO, update_types="position")
        await s.market(10)
        await s.wait(1)
        await s.market(4, "SELL")
        await s.wait(1)
        first, second = recorder.texts
        assert (
            first["quantity"],
            second["quantity"],
            second["exchange"],
            second["instrument_key"],
        ) == (10, 6, "NSE_EQ", INFY)
        assert second["day_sell_quantity"] == 4 and not {"pnl", "last_price"} & set(second)
        (row,) = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert (
            second["average_price"] == row["average_price"]
            and second["buy_value"] == row["buy_value"]
        )

    upstox_account(work)


def test_a_cancel_that_lost_the_race_is_said_to_have_failed() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        order_id = await s.place()
        await s.wait(1)
        await s.data("DELETE", "/v3/order/cancel", {"order_id": order_id})
        s.sim.exchange.gap("NSE:INFY", -900)
        await s.wait(3)
        assert recorder.told() == [
            *((word, 0, 1) for word in (*ON_THE_WAY, "open", "cancel pending")),
            ("complete", 1, 1),
            ("not cancelled", 1, 1),
            ("complete", 1, 1),
        ]

    upstox_account(work, tick_interval_ms=10, latency=LatencyConfig(exchange=DelayRange(500, 500)))


def test_a_modification_that_was_turned_down() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        order_id = await s.place()
        await s.wait(1)
        price = s.orders[0].terms.price_e4 / 10_000
        await s.data("PUT", "/v3/order/modify", body={"order_id": order_id, "price": price + 0.01})
        await s.wait(1)
        assert [row["status"] for row in recorder.texts[4:]] == [
            "modify validation pending",
            "modify pending",
            "not modified",
            "open",
        ]
        assert (
            "Tick size" in recorder.texts[-2]["status_message"]
            and recorder.texts[-1]["price"] == price
        )

    upstox_account(work)


def test_its_addresses_are_its_own_and_it_does_not_count_as_a_connection() -> None:
    async def work(s: UpstoxAccount) -> None:
        url = await address(s, MARKET)
        assert await refusal(s, url.replace(MARKET, PORTFOLIO)) == 403, "the other stream's"
        assert await refusal(s, url) == 403, "and used up all the same"
        ears = [await listen(s, PORTFOLIO) for _ in range(3)]
        ears += [await listen(s, MARKET) for _ in range(2)]
        await s.wait(0.1)
        assert (
            all(recorder.is_up for recorder in ears)
            and await refusal(s, url_of(s, PORTFOLIO)) == 401
        )

    upstox_account(work)


# ---- faults; the states on the way left out, so that three orders are three pushes


def shop_of_pushes(work: Any, **config: Any) -> None:
    async def main(s: UpstoxAccount) -> None:
        recorder = await listen(s, PORTFOLIO)
        await work(s, recorder)

    upstox_account(main, servers={"upstox": UpstoxSettings(push_interim=False)}, **config)


def test_pushes_are_lost() -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.drop_pushes(2)
        await three_orders(s)
        assert recorder.told() == [("open", 0, 3)]
        assert s.faults.seen == {"push_dropped": 2} and not s.faults.pending

    shop_of_pushes(work)


def test_pushes_come_twice() -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.double_pushes(2)
        await three_orders(s)
        assert [quantity for _, _, quantity in recorder.told()] == [1, 1, 2, 2, 3] and recorder.raw[
            0
        ] == recorder.raw[1]

    shop_of_pushes(work)


def test_pushes_overtake_each_other() -> None:
    orders: list[list[int]] = []

    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.shuffle_pushes(8, 20 * NS_PER_S)
        for i in range(8):
            await s.place(i + 1)
        await s.wait(25)
        orders.append([quantity for _, _, quantity in recorder.told()])

    for seed in (1, 1, 2):
        shop_of_pushes(work, seed=seed)
    assert sorted(orders[0]) == list(range(1, 9)) != orders[0], "each once, not in turn"
    assert orders[0] == orders[1] != orders[2]


def test_a_status_that_nobody_has_seen() -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.unknown_status(1)
        await three_orders(s)
        assert [status for status, _, _ in recorder.told()] == [
            UNKNOWN_STATUS.lower(),
            "open",
            "open",
        ]

    shop_of_pushes(work)


def test_pushes_that_cannot_be_read() -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.garble_push(24)
        for _ in range(24):
            await s.place()
            await s.wait(0.2)
        await s.wait(1)
        assert len(recorder.raw) == 24 and recorder.told() == []
        kinds = set()
        for payload in recorder.raw:
            try:
                row = json.loads(payload)
            except ValueError:
                kinds.add("cut")
                continue
            kinds.add("empty" if set(row) == {"update_type"} else "lacks")
            assert "order_id" not in row
        assert kinds == {"cut", "empty", "lacks"}
        await s.place()
        await s.wait(1)
        assert len(recorder.told()) == 1 and s.faults.seen == {"push_garbled": 24}

    shop_of_pushes(work)


def test_a_push_that_nobody_could_hear_uses_no_fault_up() -> None:
    async def work(s: UpstoxAccount) -> None:
        await listen(s, PORTFOLIO, update_types="position")
        s.faults.drop_pushes(1)
        await s.place()
        await s.wait(1)
        assert s.faults.pending and not s.faults.seen

    upstox_account(work)


@pytest.mark.parametrize("how", ["cut_feed", "cut_mid_frame"])
def test_the_stream_is_cut(how: str) -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        await s.place()
        await s.wait(1)
        getattr(s.faults, how)()
        await s.place()
        await s.wait(1)
        assert not recorder.is_up and len(recorder.raw) == 1 and s.faults.seen == {how: 1}
        again = await listen(s, PORTFOLIO)
        await s.place()
        await s.wait(1)
        assert len(again.told()) == 1

    shop_of_pushes(work)


def test_the_stream_falls_silent() -> None:
    async def work(s: UpstoxAccount, recorder: UpstoxFeedRecorder) -> None:
        s.faults.silence_feed(5 * NS_PER_S)
        await s.place()
        await s.wait(6)
        assert recorder.raw == [] and recorder.is_up, "what was not sent is lost"
        await s.place()
        await s.wait(1)
        assert len(recorder.told()) == 1

    shop_of_pushes(work)
