"""Upstox before its session exists. See `BrokerAdapter`."""

import datetime as dt
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence

import orjson

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.upstox import UpstoxEncoder
from otrade.brokers.adapter import BrokerAdapter, BrokerSettings, InstrumentFileReader
from otrade.brokers.candle_rows import MinuteCandle, bars_of
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
from otrade.brokers.upstox import approval, login
from otrade.brokers.upstox.emergency_client import SIDES, UpstoxEmergencyClient, product_word
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.brokers.upstox.session import ORDER_ROOT, REST_ROOT, UpstoxSession
from otrade.brokers.upstox.streams import MarketStream
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.brokers.upstox.wire import WIRE
from otrade.clock import Clock
from otrade.errors import InstrumentError, TokenError
from otrade.instruments import Instrument

INSTRUMENTS_URL = "https://assets.upstox.com/market-quote/instruments/exchange/complete.json.gz"


class UpstoxAdapter:
    """Empty addresses are Upstox's own. `redirect_uri` must be the one registered with the app,
    letter by letter.
    """

    name = "upstox"
    frame_kinds = WIRE.frame_kinds

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        *,
        clock: Clock,
        rest_root: str = "",
        order_root: str = "",
        login_root: str = "",
        instruments_url: str = "",
        algo_name: str = "",
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._rest_root = rest_root or REST_ROOT
        self._order_root = order_root or rest_root or ORDER_ROOT
        self._login_root = login_root or login.LOGIN_ROOT
        self._instruments_url = instruments_url or INSTRUMENTS_URL
        self._algo_name = algo_name
        self._orders = parse(self._order_root, ("https", "http"))
        self._access_token = ""
        self.rest = UpstoxRest(parse(self._rest_root, ("https", "http")), clock=clock)

    def __repr__(self) -> str:
        return "UpstoxAdapter()"

    @property
    def account(self) -> str:
        return f"upstox-{hashlib.sha256(self._client_id.encode()).hexdigest()[:12]}"

    def login_url(self, state: str) -> str:
        return login.login_url(self._client_id, self._redirect_uri, state, self._login_root)

    async def log_in(self, redirected_to: str, state: str) -> AccessSession:
        require_state(redirected_to, state)
        return await self._exchange(redirected_to)

    async def ask_approval(self) -> None:
        await self.rest.request_token(self._client_id, self._client_secret)

    async def approved(self, body: bytes, user_id: str) -> AccessSession:
        rest_root = parse(self._rest_root, ("https", "http"))
        session = await approval.session_of(body, self._client_id, user_id, rest_root, self._clock)
        self.use(session.access_token)
        return session

    async def log_in_here(self) -> AccessSession:
        return await self._exchange(await follow(self.login_url(""), "code", clock=self._clock))

    async def _exchange(self, redirected_to: str) -> AccessSession:
        if not self._client_secret:
            raise TokenError("a login needs the app's secret: set OTRADE_UPSTOX_API_SECRET")
        code = login.code_of(redirected_to)
        session = await login.exchange(
            self.rest,
            self._client_id,
            self._client_secret,
            self._redirect_uri,
            code,
            self._clock.now_ns(),
        )
        self._access_token = session.access_token
        return session

    def token_dies_ns(self, now_ns: int) -> int:
        return expiry_ns(now_ns, login.EXPIRY_HOUR_IST, login.EXPIRY_MINUTE_IST)

    def use(self, access_token: str) -> None:
        self._access_token = access_token
        self.rest.set_access_token(access_token)

    async def prove(self) -> int | None:
        await self.rest.profile()
        return self.rest.clock_ahead_ns

    async def instruments(self) -> InstrumentFileReader:
        """The file lies on a host of its own and needs no token."""
        # A running engine reads the table that another process has made of it.
        from otrade.instruments.upstox import UpstoxInstrumentFile

        root, _, path = self._instruments_url.partition("://")
        host, _, path = path.partition("/")
        files = UpstoxRest(parse(f"{root}://{host}", ("https", "http")), clock=self._clock)
        try:
            return UpstoxInstrumentFile(await files.instruments_gz(f"/{path}"))
        finally:
            files.close()

    async def last_price_e4(self, instrument: Instrument) -> int:
        found = (await self.rest.quotes([instrument.key])).get(instrument.key)
        return e4(number(found, "last_price")) if found is not None else 0

    async def bands(
        self, instruments: Sequence[Instrument], pause: Callable[[], Awaitable[None]]
    ) -> dict[str, tuple[int, int]]:
        bands = {}
        for first in range(0, len(instruments), QUOTES_MAX):
            if first:
                await pause()
            some = {
                instrument.key: instrument for instrument in instruments[first : first + QUOTES_MAX]
            }
            for key, quote in (await self.rest.quotes(list(some))).items():
                if key in some and (band := band_of(quote)) is not None:
                    bands[some[key].symbol] = band
        return bands

    async def minute_bars(
        self, instrument: Instrument, first: dt.date, today: dt.date, *, with_today: bool
    ) -> list[MinuteCandle]:
        """Today's are another question."""
        last = today - dt.timedelta(days=1)
        found: list[MinuteCandle] = []
        if first <= last:
            found += bars_of(await self.rest.minute_candles(instrument.key, str(first), str(last)))
        if with_today:
            found += bars_of(await self.rest.minute_candles_of_today(instrument.key))
        return found

    async def margin_e4(self, orders: Sequence[Wanted]) -> int:
        data = await self.rest.margin([_margin_row(order) for order in orders])
        return together_e4(
            len(orders), data.get("margins"), data.get("required_margin"), data.get("final_margin")
        )

    def encoder(self) -> UpstoxEncoder:
        at = self._orders
        return UpstoxEncoder(
            at.authority.encode(),
            at.path.encode(),
            f"Bearer {self._access_token}".encode(),
            self._algo_name.encode(),
        )

    def spelled(self) -> dict[str, str]:
        return {"kind": "upstox", "host": self._orders.authority, "prefix": self._orders.path}

    def wire_symbol(self, instrument: Instrument) -> str:
        if not instrument.key:
            raise InstrumentError(f"{instrument.symbol} has no key at Upstox")
        return instrument.key

    def session(
        self,
        *,
        encoder: UpstoxEncoder,
        sink: FrameSink,
        listed: Sequence[ListedInstrument],
        clock: Clock,
        rng: random.Random,
        callbacks: Callbacks,
        feed_now_ns: Callable[[], int] | None,
        answer_timeout_ns: int,
        order_connections: int,
    ) -> UpstoxSession:
        return UpstoxSession(
            access_token=self._access_token,
            encoder=encoder,
            sink=sink,
            listing=SymbolMap(listed),
            clock=clock,
            rng=rng,
            callbacks=callbacks,
            rest_root=self._rest_root,
            order_root=self._order_root,
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
    ) -> MarketStream:
        rest = UpstoxRest(
            parse(self._rest_root, ("https", "http")), self._access_token, clock=clock
        )
        return MarketStream(
            rest,
            SymbolMap(listed),
            sink=sink,
            clock=clock,
            rng=rng,
            callbacks=callbacks,
            now_ns=feed_now_ns,
            name="second feed",
        )

    def emergency_client(self, timeout_ns: int) -> UpstoxEmergencyClient:
        rest = parse(self._rest_root, ("https", "http"))
        client = UpstoxEmergencyClient(
            rest, self._orders, self._algo_name, clock=self._clock, timeout_ns=timeout_ns
        )
        client.set_access_token(self._access_token)
        return client

    def close(self) -> None:
        self.rest.close()


def make(settings: BrokerSettings, api_key: str, api_secret: str, clock: Clock) -> BrokerAdapter:
    """As configured."""
    return UpstoxAdapter(
        api_key,
        api_secret,
        settings.redirect_url,
        clock=clock,
        rest_root=settings.rest_url,
        order_root=settings.order_url,
        login_root=settings.login_url,
        instruments_url=settings.instruments_url,
        algo_name=settings.algo_name,
    )


def _margin_row(order: Wanted) -> dict[str, object]:
    """Upstox asks for no kind of order: a stop is told by its limit price."""
    return {
        "instrument_key": order.symbol,
        "quantity": order.terms.qty,
        "product": product_word(order.product),
        "transaction_type": SIDES[order.side],
        "price": orjson.Fragment(decimal(order.terms.price_e4)),
    }
