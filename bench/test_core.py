"""The core against its floors, in one run. Run by `make bench`; the table at the end is what may be
quoted.

pytest-benchmark drives and stores; the loops are compiled (`loops.pyx`), because a Python call
costs more than what is measured.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from bench import loops
from bench.engines import OPEN_NS, OPEN_S, SECOND, engine
from bench.frames import frame, full_packet, token, walk
from otrade._core.engine.warmup import WarmUp
from otrade._core.histogram import LatencyHistogram
from otrade._core.journal_writer import JournalWriter
from tests.core.codecs import upstox_frames

ROUNDS = 41


def p99(samples: list[float]) -> float:
    return sorted(samples)[int(len(samples) * 0.99)]


def side_by_side(a: Any, b: Any) -> tuple[list[float], list[float]]:
    """Two measurements in turns, so that the machine's noise falls on both."""
    pairs = [(a(), b()) for _ in range(ROUNDS)]
    return [x for x, _ in pairs], [y for _, y in pairs]


def test_decode_full_packets(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    packets = b"".join(full_packet(token(i % 50), 100_000 + i, OPEN_S + i, i) for i in range(500))
    assert loops.decode_ours(packets, 1)[1] == loops.decode_floor(packets, 1)[1]
    ours, floor = side_by_side(
        lambda: loops.decode_ours(packets, 100)[0], lambda: loops.decode_floor(packets, 100)[0]
    )
    benchmark(loops.decode_ours, packets, 10)
    ratio = statistics.median(o / f for o, f in zip(ours, floor, strict=True))
    figures.append(
        (
            "decode, 184-byte packet",
            f"{statistics.median(ours):.1f} ns",
            f"{p99(ours):.1f} ns",
            f"{ratio:.2f}x a tight C loop ({statistics.median(floor):.1f} ns)",
            "2x",
        )
    )


def test_decode_an_upstox_frame(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    """50 instruments in full mode against the protobuf runtime (upb, C) and what the vendor's SDK
    makes of it for its users.
    """
    json_format = pytest.importorskip("google.protobuf.json_format")
    pb2 = upstox_frames.vendor()
    payload = upstox_frames.full_frame(pb2, 50)

    def runtime() -> float:
        began = time.perf_counter_ns()
        message = pb2.FeedResponse.FromString(payload)
        return (time.perf_counter_ns() - began) / len(message.feeds)

    def sdk() -> float:
        began = time.perf_counter_ns()
        found = json_format.MessageToDict(pb2.FeedResponse.FromString(payload))
        return (time.perf_counter_ns() - began) / len(found["feeds"])

    ours, theirs = side_by_side(lambda: loops.decode_upstox(payload, 20)[0], runtime)
    users = [sdk() for _ in range(5)]
    benchmark(loops.decode_upstox, payload, 5)
    figures.append(
        (
            "decode, an instrument of an Upstox frame",
            f"{statistics.median(ours):.0f} ns",
            f"{p99(ours):.0f} ns",
            f"{statistics.median(theirs) / statistics.median(ours):.1f}x faster than protobuf's own parse "
            f"({statistics.median(theirs):.0f} ns), {statistics.median(users) / statistics.median(ours):.0f}x than the SDK's dict",
            "-",
        )
    )


def test_decode_to_signal(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    e = engine(enabled=0)
    frames = walk(20_000, 1)
    feed = iter(range(10**9))

    def run() -> float:
        return float(
            loops.feed(e, frames, OPEN_NS + (10 + next(feed) * 20_000) * SECOND, SECOND, 1)
        )

    samples = []
    for _ in range(ROUNDS):
        e = engine(enabled=0)
        samples.append(float(loops.feed(e, frames, OPEN_NS + 10 * SECOND, SECOND, 1)))
    assert e.counters()["ticks"] == 20_000 and e.counters()["signals"] > 100
    each = loops.feed_each(engine(enabled=0), frames, OPEN_NS + 10 * SECOND, SECOND)
    benchmark.pedantic(run, rounds=5)
    figures.append(
        (
            "decode to signal, no order",
            f"{statistics.median(samples):.0f} ns",
            f"{p99(each):.0f} ns",
            "one full packet, EMA pair on ticks, bars kept",
            "120 ns",
        )
    )


def test_decode_to_order_bytes(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    quiet = frame(full_packet(token(0), 99_990, 0, 0))
    crossing = frame(full_packet(token(0), 100_005, 0, 0))

    def run() -> tuple[list[int], bytes]:
        e = engine(kind="price_level", level=1_000.0, side_mask=1, brackets=1_001)
        got: tuple[list[int], bytes] = loops.tick_to_order(
            e, quiet, crossing, OPEN_NS + SECOND, 1_000
        )
        return got

    samples: list[int] = []
    for _ in range(11):
        got, request = run()
        assert request.startswith(b"POST /orders/regular") and b"transaction_type=BUY" in request
        samples += got[50:]
    benchmark.pedantic(run, rounds=3)
    figures.append(
        (
            "decode to order bytes",
            f"{statistics.median(samples):.0f} ns",
            f"{p99(samples):.0f} ns",
            "sizing, 16 gates, bracket, state machine, HTTP request",
            "800 ns",
        )
    )


def test_stamping_a_stage(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    """What it costs that latency is always measured."""
    histogram = LatencyHistogram()
    ours, floor = side_by_side(
        lambda: loops.stamp(histogram, 20_000), lambda: loops.read_clock(20_000)
    )
    assert histogram.n == ROUNDS * 20_000
    benchmark(loops.stamp, histogram, 1_000)
    ratio = statistics.median(o / f for o, f in zip(ours, floor, strict=True))
    figures.append(
        (
            "stamping a stage",
            f"{statistics.median(ours):.0f} ns",
            f"{p99(ours):.0f} ns",
            f"{ratio:.2f}x of reading the clock alone ({statistics.median(floor):.0f} ns); two to five of them a frame",
            "-",
        )
    )


def test_a_warm_up(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    """What a quiet frame pays, every tenth of a millisecond at most, so that an order finds its way
    warm.
    """
    warm_up = WarmUp(engine())
    samples = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for _ in range(1_000):
            warm_up.try_run()
        samples.append((time.perf_counter_ns() - began) / 1_000)
    assert warm_up.n_orders == warm_up.n_runs == 1_000 * ROUNDS
    benchmark(warm_up.try_run)
    figures.append(
        (
            "a warm-up of an order",
            f"{statistics.median(samples):.0f} ns",
            f"{p99(samples):.0f} ns",
            "warm, its call from Python included",
            "-",
        )
    )


def test_journalling(benchmark: Any, figures: list[tuple[str, ...]]) -> None:
    """The same frames through the same engine, with a journal and without; beside a bare copy of
    the bytes.
    """
    frames = walk(20_000, 1)
    memory = bytearray(8 << 20)

    def run(journal: bool) -> float:
        e = engine(enabled=0)
        if journal:
            memory[:] = bytes(len(memory))
            e.open_journal(JournalWriter(memory), b"{}", OPEN_NS)
        return float(loops.feed(e, frames, OPEN_NS + 10 * SECOND, SECOND, 1))

    with_it, without = side_by_side(lambda: run(True), lambda: run(False))
    copied = statistics.median(loops.copy(frames, memory, 1) for _ in range(ROUNDS))
    benchmark.pedantic(lambda: run(True), rounds=3)
    costs = [a - b for a, b in zip(with_it, without, strict=True)]
    cost = statistics.median(costs)
    figures.append(
        (
            "journalling an event",
            f"{cost:.0f} ns",
            f"{p99(costs):.0f} ns",
            f"{cost / copied:.1f}x a memcpy of the same bytes ({copied:.1f} ns); with checksum, number, time",
            "150 ns",
        )
    )
