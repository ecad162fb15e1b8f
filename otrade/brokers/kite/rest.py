"""Kite's REST interface for everything that is not an order: one connection, one question at a
time, no retries.

An error answer raises by its `error_type`: TokenError, RateLimitError, NetworkError or BrokerError,
none of which repeats anything that we sent. HTML, a cut answer and silence are NetworkError.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from otrade.brokers.base import Clock
from otrade.brokers.kite.backoff import NS_PER_S
from otrade.brokers.kite.endpoint import Endpoint
from otrade.brokers.kite.http import HttpConnection, HttpResponse, ask, connect
from otrade.brokers.kite.reasons import error_of, parse_body
from otrade.errors import BrokerError, NetworkError

ANSWER_BYTES_MAX = 1 << 27  # the instrument dump of all exchanges is some 10 MB


class KiteRest:
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
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._api_key = api_key
        self._access_token = access_token
        self._clock = clock
        self._timeout_ns = timeout_ns
        self._connection: HttpConnection | None = None
        self._turn = asyncio.Lock()
        self.is_connecting = False

    def __repr__(self) -> str:
        return f"KiteRest({self._endpoint.authority})"

    def set_access_token(self, access_token: str) -> None:
        self._access_token = access_token

    def close(self) -> None:
        """End the connection; a question that is being asked gets NetworkError."""
        if self._connection is not None:
            self._connection.fail("the session was closed")
            self._connection = None

    # ------------------------------------------------------------------------------------ questions
    async def profile(self) -> dict[str, Any]:
        return _object(await self.get("/user/profile"))

    async def orders(self) -> list[dict[str, Any]]:
        """The day's order book."""
        return _rows(await self.get("/orders"))

    async def trades(self) -> list[dict[str, Any]]:
        return _rows(await self.get("/trades"))

    async def positions(self) -> dict[str, list[dict[str, Any]]]:
        """`net` and `day` rows."""
        data = _object(await self.get("/portfolio/positions"))
        return {"net": _rows(data.get("net")), "day": _rows(data.get("day"))}

    async def margins(self) -> dict[str, Any]:
        """Funds by segment: `equity`, `commodity`."""
        return _object(await self.get("/user/margins"))

    async def quote(self, keys: Sequence[str], family: str = "") -> dict[str, Any]:
        """Snapshots by EXCHANGE:SYMBOL; family "" (at most 500), "ohlc" or "ltp" (1000). Unknown
        ones are missing.
        """
        path = f"/quote/{family}" if family else "/quote"
        return _object(await self.get(path, [("i", key) for key in keys]))

    async def instruments_csv(self, exchange: str = "") -> bytes:
        """The day's instrument dump, unzipped."""
        path = f"/instruments/{quote(exchange, safe='')}" if exchange else "/instruments"
        response = await self._exchange(self._bytes_of("GET", path, [], b"", ""))
        if response.status != 200:
            raise error_of(response.status, response.body)
        if not response.body.startswith(b"instrument_token,"):
            raise NetworkError("the instrument dump is not the CSV that it should be")
        return response.body

    async def historical(
        self,
        token: int,
        interval: str,
        since: str,
        until: str,
        *,
        continuous: bool = False,
        oi: bool = False,
    ) -> list[list[Any]]:
        """Candles [time, open, high, low, close, volume(, oi)]; `since` and `until` are `yyyy-mm-dd
        hh:mm:ss` IST.
        """
        params = [
            ("from", since),
            ("to", until),
            ("continuous", str(int(continuous))),
            ("oi", str(int(oi))),
        ]
        data = _object(
            await self.get(f"/instruments/historical/{token}/{quote(interval, safe='')}", params)
        )
        candles = data.get("candles")
        if not isinstance(candles, list):
            raise NetworkError("the candle answer has no candles")
        return candles

    async def generate_session(self, request_token: str, api_secret: str) -> dict[str, Any]:
        """Exchange a request token for the day's access token (`data` of Kite's answer, with
        `access_token`).
        """
        checksum = hashlib.sha256(
            f"{self._api_key}{request_token}{api_secret}".encode()
        ).hexdigest()
        form = {"api_key": self._api_key, "request_token": request_token, "checksum": checksum}
        return _object(await self.post("/session/token", form))

    # ------------------------------------------------------------------------------------- plumbing
    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """`data` of the answer to a GET."""
        return await self._data(self._bytes_of("GET", path, params, b"", ""))

    async def post(self, path: str, form: Mapping[str, str]) -> Any:
        """`data` of the answer to a form POST."""
        body = urlencode(form).encode()
        return await self._data(
            self._bytes_of("POST", path, (), body, "application/x-www-form-urlencoded")
        )

    def _bytes_of(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]],
        body: bytes,
        content_type: str,
    ) -> bytes:
        query = f"?{urlencode(params)}" if params else ""
        lines = [
            f"{method} {self._endpoint.path}{path}{query} HTTP/1.1",
            f"Host: {self._endpoint.authority}",
            "X-Kite-Version: 3",
            "User-Agent: otrade",
            "Accept-Encoding: gzip",
        ]
        if self._access_token:
            lines.append(f"Authorization: token {self._api_key}:{self._access_token}")
        if body:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _data(self, request: bytes) -> Any:
        response = await self._exchange(request)
        if response.status != 200:
            raise error_of(response.status, response.body)
        envelope = parse_body(response.body)
        if envelope is None:
            raise NetworkError("the broker's answer is not JSON")
        if envelope.get("status") != "success":
            raise error_of(response.status, response.body)
        return envelope.get("data")

    async def _exchange(self, request: bytes) -> HttpResponse:
        async with self._turn:
            connection = self._connection
            if connection is None or not connection.is_idle:
                self.is_connecting = True
                try:
                    connection = await connect(
                        self._endpoint, self._tls, lambda _: None, body_bytes_max=ANSWER_BYTES_MAX
                    )
                finally:
                    self.is_connecting = False
                self._connection = connection
            return await ask(connection, request, clock=self._clock, timeout_ns=self._timeout_ns)


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise BrokerError("the broker's answer has no object where one is documented")
    return data


def _rows(data: Any) -> list[dict[str, Any]]:
    """Rows of a table; null is an empty one."""
    if data is None:
        return []
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BrokerError("the broker's answer has no table where one is documented")
    return data
