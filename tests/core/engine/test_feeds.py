"""Frames of both wires through a whole engine, and two feeds of the same market at once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otrade._core.codecs.decoders import FRAMES, decode_frame
from otrade._core.engine.feed_sink import FeedSink
from otrade._core.types import Reason, Rec
from otrade.brokers.kite.adapter import KiteAdapter
from otrade.brokers.upstox.adapter import UpstoxAdapter
from otrade.errors import EngineError
from tests.core.codecs import upstox_frames as frames
from tests.harness.core_engine import (
    MS,
    OPEN_NS,
    SECOND,
    frame,
    ltp_packet,
    make_engine,
    packet,
    token_of,
)

KEY = "NSE_EQ|INE000000000"
LAG_MAX_MS = 3_000
FAILOVER_NS = 2 * SECOND
"""The default."""
ADAPTERS = (KiteAdapter, UpstoxAdapter)


@pytest.fixture(scope="module")
def vendor() -> Any:
    return frames.vendor()


def upstox(
    vendor: Any,
    ltp: float,
    *,
    volume: int = 0,
    ltt_ns: int = OPEN_NS,
    key: str = KEY,
    bid: float = 0.0,
) -> bytes:
    response = vendor.FeedResponse(type=1, currentTs=ltt_ns // MS + 50)
    feed = response.feeds[key]
    if volume:
        full = feed.fullFeed.marketFF
        full.ltpc.ltp, full.ltpc.ltt, full.vtt = ltp, ltt_ns // MS, volume
        full.marketLevel.bidAskQuote.add(bidP=bid or ltp, bidQ=10, askP=ltp, askQ=10)
        full.marketOHLC.ohlc.add(interval="1d", open=ltp, high=ltp, low=ltp, close=ltp)
    else:
        feed.ltpc.ltp, feed.ltpc.ltt = ltp, ltt_ns // MS
    return response.SerializeToString()


def engine_with_key(**given: Any) -> Any:
    engine = make_engine(start=False, **given)
    engine.add_key(0, KEY)
    engine.start(OPEN_NS - SECOND)
    engine.on_feed(True, OPEN_NS - SECOND)
    return engine


def test_a_tick_of_the_text_wire_moves_its_instrument(vendor: Any) -> None:
    engine = engine_with_key()
    engine.on_frame_bytes(
        upstox(vendor, 101.35, volume=700, ltt_ns=OPEN_NS + 5 * SECOND),
        OPEN_NS + 6 * SECOND,
        Rec.FRAME_UPSTOX,
    )
    market = engine.market(0)
    assert (market["ltp_e4"], market["volume"]) == (1_013_500, 700)
    assert (market["ts_trade_ns"], market["ts_exch_ns"]) == (
        OPEN_NS + 5 * SECOND,
        OPEN_NS + 5 * SECOND + 50 * MS,
    )
    assert engine.counters()["ticks"] == 1


def test_unknown_keys_and_market_information_are_counted(vendor: Any) -> None:
    engine = engine_with_key()
    engine.on_frame_bytes(upstox(vendor, 5.0, key="NSE_EQ|OTHER"), OPEN_NS, Rec.FRAME_UPSTOX)
    info = vendor.FeedResponse(type=2, currentTs=OPEN_NS // MS)
    info.marketInfo.segmentStatus["NSE_EQ"] = 2
    engine.on_frame_bytes(info.SerializeToString(), OPEN_NS, Rec.FRAME_UPSTOX)
    engine.on_frame_bytes(b"\x12\x7f", OPEN_NS, Rec.FRAME_UPSTOX)
    counters = engine.counters()
    assert (
        counters["unknown_tokens"],
        counters["heartbeats"],
        sum(counters["refused"]),
        counters["ticks"],
    ) == (1, 1, 1, 0)


def test_a_change_of_the_order_book_alone_makes_no_bar(vendor: Any) -> None:
    """The wire repeats the last trade; the trade belongs to its own minute and to no other."""
    engine = engine_with_key()
    for volume, ltt_s, at_s in (
        (100, 10, 10),
        (100, 10, 70),
        (100, 10, 130),
        (150, 140, 141),
        (150, 140, 200),
    ):
        payload = upstox(
            vendor, 100.0 + volume / 100, volume=volume, ltt_ns=OPEN_NS + ltt_s * SECOND
        )
        engine.on_frame_bytes(payload, OPEN_NS + at_s * SECOND, Rec.FRAME_UPSTOX)
    engine.on_timer(OPEN_NS + 300 * SECOND)
    bars = engine.take_bars()
    assert [(ts_open_ns - OPEN_NS, n_ticks) for _, ts_open_ns, *_, n_ticks in bars] == [
        (0, 1),
        (120 * SECOND, 1),
    ]


def test_a_key_names_one_instrument() -> None:
    engine = make_engine(instruments=2, start=False)
    engine.add_key(0, "NSE_FO|1")
    for args in ((1, "NSE_FO|1"), (0, "NSE_FO|2"), (1, ""), (1, "x" * 48), (7, "NSE_FO|3")):
        with pytest.raises(EngineError):
            engine.add_key(*args)
    engine.add_key(1, "x" * 47)


def test_many_keys_are_found(vendor: Any) -> None:
    n = 500
    engine = make_engine(instruments=n, start=False)
    for i in range(n):
        engine.add_key(i, f"NSE_FO|{40_000 + i}")
    engine.start(OPEN_NS)
    engine.on_feed(True, OPEN_NS)
    response = vendor.FeedResponse(currentTs=OPEN_NS // MS)
    for i in range(n):
        response.feeds[f"NSE_FO|{40_000 + i}"].ltpc.ltp = 10.0 + i
    engine.on_frame_bytes(response.SerializeToString(), OPEN_NS, Rec.FRAME_UPSTOX)
    assert [engine.market(i)["ltp_e4"] for i in range(n)] == [
        100_000 + 10_000 * i for i in range(n)
    ]


def test_every_kind_of_frame_has_a_decoder_and_a_feed() -> None:
    """The journal counts lost frames by the kinds' names, the engine reads them by the table."""
    assert FRAMES == {kind for kind in Rec if kind.name.startswith("FRAME")}
    for kind in FRAMES:
        engine = make_engine()
        engine.on_feed(True, OPEN_NS, 1)
        engine.on_frame_bytes(b"", OPEN_NS, kind)
        assert engine.counters()["frames"] == 1 and sum(engine.counters()["refused"]) == 1
        assert decode_frame(kind, b"") == [{"reason": Reason.FRAME_SHORT}]
    assert FRAMES == {kind for adapter in ADAPTERS for kind in adapter.frame_kinds}


def test_only_frames_are_taken_as_frames() -> None:
    engine = make_engine()
    with pytest.raises(EngineError):
        engine.on_frame_bytes(b"x", OPEN_NS, Rec.TIMER)
    with pytest.raises(EngineError):
        FeedSink(engine, Rec.CALL)
    with pytest.raises(EngineError):
        engine.on_feed(True, OPEN_NS, 2)


# --------------------------------------------------------------------------------------------------------------
# two feeds
def two_feeds(**given: Any) -> Any:
    engine = engine_with_key(**given)
    engine.on_feed(True, OPEN_NS - SECOND, 1)
    return engine


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_with_two_feeds_every_trade_is_taken_once_and_in_order(data: st.DataObject) -> None:
    """Each feed shows the same trades, late by its own and changing delay, with losses, repetitions
    and outages. What the engine takes must be what a reader of both would write down: each state of
    the market when it first arrives, never an older one.
    """
    seed = data.draw(st.integers(0, 2**32))
    rng = random.Random(seed)
    trades, volume = [], 0
    n = data.draw(st.integers(1, 60))
    for ts_ms in sorted(i * rng.randrange(200, 1_500) for i in range(n)):
        volume += rng.randrange(1, 50)  # a later trade never has less of it
        trades.append((ts_ms, volume, rng.randrange(9_500, 10_500)))
    arrivals = []
    for feed in (0, 1):
        loss, outage = rng.random() * 0.5, rng.randrange(len(trades) + 1)
        at = 0
        for number, (ts_ms, volume, paise) in enumerate(trades):
            if rng.random() < loss or (feed == 1 and outage <= number < outage + 5):
                continue
            for _ in range(rng.choice((1, 1, 2))):
                at = max(at, ts_ms + rng.randrange(LAG_MAX_MS))  # a feed never overtakes itself
                arrivals.append((at, feed, ts_ms, volume, paise))
    arrivals.sort(key=lambda a: a[:2])
    vendor = frames.vendor()
    engine = two_feeds()
    taken, best = [], 0
    for at_ms, feed, ts_ms, volume, paise in arrivals:
        before = engine.counters()["ticks"]
        ts_recv_ns = OPEN_NS + at_ms * MS + SECOND
        if feed == 0:
            whole_s = (OPEN_NS + ts_ms * MS) // SECOND
            payload = frame(packet(token_of(0), paise, volume=volume, ts_s=whole_s))
            engine.on_frame_bytes(payload, ts_recv_ns, Rec.FRAME)
        else:
            payload = upstox(vendor, paise / 100, volume=volume, ltt_ns=OPEN_NS + ts_ms * MS)
            engine.on_frame_bytes(payload, ts_recv_ns, Rec.FRAME_UPSTOX_B)
        if engine.counters()["ticks"] > before and (not taken or taken[-1] != (volume, paise)):
            taken.append((volume, paise))
        best = max(best, volume)
        assert engine.market(0)["volume"] == best, (
            f"seed {seed}: the newest state that either feed has shown is the engine's"
        )
    order: list[tuple[int, int]] = []
    for _, _, _, volume, paise in arrivals:
        if not order or volume > order[-1][0]:
            order.append((volume, paise))
    assert taken == order, f"seed {seed}"


def test_the_same_trade_from_the_other_feed_only_refreshes_the_order_book(vendor: Any) -> None:
    engine = two_feeds()
    engine.on_frame_bytes(
        frame(packet(token_of(0), 10_000, volume=500, ts_s=OPEN_NS // SECOND)), OPEN_NS, Rec.FRAME
    )
    engine.on_frame_bytes(
        upstox(vendor, 100.0, volume=500, bid=99.5), OPEN_NS + MS, Rec.FRAME_UPSTOX_B
    )
    counters, market = engine.counters(), engine.market(0)
    assert (counters["ticks"], counters["doubled"], market["n_ticks"]) == (1, 1, 1)
    assert market["bid_px_e4"] == 995_000


def test_prices_without_volume_come_from_one_feed_until_it_fails() -> None:
    engine = two_feeds()

    def tell(kind: int, paise: int, at_ms: int) -> int:
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), paise)), OPEN_NS + at_ms * MS, kind)
        return engine.market(0)["ltp_e4"] // 100

    assert tell(Rec.FRAME, 10_000, 0) == 10_000
    assert tell(Rec.FRAME_KITE_B, 9_990, 10) == 10_000, (
        "the other one may lag: an old price is no news"
    )
    assert tell(Rec.FRAME, 10_010, 20) == 10_010
    engine.on_feed(False, OPEN_NS + 30 * MS, 0)
    assert engine.risk()["feed_alive"], "one feed is enough"
    assert tell(Rec.FRAME_KITE_B, 10_020, 40) == 10_020, "the believed one is down"
    engine.on_feed(True, OPEN_NS + 50 * MS, 0)
    assert tell(Rec.FRAME, 10_030, 60) == 10_020, "and it does not take over again by coming back"
    assert tell(Rec.FRAME, 10_040, 2_041) == 10_040, "only silence hands over"


def test_a_feed_that_never_tells_a_time_makes_trades_beside_one_that_does(vendor: Any) -> None:
    """Upstox tells when a trade was; Kite's quote mode has volume and no time. Once Upstox was heard,
    no packet of Kite's was ever a trade: no bar and no signal while Upstox was down.
    """
    engine = two_feeds()

    def quote(paise: int, volume: int, at_ns: int) -> tuple[int, int]:
        body = packet(token_of(0), paise, volume=volume)[:44]
        engine.on_frame_bytes(frame(body), at_ns, Rec.FRAME_KITE_B)
        market = engine.market(0)
        return market["volume"], market["traded"]

    at_ns = OPEN_NS + SECOND
    engine.on_frame_bytes(upstox(vendor, 100.0, volume=500, ltt_ns=at_ns), at_ns, Rec.FRAME_UPSTOX)
    engine.on_feed(False, at_ns + MS, 0)
    # Its first packet may be as old as the last connection.
    assert quote(10_000, 600, at_ns + SECOND) == (500, 0)
    assert quote(10_010, 700, at_ns + 2 * SECOND) == (700, 1)
    assert quote(10_020, 700, at_ns + 3 * SECOND) == (700, 0)
    engine.on_feed(True, at_ns + 4 * SECOND, 0)
    # The same trade again: told by the other one, it is none.
    again = upstox(vendor, 100.1, volume=700, ltt_ns=at_ns + 2 * SECOND)
    engine.on_frame_bytes(again, at_ns + 4 * SECOND, Rec.FRAME_UPSTOX)
    assert engine.market(0)["traded"] == 0 and engine.counters()["doubled"] == 1
    news = upstox(vendor, 100.3, volume=710, ltt_ns=at_ns + 5 * SECOND)
    engine.on_frame_bytes(news, at_ns + 5 * SECOND, Rec.FRAME_UPSTOX)
    assert (engine.market(0)["volume"], engine.market(0)["traded"]) == (710, 1)


@pytest.mark.parametrize("wrong", [1_000_000_000, 5_000])
def test_a_volume_that_was_wrong_once_does_not_silence_both_feeds(vendor: Any, wrong: int) -> None:
    """Too high, it made all that followed old, and so did the journal's replay after a restart."""
    engine = two_feeds()
    taken = []
    for i in range(1, 60):
        ts_ns = OPEN_NS + i * SECOND
        volume = wrong if i == 20 else 1_000 + i * 10
        told = upstox(vendor, 100 + i, volume=volume, ltt_ns=ts_ns - 500 * MS)
        engine.on_frame_bytes(told, ts_ns, Rec.FRAME_UPSTOX)
        taken.append(engine.market(0)["ltp_e4"] == (100 + i) * 10_000)
    failover_s = FAILOVER_NS // SECOND
    assert all(taken[:20]) and not any(taken[20 : 20 + failover_s]), "older ones, as far as known"
    assert all(taken[20 + failover_s :])
    assert engine.market(0)["volume"] == 1_590


def test_without_any_feed_there_are_no_entries() -> None:
    engine = two_feeds()
    engine.on_feed(False, OPEN_NS, 0)
    engine.on_feed(False, OPEN_NS, 1)
    assert not engine.risk()["feed_alive"]


def test_a_wrapped_volume_counter_is_not_old() -> None:
    engine = two_feeds()
    for volume in (2**32 - 10, 5):
        engine.on_frame_bytes(
            frame(packet(token_of(0), 10_000 + volume % 7, volume=volume, ts_s=OPEN_NS // SECOND)),
            OPEN_NS,
            Rec.FRAME,
        )
    assert engine.counters()["ticks"] == 2
