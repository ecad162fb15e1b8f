"""A journal fed to a fresh core gives every decision again, bit for bit; a journal that was
tampered with does not.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from otrade._core.types import Cmd, Rec
from otrade.errors import JournalError
from otrade.journal.memory import MemoryJournal
from otrade.journal.record import Record
from otrade.journal.replay import Replay, replay
from tests.core.orders.campaign import PLANS, CampaignRun
from tests.harness.core_engine import make_engine

SEEDS = range(150)


class Journalled(CampaignRun):
    """A campaign's world whose engine keeps a journal from the set-up on."""

    def __init__(self, seed: int, plan: dict[str, Any]) -> None:
        self.journal = MemoryJournal()
        super().__init__(seed, plan, journal=self.journal)

    def carry(self) -> None:
        self.journal.poll()
        super().carry()


def a_life(seed: int, plan: str, steps: int = 60) -> Journalled:
    print(f"seed {seed}, plan {plan}")
    world = Journalled(seed, PLANS[plan])
    world.run(seed, steps)
    return world


@pytest.mark.parametrize("plan", PLANS)
def test_every_decision_comes_out_again(plan: str) -> None:
    n_decisions = 0
    for seed in SEEDS:
        world = a_life(seed, plan)
        done = replay(world.journal.windows())
        assert done.divergence is None, done.divergence
        assert done.engine is not None
        for name in ("n_brackets", "n_orders", "n_live", "now_ns"):
            assert getattr(done.engine, name) == getattr(world.engine, name)
        for i in range(world.engine.n_brackets):
            assert done.engine.bracket(i) == world.engine.bracket(i)
        for i in range(world.engine.n_orders):
            assert done.engine.order(i) == world.engine.order(i)
        n_decisions += done.n_decisions
    assert n_decisions > 1_000


def test_a_changed_event_is_found() -> None:
    """Every fill that is one rupee off leads to another decision somewhere after it, and the event
    is named.
    """
    world = a_life(3, "stop resting", 100)
    records = list(world.journal.records())
    frames = [i for i, r in enumerate(records) if r.kind == Rec.FRAME]
    rng = random.Random(1)
    found = 0
    for at in rng.sample(frames, 12):
        changed = bytearray(records[at].payload)
        changed[8:12] = (int.from_bytes(changed[8:12], "big") + 900).to_bytes(4, "big")
        tampered = [*records[:at], with_payload(records[at], changed), *records[at + 1 :]]
        divergence = replay(packed(tampered)).divergence
        if divergence is not None:
            found += 1
            assert divergence.event_seq >= records[at].seq
    assert found >= 6


def packed(records: Iterable[Record]) -> list[bytearray]:
    """Records as windows again, numbered anew."""
    journal = MemoryJournal()
    for record in records:
        assert journal.writer.append(record.kind, record.ts_ns, record.payload)
        journal.poll()
    return list(journal.windows())


def with_payload(record: Record, payload: bytearray) -> Record:
    return Record(
        record.kind, record.section, record.seq, record.ts_ns, memoryview(payload), record.offset
    )


def test_a_decision_that_is_missing_or_too_many_is_found() -> None:
    world = a_life(5, "stop resting", 60)
    records = list(world.journal.records())
    commands = [i for i, r in enumerate(records) if r.kind == Rec.COMMAND]
    at = commands[len(commands) // 2]
    without = replay(packed([*records[:at], *records[at + 1 :]])).divergence
    assert without is not None and (without.recorded is None or without.replayed is not None)
    twice = replay(packed([*records[: at + 1], *records[at:]])).divergence
    assert twice is not None and twice.recorded is not None and twice.recorded.kind == Rec.COMMAND
    assert twice.event_seq < records[at].seq


def test_commands_are_in_the_journal_before_they_can_leave_and_hold_no_token() -> None:
    world = a_life(7, "tight, many changes", 80)
    commands = [bytes(r.payload) for r in world.journal.records() if r.kind == Rec.COMMAND]
    assert commands
    kinds = {int.from_bytes(c[:4], "little") for c in commands}
    assert {Cmd.NEW, Cmd.REPLACE, Cmd.CANCEL} <= kinds
    placed = [c for c in commands if int.from_bytes(c[:4], "little") == Cmd.NEW]
    assert all(
        b"POST /orders/regular HTTP/1.1\nexchange=NSE&tradingsymbol=STOCK0" in c for c in placed
    )
    whole = b"".join(bytes(r.payload) for r in world.journal.records())
    assert b"token k:t" not in whole and b"Authorization" not in whole


def test_what_cannot_be_replayed_is_refused_by_name() -> None:
    world = a_life(2, "stop resting", 20)
    records = list(world.journal.records())
    with pytest.raises(JournalError, match="format 7"):
        replay(
            packed(
                [with_payload(records[0], bytearray(b'{"format":7,"build":"9.9"}')), *records[1:]]
            )
        )
    with pytest.raises(JournalError, match="before any run"):
        replay(packed(records[1:]))
    call = next(i for i, r in enumerate(records) if r.kind == Rec.CALL)
    with pytest.raises(Exception, match="'fly'"):
        replay(
            packed([*records[:call], with_payload(records[call], bytearray(b'{"m":"fly","k":{}}'))])
        )
    lost = Record(
        Rec.DROPPED,
        0,
        records[-1].seq + 1,
        0,
        memoryview((5).to_bytes(8, "little") + (3).to_bytes(8, "little")),
        0,
    )
    with pytest.raises(JournalError, match=r"5 records \(3 market frames\)"):
        replay(packed([*records, lost]))


def test_a_core_that_is_wired_up_already_is_brought_to_the_journals_state() -> None:
    world = a_life(11, "trailing", 60)
    engine = make_engine(plan=PLANS["trailing"], start=False)
    assert engine.setup_digest == world.engine.setup_digest
    other = make_engine(plan=PLANS["oco"], start=False)
    assert other.setup_digest != world.engine.setup_digest
    fold = Replay(engine)
    for window in world.journal.windows():
        fold.feed(window)
    assert fold.divergence is None
    assert engine.n_brackets == world.engine.n_brackets and engine.position(
        0
    ) == world.engine.position(0)
