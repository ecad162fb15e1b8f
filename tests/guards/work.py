"""Work to be counted: `python -m tests.guards.work NAME N`. Everything that happens is decided by
NAME and N alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from otrade._core.engine.warmup import WarmUp
from otrade._core.journal_writer import JournalWriter
from otrade._core.types import Ev, Reason, Rec
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, make_engine, packet, token_of

PACKETS = 50


def ticks(n: int) -> None:
    """`n` frames of 50 full packets for 50 instruments, an EMA pair on ticks each, no order ever."""
    engine = make_engine(
        instruments=PACKETS,
        kind="ema_cross",
        params={"fast_period": 9, "slow_period": 21},
        plan={"enabled": 0},
    )
    frames = [
        frame(*(packet(token_of(i), 10_000 + 5 * ((i * 7 + k * 3) % 11)) for i in range(PACKETS)))
        for k in range(8)
    ]
    for k in range(n):
        engine.on_frame_bytes(frames[k % 8], OPEN_NS + k * MS)


def orders(n: int) -> None:
    """`n` signals that each become the bytes of an entry, journalled, and refused in a way that
    brakes none: two frames a signal.
    """
    engine = make_engine(brackets=n + 1, orders=4 * n + 64, params={"side_mask": 1})
    engine.open_journal(JournalWriter(memoryview(bytearray((n + 16) << 12))), b"{}", OPEN_NS)
    below, above = frame(packet(token_of(0), 9_990)), frame(packet(token_of(0), 10_005))
    for k in range(n):
        now = OPEN_NS + (k + 1) * SECOND
        engine.on_frame_bytes(below, now)
        assert engine.on_frame_bytes(above, now + MS) == 1
        engine.on_answer(
            engine.take_command().seq, Ev.REFUSED, reason=Reason.BROKER_TOKEN, ts_ns=now + 2 * MS
        )


def records(n: int) -> None:
    """`n` records of a frame with one full packet."""
    writer = JournalWriter(memoryview(bytearray((n + 1) << 8)))
    payload = frame(packet(token_of(0), 10_000))
    for k in range(n):
        assert writer.append(Rec.FRAME, k, payload)


def warm_ups(n: int) -> None:
    """`n` orders that nobody takes, for an engine with nothing to do."""
    warm_up = WarmUp(make_engine())
    for _ in range(n):
        warm_up.try_run()
    assert warm_up.n_orders == n


WORK: dict[str, Callable[[int], None]] = {
    "ticks": ticks,
    "orders": orders,
    "records": records,
    "warm_ups": warm_ups,
}

if __name__ == "__main__":
    WORK[sys.argv[1]](int(sys.argv[2]))
