"""Packets that bring a part of the market: what did not come is kept, a book alone is life, and
unknown is not 0.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import Reason, Rec
from tests.core.codecs import upstox_frames as frames
from tests.core.market.market_frames import (
    INDICES,
    KEY,
    NOBODY,
    FrameFeed,
    MarketState,
    engine,
    unmoved,
)
from tests.harness.core_engine import MS, OPEN_NS, SECOND

FIRST = MarketState(
    10_000,
    volume=100,
    ltt_ns=OPEN_NS + SECOND,
    book=(9_995, 10_005),
    oi=5_000,
    day=(9_900, 10_100, 9_800),
)
BOOK = (
    "bid_px_e4",
    "ask_px_e4",
    "bid_qty",
    "ask_qty",
    "has_depth",
    "depth_bid_px_e4",
    "depth_ask_px_e4",
    "ts_book_ns",
)
DAY = ("open_e4", "high_e4", "low_e4")
PRICE = ("ltp_e4", "prev_ltp_e4", "volume", "ts_trade_ns", "n_ticks", "ts_price_ns")


def feed_with_first(**given: Any) -> FrameFeed:
    feed = FrameFeed(engine(**given), "upstox")
    feed.tell(FIRST, OPEN_NS + SECOND)
    return feed


def later(seconds: int, **changed: Any) -> tuple[MarketState, int]:
    now_ns = OPEN_NS + seconds * SECOND
    return FIRST.but(ltt_ns=now_ns, **changed), now_ns


def test_without_depth_the_book_stands() -> None:
    feed = feed_with_first()
    state, now_ns = later(2, ltp=10_010, volume=150)
    with unmoved(feed, *BOOK):
        feed.tell(state, now_ns, "ltpc ohlc rest")
    assert feed.market["ltp_e4"] == 1_001_000


def test_without_candles_the_day_and_the_open_interest_stand() -> None:
    feed = feed_with_first()
    state, now_ns = later(2, ltp=10_010, volume=150)
    with unmoved(feed, *DAY, "oi"):
        feed.tell(state, now_ns, "ltpc depth")
    with unmoved(feed, "oi", "volume"):
        feed.tell(
            state.but(oi=0, volume=0), now_ns + MS, "ltpc depth rest"
        )  # scalars of 0 are not on this wire


def test_a_book_alone_is_life_and_no_price() -> None:
    feed = feed_with_first(kind="ema_cross", params={"fast_period": 2, "slow_period": 5})
    for seconds in range(2, 130):
        now_ns = OPEN_NS + seconds * SECOND
        with unmoved(feed, *PRICE, *DAY, "oi"):
            feed.tell(FIRST.but(book=(11_000 + seconds, 11_010 + seconds)), now_ns, "depth")
        market = feed.market
        assert (market["bid_px_e4"], market["ask_px_e4"]) == (
            (11_000 + seconds) * 100,
            (11_010 + seconds) * 100,
        )
        assert market["ts_recv_ns"] == now_ns
    feed.engine.on_timer(OPEN_NS + 200 * SECOND)
    counters = feed.engine.counters()
    assert (counters["ticks"], sum(counters["refused"]), counters["signals"]) == (1, 0, 0)
    assert [(b[1] - OPEN_NS, b[-1]) for b in feed.engine.take_bars()] == [(0, 1)], (
        "one trade, one bar"
    )


def test_an_entry_after_depth_alone_is_neither_stale_nor_below_the_offer() -> None:
    """120 s of depth-only frames were STALE_FEED, and an absent depth made the entry's limit that
    of the last price.
    """
    feed = FrameFeed(
        engine(plan={"enabled": 1, "entry_offset_bps": 0.0}, stale_feed_ns=10 * SECOND), "upstox"
    )
    feed.tell(FIRST.but(ltp=9_990), OPEN_NS + SECOND)
    for seconds in range(2, 122):
        feed.tell(FIRST.but(book=(10_300, 10_310)), OPEN_NS + seconds * SECOND, "depth")
    state, now_ns = later(122, ltp=10_060, volume=200)
    feed.tell(state, now_ns, "ltpc rest")
    command = feed.engine.take_command()
    assert command is not None and command.price_e4 == 1_031_000


def test_the_time_of_a_frame_makes_no_later_trade_old() -> None:
    feed = feed_with_first()
    feed.tell(FIRST.but(book=(9_990, 10_000)), OPEN_NS + 70 * SECOND, "depth")
    # The trade happened before that frame was sent, and arrives behind it.
    feed.tell(
        FIRST.but(ltp=10_020, volume=300, ltt_ns=OPEN_NS + 65 * SECOND),
        OPEN_NS + 71 * SECOND,
        "ltpc rest",
    )
    feed.engine.on_timer(OPEN_NS + 200 * SECOND)
    assert feed.market["ltp_e4"] == 1_002_000
    assert [(b[1] - OPEN_NS) // SECOND for b in feed.engine.take_bars()] == [0, 60]
    with unmoved(feed, *PRICE, *BOOK):
        feed.tell(FIRST, OPEN_NS + 72 * SECOND)  # an old trade again, whatever its frame says
    assert feed.engine.counters()["refused"][Reason.TIME_BACK - 100] == 1


def test_the_volume_of_a_trade_may_come_later_and_is_no_second_trade() -> None:
    feed = feed_with_first()
    state, now_ns = later(2, ltp=10_010, volume=150)
    feed.tell(state, now_ns, "ltpc")
    assert (feed.market["traded"], feed.market["volume"]) == (1, 100)
    feed.tell(state, now_ns + MS, "ltpc depth rest")
    assert feed.market["traded"] == 0
    state, now_ns = later(3, ltp=10_020, volume=175)
    feed.tell(state, now_ns)
    assert (feed.market["traded"], feed.market["volume"], feed.market["d_volume"]) == (1, 175, 75)
    feed.engine.on_timer(OPEN_NS + 200 * SECOND)
    assert [bar[6:] for bar in feed.engine.take_bars()] == [(75, 3)]


def test_greeks_alone_are_not_life() -> None:
    feed = feed_with_first()
    with unmoved(feed, *PRICE, *BOOK, "ts_recv_ns"):
        feed.tell(FIRST, OPEN_NS + 9 * SECOND, "")
    assert sum(feed.engine.counters()["refused"]) == 0


def test_a_book_from_a_frame_ahead_of_time_is_refused() -> None:
    feed = feed_with_first()
    payload_ns = OPEN_NS + 100 * SECOND
    with unmoved(feed, *BOOK, "ts_recv_ns"):
        from tests.core.market.market_frames import upstox

        feed.engine.on_frame_bytes(
            upstox(FIRST.but(book=(1, 2)), payload_ns, "depth"),
            OPEN_NS + 2 * SECOND,
            Rec.FRAME_UPSTOX,
        )
    assert feed.engine.counters()["refused"][Reason.TIME_AHEAD - 100] == 1


def test_first_level_mode_has_a_book() -> None:
    response = frames.vendor().FeedResponse(type=1, currentTs=(OPEN_NS + SECOND) // MS)
    level = response.feeds[KEY].firstLevelWithGreeks
    level.ltpc.ltp, level.ltpc.ltt, level.vtt = 100.0, (OPEN_NS + SECOND) // MS, 75
    level.firstDepth.bidP, level.firstDepth.bidQ, level.firstDepth.askP, level.firstDepth.askQ = (
        99.95,
        50,
        100.05,
        75,
    )
    e = engine()
    e.on_frame_bytes(response.SerializeToString(), OPEN_NS + SECOND, Rec.FRAME_UPSTOX)
    market = e.market(0)
    assert (market["bid_px_e4"], market["ask_px_e4"], market["ask_qty"], market["has_depth"]) == (
        999_500,
        1_000_500,
        75,
        1,
    )
    level.ClearField("ltpc")
    level.firstDepth.bidP = 99.9
    response.currentTs += 1_000
    e.on_frame_bytes(response.SerializeToString(), OPEN_NS + 2 * SECOND, Rec.FRAME_UPSTOX)
    assert (e.market(0)["bid_px_e4"], e.market(0)["ltp_e4"]) == (999_000, 1_000_000)


# -------------------------------------------------------------------------------------------------------
# books of both brokers
@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("book", [NOBODY, (10_100, 10_000)], ids=["empty", "crossed"])
def test_a_book_that_tells_nothing_stands_for_two_seconds_and_is_then_unknown(
    broker: str, book: tuple[int, int]
) -> None:
    feed = FrameFeed(engine(), broker)
    feed.tell(FIRST, OPEN_NS + SECOND)
    for seconds in (2, 3):
        state, now_ns = later(seconds, volume=100 + seconds, book=book)
        with unmoved(feed, *BOOK):
            feed.tell(state, now_ns)
    state, now_ns = later(4, volume=110, book=book)
    feed.tell(state, now_ns)
    market = feed.market
    assert (market["bid_px_e4"], market["ask_px_e4"], market["bid_qty"], market["has_depth"]) == (
        0,
        0,
        0,
        0,
    )
    assert market["ltp_e4"] == 1_000_000 and market["volume"] == 110
    state, now_ns = later(5, volume=120)
    feed.tell(state, now_ns)
    assert (feed.market["bid_px_e4"], feed.market["has_depth"]) == (999_500, 1)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_locked_circuit_has_one_side(broker: str) -> None:
    feed = FrameFeed(engine(), broker)
    feed.tell(FIRST, OPEN_NS + SECOND)
    state, now_ns = later(2, volume=150, book=(10_500, 0), ltp=10_500)
    feed.tell(state, now_ns)
    market = feed.market
    assert (market["bid_px_e4"], market["ask_px_e4"], market["has_depth"]) == (1_050_000, 0, 1)


def test_two_feeds_the_book_of_the_one_that_lags_is_not_taken() -> None:
    feed = feed_with_first()
    feed.engine.on_feed(True, OPEN_NS + SECOND, 1)
    from tests.core.market.market_frames import upstox

    def other(bid: int, now_ns: int) -> int:
        payload = upstox(FIRST.but(book=(bid, bid + 5)), now_ns, "depth")
        feed.engine.on_frame_bytes(payload, now_ns, Rec.FRAME_UPSTOX_B)
        return int(feed.market["bid_px_e4"]) // 100

    assert other(9_000, OPEN_NS + 2 * SECOND) == 9_995
    assert feed.engine.counters()["doubled"] == 1
    feed.engine.on_feed(False, OPEN_NS + 2 * SECOND, 0)
    assert other(9_100, OPEN_NS + 2 * SECOND + MS) == 9_100, "the other one is down"
    # Its clock may be another: the next trade is compared with trades alone.
    state, _ = later(3, ltp=10_030, volume=170)
    feed.engine.on_frame_bytes(
        upstox(state, OPEN_NS + 2 * SECOND), OPEN_NS + 3 * SECOND, Rec.FRAME_UPSTOX_B
    )
    assert feed.market["ltp_e4"] == 1_003_000


def test_an_index_has_no_book_and_its_price_is_taken() -> None:
    response = frames.vendor().FeedResponse(type=1, currentTs=(OPEN_NS + SECOND) // MS)
    index = response.feeds[KEY].fullFeed.indexFF
    index.ltpc.ltp, index.ltpc.ltt = 24_500.5, (OPEN_NS + SECOND) // MS
    e = engine(segment=INDICES)
    e.on_frame_bytes(response.SerializeToString(), OPEN_NS + SECOND, Rec.FRAME_UPSTOX)
    assert (e.market(0)["ltp_e4"], e.market(0)["has_depth"], e.market(0)["open_e4"]) == (
        245_005_000,
        0,
        0,
    )
