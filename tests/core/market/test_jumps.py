"""Prices that cannot be, and prices that only look so: what a jump filter must let through, and
what it must not.
"""

from __future__ import annotations

import random

import pytest

from otrade._core.types import Reason
from tests.core.market.market_frames import NFO, NOBODY, NSE, FrameFeed, MarketState, engine, token
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, ltp_packet

TICK = 5
"""Paise."""
RUN_MAX = 5
"""No true price is refused more often than that in a row (market.pyx)."""


def premium_walk(rng: random.Random, n: int) -> list[tuple[int, int]]:
    """(time, paise) of an option's trades: mostly a tick or two, more after a pause, and now and
    then a news item.
    """
    now_ns, px, out = OPEN_NS, rng.randrange(100, 10_000, TICK), []
    for _ in range(n):
        pause_s = (
            rng.choice((0.3, 0.5, 1, 1, 2, 5)) if rng.random() < 0.97 else rng.uniform(20, 900)
        )
        now_ns += round(pause_s * SECOND)
        ticks = rng.choice((-2, -1, -1, 1, 1, 2)) * rng.choice((1, 1, 1, 3))
        if pause_s > 10:
            px = round(px * rng.choice((0.3, 0.6, 1.5, 2.2)))
        elif rng.random() < 0.01:
            px = round(px * rng.choice((0.6, 1.6)))
        px = min(max(px // TICK * TICK + ticks * TICK, TICK), 10_000)
        out.append((now_ns, px))
    return out


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("seed", range(8))
def test_an_option_at_small_premiums_is_seen(broker: str, seed: int) -> None:
    """The book of the packet stands around the price, so nothing that traded is refused, but for
    once beyond four times.
    """
    rng = random.Random(f"premium {seed}")
    feed = FrameFeed(engine(px_jump_bps_max=2_000), broker)
    walk = premium_walk(rng, 2_000)
    before = walk[0][1]
    refused = 0
    for n, (now_ns, px) in enumerate(walk):
        book = (px - TICK, px) if rng.random() < 0.5 and px > TICK else (px, px + TICK)
        feed.tell(MarketState(px, volume=75 * (n + 1), ltt_ns=now_ns, book=book), now_ns)
        if feed.market["ltp_e4"] != px * 100:
            assert max(px, before) > 4 * min(px, before), f"seed {seed}, packet {n}"
            refused += 1
            feed.tell(
                MarketState(px, volume=75 * (n + 1), ltt_ns=now_ns, book=book), now_ns + SECOND
            )
            assert feed.market["ltp_e4"] == px * 100, (
                f"seed {seed}, packet {n}: the next one confirms it"
            )
        before = px
    assert feed.engine.counters()["refused"][Reason.PRICE_ABSURD - 100] == refused < 5


@pytest.mark.parametrize("seed", range(8))
def test_without_a_book_a_true_price_is_refused_a_few_times_at_most(seed: int) -> None:
    rng = random.Random(f"bare premium {seed}")
    e = engine(px_jump_bps_max=2_000)
    in_a_row = worst = refused = 0
    walk = premium_walk(rng, 3_000)
    for now_ns, px in walk:
        e.on_frame_bytes(frame(ltp_packet(token(), px)), now_ns)
        in_a_row = 0 if e.market(0)["ltp_e4"] == px * 100 else in_a_row + 1
        refused += in_a_row > 0
        worst = max(worst, in_a_row)
    assert worst <= RUN_MAX, f"seed {seed}"
    assert refused <= len(walk) // 50, f"seed {seed}: a news item costs a packet or two"


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize(
    ("first", "then", "after_s"),
    [(5_400, 11_500, 780), (5_400, 11_500, 1), (5_400, 2_000, 1), (115, 30, 1)],
)
def test_the_last_minutes_of_an_expiry(broker: str, first: int, then: int, after_s: int) -> None:
    feed = FrameFeed(engine(px_jump_bps_max=2_000), broker)
    feed.tell(
        MarketState(first, volume=75, ltt_ns=OPEN_NS, book=(first - TICK, first + TICK)), OPEN_NS
    )
    now_ns = OPEN_NS + after_s * SECOND
    feed.tell(MarketState(then, volume=150, ltt_ns=now_ns, book=(then - TICK, then + TICK)), now_ns)
    assert feed.market["ltp_e4"] == then * 100


def test_a_book_that_is_newer_than_the_last_trade_confirms_the_next() -> None:
    """Upstox sends the book alone, and then the trade without it."""
    feed = FrameFeed(engine(px_jump_bps_max=2_000), "upstox")
    feed.tell(MarketState(5_000, volume=75, ltt_ns=OPEN_NS, book=(4_995, 5_005)), OPEN_NS)
    state = MarketState(8_000, volume=150, ltt_ns=OPEN_NS + SECOND, book=(7_990, 8_010))
    feed.tell(state, OPEN_NS + SECOND, "depth")
    feed.tell(state, OPEN_NS + SECOND + MS, "ltpc rest")
    assert feed.market["ltp_e4"] == 800_000


def test_an_old_or_wide_book_confirms_nothing() -> None:
    feed = FrameFeed(engine(px_jump_bps_max=2_000), "upstox")
    feed.tell(MarketState(5_000, volume=75, ltt_ns=OPEN_NS, book=(7_990, 8_010)), OPEN_NS)
    feed.tell(
        MarketState(8_000, volume=150, ltt_ns=OPEN_NS + SECOND), OPEN_NS + SECOND, "ltpc rest"
    )
    assert feed.market["ltp_e4"] == 500_000, "the book came with the price before"
    feed.tell(
        MarketState(8_000, volume=150, ltt_ns=OPEN_NS + SECOND, book=(100, 20_000)),
        OPEN_NS + SECOND + MS,
    )
    assert feed.market["ltp_e4"] == 500_000, (
        "a bid of 1 and an offer of 200 stand around everything"
    )


WRONG = {
    "ten times": (10, 1),
    "a tenth": (1, 10),
    "a hundred times": (100, 1),
    "a hundredth": (1, 100),
    "nothing": (0, 1),
}


@pytest.mark.parametrize("broker", ["kite", "upstox", "ltp"])
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("segment", [NFO, NSE])
def test_a_single_bad_packet_moves_nothing(broker: str, wrong: str, segment: int) -> None:
    """With its book as it is, and with a book that is wrong in the same way; sent once, and sent
    twice; also after a pause.
    """
    rng = random.Random(f"bad {broker} {wrong} {segment}")
    e = engine(segment=segment, px_jump_bps_max=2_000)
    feed = FrameFeed(e, "kite" if broker == "ltp" else broker, segment)
    times, part = WRONG[wrong]
    now_ns, volume, planted = OPEN_NS, 0, 0
    px = 20_000
    for n in range(600):
        pause_s = rng.choice((0.3, 1, 1, 3)) if rng.random() < 0.95 else rng.uniform(20, 1_200)
        now_ns += round(pause_s * SECOND)
        px = min(max(px + rng.randint(-4, 4) * TICK, 500), 90_000)
        if n % 7 == 3:
            bad = px * times // part
            before = e.market(0)
            for _ in range(1 if broker == "ltp" else rng.choice((1, 2))):
                if broker == "ltp":
                    e.on_frame_bytes(frame(ltp_packet(token(segment), bad)), now_ns)
                else:
                    book = (
                        (px - TICK, px + TICK)
                        if rng.random() < 0.5
                        else (bad - TICK if bad > TICK else 0, bad + TICK)
                    )
                    feed.tell(
                        MarketState(bad, volume=volume + 75, ltt_ns=now_ns, book=book),
                        now_ns,
                        "ltpc depth rest",
                    )
            planted += 1
            after = e.market(0)
            assert (after["ltp_e4"], after["n_ticks"], after["volume"]) == (
                before["ltp_e4"],
                before["n_ticks"],
                before["volume"],
            )
            now_ns += 200 * MS
        volume += 75
        if broker == "ltp":
            e.on_frame_bytes(frame(ltp_packet(token(segment), px)), now_ns)
        else:
            feed.tell(
                MarketState(px, volume=volume, ltt_ns=now_ns, book=(px - TICK, px + TICK)), now_ns
            )
        assert e.market(0)["ltp_e4"] == px * 100, (
            f"the packet after a bad one counts at once (packet {n})"
        )
        assert e.market(0)["n_absurd"] == 0
    assert planted > 80


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize(("bad", "true"), [(11_400, 1_140), (800, 8_000)])
def test_a_bad_packet_after_a_pause_is_not_taken_for_the_move_of_it(
    broker: str, bad: int, true: int
) -> None:
    """An option moved to 0.4 or 2.8 times its price while nothing came: ten times too much, or too
    little, is then within four times the price before, and within what a pause allows.
    """
    feed = FrameFeed(engine(px_jump_bps_max=2_000), broker)
    feed.tell(MarketState(2_900, volume=75, ltt_ns=OPEN_NS, book=(2_895, 2_900)), OPEN_NS)
    now_ns = OPEN_NS + 106 * SECOND
    book = (true - TICK, true)
    feed.tell(MarketState(bad, volume=150, ltt_ns=now_ns, book=book), now_ns, "ltpc depth rest")
    assert feed.market["ltp_e4"] == 290_000
    feed.tell(MarketState(true, volume=225, ltt_ns=now_ns + MS, book=book), now_ns + 200 * MS)
    assert feed.market["ltp_e4"] == true * 100


@pytest.mark.parametrize("seed", range(20))
def test_a_run_of_refusals_ends_whatever_is_said(seed: int) -> None:
    rng = random.Random(f"noise {seed}")
    e = engine(px_jump_bps_max=500, segment=NSE)
    e.on_frame_bytes(frame(ltp_packet(token(NSE), 10_000)), OPEN_NS)
    refused = 0
    while e.market(0)["ltp_e4"] == 1_000_000:
        refused += 1
        assert refused <= RUN_MAX + 1, f"seed {seed}"
        px = rng.choice((300_000, 1_000, 60_000, 500_000)) + rng.randrange(100)
        e.on_frame_bytes(frame(ltp_packet(token(NSE), px)), OPEN_NS + refused * 10 * MS)


def test_the_limit_of_0_turns_the_test_off() -> None:
    e = engine(px_jump_bps_max=0)
    for px in (10_000, 900_000, 5):
        e.on_frame_bytes(frame(ltp_packet(token(), px)), OPEN_NS)
        assert e.market(0)["ltp_e4"] == px * 100


def test_a_share_that_opens_far_from_its_close_is_believed_with_its_book() -> None:
    feed = FrameFeed(engine(px_jump_bps_max=1_000, segment=NSE), "kite", NSE)
    feed.tell(MarketState(10_000, volume=1, ltt_ns=OPEN_NS, book=NOBODY), OPEN_NS)
    feed.tell(MarketState(11_800, volume=2, ltt_ns=OPEN_NS, book=(11_795, 11_805)), OPEN_NS + MS)
    assert feed.market["ltp_e4"] == 1_180_000
