"""Kite's REST interface for everything that is not an order."""

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson

from otrade.brokers.kite.error_map import error_of
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.rest_client import RestClient, as_object, as_rows
from otrade.clock import Clock
from otrade.errors import BrokerError, NetworkError, NoSuchOrderError


class KiteRest(RestClient):
    """`access_token` is empty before login."""

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        access_token: str = "",
        *,
        clock: Clock,
        timeout_ns: int = 10 * NS_PER_S,
    ) -> None:
        super().__init__(endpoint, clock=clock, error_of=error_of, timeout_ns=timeout_ns)
        self._api_key = api_key
        self._access_token = access_token

    def set_access_token(self, access_token: str) -> None:
        self._access_token = access_token

    def _headers(self) -> list[str]:
        lines = ["X-Kite-Version: 3"]
        if self._access_token:
            lines.append(f"Authorization: token {self._api_key}:{self._access_token}")
        return lines

    # ------------------------------------------------------------------------------------ questions
    async def profile(self) -> dict[str, Any]:
        return as_object(await self.get("/user/profile"))

    async def orders(self) -> list[dict[str, Any]]:
        """The day's order book."""
        return await self.table("/orders")

    async def trades(self) -> list[dict[str, Any]]:
        return await self.table("/trades")

    async def positions(self) -> dict[str, list[dict[str, Any]]]:
        """`net` and `day` rows."""
        data = as_object(await self.whole("/portfolio/positions"))
        return {"net": as_rows(data.get("net")), "day": as_rows(data.get("day"))}

    async def holdings(self) -> list[dict[str, Any]]:
        return as_rows(await self.get("/portfolio/holdings"))

    async def order_history(self, order_id: str) -> list[dict[str, Any]]:
        """The states of one order, oldest first."""
        return await self.table(f"/orders/{quote(order_id, safe='')}")

    async def order(self, order_id: str) -> dict[str, Any] | None:
        """One order as its history has it last; None when there is no such order. BrokerError for a
        history without a state.
        """
        try:
            rows = await self.order_history(order_id)
        except NoSuchOrderError:
            return None
        if not rows:
            raise BrokerError("the broker's history of an order is empty")
        return rows[-1]

    async def basket_margins(
        self, orders: Sequence[dict[str, Any]], *, with_positions: bool = True
    ) -> dict[str, Any]:
        """Margin of orders together: `initial`, `final`, `orders`; with what positions that are
        held take off it, or without.
        """
        params = [("consider_positions", "true" if with_positions else "false")]
        return as_object(
            await self.send("POST", "/margins/basket", orjson.dumps(list(orders)), params=params)
        )

    async def margins(self) -> dict[str, Any]:
        """Funds by segment: `equity`, `commodity`."""
        return as_object(await self.get("/user/margins"))

    async def quote(self, keys: Sequence[str], family: str = "") -> dict[str, Any]:
        """Snapshots by EXCHANGE:SYMBOL; family "" (at most 500), "ohlc" or "ltp" (1000). Unknown
        ones are missing.
        """
        path = f"/quote/{family}" if family else "/quote"
        return as_object(await self.get(path, [("i", key) for key in keys]))

    async def minute_candles(self, token: int, first: str, last: str) -> dict[str, Any]:
        """`candles` of a minute from `first` to `last` (yyyy-mm-dd hh:mm:ss, IST), at most 60 days;
        of today as far as it has come.
        """
        path = f"/instruments/historical/{token}/minute"
        return as_object(await self.get(path, [("from", first), ("to", last)]))

    async def instruments_csv(self, exchange: str = "") -> bytes:
        """The day's instrument dump, unzipped."""
        path = f"/instruments/{quote(exchange, safe='')}" if exchange else "/instruments"
        response = await self._exchange(self._bytes_of("GET", path, [], b"", ""))
        if response.status != 200:
            raise error_of(response.status, response.body)
        if not response.body.startswith(b"instrument_token,"):
            raise NetworkError("the instrument dump is not the CSV that it should be")
        return response.body

    async def generate_session(self, request_token: str, api_secret: str) -> dict[str, Any]:
        """Exchange a request token for the day's access token (`data` of Kite's answer, with
        `access_token`).
        """
        checksum = hashlib.sha256(
            f"{self._api_key}{request_token}{api_secret}".encode()
        ).hexdigest()
        form = {"api_key": self._api_key, "request_token": request_token, "checksum": checksum}
        return as_object(await self.post("/session/token", form))
