"""A simulator at 09:20 with one logged-in Upstox client."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal
from urllib.parse import quote, urlencode

import orjson

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.orders import Order
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.simulator import Ports, Simulator
from tests.simulator.kite.kite_client import KiteHttpClient
from tests.simulator.scripted_market import DATE

INFY = "NSE_EQ|INE009A01021"
Outcome = tuple[int, Any] | Literal["silence", "lost"]


class UpstoxHttpClient(KiteHttpClient):
    """One keep-alive connection; bodies are JSON."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(port, "")
        self.authorization = f"Bearer {token}"

    async def ask(
        self, method: str, path: str, params: Any = None, body: Any = None
    ) -> tuple[int, Any]:
        """(status, JSON) of one request."""
        if params:
            path = f"{path}?{urlencode(params, quote_via=quote)}"
        content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"
            f"Authorization: {self.authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        async with self._lock:
            status, _, data = await self.raw(head.encode() + content)
        return status, orjson.loads(data) if data[:1] in b"{[" and data else data


class UpstoxAccount:
    """One client."""

    def __init__(self, sim: Simulator, ports: Ports) -> None:
        self.sim, self.ports = sim, ports
        self.token = sim.upstox.issue()
        self.http = UpstoxHttpClient(ports.upstox_rest, self.token)

    @property
    def faults(self) -> FaultInjector:
        return self.sim.faults

    @property
    def orders(self) -> list[Order]:
        return self.sim.exchange.orders()

    @property
    def ltp(self) -> float:
        exchange = self.sim.exchange
        return exchange.market.quote(exchange.market.universe.by_key["NSE:INFY"]).ltp_e4 / 10_000

    def login(self) -> None:
        self.token = self.sim.upstox.issue()
        self.http.authorization = f"Bearer {self.token}"

    async def raw(self, text: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """A request whose head is written out but for its length."""
        head = f"{text}\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        return await self.sim.during(self.http.raw(head.encode() + body))

    async def ask(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        return await self.sim.during(self.http.ask(*args, **kwargs))

    async def data(self, *args: Any, **kwargs: Any) -> Any:
        status, body = await self.ask(*args, **kwargs)
        assert (status, body["status"]) == (200, "success"), body
        return body["data"]

    async def refusal(self, *args: Any, **kwargs: Any) -> tuple[int, str, str | None]:
        """(status, code, field) of a request that is refused."""
        status, body = await self.ask(*args, **kwargs)
        assert body["status"] == "error", body
        (error,) = body["errors"]
        assert error["errorCode"] == error["error_code"] and error["message"] and "data" not in body
        assert error["propertyPath"] == error["property_path"]
        return status, error["errorCode"], error["propertyPath"]

    def terms(self, quantity: int = 1, away: float = 20.0, **changed: Any) -> dict[str, Any]:
        """A limit order so far below the market."""
        return {
            "quantity": quantity,
            "product": "I",
            "validity": "DAY",
            "price": float(round(self.ltp - away)),
            "tag": "T1",
            "slice": False,
            "instrument_token": INFY,
            "order_type": "LIMIT",
            "transaction_type": "BUY",
            "disclosed_quantity": 0,
            "trigger_price": 0.0,
            "is_amo": False,
            "market_protection": 0,
            **changed,
        }

    async def place(self, quantity: int = 1, away: float = 20.0, **changed: Any) -> str:
        terms = self.terms(quantity, away, **changed)
        (order_id,) = (await self.data("POST", "/v3/order/place", body=terms))["order_ids"]
        return str(order_id)

    async def market(self, quantity: int = 1, side: str = "BUY", **changed: Any) -> str:
        changed = {
            "transaction_type": side,
            "order_type": "MARKET",
            "price": 0,
            "market_protection": -1,
            **changed,
        }
        return await self.place(quantity, **changed)

    async def attempt(
        self, method: str, path: str, params: Any = None, body: Any = None, *, seconds: float = 2
    ) -> Outcome:
        """What comes back within so many (virtual) seconds; "lost" when the connection ends before
        a whole answer.
        """
        await self.ask("GET", "/v2/user/profile")  # connected
        task = asyncio.ensure_future(self.http.ask(method, path, params, body))
        await self.wait(seconds)
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.http.close()
            return "silence"
        try:
            return task.result()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.http.close()
            return "lost"

    async def wait(self, seconds: float) -> None:
        await self.sim.run_until(self.sim.clock.now_ns() + int(seconds * NS_PER_S))


def upstox_account(
    work: Callable[[UpstoxAccount], Coroutine[Any, Any, None]], *, at: str = "09:20", **config: Any
) -> None:
    """Run `work` at that time."""

    async def main() -> None:
        config.setdefault("broker", "upstox")
        config.setdefault("dates", (DATE,))
        sim = Simulator(SimConfig(**config))
        place = UpstoxAccount(sim, await sim.start())
        await sim.run_until(ist_ns(config["dates"][0], at))
        try:
            await work(place)
        finally:
            place.http.close()
            await sim.stop()

    asyncio.run(main())
