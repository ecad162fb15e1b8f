"""Orders over Upstox's REST interface: shapes, states, refusals, batches; money and positions that
come of them.
"""

import datetime as dt
from typing import Any

import pytest

from otrade.simulator.base.config import DelayRange, LatencyConfig
from otrade.simulator.upstox.rest.settings import UpstoxSettings
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account

ORDER_FIELDS = {
    "exchange",
    "product",
    "price",
    "quantity",
    "status",
    "guid",
    "tag",
    "instrument_token",
    "placed_by",
    "trading_symbol",
    "tradingsymbol",
    "order_type",
    "validity",
    "trigger_price",
    "disclosed_quantity",
    "transaction_type",
    "average_price",
    "filled_quantity",
    "pending_quantity",
    "status_message",
    "status_message_raw",
    "exchange_order_id",
    "parent_order_id",
    "order_id",
    "variety",
    "order_timestamp",
    "exchange_timestamp",
    "is_amo",
    "order_request_id",
    "order_ref_id",
}
TRADE_FIELDS = {
    "exchange",
    "product",
    "trading_symbol",
    "tradingsymbol",
    "instrument_token",
    "order_type",
    "transaction_type",
    "quantity",
    "exchange_order_id",
    "order_id",
    "exchange_timestamp",
    "average_price",
    "trade_id",
    "order_ref_id",
    "order_timestamp",
}
PLACED = ["put order req received", "validation pending", "open pending", "open"]
BOOK = ("GET", "/v2/order/retrieve-all")
FAR = LatencyConfig(exchange=DelayRange(500, 500))
"""A long way to the exchange."""


async def words(s: UpstoxAccount, order_id: str) -> list[str]:
    return [
        row["status"] for row in await s.data("GET", "/v2/order/history", {"order_id": order_id})
    ]


def test_an_order_is_placed_modified_and_cancelled() -> None:
    async def work(s: UpstoxAccount) -> None:
        status, reply = await s.ask(
            "POST",
            "/v3/order/place",
            body=s.terms(5, tag="a tag, with 40 characters: äöü/+_-. 1234"),
        )
        assert (status, reply["status"]) == (200, "success") and set(reply) == {
            "status",
            "data",
            "metadata",
        }
        assert type(reply["metadata"]["latency"]) is int
        (order_id,) = reply["data"]["order_ids"]
        assert type(order_id) is str
        await s.wait(1)
        (row,) = await s.data(*BOOK)
        assert set(row) == ORDER_FIELDS
        assert (
            row["status"],
            row["quantity"],
            row["pending_quantity"],
            row["filled_quantity"],
        ) == ("open", 5, 5, 0)
        assert (row["exchange"], row["instrument_token"], row["product"], row["variety"]) == (
            "NSE",
            INFY,
            "I",
            "SIMPLE",
        )
        assert row["tag"] == "a tag, with 40 characters: äöü/+_-. 1234" and row[
            "order_timestamp"
        ].startswith("2026-11-18 09:20")
        assert await s.data("GET", "/v2/order/details", {"order_id": order_id}) == row

        change = {
            "order_id": order_id,
            "order_type": "LIMIT",
            "validity": "DAY",
            "quantity": 7,
            "price": row["price"] - 1,
            "trigger_price": 0,
            "disclosed_quantity": 0,
        }
        status, reply = await s.ask("PUT", "/v3/order/modify", body=change)
        assert (status, reply["data"]) == (200, {"order_id": order_id}) and "latency" in reply[
            "metadata"
        ]
        await s.wait(1)
        after = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        assert (after["quantity"], after["price"], after["status"]) == (7, row["price"] - 1, "open")

        status, reply = await s.ask("DELETE", "/v3/order/cancel", {"order_id": order_id})
        assert (status, reply["data"]) == (200, {"order_id": order_id}) and "latency" in reply[
            "metadata"
        ]
        await s.wait(1)
        assert (await s.data(*BOOK))[0]["status"] == "cancelled"
        assert await words(s, order_id) == [
            *PLACED,
            "modify validation pending",
            "modify pending",
            "modified",
            "open",
            "cancel pending",
            "cancelled",
        ]
        assert await s.refusal("DELETE", "/v3/order/cancel", {"order_id": order_id}) == (
            400,
            "UDAPI100040",
            "order_id",
        )
        assert await s.refusal("PUT", "/v3/order/modify", body=change) == (
            400,
            "UDAPI100041",
            "order_id",
        )

    upstox_account(work)


def test_fields_that_a_modification_leaves_out_stay() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.place(5)
        await s.wait(1)
        before = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        await s.data(
            "PUT", "/v3/order/modify", body={"order_id": order_id, "price": before["price"] - 2}
        )
        await s.wait(1)
        after = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        changed = {name for name in after if after[name] != before[name]} - {
            "exchange_timestamp",
            "order_timestamp",
        }
        assert changed == {"price", "order_request_id"}

    upstox_account(work)


def test_a_market_order_trades_and_becomes_a_position() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.market(10)
        await s.wait(1)
        row = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        assert (row["status"], row["filled_quantity"], row["pending_quantity"]) == (
            "complete",
            10,
            0,
        )
        assert await words(s, order_id) == [*PLACED, "complete"]
        trades = await s.data("GET", "/v2/order/trades/get-trades-for-day")
        assert trades == await s.data("GET", "/v2/order/trades", {"order_id": order_id})
        assert set(trades[0]) == TRADE_FIELDS and sum(trade["quantity"] for trade in trades) == 10
        assert (
            trades[0]["exchange_timestamp"].startswith("18-Nov-2026 09:20")
            and trades[0]["instrument_token"] == INFY
        )
        average = sum(trade["quantity"] * trade["average_price"] for trade in trades) / 10
        assert row["average_price"] == pytest.approx(average)
        (position,) = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert (position["quantity"], position["product"], position["exchange"]) == (10, "I", "NSE")
        assert (
            position["average_price"] == pytest.approx(average)
            and position["instrument_token"] == INFY
        )
        assert position["pnl"] == pytest.approx(10 * (position["last_price"] - average))

        await s.market(4, "SELL")
        await s.wait(1)
        (position,) = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert (
            position["day_buy_quantity"],
            position["day_sell_quantity"],
            position["quantity"],
        ) == (10, 4, 6)
        assert position["realised"] == pytest.approx(
            4 * (position["day_sell_price"] - position["day_buy_price"]), abs=1e-3
        )
        assert position["realised"] + position["unrealised"] == pytest.approx(position["pnl"])
        await s.market(6, "SELL")
        await s.wait(1)
        (position,) = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert (position["quantity"], position["average_price"]) == (0, None)

    upstox_account(work)


def test_shares_for_delivery_become_holdings() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.market(10, product="D")
        await s.wait(1)
        paid = s.orders[0].average_price
        assert await s.data("GET", "/v2/portfolio/long-term-holdings") == []
        s.sim.open_day(dt.date(2026, 11, 19))
        s.login()
        await s.wait(1200)
        assert await s.data("GET", "/v2/portfolio/short-term-positions") == []
        (holding,) = await s.data("GET", "/v2/portfolio/long-term-holdings")
        assert (holding["isin"], holding["quantity"], holding["cnc_used_quantity"]) == (
            "INE009A01021",
            10,
            0,
        )
        assert holding["average_price"] == pytest.approx(paid, abs=1e-3)
        await s.market(4, "SELL", product="D")
        await s.wait(1)
        (position,) = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert (position["quantity"], position["overnight_quantity"]) == (-4, 0)
        (holding,) = await s.data("GET", "/v2/portfolio/long-term-holdings")
        assert (holding["quantity"], holding["cnc_used_quantity"]) == (10, 4)

    upstox_account(work)


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"instrument_token": None}, "UDAPI1026", "instrument_token"),
        ({"instrument_token": "NSE_EQ|INE000000000"}, "UDAPI100011", "instrument_token"),
        ({"instrument_token": "NSE:INFY"}, "UDAPI100011", "instrument_token"),
        ({"instrument_token": "NSE_INDEX|Nifty 50"}, "UDAPI100011", "instrument_token"),
        ({"product": "MTF"}, "UDAPI100036", "product"),
        ({"product": "MIS"}, "UDAPI100036", "product"),
        ({"validity": None}, "UDAPI1007", "validity"),
        ({"validity": "TTL"}, "UDAPI1055", "validity"),
        ({"order_type": None}, "UDAPI1004", "order_type"),
        ({"order_type": "STOP"}, "UDAPI1056", "order_type"),
        ({"transaction_type": "HOLD"}, "UDAPI100036", "transaction_type"),
        ({"quantity": 0}, "UDAPI1052", "quantity"),
        ({"quantity": "1"}, "UDAPI100036", "quantity"),
        ({"quantity": 1.5}, "UDAPI100036", "quantity"),
        ({"quantity": 65.0}, "UDAPI100036", "quantity"),
        ({"quantity": True}, "UDAPI100036", "quantity"),
        ({"price": 0}, "UDAPI1029", "price"),
        ({"price": -1}, "UDAPI100036", "price"),
        ({"order_type": "SL"}, "UDAPI1036", "trigger_price"),
        ({"disclosed_quantity": 9}, "UDAPI1039", "disclosed_quantity"),
        ({"tag": "x" * 41}, "UDAPI1119", "tag"),
        ({"tag": 7}, "UDAPI100036", "tag"),
        ({"slice": "yes"}, "UDAPI100036", "slice"),
        ({"order_type": "MARKET", "price": 0}, "UDAPI1158", "market_protection"),
        (
            {"order_type": "SL-M", "trigger_price": 5000, "price": 0},
            "UDAPI1158",
            "market_protection",
        ),
        ({"order_type": "MARKET", "market_protection": 25.5}, "UDAPI1176", "market_protection"),
        ({"order_type": "MARKET", "market_protection": -2}, "UDAPI1177", "market_protection"),
        ({"order_type": "MARKET", "market_protection": -1}, "UDAPI1040", "price"),
        ({"order_type": "SL-M", "trigger_price": 5000.0}, "UDAPI1040", "price"),
        ({"trigger_price": 1400.0}, "UDAPI1041", "trigger_price"),
        (
            {"order_type": "MARKET", "price": 0, "market_protection": -1, "trigger_price": 9.0},
            "UDAPI1041",
            "trigger_price",
        ),
    ],
)
def test_what_is_refused_at_once(changed: dict[str, Any], code: str, path: str) -> None:
    async def work(s: UpstoxAccount) -> None:
        assert await s.refusal("POST", "/v3/order/place", body=s.terms(**changed)) == (
            400,
            code,
            path,
        )
        assert s.orders == []

    upstox_account(work)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"quantity": NaN}'])
def test_bodies_that_are_no_order(body: bytes) -> None:
    async def work(s: UpstoxAccount) -> None:
        for method, path in (("POST", "/v3/order/place"), ("PUT", "/v3/order/modify")):
            status, code, _ = await s.refusal(method, path, body=body)
            assert (status, code) == (400, "UDAPI100038")

    upstox_account(work)


@pytest.mark.parametrize(
    ("method", "path", "params", "body", "code"),
    [
        ("DELETE", "/v3/order/cancel", None, None, "UDAPI1023"),
        ("DELETE", "/v3/order/cancel", {"order_id": "26;1"}, None, "UDAPI1010"),
        ("DELETE", "/v3/order/cancel", {"order_id": "261118100000099"}, None, "UDAPI100010"),
        ("PUT", "/v3/order/modify", None, {"price": 1}, "UDAPI1003"),
        ("PUT", "/v3/order/modify", None, {"order_id": "261118100000099"}, "UDAPI100010"),
        ("GET", "/v2/order/details", {"order_id": "261118100000099"}, None, "UDAPI100010"),
        ("GET", "/v2/order/trades", {"order_id": "261118100000099"}, None, "UDAPI100010"),
        ("GET", "/v2/order/history", None, None, "UDAPI1023"),
    ],
)
def test_orders_that_do_not_exist(
    method: str, path: str, params: Any, body: Any, code: str
) -> None:
    async def work(s: UpstoxAccount) -> None:
        assert await s.refusal(method, path, params, body) == (400, code, "order_id")

    upstox_account(work)


def test_too_little_money_is_a_rejected_order() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.place(100)
        await s.wait(1)
        (row,) = await s.data(*BOOK)
        assert row["status"] == "rejected" and row["status_message"].startswith(
            "Insufficient funds"
        )
        assert s.sim.exchange.live_orders() == []

    upstox_account(work, funds_rupees=1000.0)


def test_a_modification_that_the_exchange_turns_down_leaves_the_order_as_it_was() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.place()
        await s.wait(1)
        before = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        await s.data(
            "PUT", "/v3/order/modify", body={"order_id": order_id, "price": before["price"] + 0.01}
        )
        await s.wait(1)
        after = await s.data("GET", "/v2/order/details", {"order_id": order_id})
        assert (after["price"], after["status"]) == (
            before["price"],
            "open",
        ) and "Tick size" in after["status_message"]
        assert (await words(s, order_id))[4:] == [
            "modify validation pending",
            "modify pending",
            "not modified",
            "open",
        ]

    upstox_account(work)


def test_a_cancel_that_lost_the_race() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.place()
        await s.wait(1)
        order = s.orders[0]
        await s.data("DELETE", "/v3/order/cancel", {"order_id": order_id})
        assert order.status == "CANCEL PENDING"
        s.sim.exchange.gap(
            "NSE:INFY", -900
        )  # the market falls through the order before the cancel arrives
        await s.wait(3)
        assert order.status == "COMPLETE"
        assert (await words(s, order_id))[4:] == [
            "cancel pending",
            "complete",
            "not cancelled",
            "complete",
        ]

    upstox_account(work, tick_interval_ms=10, latency=FAR)


def test_history_by_tag() -> None:
    async def work(s: UpstoxAccount) -> None:
        first, second, other = (
            await s.place(tag="A"),
            await s.place(tag="A"),
            await s.place(tag="B"),
        )
        await s.wait(1)
        rows = await s.data("GET", "/v2/order/history", {"tag": "A"})
        assert [row["order_id"] for row in rows] == [first] * 4 + [second] * 4
        rows = await s.data("GET", "/v2/order/history", {"tag": "A", "order_id": second})
        assert {row["order_id"] for row in rows} == {second}
        assert await s.data("GET", "/v2/order/history", {"tag": "A", "order_id": other}) == []
        assert await s.data("GET", "/v2/order/history", {"tag": "C"}) == []

    upstox_account(work)


def test_slices() -> None:
    async def work(s: UpstoxAccount) -> None:
        future = s.sim.exchange.market.universe.resolve("NFO:NIFTY.FUT")
        terms = s.terms(
            future.lot, instrument_token=f"NSE_FO|{future.token >> 8}", product="D", slice=True
        )
        terms["price"] = round(s.sim.exchange.market.quote(future).ltp_e4 / 10_000 - 100, 1)
        size = future.freeze_qty // future.lot * future.lot
        terms["quantity"] = 2 * size + future.lot
        ids = (await s.data("POST", "/v3/order/place", body=terms))["order_ids"]
        assert [order.terms.quantity for order in s.orders] == [size, size, future.lot]
        assert ids == [order.order_id for order in s.orders]
        terms["quantity"] = 26 * size
        assert await s.refusal("POST", "/v3/order/place", body=terms) == (
            400,
            "UDAPI1118",
            "quantity",
        )
        await s.data("POST", "/v3/order/place", body=terms | {"quantity": 25 * size})

    upstox_account(work, funds_rupees=1e10)


def test_there_is_no_cap_on_modifications() -> None:
    async def work(s: UpstoxAccount) -> None:
        order_id = await s.place()
        await s.wait(1)
        price = s.orders[0].terms.price_e4 / 10_000
        for i in range(30):
            await s.data(
                "PUT", "/v3/order/modify", body={"order_id": order_id, "price": price - i % 3}
            )
            await s.wait(1)
        assert s.orders[0].modifications == 30

    upstox_account(work, servers={"upstox": UpstoxSettings()})


# ---- many at once


def test_many_orders_buys_first() -> None:
    async def work(s: UpstoxAccount) -> None:
        lines = [
            s.terms(1, correlation_id="one", transaction_type="SELL", price=round(s.ltp + 20)),
            s.terms(2, correlation_id="two"),
            s.terms(
                200_000,
                correlation_id="three",
                product="D",
                transaction_type="SELL",
                order_type="SL",
                trigger_price=9e6,
                price=1,
            ),
        ]
        status, reply = await s.ask("POST", "/v2/order/multi/place", body=lines)
        assert (status, reply["status"]) == (200, "partial_success")
        assert [row["correlation_id"] for row in reply["data"]] == ["two", "one"]
        assert [row["order_id"] for row in reply["data"]] == [order.order_id for order in s.orders]
        (error,) = reply["errors"]
        assert (error["correlation_id"], error["error_code"]) == ("three", "UDAPI1036")
        assert reply["summary"] == {"total": 3, "success": 2, "error": 1, "payload_error": 0}

    upstox_account(work)


def test_one_bad_line_and_none_is_placed() -> None:
    async def work(s: UpstoxAccount) -> None:
        lines = [
            s.terms(correlation_id="1"),
            s.terms(correlation_id="1"),
            s.terms(correlation_id="x" * 21),
            s.terms(),
        ]
        lines.append(s.terms(correlation_id="2", product="CO"))
        status, reply = await s.ask("POST", "/v2/order/multi/place", body=lines)
        assert (status, reply["status"], reply["data"]) == (400, "error", None)
        assert [error["property_path"] for error in reply["errors"]] == ["correlation_id"] * 3 + [
            "product"
        ]
        assert (
            reply["summary"] == {"total": 5, "success": 0, "error": 0, "payload_error": 4}
            and s.orders == []
        )
        for body in ([], [s.terms(correlation_id=f"{i}") for i in range(26)]):
            assert (await s.refusal("POST", "/v2/order/multi/place", body=body))[1] == "UDAPI100036"
        for body in ({}, [1]):
            assert (await s.refusal("POST", "/v2/order/multi/place", body=body))[1] == "UDAPI100038"

    upstox_account(work)


def test_cancel_all_and_by_tag_and_segment() -> None:
    async def work(s: UpstoxAccount) -> None:
        ids = [await s.place(tag=tag) for tag in ("A", "A", "B")]
        await s.wait(1)
        path = "/v2/order/multi/cancel"
        assert (await s.data("DELETE", path, {"tag": "C"}))["order_ids"] == []
        assert (await s.data("DELETE", path, {"segment": "NSE_FO"}))["order_ids"] == []
        assert (await s.refusal("DELETE", path, {"segment": "NSE"}))[1:] == (
            "UDAPI100036",
            "segment",
        )
        status, reply = await s.ask("DELETE", path, {"tag": "A", "segment": "NSE_EQ"})
        assert (status, reply["status"], reply["data"]["order_ids"]) == (200, "success", ids[:2])
        assert reply["summary"] == {"total": 2, "success": 2, "error": 0}
        status, reply = await s.ask("DELETE", path)
        assert (reply["status"], reply["data"]["order_ids"]) == ("partial_success", ids[2:]), (
            "two are on their way"
        )
        await s.wait(1)
        assert {order.status for order in s.orders} == {"CANCELLED"}

    upstox_account(work, latency=FAR)


def test_exit_all_and_by_tag_and_segment() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.market(10, tag="A")
        await s.market(5, "SELL", tag="B", instrument_token="NSE_EQ|INE062A01020")
        await s.wait(1)
        path = "/v2/order/positions/exit"
        assert (await s.data("POST", path, {"segment": "NSE_FO"}))["order_ids"] == []
        ids = (await s.data("POST", path, {"tag": "B"}))["order_ids"]
        assert ids == [s.orders[2].order_id]
        await s.wait(1)
        assert s.sim.exchange.net_qty() == {"NSE:INFY": 10}
        status, reply = await s.ask("POST", path)
        assert (status, reply["summary"]) == (200, {"total": 1, "success": 1, "error": 0})
        await s.wait(1)
        assert s.sim.exchange.net_qty() == {} and len(s.orders) == 4
        assert (await s.data("POST", path))["order_ids"] == []

    upstox_account(work)


def test_nothing_waits_for_a_trigger_at_the_broker() -> None:
    async def work(s: UpstoxAccount) -> None:
        assert await s.data("GET", "/v3/order/gtt") == []
        assert await s.data("GET", "/v3/order/gtt", {"gtt_order_id": "GTT-1"}) == []

    upstox_account(work)


# ---- money


def test_funds() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.place(10)
        await s.wait(1)
        both = await s.data("GET", "/v2/user/get-funds-and-margin")
        assert set(both) == {"equity", "commodity"}
        assert set(both["equity"]) == {
            "used_margin",
            "payin_amount",
            "span_margin",
            "adhoc_margin",
            "notional_cash",
            "available_margin",
            "exposure_margin",
        }
        blocked = s.orders[0].terms.price_e4 / 10_000 * 10 * 0.2
        assert both["equity"]["used_margin"] == pytest.approx(blocked)
        assert both["equity"]["available_margin"] == pytest.approx(2_500_000 - blocked)
        assert await s.data("GET", "/v2/user/get-funds-and-margin", {"segment": "SEC"}) == {
            "equity": both["equity"]
        }
        assert await s.data("GET", "/v2/user/get-funds-and-margin", {"segment": "COM"}) == {
            "commodity": both["commodity"]
        }
        assert (await s.refusal("GET", "/v2/user/get-funds-and-margin", {"segment": "X"}))[
            2
        ] == "segment"
        tree = await s.data("GET", "/v3/user/get-funds-and-margin")
        cash = tree["available_to_trade"]["cash_available_to_trade"]
        assert (
            cash["total"]
            == tree["available_to_trade"]["total"]
            == both["equity"]["available_margin"]
        )
        assert cash["margin_used"]["total"] == both["equity"]["used_margin"]
        assert cash["cash"]["opening_balance"] == 2_500_000

    upstox_account(work)


def test_margin_and_brokerage() -> None:
    async def work(s: UpstoxAccount) -> None:
        future = s.sim.exchange.market.universe.resolve("NFO:NIFTY.FUT")
        rows = [
            {
                "instrument_key": INFY,
                "quantity": 10,
                "product": "I",
                "transaction_type": "BUY",
                "price": 1500.0,
            },
            {
                "instrument_key": f"NSE_FO|{future.token >> 8}",
                "quantity": 65,
                "product": "D",
                "transaction_type": "SELL",
                "price": 26000,
            },
        ]
        told = await s.data("POST", "/v2/charges/margin", body={"instruments": rows})
        assert [row["total_margin"] for row in told["margins"]] == [
            1500 * 10 * 0.2,
            pytest.approx(26000 * 65 * 0.12),
        ]
        assert told["margins"][0]["equity_margin"] == 3000 and told["margins"][1][
            "span_margin"
        ] == pytest.approx(202_800)
        assert told["required_margin"] == told["final_margin"] == pytest.approx(205_800)
        universe = s.sim.exchange.market.universe
        spread = [
            {
                "instrument_key": f"NSE_FO|{universe.by_key[f'NFO:NIFTY26NOV{strike}PE'].token >> 8}",
                "quantity": 65,
                "product": "D",
                "transaction_type": side,
                "price": price,
            }
            for strike, side, price in ((25_800, "BUY", 90), (26_000, "SELL", 150))
        ]
        hedged = await s.data("POST", "/v2/charges/margin", body={"instruments": spread})
        assert hedged["required_margin"] == pytest.approx(0.12 * 26_000 * 65 + 90 * 65)
        assert hedged["final_margin"] == pytest.approx((200 + 90) * 65), "what the spread can lose"
        assert (await s.refusal("POST", "/v2/charges/margin", body={"instruments": []}))[
            2
        ] == "instruments"
        exits = [
            rows[0] | {"transaction_type": "SELL", "price": price} for price in (1490.0, 1520.0)
        ]
        told = await s.data("POST", "/v2/charges/margin", body={"instruments": [rows[0], *exits]})
        assert told["required_margin"] == pytest.approx(3000 + 2980 + 3040), "each by itself"
        assert told["final_margin"] == pytest.approx(3000 + 3040), (
            "the first exit is covered by the entry, the second is not"
        )
        query = {
            "instrument_token": INFY,
            "quantity": 100,
            "product": "I",
            "transaction_type": "SELL",
            "price": 1500.0,
        }
        charges = (await s.data("GET", "/v2/charges/brokerage", query))["charges"]
        assert charges["brokerage"] == 20 and charges["taxes"]["stt"] == pytest.approx(
            150_000 * 0.00025
        )
        parts = (
            charges["brokerage"]
            + sum(charges["taxes"].values())
            + sum(charges["other_charges"].values())
        )
        assert charges["total"] == pytest.approx(parts)
        assert (await s.refusal("GET", "/v2/charges/brokerage", query | {"price": "x"}))[
            2
        ] == "price"

    upstox_account(work, listing="whole")


def test_a_position_gets_another_product() -> None:
    async def work(s: UpstoxAccount) -> None:
        await s.market(10)
        await s.wait(1)
        body = {
            "instrument_token": INFY,
            "old_product": "I",
            "new_product": "D",
            "transaction_type": "BUY",
            "quantity": 4,
        }
        assert await s.data("PUT", "/v2/portfolio/convert-position", body=body) == {
            "status": "complete"
        }
        rows = await s.data("GET", "/v2/portfolio/short-term-positions")
        assert {row["product"]: row["quantity"] for row in rows} == {"I": 6, "D": 4}
        for changed in (
            {"quantity": 7},
            {"quantity": 0},
            {"quantity": 1.0},
            {"transaction_type": "SELL"},
            {"new_product": "I"},
            {"new_product": "MIS"},
            {"instrument_token": "NSE_EQ|X"},
        ):
            await s.refusal("PUT", "/v2/portfolio/convert-position", body=body | changed)

    upstox_account(work)


def test_the_kill_switch_shuts_a_segment() -> None:
    """Pending orders are cancelled, new ones refused; not with open positions, and not back for
    twelve hours.
    """

    async def work(s: UpstoxAccount) -> None:
        async def switch(segment: str, action: str) -> Any:
            body = [{"segment": segment, "action": action}]
            return await s.ask("POST", "/v2/user/kill-switch", body=body)

        order_id = await s.place()
        await s.wait(1)
        status, body = await switch("NSE_EQ", "DISABLE")
        assert status == 200
        shut = {row["segment"]: row["kill_switch_enabled"] for row in body["data"]}
        assert shut["NSE_EQ"] and not shut["NSE_FO"]
        await s.wait(1)
        assert s.sim.exchange.order(order_id).status == "CANCELLED"
        assert (await s.refusal("POST", "/v3/order/place", body=s.terms()))[0] == 403
        assert (await switch("NSE_EQ", "ENABLE"))[0] == 400
        for segment, action in (("NSE", "DISABLE"), ("NSE_FO", "OFF")):
            assert (await switch(segment, action))[0] == 400
        future = f"NSE_FO|{s.sim.exchange.market.universe.resolve('NFO:NIFTY.FUT').token >> 8}"
        await s.market(65, product="I", instrument_token=future)
        await s.wait(1)
        assert (await switch("NSE_FO", "DISABLE"))[0] == 400, "a position is open"

    upstox_account(work)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/feed/market-data-feed/authorize", 410),
        ("GET", "/v2/expired-instruments/expiries", 400),
        ("POST", "/v3/order/gtt/place", 400),
        ("GET", "/v2/option/chain", 400),
        ("GET", "/v2/instruments/search", 400),
        ("GET", "/v2/historical-candle/intraday/NSE_EQ%7CINE009A01021/day", 400),
        ("GET", "/v2/historical-candle/NSE_EQ%7CINE009A01021/5minute/2026-11-17", 400),
        ("GET", "/v2/ipos", 404),
    ],
)
def test_calls_that_have_no_answer_here_are_refused_in_words(
    method: str, path: str, status: int
) -> None:
    async def work(s: UpstoxAccount) -> None:
        got, body = await s.ask(method, path, body={} if method == "POST" else None)
        assert got == status and body["errors"][0]["message"]

    upstox_account(work)
