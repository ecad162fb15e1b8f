"""Ticks and bars, against a naive account of the same packets kept in Python."""

import random

import pytest

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.engine import Engine
from otrade._core.types import Reason
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

T = token_of(0)
BASE_S = OPEN_NS // SECOND


def quiet(**kw):
    """An engine whose strategy never trades."""
    return make_engine(plan={"enabled": 0}, **kw)


def test_last_tick_and_depth():
    e = quiet()
    e.on_frame_bytes(
        frame(packet(T, 10_005, bid=10_000, ask=10_010, ts_s=BASE_S + 1, volume=500)),
        OPEN_NS + SECOND,
    )
    m = e.market(0)
    assert (m["ltp_e4"], m["bid_px_e4"], m["ask_px_e4"]) == (1_000_500, 1_000_000, 1_001_000)
    assert m["depth_bid_px_e4"] == [1_000_000, 999_500, 999_000, 998_500, 998_000]
    assert m["ts_exch_ns"] == (BASE_S + 1) * SECOND
    assert m["d_volume"] == 0, "volume from before we listened belongs to no bar"
    e.on_frame_bytes(frame(packet(T, 10_005, ts_s=BASE_S + 2, volume=650)), OPEN_NS + 2 * SECOND)
    assert e.market(0)["d_volume"] == 150


def test_many_packets_in_a_frame_reach_their_instruments():
    e = quiet(instruments=40)
    ids = random.Random(3).sample(range(40), 40)
    e.on_frame_bytes(frame(*(ltp_packet(token_of(i), 10_000 + i) for i in ids)), OPEN_NS)
    assert [e.market(i)["ltp_e4"] for i in range(40)] == [(10_000 + i) * 100 for i in range(40)]


def test_tokens_that_fall_into_one_bucket_are_told_apart():
    """In tables of any size, whichever comes first: of so many pairs some share a bucket."""
    tokens = [token_of(0) + 256 * i for i in range(64)]
    for other in tokens[1:]:
        for pair in ((tokens[0], other), (other, tokens[0])):
            e = Engine(instruments=2, series=2, strategies=2, brackets=4, orders=16, notices=64, commands=16)  # fmt: skip
            for token in pair:
                e.add_instrument(
                    token=token, segment=1, symbol=str(token), exchange="NSE", product=0, tick_size_e4=500, lot_size=1
                )  # fmt: skip
            e.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
            e.start(OPEN_NS)
            e.on_frame_bytes(
                frame(*(ltp_packet(t, 10_000 + i) for i, t in enumerate(pair))), OPEN_NS
            )
            assert [e.market(i)["ltp_e4"] for i in range(2)] == [1_000_000, 1_000_100], pair


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((10_000, 5), (10_001, 4), Reason.TIME_BACK),
        ((10_000, 5), (10_001, 500), Reason.TIME_AHEAD),
        ((10_000, 5), (0, 6), Reason.PRICE_ZERO),
        ((10_000, 5), (13_000, 6), Reason.PRICE_ABSURD),
        ((10_000, 5), (7_000, 6), Reason.PRICE_ABSURD),
    ],
)
def test_what_cannot_be_is_refused_and_counted(first, second, reason):
    e = quiet(px_jump_bps_max=2_000)
    e.on_frame_bytes(
        frame(packet(T, first[0], ts_s=BASE_S + first[1])), OPEN_NS + first[1] * SECOND
    )
    before = e.market(0)
    # Its book is the one before: nothing but the last price says that it has moved.
    e.on_frame_bytes(
        frame(packet(T, second[0], bid=first[0], ask=first[0], ts_s=BASE_S + second[1])),
        OPEN_NS + 7 * SECOND,
    )
    after = e.market(0)
    assert e.counters()["refused"][reason - 100] == 1
    changed = {k for k in before if before[k] != after[k]}
    assert changed <= {
        "n_refused",
        "absurd_px_e4",
        "n_absurd",
        "n_agree",
        "absurd_since_ns",
        "absurd_ts_ns",
        "absurd_volume",
    }


def test_a_jump_that_repeats_is_believed():
    e = quiet(px_jump_bps_max=1_000)
    e.on_frame_bytes(frame(ltp_packet(T, 10_000)), OPEN_NS)
    for i, px in enumerate((13_000, 13_010, 13_020)):
        assert e.market(0)["ltp_e4"] == 1_000_000
        e.on_frame_bytes(frame(ltp_packet(T, px)), OPEN_NS + i * 100 * MS)
    assert e.market(0)["ltp_e4"] == 1_302_000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"\x00\x01",
        b"\x00\x01\x00\xb8",
        b"\x00\x02" + frame(ltp_packet(T, 1))[2:],
        b"\xff\xff",
        frame(b"abc"),
        frame(b"x" * 100),
        frame(packet(T, 10_000)[:-1]),
        frame(ltp_packet(T, 10_000)) + b"tail",
    ],
)
def test_a_malformed_frame_is_counted_and_changes_no_price(payload):
    e = quiet()
    e.on_frame_bytes(payload, OPEN_NS)
    c = e.counters()
    assert c["frames"] == 1
    assert (
        sum(c["refused"]) + c["heartbeats"] + c["unknown_tokens"] >= 1 or payload[:2] == b"\x00\x00"
    )
    # A whole packet before the lie may count; a cut one never does.
    assert e.market(0)["ltp_e4"] in (0, 100, 1_000_000)


def test_unknown_tokens_are_counted():
    e = quiet()
    e.on_frame_bytes(frame(ltp_packet(999_999, 10_000)), OPEN_NS)
    assert e.counters()["unknown_tokens"] == 1


def naive_bars(ticks, interval_ns, close_ns):
    """(open time, o, h, l, c, n) of each interval in which there was a tick."""
    bars = {}
    for ts, px in ticks:
        if OPEN_NS <= ts < close_ns:
            start = OPEN_NS + (ts - OPEN_NS) // interval_ns * interval_ns
            bars.setdefault(start, []).append(px)
    return [(start, p[0], max(p), min(p), p[-1], len(p)) for start, p in sorted(bars.items())]


@pytest.mark.parametrize("seed", range(6))
def test_bars_are_those_of_a_naive_account(seed):
    rng = random.Random(f"bars {seed}")
    e = quiet()
    close_ns = OPEN_NS + 3_600 * SECOND
    e.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=OPEN_NS,
        square_off_ns=close_ns,
        close_ns=close_ns,
    )
    ticks, got, now, px = [], [], OPEN_NS - 20 * SECOND, 10_000
    while now < close_ns + 30 * SECOND:
        now += rng.choice(
            (300 * MS, SECOND, 5 * SECOND, 200 * SECOND if rng.random() < 0.02 else SECOND)
        )
        px = max(100, px + rng.choice((-1, 1)) * rng.randint(1, 20))
        ticks.append((now, px * 100))
        e.on_frame_bytes(frame(ltp_packet(T, px)), now)
        if rng.random() < 0.3:
            e.on_timer(now + 10 * MS)
        got += e.take_bars()
    e.on_timer(now + 60 * SECOND)
    got += e.take_bars()
    assert [(b[1], b[2], b[3], b[4], b[5], b[7]) for b in got] == naive_bars(
        ticks, 60 * SECOND, close_ns
    )


def test_the_timer_closes_a_bar_that_no_tick_closes():
    e = quiet()
    e.on_frame_bytes(frame(ltp_packet(T, 10_000)), OPEN_NS + SECOND)
    e.on_timer(OPEN_NS + 60 * SECOND)
    assert e.take_bars() == []
    assert e.next_timer_ns() == OPEN_NS + 61_500 * MS
    e.on_timer(OPEN_NS + 61_500 * MS)
    assert [b[1] for b in e.take_bars()] == [OPEN_NS]
    # A packet of the closed minute comes late: the bar stands, the price counts.
    e.on_frame_bytes(frame(packet(T, 10_100, ts_s=BASE_S + 59)), OPEN_NS + 62 * SECOND)
    assert e.take_bars() == []
    assert e.series(0)["n_late"] == 1
    assert e.market(0)["ltp_e4"] == 1_010_000


def test_a_gap_is_told_by_the_next_bar():
    e = quiet()
    for minute in (0, 4, 5):
        e.on_frame_bytes(frame(ltp_packet(T, 10_000 + minute)), OPEN_NS + minute * 60 * SECOND)
    e.on_timer(OPEN_NS + 10 * 60 * SECOND)
    assert e.series(0)["n_gaps"] == 3
    assert [(b[1] - OPEN_NS) // (60 * SECOND) for b in e.take_bars()] == [0, 4, 5]


def test_a_clock_that_steps_back_is_not_followed():
    e = quiet()
    e.on_timer(OPEN_NS + 10 * SECOND)
    e.on_timer(OPEN_NS + 5 * SECOND)
    assert e.now_ns == OPEN_NS + 10 * SECOND
    assert e.counters()["clock_back"] == 1
