"""The REST interface over a real socket: shapes, errors, limits, and input that no client should
send.
"""

import asyncio
import csv
import datetime as dt
import gzip
import hashlib
import io
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from picows import WSHandshakeError

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.kite.rest.settings import KiteLimits, KiteSettings
from otrade.simulator.simulator import Ports, Simulator
from tests.simulator.kite.kite_client import KiteFeedConnection, KiteHttpClient, open_feed

DATE = dt.date(2026, 11, 18)
BUY = {
    "exchange": "NSE",
    "tradingsymbol": "INFY",
    "transaction_type": "BUY",
    "product": "MIS",
    "order_type": "LIMIT",
    "quantity": 1,
    "price": 1500,
    "validity": "DAY",
    "tag": "T1",
}
NO_LIMITS = KiteLimits(
    orders_per_second=0,
    orders_per_minute=0,
    orders_per_day=0,
    quotes_per_second=0,
    historical_per_second=0,
    others_per_second=0,
)

ORDER_FIELDS = {
    "placed_by",
    "order_id",
    "exchange_order_id",
    "parent_order_id",
    "status",
    "status_message",
    "status_message_raw",
    "order_timestamp",
    "exchange_update_timestamp",
    "exchange_timestamp",
    "variety",
    "modified",
    "exchange",
    "tradingsymbol",
    "instrument_token",
    "order_type",
    "transaction_type",
    "validity",
    "product",
    "quantity",
    "disclosed_quantity",
    "price",
    "trigger_price",
    "average_price",
    "filled_quantity",
    "pending_quantity",
    "cancelled_quantity",
    "market_protection",
    "meta",
    "tag",
    "guid",
}
DUMP_COLUMNS = [
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
]


class RestAccount:
    """A simulator at 09:20 with one logged-in client."""

    def __init__(self, sim: Simulator, ports: Ports) -> None:
        self.sim, self.ports = sim, ports
        self.token = sim.issue_access_token()
        self.http = KiteHttpClient(ports.rest, self.token)

    async def ask(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        return await self.sim.during(self.http.ask(*args, **kwargs))

    async def data(self, *args: Any, **kwargs: Any) -> Any:
        status, body = await self.ask(*args, **kwargs)
        assert (status, body["status"]) == (200, "success"), body
        return body["data"]

    async def wait(self, seconds: float) -> None:
        await self.sim.run_until(self.sim.clock.now_ns() + int(seconds * NS_PER_S))


def rest_account(work: Callable[[RestAccount], Coroutine[Any, Any, None]], **config: Any) -> None:
    async def main() -> None:
        config.setdefault("servers", {"kite": KiteSettings(limits=NO_LIMITS)})
        sim = Simulator(SimConfig(dates=(DATE,), **config))
        place = RestAccount(sim, await sim.start())
        await sim.run_until(ist_ns(DATE, "09:20"))
        try:
            await work(place)
        finally:
            place.http.close()
            await sim.stop()

    asyncio.run(main())


def test_life_of_an_order() -> None:
    async def work(s: RestAccount) -> None:
        ltp = (await s.data("GET", "/quote/ltp", {"i": "NSE:INFY"}))["NSE:INFY"]["last_price"]
        price = round(ltp - 20)
        placed = await s.data("POST", "/orders/regular", BUY | {"price": price})
        order_id = placed["order_id"]
        assert len(order_id) == 15 and order_id.isdigit()
        await s.wait(1)
        (row,) = await s.data("GET", "/orders")
        assert (row["status"], row["price"], row["tag"], row["tags"]) == (
            "OPEN",
            price,
            "T1",
            ["T1"],
        )
        assert set(row) >= ORDER_FIELDS
        await s.data("PUT", f"/orders/regular/{order_id}", {"price": price + 1, "quantity": 2})
        await s.wait(1)
        history = await s.data("GET", f"/orders/{order_id}")
        assert [row["status"] for row in history] == [
            "PUT ORDER REQ RECEIVED",
            "VALIDATION PENDING",
            "OPEN PENDING",
            "OPEN",
            "MODIFY VALIDATION PENDING",
            "MODIFY PENDING",
            "MODIFIED",
            "OPEN",
        ]
        assert (history[-1]["quantity"], history[-1]["price"], history[-1]["modified"]) == (
            2,
            price + 1,
            True,
        )
        assert await s.data("DELETE", f"/orders/regular/{order_id}") == {"order_id": order_id}
        await s.wait(1)
        assert (await s.data("GET", "/orders"))[0]["status"] == "CANCELLED"
        market = BUY | {"order_type": "MARKET", "market_protection": 1, "quantity": 3}
        done = (await s.data("POST", "/orders/regular", market))["order_id"]
        await s.wait(1)
        (trade,) = await s.data("GET", f"/orders/{done}/trades")
        assert await s.data("GET", "/trades") == [trade]
        assert trade["quantity"] == 3
        net = (await s.data("GET", "/portfolio/positions"))["net"]
        assert [(p["tradingsymbol"], p["quantity"], p["average_price"]) for p in net] == [
            ("INFY", 3, trade["average_price"])
        ]
        margins = await s.data("GET", "/user/margins")
        assert margins["equity"]["net"] == pytest.approx(
            2_500_000 - 0.2 * 3 * trade["average_price"]
        )
        assert await s.data("GET", "/user/margins/equity") == margins["equity"]

    rest_account(work)


def test_answers_take_virtual_time_only() -> None:
    async def work(s: RestAccount) -> None:
        before_ns = s.sim.clock.now_ns()
        await s.data("POST", "/orders/regular", BUY)
        took_ms = (s.sim.clock.now_ns() - before_ns) / 1e6
        assert 30 <= took_ms <= 60

    rest_account(work)


def test_login_by_checksum() -> None:
    async def work(s: RestAccount) -> None:
        s.http.authorization = ""
        path = "/connect/login?v=3&api_key=paper&redirect_params=next%3Dhome"
        status, headers, body = await s.sim.during(
            s.http.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        )
        assert status == 302
        assert b"request_token=" in body
        target = urlsplit(headers["location"])
        sent = parse_qs(target.query)
        assert f"{target.scheme}://{target.netloc}{target.path}" == KiteSettings().redirect_url
        assert (sent["action"], sent["status"], sent["next"]) == (["login"], ["success"], ["home"])
        request_token = sent["request_token"][0]
        form = {"api_key": "paper", "request_token": request_token, "checksum": "0" * 64}
        status, error = await s.ask("POST", "/session/token", form)
        assert (status, error["error_type"]) == (403, "TokenException")
        form["checksum"] = hashlib.sha256(f"paper{request_token}paper-secret".encode()).hexdigest()
        session = await s.data("POST", "/session/token", form)
        status, error = await s.ask("POST", "/session/token", form)
        assert (status, error["error_type"]) == (403, "TokenException")  # one time only
        s.http.authorization = f"token paper:{s.token}"
        status, error = await s.ask("GET", "/user/profile")
        assert (status, error["error_type"]) == (
            403,
            "TokenException",
        )  # the login ended the older token
        s.http.authorization = f"token paper:{session['access_token']}"
        assert (await s.data("GET", "/user/profile"))["user_id"] == session["user_id"] == "PAPER1"
        gone = {"api_key": "paper", "access_token": session["access_token"]}
        assert await s.data("DELETE", "/session/token", gone) is True
        assert (await s.ask("GET", "/orders"))[0] == 403

    rest_account(work)


def test_tokens_die_at_six() -> None:
    async def work(s: RestAccount) -> None:
        s.sim.clock.advance(ist_ns(DATE + dt.timedelta(days=1), "05:59:59"))
        assert s.sim.sessions.is_valid("paper", s.token)
        s.sim.clock.advance(ist_ns(DATE + dt.timedelta(days=1), "06:00:00"))
        status, error = await s.ask("GET", "/orders")
        assert (status, error["error_type"]) == (403, "TokenException")

    rest_account(work)


@pytest.mark.parametrize(
    ("method", "path", "params", "status", "error_type"),
    [
        ("GET", "/nosuch", None, 404, "GeneralException"),
        ("GET", "/", None, 404, "GeneralException"),
        ("PATCH", "/orders", None, 405, "GeneralException"),
        ("POST", "/orders", None, 405, "GeneralException"),
        ("POST", "/orders/regular", {}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": "many"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": "1.5"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": "10.0"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": 10.0}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": "1e1"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": 100_001}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"quantity": "1e400"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"price": "inf"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"price": "-5"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"tradingsymbol": "NOSUCH"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"tradingsymbol": "NIFTY 50"}, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"transaction_type": "HOLD"}, 400, "InputException"),
        ("POST", "/orders/amo", BUY, 400, "OrderException"),
        ("POST", "/orders/iceberg", BUY, 400, "InputException"),
        ("POST", "/orders/regular", BUY | {"order_type": "MARKET"}, 400, "InputException"),
        (
            "POST",
            "/orders/regular",
            BUY | {"product": "CNC", "quantity": 90000},
            400,
            "MarginException",
        ),
        ("PUT", "/orders/regular/1", {"price": 1}, 400, "OrderException"),
        ("DELETE", "/orders/regular/1", None, 400, "OrderException"),
        ("GET", "/orders/1", None, 400, "OrderException"),
        ("GET", "/quote", None, 400, "InputException"),
        ("GET", "/quote", {"i": ["NSE:X"] * 501}, 400, "InputException"),
        ("GET", "/user/margins/gold", None, 400, "InputException"),
        ("GET", "/instruments/XYZ", None, 400, "InputException"),
        (
            "GET",
            "/instruments/historical/1/minute",
            {"from": "2026-11-18", "to": "2026-11-18"},
            400,
            "InputException",
        ),
        (
            "GET",
            "/instruments/historical/408065/hour",
            {"from": "2026-11-18", "to": "2026-11-18"},
            400,
            "InputException",
        ),
        (
            "GET",
            "/instruments/historical/408065/minute",
            {"from": "x", "to": "2026-11-18"},
            400,
            "InputException",
        ),
        (
            "GET",
            "/instruments/historical/408065/minute",
            {"from": "2026-01-18", "to": "2026-11-18"},
            400,
            "InputException",
        ),
    ],
)
def test_refused(method: str, path: str, params: Any, status: int, error_type: str) -> None:
    async def work(s: RestAccount) -> None:
        got, body = await s.ask(method, path, params)
        assert (got, body["status"], body["error_type"]) == (status, "error", error_type)
        assert body["message"]
        assert await s.data("GET", "/orders") == []

    rest_account(work)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /orders HTTP/9.9\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"POST /orders/regular HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 413),
        (
            b"POST /margins/orders HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_100_000,
            413,
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 404),
    ],
)
def test_malformed_http(data: bytes, status: int) -> None:
    async def work(s: RestAccount) -> None:
        http = KiteHttpClient(s.ports.rest, s.token)
        got, _, body = await s.sim.during(http.raw(data))
        http.close()
        assert got == status
        assert b'"status":"error"' in body
        assert (await s.ask("GET", "/orders"))[0] == 200  # the server lives on

    rest_account(work)


def test_json_bodies() -> None:
    async def work(s: RestAccount) -> None:
        for body in (b"", b"{", b"{}", b"[1]", b'[{"exchange":"NSE"}]'):
            assert (await s.ask("POST", "/margins/orders", body=body))[0] == 400
        item = (
            b'[{"exchange":"NSE","tradingsymbol":"INFY","transaction_type":"SELL","variety":"regular","product":"MIS",'
            b'"order_type":"LIMIT","quantity":100,"price":1510,"trigger_price":0}]'
        )
        (row,) = await s.data("POST", "/margins/orders", body=item)
        assert row["total"] == pytest.approx(0.2 * 100 * 1510)
        # Brokerage 20, STT 0.025 % = 37.75, exchange 4.6355 and its fund 0.00015, SEBI 0.151, no
        # stamp on a sale, GST 18 % of 24.7867
        assert row["charges"]["total"] == pytest.approx(
            20 + 37.75 + 4.6357 + 0.151 + 0.18 * 24.7867
        )
        (note,) = await s.data("POST", "/charges/orders", body=item)
        assert note["charges"]["transaction_tax"] == pytest.approx(37.75)

    rest_account(work)


@pytest.mark.parametrize(("second_exit", "more"), [("costs", 0.2 * 100 * 1520), ("free", 0.0)])
def test_a_basket_is_what_its_orders_cost_one_after_another(second_exit: Any, more: float) -> None:
    def row(
        side: str, kind: str, price: float, trigger: float = 0, qty: int = 100
    ) -> dict[str, Any]:
        return {
            "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": side, "variety": "regular", "product": "MIS",
            "order_type": kind, "quantity": qty, "price": price, "trigger_price": trigger,
        }  # fmt: skip

    entry, stop, target = (
        row("BUY", "LIMIT", 1500),
        row("SELL", "SL", 1490, 1490),
        row("SELL", "LIMIT", 1520),
    )

    async def work(s: RestAccount) -> None:
        async def total(rows: list[dict[str, Any]], query: str = "") -> float:
            told = await s.data("POST", f"/margins/basket{query}", body=orjson.dumps(rows))
            assert len(told["orders"]) == len(rows)
            assert told["initial"]["total"] == pytest.approx(
                sum(each["total"] for each in told["orders"])
            )
            return float(told["final"]["total"])

        assert await total([entry]) == await total([entry, stop]) == 30_000
        assert await total([entry, stop, target]) == pytest.approx(30_000 + more)
        assert await total([entry, row("SELL", "LIMIT", 1520, qty=150)]) == pytest.approx(
            30_000 + 0.2 * 50 * 1520
        )
        s.sim.exchange.place_manual("NSE:INFY", 1, 100)
        await s.wait(1)
        assert await total([target], "?consider_positions=true") == 0, "it closes what is held"
        assert await total([target], "?consider_positions=false") == pytest.approx(0.2 * 100 * 1520)

    rest_account(work, second_exit=second_exit)


def test_a_basket_tells_the_benefit_of_a_hedge() -> None:
    """A call spread that is sold: 12 per cent of the strike alone, what it can lose together."""

    async def work(s: RestAccount) -> None:
        sold, bought = (
            {
                "exchange": "NFO",
                "tradingsymbol": f"NIFTY26NOV{strike}CE",
                "transaction_type": side,
                "variety": "regular",
                "product": "NRML",
                "order_type": "LIMIT",
                "quantity": 65,
                "price": price,
            }
            for strike, side, price in ((26_000, "SELL", 150), (26_200, "BUY", 80))
        )
        for rows in ([sold, bought], [bought, sold]):
            told = await s.data("POST", "/margins/basket", body=orjson.dumps(rows))
            assert told["initial"]["total"] == pytest.approx(0.12 * 26_000 * 65 + 80 * 65)
            assert told["final"]["total"] == pytest.approx((200 + 80) * 65)

    rest_account(work, listing="whole")


def test_a_basket_may_be_untold() -> None:
    item = (
        b'[{"exchange":"NSE","tradingsymbol":"INFY","transaction_type":"BUY","variety":"regular","product":"MIS",'
        b'"order_type":"LIMIT","quantity":100,"price":1510,"trigger_price":0}]'
    )

    async def work(s: RestAccount) -> None:
        told = await s.data("POST", "/margins/basket", body=item)
        assert (
            told["initial"]["total"] is None
            and told["final"]["total"] is None
            and len(told["orders"]) == 1
        )

    rest_account(work, second_exit="untold")


def test_instrument_dump_and_quotes() -> None:
    async def work(s: RestAccount) -> None:
        request = (
            "GET /instruments HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n"
            f"Authorization: {s.http.authorization}\r\n\r\n"
        )
        status, headers, body = await s.sim.during(s.http.raw(request.encode()))
        assert (status, headers["content-type"], headers["content-encoding"]) == (
            200,
            "text/csv",
            "gzip",
        )
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(body).decode())))
        assert list(rows[0]) == DUMP_COLUMNS
        future = next(row for row in rows if row["tradingsymbol"] == "NIFTY26NOVFUT")
        assert (future["lot_size"], future["tick_size"], future["expiry"]) == (
            "65",
            "0.1",
            "2026-11-23",
        )
        assert {row["exchange"] for row in rows} == {"NSE", "NFO", "MCX", "CDS"}
        _, nse = await s.ask("GET", "/instruments/NSE")
        assert nse.count(b"\n") == 1 + sum(row["exchange"] == "NSE" for row in rows)
        quotes = await s.data(
            "GET", "/quote", {"i": ["NSE:INFY", "NSE:NOSUCH", "NSE:M&M", "NSE:NIFTY 50"]}
        )
        assert set(quotes) == {"NSE:INFY", "NSE:M&M", "NSE:NIFTY 50"}
        infy = quotes["NSE:INFY"]
        assert (
            infy["lower_circuit_limit"]
            < infy["ohlc"]["low"]
            <= infy["last_price"]
            <= infy["ohlc"]["high"]
        )
        assert len(infy["depth"]["buy"]) == len(infy["depth"]["sell"]) == 5

    rest_account(work)


def test_candles_are_what_happened() -> None:
    async def work(s: RestAccount) -> None:
        query = {"from": "2026-11-18 09:15:00", "to": "2026-11-18 15:30:00", "oi": 1}
        rows = (await s.data("GET", "/instruments/historical/408065/minute", query))["candles"]
        assert [row[0][11:16] for row in rows] == [
            "09:15",
            "09:16",
            "09:17",
            "09:18",
            "09:19",
            "09:20",
        ]
        quote = (await s.data("GET", "/quote", {"i": "NSE:INFY"}))["NSE:INFY"]
        assert rows[0][1] == quote["ohlc"]["open"]
        assert max(row[2] for row in rows) == quote["ohlc"]["high"]
        assert len(rows[0]) == 7
        days = {"from": "2026-11-10 00:00:00", "to": "2026-11-18 15:30:00"}
        rows = (await s.data("GET", "/instruments/historical/408065/day", days))["candles"]
        assert [row[0][8:10] for row in rows] == [
            "11",
            "12",
            "13",
            "16",
            "17",
            "18",
        ]  # the 10th is a holiday

    rest_account(work)


def test_candles_tell_the_open_interest_of_their_end() -> None:
    """The last finished minute's is what the quote told at its end; a share has none."""

    async def work(s: RestAccount) -> None:
        future = s.sim.exchange.market.universe.resolve("NFO:NIFTY.FUT")
        quote = (await s.data("GET", "/quote", {"i": future.key}))[future.key]
        await s.sim.run_until(ist_ns(DATE, "09:22:30"))
        query = {"from": "2026-11-18 09:15:00", "to": "2026-11-18 09:21:59", "oi": 1}
        path = f"/instruments/historical/{future.token}/minute"
        rows = (await s.data("GET", path, query))["candles"]
        assert quote["oi"] > 0 and len({row[6] for row in rows}) > 1
        now = (await s.data("GET", "/quote", {"i": future.key}))[future.key]
        query["to"] = "2026-11-18 09:23:00"
        assert (await s.data("GET", path, query))["candles"][-1][6] == now["oi"]
        without = (await s.data("GET", path, query | {"oi": 0}))["candles"]
        assert {len(row) for row in without} == {6}
        share = (await s.data("GET", "/instruments/historical/408065/minute", query))["candles"]
        assert {row[6] for row in share} == {0}

    rest_account(work)


def test_what_kite_refuses_before_its_order_system() -> None:
    """AMO in hours, options on shares at the market; a price that MARKET has no use for is ignored,
    and so is LIMIT's trigger.
    """

    async def work(s: RestAccount) -> None:
        async def words(params: dict[str, Any], variety: str = "regular") -> str:
            status, body = await s.ask("POST", f"/orders/{variety}", params)
            assert status == 400 and not await s.data("GET", "/orders")
            return str(body["message"])

        assert "AMO" in await words(BUY | {"price": 1500}, "amo")
        option = s.sim.exchange.market.universe.resolve("NFO:INFY.ATMCE")
        at_the_market = BUY | {
            "exchange": "NFO",
            "tradingsymbol": option.tradingsymbol,
            "quantity": option.lot,
            "product": "NRML",
            "order_type": "MARKET",
            "market_protection": -1,
        }
        assert "stock options" in await words(at_the_market)
        price = round(
            (await s.data("GET", "/quote/ltp", {"i": "NSE:INFY"}))["NSE:INFY"]["last_price"]
        )
        unused = [
            {"order_type": "MARKET", "market_protection": -1, "price": price},
            {"order_type": "LIMIT", "price": price - 20, "trigger_price": price - 30},
        ]
        for terms in unused:
            await s.data("POST", "/orders/regular", BUY | terms)
        rows = await s.data("GET", "/orders")
        assert [row["trigger_price"] for row in rows] == [0, 0]

    rest_account(work, listing="whole")


def test_what_the_simulator_does_not_model_is_refused_in_words() -> None:
    """GTT at any time, and after-market orders when the market is closed."""

    async def work(s: RestAccount) -> None:
        calls = (("POST", ""), ("GET", "/1"), ("PUT", "/1"), ("DELETE", "/1"))
        for method, rest in calls:
            status, body = await s.ask(method, "/gtt/triggers" + rest, {})
            assert status == 400 and "GTT orders are not offered" in body["message"], method
        assert await s.data("GET", "/gtt/triggers") == []
        await s.sim.run_until(ist_ns(DATE, "15:50"))
        status, body = await s.ask("POST", "/orders/amo", BUY | {"price": 1500})
        assert status == 400 and "takes no after market orders" in body["message"]
        assert not await s.data("GET", "/orders")

    rest_account(work)


def test_limits_answer_429() -> None:
    async def work(s: RestAccount) -> None:
        for kind, path, allowed in (("GET", "/quote/ltp?i=NSE:INFY", 1), ("GET", "/orders", 10)):
            connections = [KiteHttpClient(s.ports.rest, s.token) for _ in range(allowed + 1)]
            both = asyncio.gather(*(http.ask(kind, path) for http in connections))

            async def wait(both: Any = both) -> Any:
                return await both

            statuses = sorted(status for status, _ in await s.sim.during(wait()))
            assert statuses == [200] * allowed + [429]
            for http in connections:
                http.close()
        await s.wait(1)
        connections = [KiteHttpClient(s.ports.rest, s.token) for _ in range(11)]

        async def place() -> Any:
            return await asyncio.gather(
                *(http.ask("POST", "/orders/regular", BUY) for http in connections)
            )

        answers = await s.sim.during(place())
        assert sorted(status for status, _ in answers) == [200] * 10 + [429]
        assert {body["error_type"] for status, body in answers if status == 429} == {
            "NetworkException"
        }
        await s.wait(1)
        assert len(await s.data("GET", "/orders")) == 10
        for http in connections:
            http.close()

    rest_account(work, servers={})


def test_day_limit_counts_refused_orders() -> None:
    async def work(s: RestAccount) -> None:
        assert (await s.ask("POST", "/orders/regular", {}))[0] == 400
        assert (await s.ask("POST", "/orders/regular", BUY))[0] == 200
        assert (await s.ask("POST", "/orders/regular", BUY))[0] == 429

    rest_account(work, servers={"kite": KiteSettings(limits=KiteLimits(orders_per_day=2))})


def test_faults_enter_by_one_door() -> None:
    async def work(s: RestAccount) -> None:
        s.sim.faults.fail_next(
            503, "NetworkException", "OMS unreachable", method="POST", path_prefix="/orders"
        )
        assert (await s.ask("GET", "/orders"))[0] == 200
        assert (await s.ask("POST", "/orders/regular", BUY))[0] == 503
        assert (await s.ask("POST", "/orders/regular", BUY))[0] == 200
        s.sim.faults.delay_ns = 2 * NS_PER_S
        before_ns = s.sim.clock.now_ns()
        await s.data("GET", "/orders")
        assert s.sim.clock.now_ns() - before_ns > 2 * NS_PER_S

    rest_account(work)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def work(s: RestAccount) -> None:
        head = f" HTTP/1.1\r\nHost: x\r\nAuthorization: {s.http.authorization}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", s.ports.rest)
        writer.write(
            "".join(
                f"GET {path}{head}" for path in ("/user/profile", "/nosuch", "/orders")
            ).encode()
        )

        async def three() -> list[bytes]:
            found = []
            for _ in range(3):
                lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
                length = next(
                    int(line[16:]) for line in lines if line.startswith(b"content-length: ")
                )
                found.append(lines[0] + await reader.readexactly(length))
            return found

        first, second, third = await s.sim.during(three())
        assert b"200 OK" in first and b"PAPER1" in first
        assert b"404 Not Found" in second
        assert third.endswith(b'"data":[]}')
        writer.close()

    rest_account(work)


def test_feed_refuses_strangers_and_bad_messages() -> None:
    async def work(s: RestAccount) -> None:
        for token in ("", "x", s.token + "x"):
            with pytest.raises(WSHandshakeError) as caught:
                await open_feed(s.sim, s.ports, token, KiteFeedConnection())
            assert caught.value.response is not None and caught.value.response.status == 403
        feed = await open_feed(s.sim, s.ports, s.token, KiteFeedConnection())
        for message in (
            b"{",
            b"[]",
            b'{"a":"x","v":[]}',
            b'{"a":"mode","v":["deep",[1]]}',
            b'{"a":"subscribe","v":["1"]}',
        ):
            feed.say(message)
        feed.say({"a": "subscribe", "v": [999]})
        await s.wait(1)
        assert [message["type"] for message in feed.texts] == ["error"] * 5
        feed.say({"a": "subscribe", "v": list(range(2000, 5000))})
        await s.wait(1)
        assert "1 refused" in feed.texts[-1]["data"]

    rest_account(work)


def test_feed_modes_and_silence() -> None:
    async def work(s: RestAccount) -> None:
        feed = await open_feed(s.sim, s.ports, s.token, KiteFeedConnection())

        async def sizes(seconds: float, message: dict[str, Any] | None = None) -> set[int]:
            if message is not None:
                feed.say(message)
                await s.wait(0.05)
            feed.binary.clear()
            await s.wait(seconds)
            return {len(payload) for payload in feed.binary}

        assert await sizes(3) == {1}
        assert await sizes(3, {"a": "subscribe", "v": [408065, 256265]}) == {2 + 46 + 30}
        assert await sizes(3, {"a": "mode", "v": ["full", [408065, 256265]]}) == {2 + 186 + 34}
        assert await sizes(3, {"a": "mode", "v": ["ltp", [256265]]}) == {2 + 186 + 10}
        assert await sizes(3, {"a": "unsubscribe", "v": [408065]}) == {2 + 10}
        s.sim.stop_feed()
        assert await sizes(3) == set()
        s.sim.start_feed()
        # The first beat comes at once: the last frame is more than a second old.
        assert await sizes(3) == {1, 2 + 10}
        assert await sizes(3, {"a": "unsubscribe", "v": [256265]}) == {1}

    rest_account(work)


def test_pushes_tell_the_whole_order() -> None:
    async def work(s: RestAccount) -> None:
        feed = await open_feed(s.sim, s.ports, s.token, KiteFeedConnection())
        market = BUY | {"order_type": "MARKET", "market_protection": -1}
        order_id = (await s.data("POST", "/orders/regular", market))["order_id"]
        await s.wait(1)
        (push,) = [
            message["data"] for message in feed.texts if message["data"]["status"] == "COMPLETE"
        ]
        (row,) = await s.data("GET", "/orders")
        assert row["order_id"] == order_id
        assert {name: push[name] for name in row} == row
        assert (push["user_id"], push["unfilled_quantity"], push["checksum"]) == ("PAPER1", 0, "")

    rest_account(work)
