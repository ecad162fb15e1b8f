"""A simulator at 09:20 with one client who is logged in: what such a client is told when the broker
misbehaves.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal

import orjson
from picows import WSFrame, WSMsgType, WSTransport

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.orders import Order
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.kite.rest.settings import KiteLimits, KiteSettings
from otrade.simulator.simulator import Ports, Simulator
from tests.simulator.kite.kite_client import KiteFeedConnection, KiteHttpClient, open_feed
from tests.simulator.scripted_market import DATE

KEY = "NSE:INFY"
NO_LIMITS = KiteLimits(
    orders_per_second=0,
    orders_per_minute=0,
    orders_per_day=0,
    quotes_per_second=0,
    historical_per_second=0,
    others_per_second=0,
)
Outcome = tuple[int, Any] | Literal["silence", "lost"]


class KiteFeedRecorder(KiteFeedConnection):
    """Keeps every text as it came, with its time; knows when the connection ended."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[bytes] = []
        self.is_up = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.is_up = True

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_up = False

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.raw.append(frame.get_payload_as_bytes())
        else:
            super().on_ws_frame(transport, frame)

    def told(self) -> list[tuple[str, int, int]]:
        """(status, filled, quantity) of each push that can be read as an order."""
        found = []
        for text in self.raw:
            try:
                data = orjson.loads(text)["data"]
                found.append((data["status"], data["filled_quantity"], data["quantity"]))
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
        return found


class KiteAccount:
    """One client: a keep-alive connection for requests, and a feed."""

    def __init__(self, sim: Simulator, ports: Ports) -> None:
        self.sim, self.ports = sim, ports
        self.token = sim.issue_access_token()
        self.http = KiteHttpClient(ports.rest, self.token)
        self.feed = KiteFeedRecorder()

    @property
    def faults(self) -> FaultInjector:
        return self.sim.faults

    @property
    def orders(self) -> list[Order]:
        return self.sim.exchange.orders()

    @property
    def ltp(self) -> float:
        exchange = self.sim.exchange
        return exchange.market.quote(exchange.market.universe.resolve(KEY)).ltp_e4 / 10_000

    async def listen(self) -> KiteFeedRecorder:
        """A new feed connection that is subscribed to the instrument."""
        self.feed = KiteFeedRecorder()
        await open_feed(self.sim, self.ports, self.token, self.feed)
        self.feed.say({"a": "mode", "v": ["full", [408065]]})
        return self.feed

    async def ask(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        return await self.sim.during(self.http.ask(*args, **kwargs))

    async def data(self, *args: Any, **kwargs: Any) -> Any:
        status, body = await self.ask(*args, **kwargs)
        assert (status, body["status"]) == (200, "success"), body
        return body["data"]

    async def buy(self, quantity: int = 1, away: float = 20.0, **changed: Any) -> str:
        """The id of a limit order so far below the market."""
        return str(
            (await self.data("POST", "/orders/regular", self.form(quantity, away, **changed)))[
                "order_id"
            ]
        )

    def form(self, quantity: int = 1, away: float = 20.0, **changed: Any) -> dict[str, Any]:
        return {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "product": "MIS",
            "order_type": "LIMIT",
            "quantity": quantity,
            "price": round(self.ltp - away),
            "validity": "DAY",
            "tag": "T1",
            **changed,
        }

    async def attempt(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, seconds: float = 2
    ) -> Outcome:
        """What comes back within so many (virtual) seconds; "lost" when the connection ends before
        a whole answer.
        """
        await self.ask("GET", "/user/profile")  # connected
        task = asyncio.ensure_future(self.http.ask(method, path, params))
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


def kite_account(work: Callable[[KiteAccount], Coroutine[Any, Any, None]], **config: Any) -> None:
    """Run `work` at 09:20."""

    async def main() -> None:
        config.setdefault("servers", {"kite": KiteSettings(limits=NO_LIMITS)})
        sim = Simulator(SimConfig(dates=(DATE,), **config))
        place = KiteAccount(sim, await sim.start())
        await sim.run_until(ist_ns(DATE, "09:20"))
        try:
            await work(place)
        finally:
            place.http.close()
            await sim.stop()

    asyncio.run(main())
