"""What a trader believes of one instrument, packet by packet, as docs/architecture.md says it
("Trades make bars, and move a tick strategy").

A packet brings a trade when the day's volume or the last trade's time is higher than any seen. The
book that moved, a packet that came twice, or one that is told again bring none. A price far from
the last one waits until something confirms it.
"""

from dataclasses import dataclass

from otrade.drill.trader.feeds.choice import FeedChoice, PacketNews, Traded
from otrade.drill.trader.feeds.sight import Sight
from otrade.drill.trader.plan import TraderInstrument

SECOND = 1_000_000_000
AHEAD_NS = 60 * SECOND
"""A packet whose time is further ahead is not believed."""
BOOK_KEPT_NS = 2 * SECOND
"""A book outlives packets with an empty one for so long."""
JUMP_GROWS_NS = 5 * SECOND
FEW_TICKS = 10
AGREE = 3
"""Packets near each other that are believed."""
REFUSED = 5
"""Refused in a row: the next is believed, whatever it says."""


@dataclass(frozen=True, slots=True)
class SeenTrade:
    """A trade that a packet told of. `trade_ns`: the time that puts it into a bar. `volume`: units
    since the last packet that told of the day's; what was traded before the first is in no bar.
    """

    ts_ns: int
    price_e4: int
    trade_ns: int
    volume: int = 0


class SeenMarket:
    """One instrument as the packets so far tell of it."""

    def __init__(
        self, instrument: TraderInstrument, jump_bps: int = 2000, failover_ns: int = 0
    ) -> None:
        """`jump_bps`: how far one packet may move the price without more evidence; it grows by as
        much each five seconds. `failover_ns`: after so much silence of one of two feeds the other
        one is believed, where no volume decides.
        """
        self._instrument = instrument
        self._jump_bps = jump_bps
        self.ltp_e4 = self.bid_e4 = self.ask_e4 = 0
        self.heard_ns = 0
        """When something that is believed was last heard."""
        self._close_e4 = self._volume = self._trade_ns = self._packet_ns = 0
        self.n_told = 0
        self._price_ns = self._book_ns = 0
        self._has_book = False
        self._lacks_volume = False
        self._doubted: list[Sight] = []
        self._n_near = 0
        self._choice = FeedChoice(failover_ns)
        self._heard: set[int] = set()
        self._timed: set[int] = set()
        """Feeds that have told of a last trade, and of one with its time."""

    def connection_changed(self, feed: int, *, stands: bool) -> None:
        """Another connection may be another server, with another clock."""
        self._choice.connection_changed(feed, stands=stands)
        if stands and feed == self._choice.last:
            self._packet_ns = 0

    def take(self, sight: Sight) -> SeenTrade | None:
        """One packet; the trade that it tells of, or None."""
        if not sight.has_trade:
            if self._choice.takes_part(sight, self.n_told, self.heard_ns):
                self._take_part(sight)
            return None
        traded = Traded(self._trade_ns, self._price_ns)
        said = self._choice.of(sight, self.n_told, self._volume, self.heard_ns, traded)
        if said == PacketNews.SAME and sight.has_book:
            self._take_book(sight)
        if said != PacketNews.NEWS:
            return None
        self._follow(sight)
        if sight.ltp_e4 <= 0:
            return None
        volume = sight.volume if sight.has_volume else 0
        if self._lacks_volume and sight.trade_ns == self._trade_ns:
            volume = 0  # of a trade that came without it
        is_waited_for = sight.feed in self._timed or sight.feed not in self._heard
        if not sight.trade_ns and not sight.packet_ns and is_waited_for:
            # Without times, as after subscribing: its trade may be old. A feed that never tells a
            # time is not waited for.
            volume = 0
        more = volume - self._volume if volume else 0
        is_trade = more > 0 or sight.trade_ns > self._trade_ns
        if sight.packet_ns:
            is_older = sight.packet_ns < self._packet_ns or (
                sight.trade_ns and (sight.trade_ns < self._trade_ns or more < 0)
            )
            if not is_trade and is_older:
                return None
            if max(sight.packet_ns, sight.trade_ns) > sight.ts_ns + AHEAD_NS:
                return None
        if not self._is_believed(sight):
            return None
        self._doubted.clear()
        self._heard.add(sight.feed)
        if sight.trade_ns:
            self._timed.add(sight.feed)
        bar_ns = sight.trade_ns
        if not is_trade and not sight.volume and not sight.trade_ns:
            is_trade = sight.ltp_e4 != self.ltp_e4
            bar_ns = sight.packet_ns
        self.ltp_e4, self.heard_ns = sight.ltp_e4, sight.ts_ns
        self.n_told += 1
        if is_trade:
            self._price_ns = sight.ts_ns
            self._lacks_volume = not sight.has_volume
        self._packet_ns = sight.packet_ns or self._packet_ns
        if is_trade and 0 < bar_ns < self._trade_ns:
            bar_ns = self._trade_ns  # more volume: a later trade, whatever its time says
        self._trade_ns = max(self._trade_ns, sight.trade_ns)
        units = more if more > 0 and self._volume else 0
        self._volume = volume or self._volume
        self._take_rest(sight)
        if not is_trade:
            return None
        return SeenTrade(sight.ts_ns, sight.ltp_e4, bar_ns or sight.ts_ns, units)

    def _take_part(self, sight: Sight) -> None:
        """A packet without a last trade: life, and perhaps an order book."""
        if not (sight.has_book or sight.has_volume or sight.has_more):
            return
        if sight.packet_ns > sight.ts_ns + AHEAD_NS:
            return
        self._follow(sight)
        self._packet_ns = sight.packet_ns or self._packet_ns
        if not self._doubted:
            self.heard_ns = sight.ts_ns
        self._take_rest(sight)

    def _take_rest(self, sight: Sight) -> None:
        self._close_e4 = sight.close_e4 or self._close_e4
        if sight.has_book:
            self._take_book(sight)

    def _follow(self, sight: Sight) -> None:
        """Another feed has another clock, and may tell a trade's time in whole seconds."""
        if self._choice.follow(sight.feed):
            self._packet_ns = 0
            self._trade_ns -= self._trade_ns % SECOND

    def _take_book(self, sight: Sight) -> None:
        if sight.bid_e4 > sight.ask_e4 > 0 or not (sight.bid_e4 or sight.ask_e4):
            if self._has_book and sight.ts_ns - self._book_ns > BOOK_KEPT_NS:
                self._has_book = False
                self.bid_e4 = self.ask_e4 = 0
            return
        self._has_book, self._book_ns = True, sight.ts_ns
        self.bid_e4, self.ask_e4 = sight.bid_e4, sight.ask_e4

    # ---- prices that cannot be

    def _is_believed(self, sight: Sight) -> bool:
        """Near the last price, or confirmed."""
        former_e4 = self.ltp_e4 or self._close_e4 or sight.close_e4
        price_e4 = sight.ltp_e4
        few_e4 = FEW_TICKS * self._instrument.tick_e4
        away_e4 = abs(price_e4 - former_e4)
        if not former_e4 or away_e4 * 10_000 <= former_e4 * self._jump_bps or away_e4 <= few_e4:
            return True
        bid_e4 = ask_e4 = 0
        if sight.has_book:
            bid_e4, ask_e4 = sight.bid_e4, sight.ask_e4
        elif self._has_book and self._book_ns > self._price_ns:
            bid_e4, ask_e4 = self.bid_e4, self.ask_e4
        agrees = _agrees(bid_e4, ask_e4, price_e4, few_e4)
        denies = _is_close(bid_e4, ask_e4, few_e4) and not bid_e4 / 2 <= price_e4 <= ask_e4 * 2
        low_e4, high_e4 = sorted((price_e4, former_e4))
        far = high_e4 / 2 <= low_e4 * 2 if self._instrument.is_derivative else high_e4 / 2 <= low_e4 * 0.75  # fmt: skip
        if far:
            grown_bps = self._jump_bps * (1 + (sight.ts_ns - self._price_ns) / JUMP_GROWS_NS)
            if agrees or (not denies and away_e4 <= low_e4 * grown_bps / 10_000):
                return True
        return self._is_confirmed(sight, few_e4, agrees=agrees)

    def _is_confirmed(self, sight: Sight, few_e4: int, *, agrees: bool) -> bool:
        last = self._doubted[-1] if self._doubted else None
        same = (sight.ltp_e4, sight.packet_ns, sight.volume)
        if last and sight.packet_ns and same == (last.ltp_e4, last.packet_ns, last.volume):
            return False  # sent twice; of packets without a time nobody knows
        near_e4 = max(few_e4, (last.ltp_e4 if last else 0) * self._jump_bps // 10_000)
        is_near = last is not None and abs(sight.ltp_e4 - last.ltp_e4) <= near_e4
        self._n_near = self._n_near + 1 if is_near else 1
        self._doubted.append(sight)
        waited_ns = sight.ts_ns - self._doubted[0].ts_ns
        return (
            self._n_near >= AGREE
            or (self._n_near == 2 and (agrees or waited_ns >= SECOND))
            or len(self._doubted) > REFUSED
        )


def _is_close(bid_e4: int, ask_e4: int, few_e4: int) -> bool:
    """Both are there, and mean it."""
    return bid_e4 > 0 and 0 <= ask_e4 - bid_e4 <= max(few_e4, bid_e4 // 4)


def _agrees(bid_e4: int, ask_e4: int, price_e4: int, few_e4: int) -> bool:
    """Bid and ask stand around the price, and close together."""
    if not _is_close(bid_e4, ask_e4, few_e4):
        return False
    room_e4 = max(ask_e4 - bid_e4, few_e4)
    return bid_e4 - room_e4 <= price_e4 <= ask_e4 + room_e4
