"""Pushes and frames that are lost, doubled, late, unreadable; feeds that fall silent or end in the
middle.
"""

import orjson
import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.faults.pushes import UNKNOWN_STATUS
from tests.simulator.kite.kite_account import KiteAccount, kite_account


async def three_orders(s: KiteAccount) -> None:
    """Placed one after another; each is pushed OPEN."""
    for i in range(3):
        await s.buy(i + 1)
        await s.wait(1)


def test_pushes_are_lost() -> None:
    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.drop_pushes(2)
        await three_orders(s)
        assert s.feed.told() == [("OPEN", 0, 3)]
        assert [order.status for order in s.orders] == ["OPEN"] * 3
        assert s.faults.seen == {"push_dropped": 2} and not s.faults.pending

    kite_account(work)


def test_pushes_come_twice() -> None:
    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.double_pushes(2)
        await three_orders(s)
        assert [quantity for _, _, quantity in s.feed.told()] == [1, 1, 2, 2, 3]
        assert s.feed.raw[0] == s.feed.raw[1] and s.faults.seen == {"push_doubled": 2}

    kite_account(work)


def test_pushes_overtake_each_other() -> None:

    orders: list[list[int]] = []

    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.shuffle_pushes(8, 20 * NS_PER_S)
        for i in range(8):
            await s.buy(i + 1)
        await s.wait(1)
        assert len(s.feed.told()) < 8
        await s.wait(25)
        orders.append([quantity for _, _, quantity in s.feed.told()])
        assert s.faults.seen == {"push_shuffled": 8} and not s.faults.pending

    for seed in (1, 1, 2):
        kite_account(work, seed=seed)
    assert sorted(orders[0]) == list(range(1, 9)) != orders[0], "each once, not in turn"
    assert orders[0] == orders[1] != orders[2]


def test_a_status_that_nobody_has_seen() -> None:
    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.unknown_status(1)
        await three_orders(s)
        assert [status for status, _, _ in s.feed.told()] == [UNKNOWN_STATUS, "OPEN", "OPEN"]
        assert {row["status"] for row in await s.data("GET", "/orders")} == {"OPEN"}
        assert s.faults.seen == {"push_unknown_status": 1}

    kite_account(work)


def test_pushes_that_cannot_be_read() -> None:
    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.garble_push(24)
        for _ in range(24):
            await s.buy()
        await s.wait(1)
        assert len(s.feed.raw) == 24 and s.feed.told() == []
        kinds = set()
        for text in s.feed.raw:
            try:
                data = orjson.loads(text)["data"]
            except orjson.JSONDecodeError:
                kinds.add("cut")
                continue
            kinds.add("empty" if data is None else "lacks")
            assert data is None or "order_id" not in data
        assert kinds == {"cut", "empty", "lacks"}
        await s.buy()
        await s.wait(1)
        assert len(s.feed.told()) == 1 and s.faults.seen == {"push_garbled": 24}

    kite_account(work)


def test_faults_of_pushes_follow_each_other() -> None:
    async def work(s: KiteAccount) -> None:
        await s.listen()
        s.faults.drop_pushes(1)
        s.faults.double_pushes(1)
        s.faults.unknown_status(1)
        await three_orders(s)
        assert [(quantity, status) for status, _, quantity in s.feed.told()] == [
            (2, "OPEN"),
            (2, "OPEN"),
            (3, UNKNOWN_STATUS),
        ]

    kite_account(work)


def test_a_push_that_nobody_could_hear_uses_no_fault_up() -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.drop_pushes(1)
        await s.buy()
        await s.wait(1)
        assert s.faults.pending and not s.faults.seen

    kite_account(work)


def test_a_feed_falls_silent_and_speaks_again() -> None:
    async def work(s: KiteAccount) -> None:
        feed = await s.listen()
        await s.wait(3)
        n_before = len(feed.binary)
        assert n_before > 1
        s.faults.silence_feed(5 * NS_PER_S)
        await s.buy()
        await s.wait(4.9)
        assert len(feed.binary) == n_before and feed.raw == [] and feed.is_up
        await s.wait(3)
        assert len(feed.binary) > n_before and feed.raw == [] and feed.is_up, (
            "what was not sent is lost"
        )
        assert s.faults.seen == {"silence_feed": 1} and not s.faults.pending

    kite_account(work)


def test_silences_that_overlap_end_with_the_last() -> None:
    async def work(s: KiteAccount) -> None:
        feed = await s.listen()
        s.faults.half_open(10 * NS_PER_S)
        s.faults.silence_feed(2 * NS_PER_S)
        n_before = len(feed.binary)
        await s.wait(9.5)
        assert len(feed.binary) == n_before
        await s.wait(3)
        assert len(feed.binary) > n_before

    kite_account(work)


@pytest.mark.parametrize("mid_frame", [False, True])
def test_a_feed_is_cut(mid_frame: bool) -> None:
    async def work(s: KiteAccount) -> None:
        feed = await s.listen()
        await s.wait(2)
        n_before = len(feed.binary)
        (s.faults.cut_mid_frame if mid_frame else s.faults.cut_feed)()
        await s.wait(2)
        assert not feed.is_up and len(feed.binary) == n_before, "half a frame is none"
        again = await s.listen()
        await s.wait(3)
        assert again.is_up and len(again.binary) > 1
        assert s.faults.seen == {"cut_mid_frame" if mid_frame else "cut_feed": 1}

    kite_account(work)


def test_cutting_nothing_counts_for_nothing() -> None:
    async def work(s: KiteAccount) -> None:
        s.faults.cut_feed()
        s.faults.cut_mid_frame()
        assert not s.faults.seen

    kite_account(work)


def test_a_half_open_feed_takes_a_new_connection_and_says_nothing() -> None:
    async def work(s: KiteAccount) -> None:
        old = await s.listen()
        await s.wait(2)
        s.faults.half_open(10 * NS_PER_S)
        n_old = len(old.binary)
        new = await s.listen()
        await s.wait(8)
        assert old.is_up and new.is_up and len(old.binary) == n_old and new.binary == []
        await s.wait(5)
        assert len(old.binary) > n_old and len(new.binary) > 1

    kite_account(work)


def test_the_world_is_healthy_after_clear() -> None:
    async def work(s: KiteAccount) -> None:
        feed = await s.listen()
        f = s.faults
        f.half_open(10**12)
        f.silence_feed(10**12)
        f.drop_pushes(3)
        f.garble_push(3)
        f.lose_request("503", count=9)
        f.answer_wrongly("cut", count=9)
        f.fail_next(500, "GeneralException", "no", count=9)
        f.reject_exits(3)
        f.fill_after_cancel(3)
        f.stale_book(3, 10**12)
        f.cap_day(0)
        f.cap_modifications(0)
        f.cut_fills(True)
        f.lock_circuit("NSE:INFY", 1, 10**12)
        f.delay_ns = 10**10
        assert f.pending
        f.clear()
        assert not f.pending
        n_before = len(feed.binary)
        await s.wait(3)
        order_id = await s.buy()
        await s.wait(1)
        await s.data(
            "PUT",
            f"/orders/regular/{order_id}",
            {"order_type": "LIMIT", "price": round(s.ltp - 30)},
        )
        await s.wait(1)
        await s.data("DELETE", f"/orders/regular/{order_id}")
        await s.wait(2)
        assert [row["status"] for row in await s.data("GET", "/orders")] == ["CANCELLED"]
        assert [status for status, _, _ in feed.told()] == ["OPEN", "UPDATE", "CANCELLED"]
        assert len(feed.binary) > n_before
        assert set(f.seen) == {"half_open", "silence_feed", "lock_circuit"}

    kite_account(work)
