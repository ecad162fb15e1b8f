"""An engine that goes back to a saved moment is the engine of that moment: what follows is the same, byte for byte, as if it had been
run from the start. Random events of the model check's world, in which everything goes wrong.
"""

from __future__ import annotations

import random

import pytest

from otrade._core.engine.checkpoint import Checkpoint
from otrade._core.journal_writer import JournalWriter
from otrade.errors import EngineError
from tests.harness.core_engine import OPEN_NS, SECOND, frame, make_engine, packet, token_of
from tests.model.__main__ import PLANS, bounds
from tests.model.events import Event, events
from tests.model.world import ViolationError, World


def some_events(world: World, rng: random.Random, n: int) -> list[Event]:
    """Does so many events, whatever they lead to, and returns them."""
    done: list[Event] = []
    for _ in range(n):
        event = rng.choice(list(events(world.s, bounds(), 99, True)))
        done.append(event)
        try:
            world.do(event)
        except ViolationError:  # too many troubles at once; this is no matter here
            break
    return done


def go(world: World, path: list[Event]) -> bytes:
    for event in path:
        try:
            world.do(event)
        except ViolationError:
            break
    return world.checkpoint.save()


@pytest.mark.parametrize("plan", PLANS)
def test_going_back_and_on_is_the_same_as_from_the_start(plan: str) -> None:
    for seed in range(12):
        rng = random.Random(f"checkpoint {plan} {seed}")
        world = World(PLANS[plan])
        before = some_events(world, rng, rng.randint(0, 25))
        memory, state = world.checkpoint.save(), world.s.copy()
        after = some_events(world, rng, 25)
        end = world.checkpoint.save()
        for _ in range(3):
            world.restore(memory, state)
            assert world.checkpoint.save() == memory, f"seed {seed}"
            some_events(world, rng, 10)
        world.restore(memory, state)
        assert go(world, after) == end, f"seed {seed}: {before} {after}"
        assert go(World(PLANS[plan]), before + after) == end, f"seed {seed}: {before} {after}"


def crossings(engine: object) -> list[bytes]:
    """Requests of a few moves over the strategy's level."""
    sent = []
    for i, px in enumerate([9_990, 10_010, 9_990, 10_010]):
        engine.on_frame_bytes(frame(packet(token_of(0), px)), OPEN_NS + i * SECOND)
        while (command := engine.take_command()) is not None:
            sent.append(command.request)
    return sent


def test_an_engine_that_goes_back_to_its_start_is_a_new_one() -> None:
    engine = make_engine()
    checkpoint = Checkpoint(engine)
    start = checkpoint.save()
    first = crossings(engine)
    assert first and engine.n_brackets == 1
    checkpoint.restore(start)
    assert engine.n_brackets == 0 and engine.take_command() is None and not engine.take_notices()
    assert crossings(engine) == first == crossings(make_engine())


def test_what_has_not_been_taken_is_there_again() -> None:
    engine = make_engine()
    for i, px in enumerate([9_990, 10_010]):
        engine.on_frame_bytes(frame(packet(token_of(0), px)), OPEN_NS + i * SECOND)
    checkpoint = Checkpoint(engine)
    memory = checkpoint.save()
    request = engine.take_command().request
    notices = engine.take_notices()
    signals = engine.take_signals()
    assert request and notices and signals
    checkpoint.restore(memory)
    assert engine.take_command().request == request
    assert engine.take_notices() == notices
    assert engine.take_signals() == signals


def test_another_engine_of_the_same_set_up_takes_over() -> None:
    engine, other = make_engine(), make_engine()
    engine.on_frame_bytes(frame(packet(token_of(0), 9_990)), OPEN_NS)
    Checkpoint(other).restore(Checkpoint(engine).save())
    assert Checkpoint(other).save() == Checkpoint(engine).save()


def test_what_is_no_memory_of_this_engine_is_refused() -> None:
    engine = make_engine()
    memory = Checkpoint(engine).save()
    with pytest.raises(EngineError, match="set up in another way"):
        Checkpoint(make_engine(instruments=2)).restore(memory)
    with pytest.raises(EngineError, match="set up in another way"):
        Checkpoint(make_engine(notices=8)).restore(memory)
    with pytest.raises(EngineError, match="no engine's memory"):
        Checkpoint(engine).restore(b"")
    with pytest.raises(EngineError, match="not all"):
        Checkpoint(engine).restore(memory[:-8])
    assert Checkpoint(engine).save() == memory


def test_what_is_written_into_a_journal_is_written() -> None:
    engine = make_engine()
    checkpoint = Checkpoint(engine)
    memory = checkpoint.save()
    engine.open_journal(JournalWriter(bytearray(1 << 20)), b"{}", OPEN_NS)
    with pytest.raises(EngineError, match="cannot go back"):
        checkpoint.restore(memory)
    with pytest.raises(EngineError, match="cannot go back"):
        checkpoint.save()
