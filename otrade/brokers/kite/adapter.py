"""Kite before its session exists. See `BrokerAdapter`."""

import datetime as dt
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import OrdType
from otrade.brokers.adapter import BrokerAdapter, BrokerSettings, InstrumentFileReader
from otrade.brokers.candle_rows import MinuteCandle, bars_of
from otrade.brokers.kite import login
from otrade.brokers.kite.emergency_client import ORD_TYPES, SIDES, KiteEmergencyClient
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.kite.session import FEED_ROOT, REST_ROOT, KiteSession
from otrade.brokers.kite.stream import KiteStream, StreamCallbacks
from otrade.brokers.kite.wire import WIRE
from otrade.brokers.margins import together_e4
from otrade.brokers.parse import decimal, e4, number
from otrade.brokers.quote_rows import band_of
from otrade.brokers.session import (
    QUOTES_MAX,
    Callbacks,
    ListedInstrument,
    SocketCallbacks,
    Wanted,
)
from otrade.brokers.token_store import AccessSession, expiry_ns, require_state
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.login_redirects import follow
from otrade.brokers.transport.rest_client import as_object
from otrade.clock import Clock
from otrade.errors import BrokerError, TokenError
from otrade.instruments import Instrument


class KiteAdapter:
    """`login_root` is the login page's address without its query. Empty addresses are Kite's own."""

    name = "kite"
    frame_kinds = WIRE.frame_kinds

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        *,
        clock: Clock,
        rest_root: str = "",
        feed_root: str = "",
        login_root: str = "",
        algo_id: str = "",
    ) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self._clock = clock
        self._rest_root = rest_root or REST_ROOT
        self._feed_root = feed_root or FEED_ROOT
        self._login_root = (login_root or login.LOGIN_ROOT).removesuffix("/connect/login")
        self._endpoint = parse(self._rest_root, ("https", "http"))
        self._algo_id = algo_id
        self._access_token = ""
        self.rest = KiteRest(self._endpoint, api_key, clock=clock)

    def __repr__(self) -> str:
        return "KiteAdapter()"

    @property
    def account(self) -> str:
        return f"kite-{hashlib.sha256(self._api_key.encode()).hexdigest()[:12]}"

    def login_url(self, state: str) -> str:
        return login.login_url(
            self._api_key, self._login_root, urlencode({"state": state}) if state else ""
        )

    async def log_in(self, redirected_to: str, state: str) -> AccessSession:
        require_state(redirected_to, state)
        return await self._exchange(redirected_to)

    async def ask_approval(self) -> None:
        raise BrokerError("Kite has no login by approval: log in in the browser")

    async def approved(self, body: bytes, user_id: str) -> AccessSession:
        raise BrokerError("Kite has no login by approval")

    async def log_in_here(self) -> AccessSession:
        return await self._exchange(
            await follow(self.login_url(""), "request_token", clock=self._clock)
        )

    async def _exchange(self, redirected_to: str) -> AccessSession:
        if not self._api_secret:
            raise TokenError("a login needs the app's secret: set OTRADE_KITE_API_SECRET")
        token = login.request_token_of(redirected_to)
        session = await login.exchange(
            self.rest, self._api_key, self._api_secret, token, self._clock.now_ns()
        )
        self._access_token = session.access_token
        return session

    def token_dies_ns(self, now_ns: int) -> int:
        return expiry_ns(now_ns, login.EXPIRY_HOUR_IST)

    def use(self, access_token: str) -> None:
        self._access_token = access_token
        self.rest.set_access_token(access_token)

    async def prove(self) -> int | None:
        await self.rest.profile()
        return self.rest.clock_ahead_ns

    async def instruments(self) -> InstrumentFileReader:
        # A running engine reads the table that another process has made of it.
        from otrade.instruments.kite import KiteInstrumentFile

        return KiteInstrumentFile(await self.rest.instruments_csv())

    async def last_price_e4(self, instrument: Instrument) -> int:
        found = (await self.rest.quote([instrument.symbol], "ltp")).get(instrument.symbol)
        return e4(number(found, "last_price")) if isinstance(found, dict) else 0

    async def bands(
        self, instruments: Sequence[Instrument], pause: Callable[[], Awaitable[None]]
    ) -> dict[str, tuple[int, int]]:
        keys = [instrument.symbol for instrument in instruments]
        bands = {}
        for first in range(0, len(keys), QUOTES_MAX):
            if first:
                await pause()  # one quote request a second
            for key, quote in (await self.rest.quote(keys[first : first + QUOTES_MAX])).items():
                if (band := band_of(quote)) is not None:
                    bands[key] = band
        return bands

    async def minute_bars(
        self, instrument: Instrument, first: dt.date, today: dt.date, *, with_today: bool
    ) -> list[MinuteCandle]:
        last = today if with_today else today - dt.timedelta(days=1)
        return bars_of(
            await self.rest.minute_candles(
                instrument.token, f"{first} 00:00:00", f"{last} 23:59:59"
            )
        )

    async def margin_e4(self, orders: Sequence[Wanted]) -> int:
        data = await self.rest.basket_margins(
            [_margin_row(order) for order in orders], with_positions=False
        )
        alone, together = (as_object(data.get(name)).get("total") for name in ("initial", "final"))
        return together_e4(len(orders), data.get("orders"), alone, together)

    def encoder(self) -> KiteEncoder:
        at = self._endpoint
        authorization = f"token {self._api_key}:{self._access_token}"
        return KiteEncoder(
            at.authority.encode(), at.path.encode(), authorization.encode(), self._algo_id.encode()
        )

    def spelled(self) -> dict[str, str]:
        return {
            "kind": "kite",
            "host": self._endpoint.authority,
            "prefix": self._endpoint.path,
            "algo_id": self._algo_id,
        }

    def wire_symbol(self, instrument: Instrument) -> str:
        return instrument.tradingsymbol

    def session(
        self,
        *,
        encoder: KiteEncoder,
        sink: FrameSink,
        listed: Sequence[ListedInstrument],
        clock: Clock,
        rng: random.Random,
        callbacks: Callbacks,
        feed_now_ns: Callable[[], int] | None,
        answer_timeout_ns: int,
        order_connections: int,
    ) -> KiteSession:
        return KiteSession(
            api_key=self._api_key,
            access_token=self._access_token,
            encoder=encoder,
            sink=sink,
            clock=clock,
            rng=rng,
            callbacks=callbacks,
            rest_root=self._rest_root,
            feed_root=self._feed_root,
            feed_now_ns=feed_now_ns,
            answer_timeout_ns=answer_timeout_ns,
            order_connections=order_connections,
        )

    def second_feed(
        self,
        *,
        sink: FrameSink,
        listed: Sequence[ListedInstrument],
        clock: Clock,
        rng: random.Random,
        callbacks: SocketCallbacks,
        feed_now_ns: Callable[[], int] | None,
    ) -> KiteStream:
        calls = StreamCallbacks(
            callbacks.on_up,
            callbacks.on_down,
            callbacks.on_token_dead,
            callbacks.on_commands,
            on_order=lambda row: None,  # the session's own socket tells
            on_message=lambda kind, text: None,
        )
        endpoint = parse(self._feed_root, ("wss", "ws"))
        return KiteStream(
            endpoint,
            self._api_key,
            self._access_token,
            sink=sink,
            clock=clock,
            rng=rng,
            callbacks=calls,
            now_ns=feed_now_ns,
            name="second feed",
        )

    def emergency_client(self, timeout_ns: int) -> KiteEmergencyClient:
        client = KiteEmergencyClient(
            self._endpoint, self._api_key, self._algo_id, clock=self._clock, timeout_ns=timeout_ns
        )
        client.set_access_token(self._access_token)
        return client

    def close(self) -> None:
        self.rest.close()


def make(settings: BrokerSettings, api_key: str, api_secret: str, clock: Clock) -> BrokerAdapter:
    """As configured."""
    return KiteAdapter(
        api_key,
        api_secret,
        clock=clock,
        rest_root=settings.rest_url,
        feed_root=settings.feed_url,
        login_root=settings.login_url,
        algo_id=settings.algo_id,
    )


def _margin_row(order: Wanted) -> dict[str, Any]:
    terms = order.terms
    return {
        "exchange": order.exchange,
        "tradingsymbol": order.symbol,
        "transaction_type": SIDES[order.side],
        "variety": "regular",
        "product": order.product,
        "order_type": ORD_TYPES[OrdType(terms.ord_type)],
        "quantity": terms.qty,
        "price": orjson.Fragment(decimal(terms.price_e4)),
        "trigger_price": orjson.Fragment(decimal(terms.trigger_e4)),
    }
