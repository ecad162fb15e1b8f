"""Upstox as a broker session: feeds, order connections and REST under one roof, reporting through
`Callbacks`.

On the order path nothing is deferred: a push becomes a report, and an answer an `on_answer`, inside
the call that received the bytes. Orders go to the low-latency host, questions to the ordinary one.
"""

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.upstox import UpstoxEncoder
from otrade._core.types import Ev, Reason, Source
from otrade.brokers.book_cache import BookReader, table_of, traded_of
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
    SocketCallbacks,
)
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.frame_reader import FeedLatency
from otrade.brokers.transport.order_pool import OrderPool
from otrade.brokers.upstox.error_map import answer_of
from otrade.brokers.upstox.reports import funds_of, position_of, report_of
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.brokers.upstox.streams import (
    MarketStream,
    PortfolioCallbacks,
    PortfolioStream,
)
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.clock import Clock
from otrade.errors import BrokerError

REST_ROOT = "https://api.upstox.com"
ORDER_ROOT = "https://api-hft.upstox.com"
"""Upstox publishes no cap of modifications; Kite's is taken until one is known. Its order hook
proves nothing of its sender, so it is not
listened to: the portfolio socket and the order book tell the same.
"""


class UpstoxSession:
    """`encoder` is shared with the engine: a new access token reaches the next encoded order
    through it.

    `feed_now_ns` is None on a live run (frames are stamped in C) and the simulated clock's `now_ns`
    on a paper day.
    """

    def __init__(
        self,
        *,
        access_token: str,
        encoder: UpstoxEncoder,
        sink: FrameSink,
        listing: SymbolMap,
        clock: Clock,
        rng: random.Random,
        callbacks: Callbacks,
        rest_root: str = REST_ROOT,
        order_root: str = ORDER_ROOT,
        feed_now_ns: Callable[[], int] | None = None,
        answer_timeout_ns: int = 5 * NS_PER_S,
        rest_timeout_ns: int = 10 * NS_PER_S,
        quote_timeout_ns: int = 3 * NS_PER_S,
        order_connections: int = 4,
        use_fast_path: bool = True,
    ) -> None:
        self._encoder = encoder
        self._listing = listing
        self._clock = clock
        self._calls = callbacks
        self._books = BookReader(
            lambda row, ts_recv_ns: report_of(row, Source.BOOK, ts_recv_ns, listing)
        )
        endpoint = parse(rest_root, ("https", "http"))
        self.rest = UpstoxRest(endpoint, access_token, clock=clock, timeout_ns=rest_timeout_ns)
        self._quotes = UpstoxRest(endpoint, access_token, clock=clock, timeout_ns=quote_timeout_ns)
        self._orders = OrderPool(
            parse(order_root, ("https", "http")),
            clock=clock,
            rng=rng,
            on_answer=self._on_answer,
            on_sent=callbacks.on_sent,
            answer_of=answer_of,
            answer_timeout_ns=answer_timeout_ns,
            size=order_connections,
        )
        # Its own connection: an address is needed just when the other questions may be queueing.
        self._feed_rest = UpstoxRest(
            endpoint, access_token, clock=clock, timeout_ns=rest_timeout_ns
        )
        self._market = MarketStream(
            self._feed_rest,
            listing,
            sink=sink,
            clock=clock,
            rng=rng,
            now_ns=feed_now_ns,
            callbacks=SocketCallbacks(
                on_up=lambda: callbacks.on_feed(True, ""),
                on_down=lambda why: callbacks.on_feed(False, why),
                on_token_dead=callbacks.on_token_dead,
                on_commands=callbacks.on_commands,
            ),
            fast_path=self._orders.fast_path if use_fast_path else None,
        )
        self._portfolio = PortfolioStream(
            self._feed_rest,
            clock=clock,
            rng=rng,
            now_ns=feed_now_ns,
            callbacks=PortfolioCallbacks(
                on_up=lambda: callbacks.on_push(True, ""),
                on_down=lambda why: callbacks.on_push(False, why),
                on_token_dead=callbacks.on_token_dead,
                on_commands=callbacks.on_commands,
                on_order=self._on_order,
            ),
        )

    def __repr__(self) -> str:
        return "UpstoxSession()"

    @property
    def latency(self) -> FeedLatency:
        """From a received feed frame to its last order written."""
        return self._market.latency

    @property
    def is_feed_up(self) -> bool:
        return self._market.is_up

    @property
    def is_connecting(self) -> bool:
        """A connection is being made: work that no socket shows. A simulator of virtual time holds
        its clock meanwhile.
        """
        return (
            self._market.is_connecting
            or self._portfolio.is_connecting
            or self._orders.is_opening
            or self.rest.is_connecting
            or self._feed_rest.is_connecting
            or self._quotes.is_connecting
        )

    @property
    def n_fast_path(self) -> int:
        """Order requests that left from the feed's callback, before anybody in Python heard of
        them.
        """
        return self._orders.fast_path.n_written

    async def connect(self) -> None:
        """Prove the token (TokenError when it is dead), warm the order connections, start both
        sockets.
        """
        await self.rest.profile()
        await self._orders.start()
        self._portfolio.start()
        self._market.start()

    def subscribe(self, wanted: Sequence[tuple[int, str]]) -> None:
        """(our instrument token, mode) pairs to add; remembered across reconnects."""
        self._market.subscribe(wanted)

    def unsubscribe(self, tokens: Sequence[int]) -> None:
        self._market.unsubscribe(tokens)

    def send(self, command: OrderCommand) -> None:
        """Send one encoded order request now. Exactly one `on_answer` follows."""
        self._orders.submit(command.seq, command.lane, command.request)

    def set_access_token(self, access_token: str) -> None:
        """Go on with a new token: orders and questions from the next one, the sockets by
        reconnecting at once.
        """
        self._encoder.set_authorization(f"Bearer {access_token}".encode())
        self.rest.set_access_token(access_token)
        self._quotes.set_access_token(access_token)
        self._market.set_access_token(access_token)
        self._portfolio.restart("new access token")

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
        return (
            report_of(row, Source.ASKED, self._clock.now_ns(), self._listing)
            if row is not None
            else None
        )

    async def positions(self) -> BrokerRows[BrokerPosition]:
        """Short-term positions of the account, whoever made them."""
        rows, listing = await self.rest.positions(), self._listing
        return table_of(
            rows,
            lambda row: position_of(row, listing),
            "trading_symbol",
            lambda row: listing.of_row(row).token,
        )

    async def trades(self) -> dict[str, tuple[int, int]]:
        """(units, value) of each order of the day that has traded."""
        return traded_of(await self.rest.trades())

    async def funds(self) -> list[Funds]:
        return funds_of(await self.rest.funds())

    async def quotes(self, wanted: Sequence[tuple[int, str]]) -> dict[int, BrokerQuote]:
        rows = await self._quotes.quotes([self._listing.key_of(token) for token, _ in wanted])
        found: dict[int, BrokerQuote] = {}
        for token, _ in wanted:
            with contextlib.suppress(
                BrokerError
            ):  # one row that cannot be read says nothing of the others
                if (quote := quote_of(rows.get(self._listing.key_of(token)))) is not None:
                    found[token] = quote
        return found

    async def close(self) -> None:
        """End everything. Orders in flight are reported as in doubt."""
        await self._market.stop()
        await self._portfolio.stop()
        await self._orders.close()
        self.rest.close()
        self._quotes.close()
        self._feed_rest.close()

    def _on_answer(self, seq: int, answer: Answer) -> None:
        self._calls.on_answer(seq, answer)
        if answer.outcome == Ev.REFUSED and answer.reason == Reason.BROKER_TOKEN:
            self._calls.on_token_dead()

    def _on_order(self, row: Mapping[str, Any]) -> None:
        try:
            report = report_of(row, Source.PUSH, self._clock.now_ns(), self._listing)
        except BrokerError as exc:
            # The order is looked for in the book when its request is overdue; a push is only ever a
            # hint.
            self._calls.on_message("error", f"an order update could not be read: {exc}")
            return
        self._calls.on_report(report)
