"""Upstox's REST interface for everything that is not an order. Paths and limits: docs of API v2/v3."""

import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from otrade.brokers.parse import parse_body
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.rest_client import (
    ANSWER_BYTES_MAX,
    FORM,
    RestClient,
    as_object,
    as_rows,
)
from otrade.brokers.upstox.error_map import error_of
from otrade.clock import Clock
from otrade.errors import NetworkError, NoSuchOrderError


class UpstoxRest(RestClient):
    """`access_token` is empty before login."""

    def __init__(
        self,
        endpoint: Endpoint,
        access_token: str = "",
        *,
        clock: Clock,
        timeout_ns: int = 10 * NS_PER_S,
    ) -> None:
        super().__init__(endpoint, clock=clock, error_of=error_of, timeout_ns=timeout_ns)
        self._access_token = access_token

    def set_access_token(self, access_token: str) -> None:
        self._access_token = access_token

    def _headers(self) -> list[str]:
        lines = ["Accept: application/json", "Api-Version: 2.0"]
        if self._access_token:
            lines.append(f"Authorization: Bearer {self._access_token}")
        return lines

    # ------------------------------------------------------------------------------------------------------
    # login and account
    async def generate_session(
        self, code: str, client_id: str, client_secret: str, redirect_uri: str
    ) -> dict[str, Any]:
        """Exchange a login's code for the day's access token. This answer has no envelope."""
        form = {
            "code": code,
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uri": redirect_uri,
            "grant_type": "authorization_code",
        }
        response = await self._exchange(
            self._bytes_of(
                "POST", "/v2/login/authorization/token", (), urlencode(form).encode(), FORM
            )
        )
        if response.status != 200:
            raise error_of(response.status, response.body)
        answer = parse_body(response.body)
        if answer is None:
            raise NetworkError("the broker's session answer is not JSON")
        return answer

    async def request_token(self, client_id: str, client_secret: str) -> dict[str, Any]:
        """Ask for the approval in the person's app; the token then goes to the app's web hook.
        `authorization_expiry`.
        """
        path = f"/v3/login/auth/token/request/{quote(client_id, safe='')}"
        return as_object(
            await self.send("POST", path, orjson.dumps({"client_secret": client_secret}))
        )

    async def profile(self) -> dict[str, Any]:
        return as_object(await self.get("/v2/user/profile"))

    async def funds(self) -> dict[str, Any]:
        """Funds (v2) by segment."""
        return as_object(await self.get("/v2/user/get-funds-and-margin"))

    # ------------------------------------------------------------------------------------------------------------------
    # books
    async def orders(self) -> list[dict[str, Any]]:
        """The day's order book."""
        return await self.table("/v2/order/retrieve-all")

    async def order(self, order_id: str) -> dict[str, Any] | None:
        """One order as it is now; None when there is no such order."""
        try:
            return as_object(await self.get("/v2/order/details", [("order_id", order_id)]))
        except NoSuchOrderError:
            return None

    async def trades(self) -> list[dict[str, Any]]:
        return await self.table("/v2/order/trades/get-trades-for-day")

    async def positions(self) -> list[dict[str, Any]]:
        return await self.table("/v2/portfolio/short-term-positions")

    async def mtf_positions(self) -> list[dict[str, Any]]:
        return as_rows(await self.get("/v3/portfolio/mtf-positions"))

    async def holdings(self) -> list[dict[str, Any]]:
        return as_rows(await self.get("/v2/portfolio/long-term-holdings"))

    async def margin(self, instruments: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Margin of orders that might be placed: `required_margin`, `final_margin`, rupees."""
        return as_object(
            await self.send(
                "POST", "/v2/charges/margin", orjson.dumps({"instruments": list(instruments)})
            )
        )

    # -----------------------------------------------------------------------------------------------------------------
    # market
    async def quotes(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Snapshots by instrument key, at most 500. Unknown ones are missing."""
        data = as_object(
            await self.get("/v2/market-quote/quotes", [("instrument_key", ",".join(keys))])
        )
        # The map's own keys are EXCHANGE:SYMBOL; only the row knows which key was asked for.
        return {
            str(row.get("instrument_token") or ""): row
            for row in data.values()
            if isinstance(row, dict)
        }

    async def minute_candles(self, key: str, first: str, last: str) -> dict[str, Any]:
        """`candles` of a minute of the days `first` to `last` (yyyy-mm-dd), at most a month, none of
        today.
        """
        path = f"/v3/historical-candle/{quote(key, safe='')}/minutes/1/{last}/{first}"
        return as_object(await self.get(path))

    async def minute_candles_of_today(self, key: str) -> dict[str, Any]:
        path = f"/v3/historical-candle/intraday/{quote(key, safe='')}/minutes/1"
        return as_object(await self.get(path))

    async def authorize(self, path: str, params: Sequence[tuple[str, str]] = ()) -> str:
        """A socket's address for one use, with its own key in it: never to be shown."""
        url = as_object(await self.get(path, params)).get("authorized_redirect_uri")
        if not isinstance(url, str) or not url:
            raise NetworkError("the broker's answer has no address of the feed")
        return url

    async def instruments_gz(self, path: str) -> bytes:
        """An instrument file as it is published, gzip or already unzipped by HTTP; the array's
        bytes.
        """
        response = await self._exchange(self._bytes_of("GET", path, (), b"", ""))
        if response.status != 200:
            raise error_of(response.status, response.body)
        body = response.body
        if body[:2] == b"\x1f\x8b":
            body = _unzip(body)
        if not body.lstrip()[:1] == b"[":
            raise NetworkError("the instrument file is not the JSON array that it should be")
        return body


def _unzip(body: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(body, ANSWER_BYTES_MAX)
    except zlib.error:
        raise NetworkError("the instrument file cannot be unzipped") from None
    if not unzip.eof:
        raise NetworkError("the instrument file was cut short")
    return plain
