"""Touching the memory of the next decisions decides nothing, and stays inside the tables, the last
entries included.
"""

from __future__ import annotations

import random

import pytest

from otrade._core.types import Ev, Reason
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, ltp_packet, make_engine, token_of


def day(touched: bool, brackets: int, orders: int) -> list[tuple[int, bytes]]:
    """A random walk across the level, every order refused in a way that brakes no entry: more
    signals than the tables have room for.
    """
    rng = random.Random(5)
    engine = make_engine(brackets=brackets, orders=orders, plan={"on_opposite": 0})
    seen = []
    for k in range(200):
        now_ns = OPEN_NS + k * SECOND
        if touched:
            engine.touch_ahead()
        engine.on_frame_bytes(frame(ltp_packet(token_of(0), rng.choice((9_980, 10_020)))), now_ns)
        while (command := engine.take_command()) is not None:
            seen.append((command.seq, command.request))
            engine.on_answer(command.seq, Ev.REFUSED, reason=Reason.BROKER_TOKEN, ts_ns=now_ns + MS)
    seen.append((engine.n_orders, repr(sorted(engine.counters().items())).encode()))
    return seen


@pytest.mark.parametrize(("brackets", "orders"), [(2048, 32768), (16, 64), (64, 33), (40, 40)])
def test_touching_changes_nothing(brackets: int, orders: int) -> None:
    plain = day(False, brackets, orders)
    assert day(True, brackets, orders) == plain
    assert len(plain) > 16
