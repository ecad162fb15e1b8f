"""Compiled strategies in a journal: their whole decision stands there, and comes out again bit for bit."""

from __future__ import annotations

import pytest

from otrade._core.types import Action, Ev, Level, Rec, Side
from otrade.errors import EngineError
from otrade.journal.memory import MemoryJournal
from otrade.journal.record import Record
from otrade.journal.replay import Replay, replay
from otrade.journal.words import words_of
from tests.core.orders.test_decisions import DecisionDriver, engine_of
from tests.harness.core_engine import SECOND, frame, packet, token_of
from tests.harness.scripted_strategy import ScriptedStrategy, ShownCall


def _step(see: ShownCall) -> None:
    """By its own state alone, so that the same prices lead to the same words."""
    see.state[0] += 1
    if see.state[0] == 2:
        see.say(
            Action.BUY,
            stop=98.5,
            stop_is=Level.PRICE,
            target=3.0,
            target_is=Level.DISTANCE,
            qty=4,
            why=2,
            inputs=(1.5, -2.0),
        )
    elif see.state[0] == 4:
        see.say(Action.MOVE_STOP, stop=99.0, stop_is=Level.PRICE)
    elif see.state[0] == 6:
        see.say(Action.EXIT, why=1)


def _lived() -> tuple[DecisionDriver, MemoryJournal]:
    journal = MemoryJournal()
    d = DecisionDriver(
        strategy=ScriptedStrategy(on_tick=_step, on_fill=lambda see: None), journal=journal
    )
    d.price(10_000)
    d.price(10_010)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 4, 1_001_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.price(10_020)
    d.price(10_030)
    moved = d.take()
    d.ack(moved, f"N{stop.order_slot}")
    d.say(moved, Ev.REPLACED)
    d.price(10_040, 2 * SECOND)
    d.price(10_050)
    d.take()
    journal.poll()
    return d, journal


def _decisions(journal: MemoryJournal) -> list[Record]:
    return [r for r in journal.records() if r.kind == Rec.DECISION]


def test_every_decision_comes_out_again_from_the_journal_alone() -> None:
    d, journal = _lived()
    done = replay(journal.windows())
    assert done.divergence is None
    assert done.engine is not None
    assert done.engine.bracket(0) == d.e.bracket(0)
    assert len(_decisions(journal)) == 3


def test_a_later_process_goes_on_with_what_the_strategy_knew() -> None:
    d, journal = _lived()
    engine = engine_of((60, d.strategy), start=False)
    taken = Replay(engine)
    for window in journal.windows():
        taken.feed(window)
    assert taken.divergence is None
    engine.resume(8, d.now)
    assert engine.bracket(0)["said_stop_e4"] == 985_000
    d.strategy.calls.clear()
    engine.on_frame_bytes(frame(packet(token_of(0), 10_060)), d.now + SECOND)
    assert d.strategy.calls[0].state[0] == 7, "the seventh price of its day"
    assert d.strategy.calls[0].position.is_leaving == 1


def test_the_whole_decision_stands_behind_its_signal() -> None:
    _, journal = _lived()
    records = list(journal.records())
    at = next(i for i, r in enumerate(records) if r.kind == Rec.DECISION)
    assert records[at - 1].kind == Rec.SIGNAL
    row = words_of(records[at])
    assert (row["taken"], row["reason"], row["px_e4"]) == (1, "OK", 1_001_000)
    said = row["decision"]
    assert (said["action"], said["stop_is"], said["stop"]) == ("BUY", "PRICE", 98.5)
    assert (said["target_is"], said["target"], said["qty"]) == ("DISTANCE", 3.0, 4)
    assert (said["why"], said["n_inputs"], said["input_1"], said["input_2"]) == (2, 2, 1.5, -2.0)
    actions = [words_of(r)["decision"]["action"] for r in _decisions(journal)]
    assert actions == ["BUY", "MOVE_STOP", "EXIT"]


def test_a_built_in_kind_leaves_its_signal_alone() -> None:
    from tests.journal.test_replay import a_life

    world = a_life(1, "stop resting")
    kinds = {r.kind for r in world.journal.records()}
    assert Rec.SIGNAL in kinds
    assert Rec.DECISION not in kinds


def test_a_strategy_that_is_not_loaded_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from otrade._core.market import strategy

    d, journal = _lived()
    monkeypatch.delitem(strategy._builds, d.strategy.build)  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match=f"build {d.strategy.build} is not loaded"):
        replay(journal.windows())


def test_a_signal_of_an_exit_has_the_side_of_its_order() -> None:
    _, journal = _lived()
    sides = [words_of(r)["signal"]["side"] for r in journal.records() if r.kind == Rec.SIGNAL]
    assert sides == [Side.BUY.name, Side.SELL.name, Side.SELL.name]
