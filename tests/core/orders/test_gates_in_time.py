"""Gates that depend on what has happened since, and not on the signal alone: a feed that has fallen
silent, an order in doubt, a limit that also flattens.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.engine.engine import Engine
from otrade._core.types import BracketState, Cmd, Ev, Halt, Note, Reason
from tests.core.orders.test_brackets import EngineDriver
from tests.core.orders.test_entries import WAIT, EntryDriver
from tests.harness.core_engine import MS, OPEN_NS, SECOND, frame, make_engine, packet, token_of

T0 = OPEN_NS + 10 * SECOND


def reasons(engine: Engine, now: int, *tokens: int) -> list[tuple[int, int]]:
    """(strategy, what became of its signal) when prices cross the level upwards."""
    engine.on_frame_bytes(frame(*(packet(token, 9_990) for token in tokens)), now)
    engine.take_signals()
    engine.on_frame_bytes(frame(*(packet(token, 10_005) for token in tokens)), now + MS)
    return [(s["strategy_id"], s["reason"]) for s in engine.take_signals()]


@pytest.mark.parametrize(("stale_ns", "sent"), [(SECOND, 6), (SECOND - 1, 3)])
def test_an_entry_that_waited_does_not_leave_on_a_price_too_old(stale_ns: int, sent: int) -> None:
    """The budget has room again exactly one second after the last price: as old as the limit is not
    yet too old, a nanosecond more is.
    """
    w = EntryDriver(instruments=6, entry_wait_ns=WAIT, stale_feed_ns=stale_ns)
    w.cross(*(token_of(i) for i in range(6)))
    w.answer()
    assert len(w.entries) == 3
    w.beat(1)
    dropped = [row["reason"] for row in w.told(Note.ENTRY_DROPPED)]
    assert len(w.entries) == sent
    assert dropped == [Reason.STALE_FEED] * (6 - sent)


def test_nothing_is_entered_where_an_order_is_in_doubt() -> None:
    e = make_engine(instruments=2, strategies=2)
    e.set_strategy_enabled(1, False)
    assert (0, Reason.OK) in reasons(e, T0, token_of(0))
    entry = e.take_command()
    e.on_sent(entry.seq, T0 + 2 * MS)
    e.on_answer(entry.seq, Ev.TIMEOUT, ts_ns=T0 + 3 * MS)
    assert e.order(entry.order_slot)["in_doubt"] == 1
    e.set_strategy_enabled(1, True)
    assert (1, Reason.IN_DOUBT) in reasons(e, T0 + SECOND, token_of(0))
    assert [reason for _, reason in reasons(e, T0 + 2 * SECOND, token_of(1))] == [Reason.OK] * 2, (
        "another instrument has no doubt"
    )


def flattened(**limits: Any) -> EngineDriver:
    """Ten bought at 100 rupees under their stop; then the price falls by 1.10: eleven rupees lost."""
    d = EngineDriver(**limits)
    d.opened()
    d.price(9_890)
    return d


def test_a_tripped_limit_flattens_only_where_it_is_told_to() -> None:
    kept = flattened(max_daily_loss_e4=100_000)
    assert (kept.e.risk()["halt"], kept.b["state"]) == (Halt.REDUCING, BracketState.OPEN)
    kept.quiet()
    left = flattened(max_daily_loss_e4=100_000, flatten_on_limit=True)
    assert (left.e.risk()["halt"], left.b["state"]) == (Halt.REDUCING, BracketState.EXITING)
    assert left.take().kind == Cmd.REPLACE
    none = flattened(max_daily_loss_e4=110_001, flatten_on_limit=True)
    assert (none.e.risk()["halt"], none.b["state"]) == (Halt.ACTIVE, BracketState.OPEN)
    none.quiet()


@pytest.mark.parametrize("instrument_id", [0, 1])
def test_a_quarantine_takes_the_resting_entries_of_its_instrument_out(instrument_id: int) -> None:
    """What fills later would add to a position that nobody can explain."""
    w = EntryDriver(instruments=2, fills=False)
    w.cross(token_of(0), token_of(1))
    w.answer()
    assert len(w.entries) == 2
    w.e.on_quarantine(instrument_id, True, w.now)
    asked = []
    while (cmd := w.e.take_command()) is not None:
        asked.append((cmd.kind, w.e.order(cmd.order_slot)["instrument_id"]))
    assert asked == [(Cmd.CANCEL, instrument_id)]
