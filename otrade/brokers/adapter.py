"""What a day needs of any broker before its session exists: the login, the instruments, the
encoder, the session itself.
"""

import datetime as dt
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

from otrade._core.codecs.interface import FrameSink, OrderEncoder
from otrade._core.types import Rec
from otrade.brokers.candle_rows import MinuteCandle
from otrade.brokers.registry import part_of
from otrade.brokers.session import (
    BrokerSession,
    Callbacks,
    EmergencyClient,
    ListedInstrument,
    SocketCallbacks,
    Wanted,
)
from otrade.brokers.token_store import AccessSession
from otrade.clock import Clock
from otrade.instruments import Instrument


class SecondFeed(Protocol):
    """A feed beside the session's own. It never places an order."""

    @property
    def is_up(self) -> bool: ...

    @property
    def is_connecting(self) -> bool: ...

    def start(self) -> None: ...

    def subscribe(self, wanted: Sequence[tuple[int, str]]) -> None: ...

    def set_access_token(self, access_token: str) -> None: ...

    async def stop(self) -> None: ...


class InstrumentSource(Protocol):
    """A broker's instrument file of the day."""

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        """InstrumentError when it is not there, has expired, or is malformed. `spot_e4`: the
        underlying's price, for what is at the money.
        """
        ...

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        """By the exchange's own number, which all brokers share; not for indices, which each
        numbers in its own way.
        """
        ...


class InstrumentFileReader(InstrumentSource, Protocol):
    """Such a file, whole."""

    def entries(self) -> Iterator[tuple[str, Instrument | str]]:
        """Every symbol with its record, or with what is wrong with its row."""
        ...


class BrokerAdapter(Protocol):
    """Everything of one broker that is needed before its session exists: the login, the
    instruments, the encoder.
    """

    name: str
    frame_kinds: tuple[Rec, Rec]
    """How the journal calls this wire's frames: of the first feed, and of a second one."""

    @property
    def account(self) -> str:
        """Tells accounts apart without telling the key."""
        ...

    def login_url(self, state: str) -> str:
        """Where a person logs in; `state` comes back with the answer."""
        ...

    async def log_in(self, redirected_to: str, state: str) -> AccessSession:
        """The day's session from the address that the broker sent the person to. BrokerError when
        it is no login of ours.
        """
        ...

    async def ask_approval(self) -> None:
        """Ask for a login that the person approves in the broker's app. BrokerError where there is
        no such thing.
        """
        ...

    async def approved(self, body: bytes, user_id: str) -> AccessSession:
        """The session that the broker's app brings to the web hook after that, proved to be this
        user's. `body` is hostile.
        """
        ...

    async def log_in_here(self) -> AccessSession:
        """Log in at a simulator on this machine."""
        ...

    def token_dies_ns(self, now_ns: int) -> int:
        """When every token of this broker that is good at `now_ns` dies."""
        ...

    def use(self, access_token: str) -> None:
        """Ask with this token from now on."""
        ...

    async def prove(self) -> int | None:
        """TokenError when the token is dead. How far our clock is ahead of the broker's, ns, by its
        word of whole seconds.
        """
        ...

    async def instruments(self) -> InstrumentFileReader:
        """The day's file, whole."""
        ...

    async def last_price_e4(self, instrument: Instrument) -> int:
        """0 when the broker has none."""
        ...

    async def bands(
        self, instruments: Sequence[Instrument], pause: Callable[[], Awaitable[None]]
    ) -> dict[str, tuple[int, int]]:
        """The day's price bands (low, high; e4) by symbol, where the broker tells them. `pause`
        between two questions.
        """
        ...

    async def minute_bars(
        self, instrument: Instrument, first: dt.date, today: dt.date, *, with_today: bool
    ) -> list[MinuteCandle]:
        """Bars of a minute since that day, at most 30 days back, oldest first; with those of today
        so far, or without. BrokerError when the broker does not tell them.
        """
        ...

    async def margin_e4(self, orders: Sequence[Wanted]) -> int:
        """What the broker says that it would block for these orders together, placed in turn,
        positions left aside; e4 rupees. BrokerError when it does not say it.
        """
        ...

    def encoder(self) -> OrderEncoder:
        """Writes this broker's orders, with the token in use."""
        ...

    def spelled(self) -> dict[str, str]:
        """What a journal must know to write the same requests again."""
        ...

    def wire_symbol(self, instrument: Instrument) -> str:
        """What an order calls the instrument."""
        ...

    def session(
        self,
        *,
        encoder: Any,
        sink: FrameSink,
        listed: Sequence[ListedInstrument],
        clock: Clock,
        rng: random.Random,
        callbacks: Callbacks,
        feed_now_ns: Callable[[], int] | None,
        answer_timeout_ns: int,
        order_connections: int,
    ) -> BrokerSession:
        """`encoder` is what `encoder()` gave: a new token reaches the engine through it. `sink`
        takes frames of `frame_kinds[0]`.
        """
        ...

    def second_feed(
        self,
        *,
        sink: FrameSink,
        listed: Sequence[ListedInstrument],
        clock: Clock,
        rng: random.Random,
        callbacks: SocketCallbacks,
        feed_now_ns: Callable[[], int] | None,
    ) -> SecondFeed:
        """Market data alone, on a connection of its own; frames of `frame_kinds[1]`."""
        ...

    def emergency_client(self, timeout_ns: int) -> EmergencyClient:
        """One request at a time, with the token in use, if there is one."""
        ...

    def close(self) -> None: ...


class BrokerSettings(Protocol):
    """What a configuration says of a broker. An empty address is the broker's own."""

    @property
    def rest_url(self) -> str: ...

    @property
    def order_url(self) -> str: ...

    @property
    def feed_url(self) -> str: ...

    @property
    def login_url(self) -> str: ...

    @property
    def instruments_url(self) -> str: ...

    @property
    def redirect_url(self) -> str: ...

    @property
    def algo_name(self) -> str: ...

    @property
    def algo_id(self) -> str: ...


class MakeAdapter(Protocol):
    """`make` of a broker's `adapter` module."""

    def __call__(
        self, settings: BrokerSettings, api_key: str, api_secret: str, clock: Clock, /
    ) -> BrokerAdapter: ...


def adapter_of(
    broker: str, settings: BrokerSettings, api_key: str, api_secret: str, clock: Clock
) -> BrokerAdapter:
    """The adapter of a broker in the registry; loads its code."""
    make: MakeAdapter = part_of(broker, "adapter").make
    return make(settings, api_key, api_secret, clock)
