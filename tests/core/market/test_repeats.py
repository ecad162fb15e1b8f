"""Trades make bars and move averages; what comes again does neither: books that moved, packets sent
twice, holes, a real recording.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.core.market.market_frames import (
    INDICES,
    NFO,
    NOBODY,
    FrameFeed,
    MarketState,
    engine,
    token,
)
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, ltp_packet

MINUTE = 60 * SECOND
RECORDING = Path(__file__).parents[3].parent / "shared" / "data" / "futures_ticks_2025-11-17.csv"
EMA = {"kind": "ema_cross", "params": {"fast_period": 3, "slow_period": 8}}
Told = tuple[int, MarketState]
"""When a packet came, and what it showed."""


def bars_of(trades: list[tuple[int, int]]) -> list[tuple[int, int, int, int, int]]:
    """(open time, o, h, l, c) of each minute with a trade, in plain Python; (time, paise) in."""
    minutes: dict[int, list[int]] = defaultdict(list)
    for ts_ns, px in trades:
        minutes[(ts_ns - OPEN_NS) // MINUTE].append(px * 100)
    return [(OPEN_NS + m * MINUTE, p[0], max(p), min(p), p[-1]) for m, p in sorted(minutes.items())]


def seen(broker: str, told: list[Told], segment: int = NFO) -> tuple[list[Any], list[Any], Any]:
    """Bars and signals that an engine makes of these packets."""
    e = engine(**EMA, segment=segment)
    feed = FrameFeed(e, broker, segment)
    bars: list[Any] = []
    signals: list[Any] = []
    last_ns = OPEN_NS
    for now_ns, state in told:
        feed.tell(state, now_ns)
        e.on_timer(now_ns + MS)
        bars += e.take_bars()
        signals += e.take_signals()
        last_ns = now_ns
    e.on_timer(last_ns + 2 * MINUTE)
    bars += e.take_bars()
    return (
        [b[1:6] for b in bars],
        [(s["side"], s["px_e4"], s["fast"], s["slow"]) for s in signals],
        e,
    )


def market_day(seed: str, n: int) -> list[Told]:
    """Trades of a thin contract: a few seconds apart, at times minutes, in the second in which they
    happen.
    """
    rng = random.Random(seed)
    now_ns, px, volume, out = OPEN_NS + SECOND, 10_000, 75, []
    for _ in range(n):
        now_ns += rng.choice((1, 1, 2, 5, 20, 90)) * SECOND
        px += rng.choice((-15, -10, -5, 0, 5, 10, 15))
        volume += 75 * rng.randrange(1, 5)
        out.append((now_ns, MarketState(px, volume, now_ns, (px - 5, px + 5))))
    return out


def messy(rng: random.Random, told: list[Told]) -> list[Told]:
    """The same with what a real feed adds: books that move, packets sent twice, blocks told again,
    and books that are empty.
    """
    out: list[Told] = []
    for i, (now_ns, state) in enumerate(told):
        out.append((now_ns, state.but(book=NOBODY) if rng.random() < 0.05 else state))
        while rng.random() < 0.25:
            out.append(out[-1])
        until_ns = told[i + 1][0] if i + 1 < len(told) else now_ns + SECOND
        for _ in range(rng.choice((0, 0, 1, 3))):
            at_ns = rng.randrange(out[-1][0], until_ns)
            bid = state.ltp - rng.randrange(1, 4) * 5
            out.append((at_ns, state.but(book=(bid, bid + 10))))
        if rng.random() < 0.03:
            out += [(out[-1][0], old) for _, old in told[max(0, i - 20) : i]]
    return out


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("seed", range(6))
def test_what_comes_again_moves_neither_bar_nor_signal(broker: str, seed: int) -> None:
    clean = market_day(f"day {seed}", 400)
    noisy = messy(random.Random(f"mess {seed}"), clean)
    assert len(noisy) > len(clean) * 2
    bars, signals, _ = seen(broker, clean)
    assert bars == bars_of([(now_ns, state.ltp) for now_ns, state in clean]), f"seed {seed}"
    assert len(signals) > 20
    noisy_bars, noisy_signals, _ = seen(broker, noisy)
    assert noisy_bars == bars, f"seed {seed}"
    assert noisy_signals == signals, f"seed {seed}"


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_five_minutes_of_books_and_trades_in_two_make_two_bars(broker: str) -> None:
    """Measured on the code before: Kite's packets made five."""
    told: list[Told] = []
    state = MarketState(10_000, 75, OPEN_NS + 5 * SECOND, (9_995, 10_005))
    for seconds in range(5, 300):
        if seconds == 130:
            state = MarketState(10_010, 150, OPEN_NS + 130 * SECOND, (10_005, 10_015))
        told.append((OPEN_NS + seconds * SECOND, state.but(book=(9_990 - seconds % 3 * 5, 10_020))))
    bars, signals, e = seen(broker, told)
    assert [(b[0] - OPEN_NS) // MINUTE for b in bars] == [0, 2]
    assert signals == []
    assert e.market(0)["ts_recv_ns"] == told[-1][0], "every packet is life"


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_hole_of_half_an_hour_makes_no_bar(broker: str) -> None:
    clean = market_day("hole", 300)
    hole_ns = (clean[100][0], clean[100][0] + 30 * MINUTE)
    heard = [(now_ns, state) for now_ns, state in clean if not hole_ns[0] < now_ns < hole_ns[1]]
    bars, _, e = seen(broker, heard)
    assert bars == bars_of([(now_ns, state.ltp) for now_ns, state in heard])
    assert e.series(0)["n_gaps"] >= 29
    assert sum(e.counters()["refused"]) == 0, "the price after the hole is believed"


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_trade_belongs_to_the_bar_of_its_own_time(broker: str) -> None:
    """The packet that brings it may be of the next minute; the cached one after subscribing may be
    of yesterday.
    """
    told = [
        (
            OPEN_NS + 2 * SECOND,
            MarketState(9_000, 900, OPEN_NS - 17 * 3_600 * SECOND, (8_995, 9_005)),
        ),
        (OPEN_NS + 58 * SECOND, MarketState(9_010, 975, OPEN_NS + 58 * SECOND, (9_005, 9_010))),
        (OPEN_NS + 60 * SECOND, MarketState(9_020, 1_050, OPEN_NS + 59 * SECOND, (9_015, 9_020))),
        (OPEN_NS + 62 * SECOND, MarketState(9_030, 1_125, OPEN_NS + 62 * SECOND, (9_025, 9_030))),
    ]
    bars, _, _ = seen(broker, told)
    assert bars == bars_of([(state.ltt_ns, state.ltp) for _, state in told[1:]])


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_price_that_leads_its_volume_waits_for_it(broker: str) -> None:
    """Stops and profit see it at once; the bar is the trade's, whose volume and time come with the
    next packet.
    """
    first = MarketState(10_000, 75, OPEN_NS + 5 * SECOND, (9_995, 10_005))
    feed = FrameFeed(engine(), broker)
    feed.tell(first, OPEN_NS + 5 * SECOND)
    feed.tell(first.but(ltp=9_990), OPEN_NS + 70 * SECOND)
    assert feed.market["ltp_e4"] == 999_000 and feed.engine.series(0)["n_closed"] == 0
    feed.tell(first.but(ltp=9_990, volume=150, ltt_ns=OPEN_NS + 70 * SECOND), OPEN_NS + 71 * SECOND)
    feed.engine.on_timer(OPEN_NS + 200 * SECOND)
    assert [(b[1] - OPEN_NS, b[5]) for b in feed.engine.take_bars()] == [
        (0, 1_000_000),
        (60 * SECOND, 999_000),
    ]


def test_without_volume_and_time_the_price_tells() -> None:
    e = engine()
    for seconds, px in ((1, 10_000), (2, 10_000), (70, 10_000), (130, 10_005), (131, 10_005)):
        e.on_frame_bytes(frame(ltp_packet(token(), px)), OPEN_NS + seconds * SECOND)
    e.on_timer(OPEN_NS + 300 * SECOND)
    assert [((b[1] - OPEN_NS) // MINUTE, b[-1]) for b in e.take_bars()] == [(0, 1), (2, 1)]


def test_an_index_is_new_with_each_second_of_its_own_time() -> None:
    """It may stand still, and is computed all the same; the packet that is sent again is not."""
    e = engine(segment=INDICES)
    at_s = OPEN_NS // SECOND
    for seconds in (1, 1, 2, 70, 70, 130):
        body = struct.pack(
            ">8I",
            token(INDICES),
            2_450_000,
            2_450_000,
            2_450_000,
            2_450_000,
            2_450_000,
            0,
            at_s + seconds,
        )
        e.on_frame_bytes(frame(body), OPEN_NS + seconds * SECOND)
    e.on_timer(OPEN_NS + 300 * SECOND)
    assert [((b[1] - OPEN_NS) // MINUTE, b[-1]) for b in e.take_bars()] == [(0, 2), (1, 1), (2, 1)]


def test_a_volume_counter_that_wraps_goes_on() -> None:
    feed = FrameFeed(engine(), "kite")
    for seconds, volume, more in ((1, 2**32 - 10, 0), (2, 2**32 - 4, 6), (3, 5, 9), (4, 8, 3)):
        now_ns = OPEN_NS + seconds * SECOND
        feed.tell(MarketState(10_000, volume, now_ns, (9_995, 10_005)), now_ns)
        assert (feed.market["d_volume"], feed.market["volume"]) == (more, volume)


# ------------------------------------------------------------------------------------------------------------
# the recording
def recording() -> dict[str, list[tuple[int, Told]]]:
    """The recorded rows of each contract, in the order in which they were written: (the row's own
    time, what was told). The last trade's time is not recorded: it is that of the first row, by
    time, that shows its volume.
    """
    if not RECORDING.exists():
        pytest.skip(
            "NO RECORDED TICKS beside the repository: ../shared/data/futures_ticks_2025-11-17.csv; the generated ones are tested"
        )
    with RECORDING.open() as file:
        rows = [
            row for row in csv.DictReader(file) if row["total_sell_qty"]
        ]  # the last line is cut
    start = dt.datetime.fromisoformat("2025-11-17 12:07:00")
    of: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for row in rows:
        since = dt.datetime.fromisoformat(row["exchange_timestamp"]) - start
        of[row["Symbol"]].append((OPEN_NS + round(since.total_seconds() * 1e6) * 1_000, row))
    out: dict[str, list[tuple[int, Told]]] = {}
    for symbol, timed in of.items():
        ltt: dict[int, int] = {}
        for at_ns, row in sorted(timed, key=lambda one: one[0]):
            ltt.setdefault(int(row["volume_traded"]), at_ns)
        out[symbol] = []
        for at_ns, row in timed:
            px, volume = round(float(row["last_price"]) * 100), int(row["volume_traded"])
            # The best offer stands in the column of the second bid (see the data's README).
            book = round(float(row["bid_price_1"]) * 100), round(float(row["bid_price_2"]) * 100)
            out[symbol].append(
                (
                    at_ns,
                    (at_ns, MarketState(px, volume, ltt[volume], book, int(row["open_interest"]))),
                )
            )
    return out


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_the_recorded_ticks_make_no_false_bar_and_their_repetitions_no_signal(broker: str) -> None:
    """Each contract as recorded (a fifth of it told again, in blocks of some seconds), and with
    every repeated row left out. The plain account knows trades: rows in which the volume is higher
    than ever before.
    """
    n_signals = 0
    for symbol, rows in recording().items():
        told: list[Told] = []
        once: list[Told] = []
        trades: list[tuple[int, int]] = []
        known: set[tuple[int, MarketState]] = set()
        volume = 0
        for at_ns, (_, state) in rows:
            now_ns = max(at_ns, told[-1][0] if told else 0)  # what was written later arrived later
            told.append((now_ns, state))
            if (at_ns, state) in known:
                continue
            known.add((at_ns, state))
            once.append((now_ns, state))
            if state.volume > volume:
                volume = state.volume
                trades.append((state.ltt_ns, state.ltp))
        assert len(told) - len(once) > len(told) // 10, (
            f"{symbol}: the recording has its repetitions"
        )
        bars, signals, e = seen(broker, told)
        assert bars == bars_of(trades), symbol
        assert (bars, signals) == seen(broker, once)[:2], symbol
        n_signals += len(signals)
        assert e.counters()["refused"][6] == 0, f"{symbol}: no price is absurd"
    assert n_signals > 20
