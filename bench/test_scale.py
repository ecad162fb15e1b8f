"""How cost grows: with instruments, with strategies, with the rate, and in a burst. One core, the
whole core with everything on.

What may be quoted are the ratios, taken in turns. The rates are this machine's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench import loops
from bench.engines import OPEN_NS, SECOND, engine
from bench.frames import frame, walk
from bench.instant_exchange import InstantExchange
from bench.test_core import p99, side_by_side
from otrade._core.types import Source
from otrade.brokers.book_cache import BookReader
from otrade.brokers.kite.reports import report_of
from otrade.brokers.session import OrderReport
from otrade.config.schema import JournalConfig
from otrade.journal.file import JournalFile
from otrade.live.persistence.day_journal import window_bytes

MANY = 9_000
PACKETS = 50
RATE = 5


@pytest.mark.parametrize("many", [50, 500, 3_000, MANY])
def test_cost_of_a_tick_does_not_grow(
    benchmark: Any, figures: list[tuple[str, ...]], many: int
) -> None:
    one, lots = engine(enabled=0), engine(instruments=many, enabled=0)
    rounds = max(1, MANY // many // 2)
    one_frames = walk(many // PACKETS, 1, packets_per_frame=PACKETS)
    lots_frames = walk(many // PACKETS, many, packets_per_frame=PACKETS)
    at = [OPEN_NS + 10 * SECOND]

    def step() -> int:
        at[0] += 60 * SECOND
        return at[0]

    a, b = side_by_side(
        lambda: loops.feed(one, one_frames, step(), 1_000, rounds),
        lambda: loops.feed(lots, lots_frames, step(), 1_000, rounds),
    )
    benchmark.pedantic(lambda: loops.feed(lots, lots_frames, step(), 1_000, 1), rounds=3)
    ratio = statistics.median(y / x for x, y in zip(a, b, strict=True))
    figures.append(
        (
            f"a tick at {many} instruments",
            f"{statistics.median(b) / PACKETS:.0f} ns",
            f"{p99(b) / PACKETS:.0f} ns",
            f"{ratio:.2f}x of one instrument ({statistics.median(a) / PACKETS:.0f} ns)",
            "1.5x",
        )
    )


@pytest.mark.parametrize("strategies", [10, 100])
def test_cost_of_a_strategy_does_not_grow(
    benchmark: Any, figures: list[tuple[str, ...]], strategies: int
) -> None:
    frames = walk(2_000, 1)
    one, lots = engine(enabled=0), engine(strategies=strategies, enabled=0)
    at = [OPEN_NS + 10 * SECOND]

    def run(e: Any) -> float:
        at[0] += 60 * SECOND
        return float(loops.feed(e, frames, at[0], 1_000, 1))

    a, b = side_by_side(lambda: run(one), lambda: run(lots))
    benchmark.pedantic(lambda: run(lots), rounds=3)
    each = statistics.median((y - x) / (strategies - 1) for x, y in zip(a, b, strict=True))
    figures.append(
        (
            f"a tick with {strategies} strategies on it",
            f"{statistics.median(b):.0f} ns",
            f"{p99(b):.0f} ns",
            f"{each:.1f} ns for each further one; {statistics.median(a):.0f} ns with one",
            "-",
        )
    )


def test_nine_thousand_instruments_in_real_time(
    benchmark: Any, figures: list[tuple[str, ...]], tmp_path: Path
) -> None:
    """Five ticks a second of each, in full mode, journal on disk, polled ten times a second as by a
    beat.
    """
    e = engine(instruments=MANY, enabled=0)
    journal = JournalFile(
        tmp_path / "a.otj", {"day": "2026-11-23"}, OPEN_NS, window_bytes=window_bytes(MANY)
    )
    e.open_journal(journal.writer, b"{}", OPEN_NS)
    frames = walk(MANY // PACKETS, MANY, packets_per_frame=PACKETS)
    gap_ns = SECOND * PACKETS // (MANY * RATE)
    part = SECOND // 10 // gap_ns
    took: list[int] = []

    def seconds(n: int) -> None:
        for k in range(10 * n):
            took.extend(
                loops.feed_paced(
                    e,
                    frames[(k * part) % len(frames) :] + frames[: (k * part) % len(frames)],
                    OPEN_NS + (10 + len(took) // part) * SECOND,
                    gap_ns,
                    part,
                )
            )
            journal.poll()

    try:
        seconds(4)
        benchmark.pedantic(lambda: seconds(1), rounds=1)
        assert (
            e.counters()["ticks"] == PACKETS * len(took)
            and journal.writer.n_lost == 0
            and not journal.trouble
        )
    finally:
        journal.close()
    share = sum(took) / (len(took) * gap_ns)
    late_us = p99([float(ns) for ns in took]) / 1_000
    figures.append(
        (
            f"{MANY} instruments at {RATE} ticks a second, full mode",
            f"{statistics.median(took) / PACKETS:.0f} ns a tick",
            f"{late_us:.0f} us a frame of {PACKETS}",
            f"{100 * share:.2f} % of one core, journal on disk",
            "-",
        )
    )


def test_a_burst_of_fifty_thousand_ticks(
    benchmark: Any, figures: list[tuple[str, ...]], tmp_path: Path
) -> None:
    """All at once, across the end of a minute, between two beats: every bar comes out, every frame
    is in the journal.
    """
    n_frames = 50_000 // PACKETS
    e = engine(instruments=MANY, enabled=0)
    journal = JournalFile(
        tmp_path / "a.otj",
        {"day": "2026-11-23"},
        OPEN_NS,
        window_bytes=window_bytes(MANY),
        sync_ms=JournalConfig().sync_ms,
    )
    e.open_journal(journal.writer, b"{}", OPEN_NS)
    frames = walk(n_frames, MANY, packets_per_frame=PACKETS)
    minute = OPEN_NS + 60 * SECOND

    def burst() -> float:
        return float(loops.feed(e, frames, minute - n_frames // 2, 1, 1)) * n_frames

    try:
        took_ns = burst()
        journal.poll()
        bars = e.take_bars()
        assert e.counters()["ticks"] == 50_000 and journal.writer.n_lost == 0
        # Half of the frames lie before the minute's end; an instrument's bar closes with its first
        # tick behind it.
        before = {i % MANY for i in range(n_frames // 2 * PACKETS)}
        behind = {i % MANY for i in range(n_frames // 2 * PACKETS, n_frames * PACKETS)}
        assert len(bars) == len(before & behind) == MANY
    finally:
        journal.close()
    benchmark.pedantic(lambda: None, rounds=1)
    figures.append(
        (
            "a burst of 50,000 ticks",
            f"{took_ns / 1e6:.1f} ms",
            "-",
            f"{50_000 / took_ns * 1e3:.1f} M ticks a second, "
            f"{len(bars)} bars closed in it, none lost, all in the journal",
            "-",
        )
    )


@pytest.mark.parametrize("mode", ["full", "ltp"])
def test_ticks_a_second_with_strategy_and_bracket(
    benchmark: Any, figures: list[tuple[str, ...]], mode: str
) -> None:
    """Frames from memory through the whole core, 50 instruments, an EMA pair and a bracket each,
    orders that trade.
    """
    frames = walk(20_000, PACKETS, packets_per_frame=PACKETS)
    if mode == "ltp":
        frames = [frame(*(f[4 + 186 * i : 12 + 186 * i] for i in range(PACKETS))) for f in frames]
    rates, opened, requests = [], 0, 0
    for _ in range(7):
        e = engine(
            instruments=PACKETS,
            brackets=60_000,
            orders=240_000,
            plan={"stop_value": 30.0, "target_value": 60.0},
            fast_period=50,
            slow_period=150,
        )
        e.set_budget(per_second=500, per_minute=0, per_day=10**6, modifies_per_order=25)
        exchange = InstantExchange(e)
        spent, _ = loops.feed_traded(e, frames, OPEN_NS + 10 * SECOND, SECOND, exchange)
        assert e.counters()["ticks"] == len(frames) * PACKETS
        rates.append(len(frames) * PACKETS / spent * 1e3)
        opened, requests = e.n_brackets, exchange.n_requests
    assert opened > 10 * PACKETS and requests > 2 * opened, "brackets open, rest, move and close"
    benchmark.pedantic(lambda: None, rounds=1)
    name = "full packets" if mode == "full" else "LTP packets"
    figures.append(
        (
            f"strategy and bracket from memory, {name}",
            f"{statistics.median(rates):.1f} M ticks a second",
            "-",
            f"one core; {opened:,} brackets and {requests:,} requests in a million ticks",
            "10 M",
        )
    )


def test_reading_a_long_days_order_book(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    """Three hundred orders that have ended, as an audit reads them: beside what parsing the JSON
    takes anybody.
    """
    body = orjson.dumps(
        [
            {
                "order_id": f"2611231{i:08d}",
                "status": "COMPLETE",
                "status_message": None,
                "order_timestamp": "2026-11-23 09:24:25",
                "exchange_update_timestamp": "2026-11-23 09:24:25",
                "exchange_timestamp": "2026-11-23 09:24:25",
                "variety": "regular",
                "exchange": "NSE",
                "tradingsymbol": "INFY",
                "instrument_token": 408065,
                "order_type": "LIMIT",
                "transaction_type": "BUY",
                "validity": "DAY",
                "product": "MIS",
                "quantity": 10,
                "disclosed_quantity": 0,
                "price": 1517.7,
                "trigger_price": 0,
                "average_price": 1517.65,
                "filled_quantity": 10,
                "pending_quantity": 0,
                "cancelled_quantity": 0,
                "meta": {},
                "tag": f"OT0000070001E0{i:05d}",
                "tags": [f"OT0000070001E0{i:05d}"],
            }
            for i in range(300)
        ]
    )
    book = BookReader(lambda row, ts_recv_ns: report_of(row, Source.BOOK, ts_recv_ns))

    def read() -> list[OrderReport]:
        return book.reports(orjson.loads(body), OPEN_NS)

    def timed(work: Callable[[], object]) -> float:
        began_ns = time.perf_counter_ns()
        work()
        return (time.perf_counter_ns() - began_ns) / 1_000

    first = timed(read)
    ours, floor = side_by_side(lambda: timed(read), lambda: timed(lambda: orjson.loads(body)))
    benchmark(read)
    ratio = statistics.median(x / y for x, y in zip(ours, floor, strict=True))
    figures.append(
        (
            "an order book of 300 ended orders",
            f"{statistics.median(ours):.0f} us",
            f"{p99(ours):.0f} us",
            f"{ratio:.2f}x of parsing its JSON ({statistics.median(floor):.0f} us); the first time {first:.0f} us",
            "-",
        )
    )
