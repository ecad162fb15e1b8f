"""Which of two feeds to believe about one instrument, as docs/architecture.md says it ("Two brokers,
two feeds").

The day's volume is the exchange's own count: more of it is news, whoever brings it, less is old, and
the same from the other feed is the same trade again. But a volume that was wrong once, and too high, must not make all that
follows old: after a silence without any trade, a later trade by the exchange's own time is news. Where the wire has no volume one feed is
believed, until its connection is gone or it has been silent.
"""

from enum import IntEnum
from typing import NamedTuple

from otrade.drill.trader.feeds.sight import Sight

SECOND = 1_000_000_000
"""One broker says the time of a trade in whole ones."""


class PacketNews(IntEnum):
    """What a packet is, beside what the other feed has said."""

    OLD = 0
    SAME = 1
    """The same trades again, perhaps with a newer order book."""
    NEWS = 2


class Traded(NamedTuple):
    """The last trade that was taken: its own time, and when it was heard of."""

    trade_ns: int
    heard_ns: int


class FeedChoice:
    """Of one instrument. With one feed everything is news."""

    def __init__(self, failover_ns: int) -> None:
        self._failover_ns = failover_ns
        self._stand: set[int] = set()
        self._is_second_known = False
        """Once it has been heard of, for good."""
        self.last = 0
        """Which feed brought the last news."""
        self._believed = 0
        """The one that is believed where no volume decides."""

    def connection_changed(self, feed: int, *, stands: bool) -> None:
        self._is_second_known = self._is_second_known or (stands and feed == 1)
        (self._stand.add if stands else self._stand.discard)(feed)

    def of(
        self, sight: Sight, n_told: int, volume: int, heard_ns: int, traded: Traded
    ) -> PacketNews:
        """Of a packet with a last trade. `n_told`, `volume`, `heard_ns`: how many were taken before
        it, the day's volume so far, and when something was last believed; and the last trade.
        """
        if not self._is_second_known:
            return PacketNews.NEWS
        if not n_told:
            self._believed = sight.feed
        elif sight.volume and volume:
            if sight.volume < volume:
                is_later = sight.trade_ns >= traded.trade_ns + SECOND
                is_long_ago = sight.ts_ns - traded.heard_ns > self._failover_ns
                return PacketNews.NEWS if is_later and is_long_ago else PacketNews.OLD
            if sight.volume == volume and sight.feed != self.last:
                return PacketNews.SAME
        elif sight.feed != self._believed:
            if self._speaks(self._believed, sight.ts_ns, heard_ns):
                return PacketNews.OLD
            self._believed = sight.feed
        return PacketNews.NEWS

    def takes_part(self, sight: Sight, n_told: int, heard_ns: int) -> bool:
        """Of a packet without a last trade, which no volume orders."""
        return (
            not self._is_second_known
            or not n_told
            or sight.feed == self.last
            or not self._speaks(self.last, sight.ts_ns, heard_ns)
        )

    def follow(self, feed: int) -> bool:
        """News has come by this feed; whether the last came by the other one."""
        is_other = feed != self.last
        self.last = feed
        return is_other

    def _speaks(self, feed: int, now_ns: int, heard_ns: int) -> bool:
        return feed in self._stand and now_ns - heard_ns <= self._failover_ns
