"""Questions that are not orders: one connection, one question at a time, no retries.

An error answer raises by what it means: TokenError, RateLimitError, NetworkError or BrokerError,
none of which repeats anything that we sent. HTML, a cut answer and silence are NetworkError.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from otrade.brokers.parse import clean_text, parse_body
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.http_connection import HttpConnection, HttpResponse, ask, connect
from otrade.clock import Clock
from otrade.errors import BrokerError, NetworkError

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ANSWER_BYTES_MAX = 1 << 27  # an instrument dump of all exchanges is some 10 MB

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class RestClient:
    """Subclasses give `_headers` (without line ends) and `error_of` of a failed answer."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        error_of: Callable[[int, bytes], BrokerError],
        timeout_ns: int = 10 * NS_PER_S,
    ) -> None:
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._clock = clock
        self._error_of = error_of
        self._timeout_ns = timeout_ns
        self._connection: HttpConnection | None = None
        self._turn = asyncio.Lock()
        self.is_connecting = False
        self.clock_ahead_ns: int | None = None
        """Our clock less the server's, by the Date of its last answer, which has whole seconds;
        None when it sent none.
        """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.authority})"

    def _headers(self) -> list[str]:
        raise NotImplementedError

    def close(self) -> None:
        """End the connection; a question that is being asked gets NetworkError."""
        if self._connection is not None:
            self._connection.fail("the session was closed")
            self._connection = None

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """`data` of the answer to a GET."""
        return await self._data(self._bytes_of("GET", path, params, b"", ""))

    async def table(
        self, path: str, params: Sequence[tuple[str, str]] = ()
    ) -> list[dict[str, Any]]:
        """Rows of the answer to a GET, as `whole` has them."""
        return as_rows(await self.whole(path, params))

    async def whole(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """`data` of the answer to a GET. NetworkError when the broker itself says that it is not
        all: such a table proves nothing.
        """
        envelope = await self._object(self._bytes_of("GET", path, params, b"", ""))
        if envelope.get("status") != "success":
            raise NetworkError(
                f"the broker's answer is not whole ({clean_text(envelope.get('status'))})"
            )
        return envelope.get("data")

    async def delete(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """`data` of the answer to a DELETE."""
        return await self._data(self._bytes_of("DELETE", path, params, b"", ""))

    async def post(self, path: str, form: Mapping[str, str]) -> Any:
        """`data` of the answer to a form POST."""
        return await self._data(self._bytes_of("POST", path, (), urlencode(form).encode(), FORM))

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str = JSON,
        params: Sequence[tuple[str, str]] = (),
    ) -> Any:
        """`data` of the answer to a request with a body."""
        return await self._data(self._bytes_of(method, path, params, body, content_type))

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
            "User-Agent: otrade",
            "Accept-Encoding: gzip",
            *self._headers(),
        ]
        if body:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _data(self, request: bytes) -> Any:
        return (await self._object(request)).get("data")

    async def _object(self, request: bytes) -> dict[str, Any]:
        """The whole JSON object of a successful answer."""
        response = await self._exchange(request)
        if response.status != 200:
            raise self._error_of(response.status, response.body)
        envelope = parse_body(response.body)
        if envelope is None:
            raise NetworkError("the broker's answer is not JSON")
        if envelope.get("status") not in ("success", "partial_success"):
            raise self._error_of(response.status, response.body)
        return envelope

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
            response = await ask(
                connection, request, clock=self._clock, timeout_ns=self._timeout_ns
            )
            self._compare_clocks(response.headers.get("date", ""))
            return response

    def _compare_clocks(self, date: str) -> None:
        try:
            server_ns = http_date_s(date) * NS_PER_S
        except (ValueError, IndexError):
            return
        # The server cut its time to the second: on average it was half a second later.
        self.clock_ahead_ns = self._clock.now_ns() - server_ns - NS_PER_S // 2


def http_date_s(text: str) -> int:
    """UNIX time of a Date header as servers must write it, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110,
    5.6.7). ValueError or IndexError for anything else.
    """
    _, day, month, year, time, zone = text.split(" ")
    hour, minute, second = time.split(":")
    if zone != "GMT":
        raise ValueError(text)
    found = datetime(
        int(year),
        MONTHS.index(month) + 1,
        int(day),
        int(hour),
        int(minute),
        int(second),
        tzinfo=UTC,
    )
    return int(found.timestamp())


def as_object(data: Any) -> dict[str, Any]:
    """An object, or BrokerError."""
    if not isinstance(data, dict):
        raise BrokerError("the broker's answer has no object where one is documented")
    return data


def as_rows(data: Any) -> list[dict[str, Any]]:
    """Rows of a table; null is an empty one."""
    if data is None:
        return []
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BrokerError("the broker's answer has no table where one is documented")
    return data
