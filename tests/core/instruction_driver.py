"""Work to be counted by callgrind: `python -m tests.core.instruction_driver tick|order N`. Everything is decided by N alone."""

import sys

from otrade._core.types import Ev, Reason
from tests.core.harness import MS, OPEN_NS, SECOND, frame, make_engine, packet, token_of

PACKETS = 50


def ticks(n: int) -> None:
    """`n` frames of 50 full packets for 50 instruments, an EMA pair on ticks each, no order ever."""
    engine = make_engine(instruments=PACKETS, kind="ema_cross", params={"fast_period": 9, "slow_period": 21}, plan={"enabled": 0})
    frames = [frame(*(packet(token_of(i), 10_000 + 5 * ((i * 7 + k * 3) % 11)) for i in range(PACKETS))) for k in range(8)]
    for k in range(n):
        engine.on_frame_bytes(frames[k % 8], OPEN_NS + k * MS)


def orders(n: int) -> None:
    """`n` signals that each become the bytes of an entry, which is refused: sizing, gates, bracket, state machine, encoding."""
    engine = make_engine(brackets=n + 1, orders=4 * n + 64, params={"side_mask": 1})
    below, above = frame(packet(token_of(0), 9_990)), frame(packet(token_of(0), 10_005))
    for k in range(n):
        now = OPEN_NS + (k + 1) * SECOND
        engine.on_frame_bytes(below, now)
        assert engine.on_frame_bytes(above, now + MS) == 1
        engine.on_answer(engine.take_command().seq, Ev.REFUSED, reason=Reason.BROKER_ORDER, ts_ns=now + 2 * MS)


if __name__ == "__main__":
    {"tick": ticks, "order": orders}[sys.argv[1]](int(sys.argv[2]))
