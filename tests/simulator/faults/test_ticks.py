"""Prices as real feeds send them: books alone, parts, packets twice, wrong prices, empty books,
holes; over both brokers' sockets.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from otrade.simulator.base.config import BOOK_PERCENT, NS_PER_S
from otrade.simulator.faults.ticks import WRONG, wrong_by
from tests.simulator.kite.kite_account import KEY, KiteAccount, KiteFeedRecorder, kite_account
from tests.simulator.upstox.upstox_account import INFY, UpstoxAccount, upstox_account
from tests.simulator.upstox.upstox_feed_client import MARKET, UpstoxFeedRecorder, listen

Packet = tuple[int, int, int, int, tuple[int, ...]]
"""Last price, volume, last trade's second, the packet's second, book."""


def packets(recorder: KiteFeedRecorder) -> list[Packet]:
    """Every full packet that a client of Kite's feed has."""
    found = []
    for payload in recorder.binary:
        at = 2
        for _ in range(int.from_bytes(payload[:2], "big") if len(payload) > 1 else 0):
            size = int.from_bytes(payload[at : at + 2], "big")
            body = payload[at + 2 : at + 2 + size]
            at += 2 + size
            words = struct.unpack_from(">16I", body)
            found.append(
                (
                    words[1],
                    words[4],
                    words[11],
                    words[15],
                    struct.unpack_from(">" + "IIHxx" * 10, body, 64),
                )
            )
    return found


def feeds(recorder: UpstoxFeedRecorder) -> list[Any]:
    """Every message about the instrument that a client of Upstox's feed has."""
    return [
        message.feeds[INFY].fullFeed.marketFF
        for message in recorder.messages
        if INFY in message.feeds
    ]


async def upstox_ear(s: UpstoxAccount) -> UpstoxFeedRecorder:
    recorder = await listen(s, MARKET)
    recorder.say("sub", [INFY], "full")
    await s.wait(1)
    recorder.raw.clear()
    return recorder


def test_kite_repeats_the_trade_when_the_book_moves() -> None:
    async def work(s: KiteAccount) -> None:
        recorder = await s.listen()
        await s.wait(120)
        seen = packets(recorder)
        repeats = [(a, b) for a, b in zip(seen, seen[1:], strict=False) if a[:3] == b[:3]]
        assert repeats, "a tenth of the trades are followed by one"
        assert len({p[:3] for p in seen}) == len(seen) - len(repeats)

    kite_account(work, book_percent=BOOK_PERCENT)


def test_upstox_sends_the_depth_alone_when_the_book_moves() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await upstox_ear(s)
        await s.wait(120)
        alone = [feed for feed in feeds(recorder) if not feed.HasField("ltpc")]
        assert alone and all(
            feed.HasField("marketLevel") and not feed.HasField("marketOHLC") and not feed.vtt
            for feed in alone
        )

    upstox_account(work, book_percent=BOOK_PERCENT)


def test_a_thin_market_has_a_book_and_no_trades() -> None:
    async def work(s: KiteAccount) -> None:
        recorder = await s.listen()
        await s.wait(10.5)
        n_trades = len({p[1] for p in packets(recorder)})
        s.faults.thin(KEY, 60 * NS_PER_S)
        await s.wait(58)
        seen = packets(recorder)
        assert len({p[1] for p in seen}) == n_trades and len(seen) > 40
        assert len({p[4] for p in seen[-20:]}) > 5, "the book moves"
        assert seen[-1][3] - seen[-1][2] > 50, (
            "the last trade is a minute old, and the packet says so"
        )
        await s.wait(10)
        assert packets(recorder)[-1][1] > seen[-1][1]
        assert s.faults.seen == {"thin": 1}

    kite_account(work)


def test_kite_packets_come_twice_empty_and_wrong() -> None:
    async def work(s: KiteAccount) -> None:
        recorder = await s.listen()
        await s.wait(1.5)
        recorder.binary.clear()
        s.faults.double_ticks(2)
        await s.wait(2)
        seen = [p[:3] for p in packets(recorder)]
        assert seen[0] == seen[1] and seen[2] == seen[3] != seen[0]
        recorder.binary.clear()
        s.faults.empty_books(3)
        await s.wait(3)
        assert sum(not any(p[4]) for p in packets(recorder)) == 3
        recorder.binary.clear()
        s.faults.wrong_ticks(20)
        assert s.faults.pending
        await s.wait(20)
        seen_px = [p[0] for p in packets(recorder)]
        right = seen_px[-1]
        wrong = [px for px in seen_px if not right * 0.9 < px < right * 1.1]
        assert len(wrong) == 20 and len(set(wrong)) > 10 and 0 in wrong
        assert not s.faults.pending
        assert s.faults.seen == {"tick_doubled": 2, "tick_no_book": 3, "tick_wrong": 20}

    kite_account(work)


def test_upstox_messages_come_in_parts_twice_empty_and_wrong() -> None:
    async def work(s: UpstoxAccount) -> None:
        recorder = await upstox_ear(s)
        s.faults.part_ticks(30)
        await s.wait(31)
        lacking = {
            name
            for feed in feeds(recorder)
            for name in ("ltpc", "marketLevel", "marketOHLC")
            if not feed.HasField(name) and feed.vtt
        }
        assert lacking == {"ltpc", "marketLevel", "marketOHLC"}
        recorder.raw.clear()
        s.faults.wrong_ticks(10)
        s.faults.empty_books(2)
        s.faults.double_ticks(1)
        await s.wait(14)
        said = feeds(recorder)
        right = said[-1].ltpc.ltp
        assert (
            sum(
                feed.HasField("ltpc") and not right * 0.9 < feed.ltpc.ltp < right * 1.1
                for feed in said
            )
            == 10
        )
        assert (
            sum(feed.HasField("marketLevel") and not feed.marketLevel.bidAskQuote for feed in said)
            == 2
        )
        assert any(a == b for a, b in zip(recorder.raw, recorder.raw[1:], strict=False))
        assert s.faults.seen == {
            "tick_part": 30,
            "tick_wrong": 10,
            "tick_no_book": 2,
            "tick_doubled": 1,
        }

    upstox_account(work)


def test_a_hole_has_heartbeats_and_pushes() -> None:
    async def work(s: KiteAccount) -> None:
        recorder = await s.listen()
        await s.wait(5.5)
        s.faults.hole(20 * NS_PER_S)
        recorder.binary.clear()
        await s.buy()
        await s.wait(15)
        assert {len(payload) for payload in recorder.binary} == {1} and len(recorder.told()) == 1
        await s.wait(10)
        assert packets(recorder)
        assert s.faults.seen == {"tick_hole": 1}

    kite_account(work)


@pytest.mark.parametrize("ends", [True, False])
def test_health_ends_all_of_it(ends: bool) -> None:
    async def work(s: KiteAccount) -> None:
        recorder = await s.listen()
        s.faults.hole(60 * NS_PER_S)
        s.faults.double_ticks(1_000)
        if ends:
            s.faults.clear()
        await s.wait(10)
        assert bool([p for p in packets(recorder) if p[1]][1:]) is ends

    kite_account(work)


@pytest.mark.parametrize("rupees", [0.05, 0.1, 0.95, 1.0, 100.0])
@pytest.mark.parametrize("way", range(len(WRONG)))
def test_a_wrong_price_is_one_that_can_be_told(way: int, rupees: float) -> None:
    """Half a rupee away and more: ten ticks of an option, within which any price may have traded."""
    times, divided_by = wrong_by(way, rupees)
    assert times == 0 or abs(rupees * times / divided_by - rupees) > 0.5
