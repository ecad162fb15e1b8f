"""What the guard counts: bytes a second, WebSocket frames and fragments, places by address."""

import random

import pytest

from otrade.guard.frames import FrameCount, close_frame
from otrade.guard.limits import Bucket, Limits
from otrade.guard.places import GROUPS_MAX, Places
from tests.attack.peer import frame


def test_a_bucket_says_how_long_to_wait() -> None:
    bucket = Bucket(10, 20, 100.0)
    assert bucket.take(20, 100.0) == 0
    assert bucket.take(5, 100.0) == pytest.approx(0.5)
    assert bucket.take(0, 100.5) == pytest.approx(0)
    assert bucket.take(20, 200.0) == 0, "a burst, however long nobody came"
    assert bucket.take(1, 200.0) == pytest.approx(0.1)


def test_a_bucket_gives_nothing_that_it_has_not() -> None:
    bucket = Bucket(1, 2, 0.0)
    assert [bucket.has(1, 0.0) for _ in range(3)] == [True, True, False]
    assert bucket.has(1, 1.0) and not bucket.has(1, 1.5)


def test_frames_are_counted_however_they_are_cut() -> None:
    """Every message of up to 70,000 bytes, in pieces of any size: as many frames as were sent."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(50):
        n = draw.randrange(1, 20)
        lengths = [draw.choice((0, 1, 125, 126, 127, 65_535, 65_536, 70_000)) for _ in range(n)]
        data = b"".join(frame(1, bytes(length)) for length in lengths)
        for burst, fits in ((n, True), (n - 1, False)):
            count = FrameCount(Limits(frames_per_s=1e-9, frames_burst=burst), 0.0)
            at, taken = 0, True
            while at < len(data) and taken:
                step = draw.randrange(1, 30_000)
                taken = count.feed(data[at : at + step], 0.0)
                at += step
            assert taken == fits, (seed, lengths, burst)


def test_fragments_have_an_end() -> None:
    many = Limits(fragments=3, frames_burst=10_000)
    whole = frame(1, b"a", fin=False) + frame(0, fin=False) * 2 + frame(0)
    assert FrameCount(many, 0.0).feed(whole * 100, 0.0)
    assert FrameCount(many, 0.0).feed(
        (frame(1, b"a", fin=False) + frame(9) + frame(0)) * 50, 0.0
    ), "pings may come between"
    assert not FrameCount(many, 0.0).feed(whole[:-6] + frame(0, fin=False), 0.0)


def test_a_frame_that_says_it_is_huge_is_one_frame() -> None:
    head = bytes([0x81, 0xFF]) + (1 << 62).to_bytes(8, "big") + bytes(4)
    count = FrameCount(Limits(frames_burst=1), 0.0)
    assert count.feed(head, 0.0) and all(count.feed(b"\x81\x80" * 1000, 0.0) for _ in range(10))


def test_the_words_of_a_farewell() -> None:
    assert close_frame(1008) == b"\x88\x02\x03\xf0"


class Sitting:
    def __init__(self, group: str, is_proven: bool = False) -> None:
        self.group = group
        self.is_proven = is_proven


def test_the_oldest_who_proved_nothing_goes_and_the_owner_stays() -> None:
    places = Places(Limits(connections=3))
    owner, first, second = Sitting("a", True), Sitting("b"), Sitting("c")
    for guest in (owner, first, second):
        assert places.find("x", "203.0.113.9") == (True, None)
        places.add(guest)
    assert places.find("x", "203.0.113.9") == (True, first)
    first.is_proven = second.is_proven = True
    assert places.find("x", "203.0.113.9") == (False, None)
    places.remove(second)
    assert places.find("x", "203.0.113.9") == (True, None)
    assert (places.n_sent_away, places.n_refused) == (1, 1)


def test_an_address_has_its_share_and_its_rate_and_this_computer_has_all() -> None:
    places = Places(Limits(per_address=2, new_burst=3, new_per_s=1))
    theirs = [places.may_come("203.0.113.9", 0.0) for _ in range(4)]
    assert theirs == ["203.0.113.9"] * 3 + [None]
    assert places.may_come("203.0.113.9", 1.0) and places.may_come("203.0.113.10", 0.0)
    assert all(places.may_come("127.0.0.1", 0.0) for _ in range(1000))
    guests = [Sitting("203.0.113.9") for _ in range(2)]
    for guest in guests:
        places.add(guest)
    assert places.find("203.0.113.9", "203.0.113.9") == (True, guests[0])
    assert places.find("203.0.113.10", "203.0.113.10") == (True, None)


def test_what_is_remembered_of_addresses_has_a_bound() -> None:
    places = Places(Limits())
    for i in range(3 * GROUPS_MAX):
        places.may_come(f"2001:db8:{i:x}::1", 0.0)
    assert len(places._new) == GROUPS_MAX
