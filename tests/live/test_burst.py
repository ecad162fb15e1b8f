"""What the opening second brings: 50,000 ticks of 9,000 instruments between two beats, across the
end of a minute. Nothing is lost.

The bars are held against a naive account of the same prices.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

import msgspec
import pytest

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.types import Rec
from otrade.journal.file import JournalFile
from otrade.journal.replay import replay
from otrade.journal.scan import records, windows
from otrade.live.persistence.day_journal import FEW_INSTRUMENTS, SMALL_WINDOW_BYTES, window_bytes
from otrade.live.plan.engine_builder import (
    BARS,
    EngineSpec,
    InstrumentSpec,
    SessionSpec,
    StrategySpec,
    build_plan,
)
from tests.harness.core_engine import HOUR, OPEN_NS, PLAN, SECOND, frame, hello, packet, token_of

INSTRUMENTS, TICKS, PACKETS = 9_000, 50_000, 50
SEED = 17


def spec(i: int) -> InstrumentSpec:
    session = SessionSpec(
        OPEN_NS, OPEN_NS, OPEN_NS + 5 * HOUR, OPEN_NS + 5 * HOUR, OPEN_NS + 6 * HOUR
    )
    return InstrumentSpec(
        token_of(i), "NSE", f"STOCK{i}", "MIS", 0, "", "full", 500, 1, 0, 1, 0, 0, session, []
    )


def test_fifty_thousand_ticks_at_once(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    engine = build_plan("2026-11-23", [spec(i) for i in range(INSTRUMENTS)], EngineSpec(1)).engine
    engine.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    journal = JournalFile(
        tmp_path / "a.otj", {"day": "2026-11-23"}, OPEN_NS, window_bytes=window_bytes(INSTRUMENTS)
    )
    try:
        engine.open_journal(journal.writer, b"{}", OPEN_NS)
        engine.start(OPEN_NS)
        engine.on_feed(True, OPEN_NS)
        minute_ns = OPEN_NS + 60 * SECOND  # a session's bars are counted from its open
        px = [100_000] * INSTRUMENTS
        bars: dict[int, list[int]] = {}
        for k in range(TICKS // PACKETS):
            now_ns = minute_ns + (k - TICKS // PACKETS // 2) * 1_000
            ids = [(k * PACKETS + i) % INSTRUMENTS for i in range(PACKETS)]
            for i in ids:
                px[i] += 5 * rng.choice((-4, -3, -2, -1, 1, 2, 3, 4))
                if now_ns < minute_ns:
                    bars.setdefault(i, []).append(px[i] * 100)
            engine.on_frame_bytes(frame(*(packet(token_of(i), px[i]) for i in ids)), now_ns)
        assert engine.counters()["ticks"] == TICKS
        assert journal.writer.n_lost == 0
        found = {bar[0]: bar for bar in engine.take_bars()}
        assert len(found) == INSTRUMENTS == len(bars), f"seed {SEED}"
        for series, (_, ts_open_ns, *prices, _volume, n_ticks) in found.items():
            seen = bars[series]
            assert prices == [seen[0], max(seen), min(seen), seen[-1]], (
                f"series {series}, seed {SEED}"
            )
            assert (ts_open_ns, n_ticks) == (OPEN_NS, len(seen))
    finally:
        journal.close()
    frames = [record for record in records(tmp_path / "a.otj") if record.kind == Rec.FRAME]
    assert len(frames) == TICKS // PACKETS
    assert struct.unpack_from(">H", frames[-1].payload)[0] == PACKETS


STRATEGIES = 1_000


@pytest.mark.parametrize(
    "window",
    [SMALL_WINDOW_BYTES, window_bytes(STRATEGIES, STRATEGIES)],
    ids=["of another day", "of this day"],
)
def test_a_thousand_strategies_are_set_up_without_losing_a_record(
    tmp_path: Path, window: int
) -> None:
    """`of another day`: a file that was made for a smaller set-up and is gone on with."""
    kind = StrategySpec(
        "s",
        "ema_cross",
        60,
        {"fast_period": 9, "slow_period": 21, "bar_mode": 1, "side_mask": 3},
        PLAN,
    )
    specs = [msgspec.structs.replace(spec(i), strategies=[kind]) for i in range(STRATEGIES)]
    engine = build_plan("2026-11-23", specs, EngineSpec(1)).engine
    engine.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    journal = JournalFile(tmp_path / "a.otj", {"day": "2026-11-23"}, OPEN_NS, window_bytes=window)
    try:
        engine.open_journal(journal.writer, hello(engine), OPEN_NS, journal.make_room)
        engine.start(OPEN_NS)
        assert journal.writer.n_lost == 0 and not journal.trouble
    finally:
        journal.close()
    kept = list(records(tmp_path / "a.otj"))
    assert sum(b'"add_strategy"' in bytes(record.payload) for record in kept) == STRATEGIES
    done = replay(windows(tmp_path / "a.otj"))
    assert (
        done.divergence is None
        and done.engine is not None
        and done.engine.n_strategies == STRATEGIES
    )


def test_a_window_takes_what_sets_up_all_strategies() -> None:
    assert window_bytes(1, 60) == SMALL_WINDOW_BYTES
    assert window_bytes(1_000, 1_000) == 4 << 20


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, SMALL_WINDOW_BYTES),
        (FEW_INSTRUMENTS, SMALL_WINDOW_BYTES),
        (FEW_INSTRUMENTS + 1, 1 << 20),
        (501, 1 << 20),
        (3_000, 4 << 20),
        (9_000, 11 << 20),
    ],
)
def test_a_window_takes_six_ticks_of_each_instrument(n: int, expected: int) -> None:
    assert window_bytes(n) == expected
    assert n <= FEW_INSTRUMENTS or window_bytes(n) >= 6 * 186 * n


def test_the_ring_of_bars_takes_two_of_each_series() -> None:
    def bars(n: int) -> int:
        return int(
            build_plan("2026-11-23", [spec(i) for i in range(n)], EngineSpec(1)).engine.sizes[
                "bars"
            ]
        )

    assert bars(10) == BARS and bars(5_000) == 10_000
