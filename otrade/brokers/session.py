"""What the engine's owner needs of any broker, in the field's words. Spellings of one broker never
appear here.

A session is driven by callbacks, not awaited: whatever a broker says is handed on in the very call
that received it, so that a reaction leaves before the next byte is read. Only the slow questions
(order book, positions, funds) are coroutines. Errors are those of `otrade.errors`: BrokerError, and
under it TokenError, RateLimitError and NetworkError.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from otrade._core.histogram import LatencyHistogram
from otrade._core.types import Ev, Side, Source, Worth

QUOTES_MAX = 500
"""Instruments in one REST quote, at every broker."""


class OrderReport(msgspec.Struct):
    """One order as the broker tells it. The first block and `worth` are the fields of `report_t`, by
    which the engine's `on_report` takes them; the rest is for the page and the journal, and empty
    where nobody asks for it.
    """

    cl_ord_id: str
    """Our tag; empty when the order was placed by other means."""
    broker_order_id: str
    ev: Ev
    source: Source
    side: Side
    order_qty: int
    cum_qty: int
    cum_value_e4: int
    """Filled quantity times average price."""
    price_e4: int
    trigger_e4: int
    ord_type: int
    """OrdType, or 0 for a word that we do not know."""
    triggered: bool
    reason: int
    ts_update_ns: int
    """The exchange's time of this state, 0 when it has none."""
    ts_recv_ns: int

    instrument_token: int = 0
    exchange: str = ""
    tradingsymbol: str = ""
    product: str = ""
    status: str = ""
    """The broker's own status word, for the page."""
    text: str = ""
    raw: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What the broker said, as it said it, for the journal."""
    worth: int = Worth.AVERAGE
    """How well `cum_value_e4` is known."""


class UnreadableRow(msgspec.Struct, frozen=True):
    """A row of a broker's table that cannot be read: as much of it as says whose it is, and why. ""
    and 0: not even that.
    """

    row_id: str
    tag: str
    instrument_token: int
    why: str


T = TypeVar("T")


class BrokerRows(list[T]):
    """The rows of a broker's table that can be read, and what is wrong with the others: one bad row
    blinds nobody to the rest.
    """

    def __init__(self, rows: Iterable[T] = (), unread: Iterable[UnreadableRow] = ()) -> None:
        super().__init__(rows)
        self.unread = list(unread)


class Answer(msgspec.Struct, frozen=True):
    """What became of one request. ACK: taken; REFUSED: certainly not; TIMEOUT: not known, to be
    looked for by tag.
    """

    outcome: Ev
    broker_order_id: str = ""
    reason: int = 0
    text: str = ""


class BrokerPosition(msgspec.Struct, frozen=True):
    """One day position as the broker books it. Values are e4 rupees times units, before charges."""

    instrument_token: int
    exchange: str
    tradingsymbol: str
    product: str
    net_qty: int
    buy_qty: int
    sell_qty: int
    buy_value_e4: int
    sell_value_e4: int
    ltp_e4: int
    multiplier: int


class Holding(msgspec.Struct, frozen=True):
    """Shares in the account that are no day's trade. Prices e4."""

    exchange: str
    tradingsymbol: str
    isin: str
    qty: int
    """Of these `t1_qty` have been bought and not delivered yet."""
    t1_qty: int
    avg_px_e4: int
    ltp_e4: int
    pledged_qty: int = 0
    """Given as collateral."""
    mtf_qty: int = 0
    """Bought with the broker's money (margin trading facility)."""


class Funds(msgspec.Struct, frozen=True):
    """Money in one segment, e4 rupees. `net_e4` is what can still be blocked."""

    segment: str
    net_e4: int
    used_e4: int


class BrokerQuote(msgspec.Struct, frozen=True):
    """One instrument's prices, e4; 0 is none. `others_e4`: every further price seen, all multiples
    of the tick.
    """

    ltp_e4: int
    bid_e4: int
    ask_e4: int
    band_lo_e4: int
    band_hi_e4: int
    others_e4: tuple[int, ...] = ()


class OrderTerms(msgspec.Struct, frozen=True):
    """What an order asks for. `trigger_e4` is 0 for a limit."""

    qty: int
    ord_type: int
    price_e4: int
    trigger_e4: int = 0


class Wanted(msgspec.Struct, frozen=True):
    """An order that might be placed. `symbol`: what the broker's orders call the instrument."""

    exchange: str
    symbol: str
    product: str
    side: int
    terms: OrderTerms


class OrderCommand(Protocol):
    """What a session needs of the engine's command."""

    seq: int
    lane: int
    request: bytes


class SocketCallbacks(msgspec.Struct):
    """Where a feed socket reports. `on_commands`: a frame left commands waiting in the engine."""

    on_up: Callable[[], None]
    on_down: Callable[[str], None]
    on_token_dead: Callable[[], None]
    on_commands: Callable[[], None]


class Callbacks(msgspec.Struct):
    """Where a session reports. Each is called on the event loop, in the call that received the
    news.
    """

    on_report: Callable[[OrderReport], None]
    on_answer: Callable[[int, Answer], None]
    """(seq of the request, its answer): exactly once for each request that was sent or given up."""
    on_sent: Callable[[int, int], None]
    """(seq, ts_ns): the request's last byte was handed to the kernel."""
    on_feed: Callable[[bool, str], None]
    """(alive, why): the feed came up or went down."""
    on_push: Callable[[bool, str], None]
    """(alive, why): order updates, where they have a socket of their own, came up or went down."""
    on_token_dead: Callable[[], None]
    """The broker refused the access token: log in again, then `set_access_token`."""
    on_commands: Callable[[], None]
    """A frame left commands waiting in the engine."""
    on_message: Callable[[str, str], None]
    """(kind, text): a notice of the broker for people."""


class Latencies(Protocol):
    """From a received feed frame: until it was dealt with; where it led to orders, until they were
    decided, and until the last one was written.
    """

    frame: LatencyHistogram
    core: LatencyHistogram
    order: LatencyHistogram


class BrokerSession(Protocol):
    """One day's connection with a broker."""

    async def connect(self) -> None:
        """Warm the order connections and start the feed. TokenError or NetworkError when the broker
        cannot be reached.
        """
        ...

    def subscribe(self, wanted: Sequence[tuple[int, str]]) -> None:
        """(instrument token, mode) pairs to add; remembered across reconnects."""
        ...

    def send(self, command: OrderCommand) -> None:
        """Send one order request now. Its fate comes to `on_answer`; nothing is ever sent twice."""
        ...

    def set_access_token(self, access_token: str) -> None:
        """Go on with a new token, without a restart."""
        ...

    async def order_book(self) -> BrokerRows[OrderReport]:
        """BrokerError when the answer is no whole table; a row that cannot be read is told beside
        the others.
        """
        ...

    async def order(self, broker_order_id: str) -> OrderReport | None:
        """What became of one order of the day; None when the broker knows no such order."""
        ...

    async def positions(self) -> BrokerRows[BrokerPosition]: ...

    async def trades(self) -> dict[str, tuple[int, int]]:
        """What each order of the day has traded, by the broker's id: (units, value in e4 rupees
        times units).
        """
        ...

    async def funds(self) -> list[Funds]: ...

    async def quotes(self, wanted: Sequence[tuple[int, str]]) -> dict[int, BrokerQuote]:
        """Snapshots by our token of (token, EXCHANGE:SYMBOL) pairs, of at most `QUOTES_MAX`
        instruments, over a connection of their own: a slow book delays none. What the broker does
        not know, or says in no readable way, is missing.
        """
        ...

    async def close(self) -> None: ...

    @property
    def is_feed_up(self) -> bool: ...

    @property
    def is_connecting(self) -> bool:
        """A connection is being made: work that no socket shows yet."""
        ...

    @property
    def latency(self) -> Latencies:
        """From a received feed frame to its last order written."""
        ...


class EmergencyClient(Protocol):
    """A broker without an engine: one request at a time, each answered, none repeated. The watchdog
    works with it. `like` is an order that exists already: its instrument and product are meant.
    """

    def set_access_token(self, access_token: str) -> None: ...

    async def order_book(self) -> BrokerRows[OrderReport]:
        """As a session's; so are the positions."""
        ...

    async def positions(self) -> BrokerRows[BrokerPosition]: ...

    async def funds(self) -> list[Funds]: ...

    async def holdings(self) -> BrokerRows[Holding]: ...

    async def mtf_positions(self) -> BrokerRows[BrokerPosition]:
        """Bought with the broker's money, where that is a table apart from the positions."""
        ...

    async def quote(self, like: OrderReport) -> BrokerQuote:
        """BrokerError when there is no price."""
        ...

    async def place(self, like: OrderReport, side: int, terms: OrderTerms, tag: str) -> Answer:
        """ACK, REFUSED, or TIMEOUT when nobody knows; so do the others."""
        ...

    async def modify(self, order: OrderReport, terms: OrderTerms) -> Answer: ...

    async def cancel(self, order: OrderReport) -> Answer: ...

    def close(self) -> None: ...


class ListedInstrument(msgspec.Struct, frozen=True):
    """One instrument that the day trades: our token, its name on a wire that uses text, and what
    the exchange calls it.
    """

    token: int
    key: str
    exchange: str
    tradingsymbol: str
