"""Kite as a broker session: feed, order connections and REST under one roof, reporting through
`Callbacks`.

On the order path nothing is deferred: a push becomes a report, and an answer an `on_answer`, inside
the call that received the bytes.
"""

import contextlib
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import Ev, Reason, Source
from otrade.brokers.book_cache import BookReader, table_of, traded_of
from otrade.brokers.kite.error_map import answer_of
from otrade.brokers.kite.feeds import KiteFeeds
from otrade.brokers.kite.reports import report_of
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.kite.stream import KiteStream, StreamCallbacks
from otrade.brokers.parse import clean_text, count, e4, number, price_e4, signed_count
from otrade.brokers.quote_rows import quote_of
from otrade.brokers.session import (
    Answer,
    BrokerPosition,
    BrokerQuote,
    BrokerRows,
    Callbacks,
    Funds,
    OrderCommand,
    OrderReport,
)
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.frame_reader import FeedLatency
from otrade.brokers.transport.order_pool import OrderPool
from otrade.clock import Clock
from otrade.errors import BrokerError

log = logging.getLogger("otrade.kite")

REST_ROOT = "https://api.kite.trade"
FEED_ROOT = "wss://ws.kite.trade"


class KiteSession:
    """`encoder` is shared with the engine: a new access token reaches the next encoded order
    through it.

    `feed_now_ns` is None on a live run (frames are stamped in C) and the simulated clock's `now_ns`
    on a paper day.
    """

    def __init__(
        self,
        *,
        api_key: str,
        access_token: str,
        encoder: KiteEncoder,
        sink: FrameSink,
        clock: Clock,
        rng: random.Random,
        callbacks: Callbacks,
        rest_root: str = REST_ROOT,
        feed_root: str = FEED_ROOT,
        feed_now_ns: Callable[[], int] | None = None,
        answer_timeout_ns: int = 5 * NS_PER_S,
        rest_timeout_ns: int = 10 * NS_PER_S,
        quote_timeout_ns: int = 3 * NS_PER_S,
        order_connections: int = 4,
        use_fast_path: bool = True,
    ) -> None:
        self._api_key = api_key
        self._access_token = access_token
        self._encoder = encoder
        self._clock = clock
        self._calls = callbacks
        self._books = BookReader(lambda row, ts_recv_ns: report_of(row, Source.BOOK, ts_recv_ns))
        rest_endpoint = parse(rest_root, ("https", "http"))
        self.rest = KiteRest(
            rest_endpoint, api_key, access_token, clock=clock, timeout_ns=rest_timeout_ns
        )
        self._quotes = KiteRest(
            rest_endpoint, api_key, access_token, clock=clock, timeout_ns=quote_timeout_ns
        )
        self._orders = OrderPool(
            rest_endpoint,
            clock=clock,
            rng=rng,
            on_answer=self._on_answer,
            on_sent=callbacks.on_sent,
            answer_of=answer_of,
            answer_timeout_ns=answer_timeout_ns,
            size=order_connections,
        )
        feed_endpoint = parse(feed_root, ("wss", "ws"))
        self._stream = KiteFeeds(
            StreamCallbacks(
                on_up=lambda: callbacks.on_feed(True, ""),
                on_down=lambda why: callbacks.on_feed(False, why),
                on_token_dead=callbacks.on_token_dead,
                on_commands=callbacks.on_commands,
                on_order=self._on_order,
                on_message=callbacks.on_message,
            ),
            lambda calls, name: KiteStream(
                feed_endpoint,
                api_key,
                self._access_token,
                sink=sink,
                clock=clock,
                rng=rng,
                callbacks=calls,
                now_ns=feed_now_ns,
                name=name,
                fast_path=self._orders.fast_path if use_fast_path else None,
            ),
        )

    def __repr__(self) -> str:
        return "KiteSession()"

    @property
    def latency(self) -> FeedLatency:
        """From a received feed frame to its last order written."""
        return self._stream.latency

    @property
    def is_feed_up(self) -> bool:
        return self._stream.is_up

    @property
    def is_connecting(self) -> bool:
        """A connection is being made: work that no socket shows. A simulator of virtual time holds
        its clock meanwhile.
        """
        return (
            self._stream.is_connecting
            or self._orders.is_opening
            or self.rest.is_connecting
            or self._quotes.is_connecting
        )

    @property
    def n_fast_path(self) -> int:
        """Order requests that left from the feed's callback, before anybody in Python heard of
        them.
        """
        return self._orders.fast_path.n_written

    async def connect(self) -> None:
        """Prove the token (TokenError when it is dead), warm the order connections, start the
        feed.
        """
        await self.rest.profile()
        await self._orders.start()
        self._stream.start()

    def subscribe(self, wanted: Sequence[tuple[int, str]]) -> None:
        """(instrument token, mode) pairs to add; remembered across reconnects."""
        self._stream.subscribe(wanted)

    def unsubscribe(self, tokens: Sequence[int]) -> None:
        self._stream.unsubscribe(tokens)

    def send(self, command: OrderCommand) -> None:
        """Send one encoded order request now. Exactly one `on_answer` follows."""
        self._orders.submit(command.seq, command.lane, command.request)

    def set_access_token(self, access_token: str) -> None:
        """Go on with a new token: orders and questions from the next one, the feed by reconnecting
        at once.
        """
        self._access_token = access_token
        self._encoder.set_authorization(f"token {self._api_key}:{access_token}".encode())
        self.rest.set_access_token(access_token)
        self._quotes.set_access_token(access_token)
        self._stream.set_access_token(access_token)

    async def order_book(self) -> BrokerRows[OrderReport]:
        """Every order of the day. BrokerError when the answer is no whole table; a row that cannot
        be read is told beside the others.
        """
        rows = await self.rest.orders()
        ts_recv_ns = self._clock.now_ns()
        return self._books.reports(rows, ts_recv_ns)

    async def order(self, broker_order_id: str) -> OrderReport | None:
        """What its history says last; None when the broker knows no such order."""
        row = await self.rest.order(broker_order_id)
        return report_of(row, Source.ASKED, self._clock.now_ns()) if row is not None else None

    async def positions(self) -> BrokerRows[BrokerPosition]:
        """Net positions of the account, whoever made them."""
        return table_of((await self.rest.positions())["net"], position_of, "tradingsymbol")

    async def trades(self) -> dict[str, tuple[int, int]]:
        """(units, value) of each order of the day that has traded."""
        return traded_of(await self.rest.trades())

    async def funds(self) -> list[Funds]:
        """Enabled segments only."""
        return funds_of(await self.rest.margins())

    async def quotes(self, wanted: Sequence[tuple[int, str]]) -> dict[int, BrokerQuote]:
        rows = await self._quotes.quote([name for _, name in wanted])
        found: dict[int, BrokerQuote] = {}
        for token, name in wanted:
            with contextlib.suppress(
                BrokerError
            ):  # one row that cannot be read says nothing of the others
                if (quote := quote_of(rows.get(name))) is not None:
                    found[token] = quote
        return found

    async def close(self) -> None:
        """End everything. Orders in flight are reported as in doubt."""
        await self._stream.stop()
        await self._orders.close()
        self.rest.close()
        self._quotes.close()

    def _on_answer(self, seq: int, answer: Answer) -> None:
        self._calls.on_answer(seq, answer)
        if answer.outcome == Ev.REFUSED and answer.reason == Reason.BROKER_TOKEN:
            self._calls.on_token_dead()

    def _on_order(self, row: Mapping[str, Any]) -> None:
        try:
            report = report_of(row, Source.PUSH, self._clock.now_ns())
        except BrokerError as exc:
            # The order is looked for in the book when its request is overdue; a push is only ever a
            # hint.
            self._calls.on_message("error", f"an order update could not be read: {exc}")
            return
        self._calls.on_report(report)


def position_of(row: Mapping[str, Any]) -> BrokerPosition:
    """One row of `/portfolio/positions`."""
    return BrokerPosition(
        instrument_token=count(row, "instrument_token"),
        exchange=clean_text(row.get("exchange")),
        tradingsymbol=clean_text(row.get("tradingsymbol")),
        product=clean_text(row.get("product")),
        net_qty=signed_count(row, "quantity"),
        buy_qty=count(row, "buy_quantity"),
        sell_qty=count(row, "sell_quantity"),
        buy_value_e4=e4(number(row, "buy_value")),
        sell_value_e4=e4(number(row, "sell_value")),
        ltp_e4=price_e4(row, "last_price"),
        multiplier=count(row, "multiplier") or 1,
    )


def funds_of(margins: Mapping[str, Any]) -> list[Funds]:
    """`/user/margins` by segment."""
    found = []
    for segment, row in margins.items():
        if isinstance(row, dict) and row.get("enabled"):
            utilised = row.get("utilised")
            used = e4(number(utilised, "debits")) if isinstance(utilised, dict) else 0
            found.append(Funds(clean_text(segment), e4(number(row, "net")), used))
    return found
