"""Which of two feeds the trader believes: small tables, each row a packet and what it is."""

from __future__ import annotations

import pytest

from otrade.drill.trader.feeds.choice import FeedChoice, PacketNews, Traded
from otrade.drill.trader.feeds.sight import Sight
from otrade.drill.trader.market import SeenMarket
from otrade.drill.trader.plan import TraderInstrument

SECOND = 1_000_000_000
MS = 1_000_000
FAILOVER_NS = 2 * SECOND
BEFORE = Traded(0, 0)


def sight(
    at_ns: int, feed: int, price: int, volume: int = 0, trade_ns: int = 0, *, has_trade: bool = True
) -> Sight:
    return Sight(
        at_ns, "NSE:X", price * 10_000, has_trade, trade_ns, trade_ns, volume, volume > 0, True,
        (price - 1) * 10_000, (price + 1) * 10_000, 5, 5, 0, has_more=False, is_whole=True, feed=feed,
    )  # fmt: skip


def choice(*feeds: int) -> FeedChoice:
    made = FeedChoice(FAILOVER_NS)
    for feed in feeds:
        made.connection_changed(feed, stands=True)
    return made


@pytest.mark.parametrize(
    ("at_ns", "trade_ns", "said"),
    [
        (FAILOVER_NS + 1, SECOND, PacketNews.NEWS),
        (FAILOVER_NS, SECOND, PacketNews.OLD),  # a trade was taken so short a time ago
        (FAILOVER_NS + 1, SECOND - 1, PacketNews.OLD),  # perhaps the same second
        (FAILOVER_NS + 1, 0, PacketNews.OLD),  # the wire has no times
    ],
)
def test_a_volume_that_was_too_high_once_is_given_up(
    at_ns: int, trade_ns: int, said: PacketNews
) -> None:
    for feed in (0, 1):
        told = sight(at_ns, feed, 500, 99, trade_ns)
        assert choice(0, 1).of(told, 3, 100, at_ns, BEFORE) == said


@pytest.mark.parametrize(
    ("feed", "volume", "said"),
    [
        (0, 101, PacketNews.NEWS),
        (1, 101, PacketNews.NEWS),
        (1, 100, PacketNews.SAME),
        (0, 100, PacketNews.NEWS),
        (0, 99, PacketNews.OLD),
        (1, 99, PacketNews.OLD),
    ],
)
def test_the_days_volume_says_what_is_news(feed: int, volume: int, said: PacketNews) -> None:
    """100 units are known, by the first feed."""
    assert choice(0, 1).of(sight(SECOND, feed, 500, volume), 3, 100, 0, BEFORE) == said


def test_without_volume_one_feed_is_believed_until_it_is_gone_or_silent() -> None:
    made = choice(0, 1)
    assert made.of(sight(0, 0, 500), 0, 0, 0, BEFORE) == PacketNews.NEWS
    assert made.of(sight(SECOND, 1, 501), 1, 0, 0, BEFORE) == PacketNews.OLD
    assert made.of(sight(FAILOVER_NS, 1, 501), 1, 0, 0, BEFORE) == PacketNews.OLD
    assert (
        made.of(sight(FAILOVER_NS + 1, 1, 501), 1, 0, 0, BEFORE) == PacketNews.NEWS
    )  # silent for too long
    assert made.of(sight(FAILOVER_NS + 2, 0, 502), 2, 0, FAILOVER_NS + 1, BEFORE) == PacketNews.OLD
    made.connection_changed(1, stands=False)
    assert made.of(sight(FAILOVER_NS + 3, 0, 502), 2, 0, FAILOVER_NS + 1, BEFORE) == PacketNews.NEWS


def test_one_feed_alone_is_asked_nothing() -> None:
    made = choice(0)
    assert made.of(sight(SECOND, 0, 500, 7), 3, 100, 0, BEFORE) == PacketNews.NEWS
    assert made.takes_part(sight(SECOND, 0, 0, has_trade=False), 3, 0)


def test_an_order_book_alone_is_taken_from_who_brought_the_last_news() -> None:
    made = choice(0, 1)
    assert made.follow(1) and not made.follow(1)
    assert made.takes_part(sight(SECOND, 1, 0, has_trade=False), 3, 0)
    assert not made.takes_part(sight(SECOND, 0, 0, has_trade=False), 3, 0)
    assert made.takes_part(sight(FAILOVER_NS + 1, 0, 0, has_trade=False), 3, 0)
    made.connection_changed(1, stands=False)
    assert made.takes_part(sight(SECOND, 0, 0, has_trade=False), 3, 0)


def market() -> SeenMarket:
    instrument = TraderInstrument(
        "NSE:X", "MIS", 500, 1, 10_000, 1, False, 0, 0, 1 << 60, 1 << 60, 1 << 60, 0, []
    )
    made = SeenMarket(instrument, failover_ns=FAILOVER_NS)
    for feed in (0, 1):
        made.connection_changed(feed, stands=True)
    return made


def test_a_trade_that_both_feeds_tell_is_one_trade() -> None:
    """The second tells in whole seconds, and sometimes first."""
    made = market()
    told = [
        made.take(sight(1_000 * MS, 0, 500, 100, 998 * MS)),
        made.take(sight(1_003 * MS, 1, 500, 100, 0)),
        made.take(sight(2_001 * MS, 1, 501, 130, 1_000 * MS)),
        made.take(sight(2_002 * MS, 0, 501, 130, 1_900 * MS)),
        made.take(sight(3_000 * MS, 0, 502, 140, 2_950 * MS)),
        made.take(sight(3_500 * MS, 1, 499, 120, 2_000 * MS)),
    ]
    assert [one is not None for one in told] == [True, False, True, False, True, False]
    assert made.ltp_e4 == 5_020_000 and made.heard_ns == 3_000 * MS


def test_the_same_trade_with_a_newer_order_book_moves_the_book_alone() -> None:
    made = market()
    made.take(sight(SECOND, 0, 500, 100, 900 * MS))
    again = sight(SECOND + 2 * MS, 1, 510, 100, 900 * MS)
    assert made.take(again) is None
    assert (made.ltp_e4, made.bid_e4, made.ask_e4) == (5_000_000, 5_090_000, 5_110_000)
    assert made.heard_ns == SECOND
