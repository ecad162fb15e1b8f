"""A second feed made ready: its access, its names of our instruments, its socket. It may fail as it
likes: the day does without.
"""

import datetime as dt
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter, InstrumentSource, SecondFeed
from otrade.brokers.registry import BROKERS, NO_BROKER
from otrade.brokers.session import ListedInstrument
from otrade.clock import Clock
from otrade.config.schema import Config
from otrade.errors import InstrumentError, OTradeError
from otrade.instruments import Instrument
from otrade.live.day.trading_day import TradingDay
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.engine_builder import sink_of
from otrade.live.startup.credentials import LiveAccess, PaperAccess

Wanted = tuple[str, Instrument]
TRADED = ("exchange_token", "lot_size", "tick_size_e4", "expiry")
"""What both brokers' files must say alike of one instrument: the same row of the exchange's own
file stands behind both.
"""


class SecondaryFeed(msgspec.Struct, frozen=True):
    """`listed` holds those of our instruments that the second feed knows for certain."""

    adapter: BrokerAdapter
    listed: list[ListedInstrument]

    def key_of(self, token: int) -> str:
        """Its name of an instrument, for a feed that uses text; empty when it has none."""
        return next((one.key for one in self.listed if one.token == token), "")

    def attach(
        self, day: TradingDay, clock: Clock, seed: int, feed_now_ns: Callable[[], int] | None
    ) -> SecondFeed:
        """The day's second feed, subscribed and not yet started."""
        feed = self.adapter.second_feed(
            sink=sink_of(day.engine, self.adapter.frame_kinds[1]),
            listed=self.listed,
            clock=clock,
            rng=random.Random(seed),
            callbacks=day.secondary_feed_callbacks(),
            feed_now_ns=feed_now_ns,
        )
        known = {one.token for one in self.listed}
        feed.subscribe([(i.token, i.feed_mode) for i in day.plan.instruments if i.token in known])
        day.secondary_feed = feed
        return feed


async def prepare_secondary_feed(
    config: Config,
    first: BrokerAdapter,
    secondary: LiveAccess | PaperAccess | None,
    wanted: Sequence[Wanted],
    date: dt.date,
    board: NoticeBoard,
    source: Callable[[BrokerAdapter], Awaitable[InstrumentSource]],
) -> SecondaryFeed | None:
    """None, and words on the board, when there is none or it cannot be had. `secondary` is None for
    another socket of the first. `wanted`: our instruments, each with its name in the configuration.
    `source` gives its instruments.
    """
    if config.second_feed.kind == NO_BROKER:
        return None
    if secondary is None:
        return SecondaryFeed(
            first,
            [ListedInstrument(i.token, i.key, i.exchange, i.tradingsymbol) for _, i in wanted],
        )
    adapter = secondary.adapter
    try:
        await secondary.token(ask=False)
        names = await source(adapter)
        listed, odd = joined(wanted, names, date, by_token=BROKERS[adapter.name].is_feed_by_number)
    except OTradeError as error:
        board.say(Severity.ERROR, "NO_SECOND_FEED", f"there is no second feed today: {error}")
        return None
    finally:
        adapter.close()
    for text in odd:
        board.say(Severity.WARN, "NOT_JOINED", f"{text}; the second feed leaves it out")
    return SecondaryFeed(adapter, listed) if listed else None


def joined(
    wanted: Sequence[Wanted], names: InstrumentSource, date: dt.date, *, by_token: bool
) -> tuple[list[ListedInstrument], list[str]]:
    """Our instruments as the other broker names them, and those that cannot be told for certain, in
    words: joined on exchange and the exchange's own number, indices by name. `by_token`: its wire
    knows them by number.
    """
    listed, odd = [], []
    for symbol, ours in wanted:
        try:
            other = (
                names.find(symbol, date)
                if ours.is_index
                else names.by_number(ours.exchange, ours.exchange_token)
            )
        except InstrumentError as error:
            odd.append(str(error))
            continue
        if other is None:
            odd.append(
                f"{symbol}: the other broker has no number {ours.exchange_token} on {ours.exchange}"
            )
            continue
        if by_token and ours.token != other.token:
            odd.append(f"{symbol} has number {ours.token} here and {other.token} there")
            continue
        if ours.is_index != other.is_index:
            odd.append(f"{symbol} is an index at one broker only")
            continue
        # Brokers number indices each in their own way; of everything else the number is the
        # exchange's.
        differ = (
            []
            if ours.is_index
            else [name for name in TRADED if getattr(ours, name) != getattr(other, name)]
        )
        if differ:
            what = ", ".join(
                f"{name} {getattr(ours, name)} here and {getattr(other, name)} there"
                for name in differ
            )
            odd.append(f"{symbol}: the brokers disagree ({what})")
            continue
        listed.append(ListedInstrument(ours.token, other.key, other.exchange, other.tradingsymbol))
    return listed, odd
