"""The model check, to a depth that takes seconds; what its pieces are; and that it can fail."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from otrade._core.types import Cmd, OrdType
from tests.drill.mutants import MUTANTS
from tests.harness.core_engine import ScriptedExchange
from tests.model.__main__ import PLANS, ROOTS, begin, bounds
from tests.model.canonical import BelievedOrder, distances
from tests.model.events import PROMPT, Event, events
from tests.model.explorer import Explorer, replay
from tests.model.friendly import check_way_out
from tests.model.invariants import check_state, check_step, covered
from tests.model.mutants import FOUND_HERE
from tests.model.state import PX_E4, AtBroker, ExchangeStatus, Px, State, is_marketable
from tests.model.world import ViolationError, World


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_wrong_to_a_small_depth(plan: str, root: str) -> None:
    found = Explorer(begin(plan, root), bounds(), troubles=2, sample=8).walk(depth=99, states=1_500)
    assert not found.wrong, (found.wrong, found.path)
    assert found.states == 1_500 and found.ways_out > 50 and found.depth >= 2


def test_the_same_walk_twice_is_the_same() -> None:
    first, second = (
        Explorer(begin("one exit", "covered"), bounds(), troubles=2, sample=16).walk(
            depth=3, states=99_999
        )
        for _ in range(2)
    )
    assert first.levels == second.levels and first.ways_out == second.ways_out


class Twice(World):
    """An engine that sends its stop twice."""

    def _commands(self) -> None:
        super()._commands()
        stops = [r for r in self.s.wire if r.kind == Cmd.NEW and r.ord_type == OrdType.SL]
        if len(stops) == 1 and len(self.s.tags) == 2:
            self.s.tags.append(self.s.tags[1][:13] + "ZZ" + self.s.tags[1][15:])
            for column, value in (
                (self.s.orders, None),
                (self.s.told, 0),
                (self.s.named, 0),
                (self.s.unknown, None),
            ):
                column.append(value)
            self.s.wire.append(stops[0]._replace(order=2))


def test_a_second_exit_is_found_by_the_shortest_path_and_found_again() -> None:
    found = Explorer(Twice(), bounds(), troubles=0, sample=10**9).walk(depth=9, states=20_000)
    assert "live exits for 4, open 2" in found.wrong
    assert [event[0] for event in found.path] == ["take", "fill", "take", "take"]
    lines = list(replay(Twice(), found.path))
    assert "WRONG" in lines[-1] and found.wrong in lines[-1]
    assert "the placement of E0 arrives" in lines[0]


def world_of(orders: list[AtBroker | None], tags: list[str]) -> State:
    s = State.first(1)
    s.tags, s.orders = tags, orders
    s.told = [o.version if o else 0 for o in orders]
    s.named, s.unknown = [1] * len(tags), [None] * len(tags)
    return s


ENTRY, STOP = "OT0000010000E000000", "OT0000010000S010001"
ENTERED = AtBroker(1, 2, 2, 1_001_500, 0, int(ExchangeStatus.COMPLETE), 2, 2, 0)
STANDS = AtBroker(-1, 3, 2, 978_500, 980_500, int(ExchangeStatus.TRIGGER), 0, 1, 0)


def view(status: int, cum: int, tag: str) -> BelievedOrder:
    return BelievedOrder(status, 0, 0, cum, tag)


GOOD = [view(5, 2, ENTRY), view(3, 0, STOP)]
WRONG: dict[str, tuple[State, list[BelievedOrder], int]] = {
    "live exits for 2, open 1": (
        world_of([ENTERED._replace(cum=1), STANDS], [ENTRY, STOP]), [view(4, 1, ENTRY), GOOD[1]], 1,
    ),
    "it has booked 0": (world_of([ENTERED, STANDS], [ENTRY, STOP]), [view(3, 0, ENTRY), GOOD[1]], 1),
    "in the core and 2 at the exchange": (world_of([ENTERED, STANDS], [ENTRY, STOP]), [view(5, 3, ENTRY), GOOD[1]], 1),
    "is CANCELED in the core and live": (world_of([ENTERED, STANDS], [ENTRY, STOP]), [GOOD[0], view(6, 0, STOP)], 1),
    "is ABSENT in the core, live": (world_of([ENTERED, STANDS], [ENTRY, STOP]), [GOOD[0], view(10, 0, STOP)], 1),
    "the account holds 2": (world_of([ENTERED, STANDS], [ENTRY, STOP]), GOOD, 0),
    "never arrived": (world_of([None], [ENTRY]), [view(4, 1, ENTRY)], 1),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_each_invariant_can_fail(words: str) -> None:
    s, beliefs, n_live = WRONG[words]
    with pytest.raises(ViolationError, match=words):
        check_state(s, beliefs, n_live, is_oco=False)


def test_what_is_right_is_right() -> None:
    s = world_of([ENTERED, STANDS], [ENTRY, STOP])
    check_state(s, GOOD, 1, is_oco=False)
    assert covered(s, is_oco=False)
    assert not covered(world_of([ENTERED, None], [ENTRY, STOP]), is_oco=False)


def test_what_has_ended_stays_so() -> None:
    check_step([view(6, 1, STOP)], [view(5, 2, STOP)])
    with pytest.raises(ViolationError, match="becomes 3"):
        check_step([view(6, 1, STOP)], [view(3, 1, STOP)])
    with pytest.raises(ViolationError, match="falls from 1 to 0"):
        check_step([view(4, 1, ENTRY)], [view(4, 0, ENTRY)])


def test_times_are_told_by_who_came_first_and_how_long_ago() -> None:
    assert distances([7_000_000_000, 0, 6_000_000_000], 8_000_000_000) == distances(
        [1_000_000_003, 0, 2], 2_000_000_009
    )
    assert distances([5, 6], 9) != distances([6, 5], 9)
    assert distances([6, 6], 9) != distances([5, 6], 9)
    assert distances([1_000_000, 0], 9_000_000) != distances([4_000_000, 0], 9_000_000)


def test_events_that_commute_meet_again() -> None:
    def key(*path: Event) -> bytes:
        world = begin("one exit", "entry sent")
        for event in path:
            world.do(event)
        return world.canonical.key(world.checkpoint.save(), world.s)

    take: Event = ("take", 0, PROMPT, PROMPT)
    assert key(take, ("price", int(Px.TRAIL))) == key(("price", int(Px.TRAIL)), take)
    assert key(take, ("time", 1)) != key(take)
    assert key(("flatten",)) != key(("halt", 2))


def test_a_way_out_is_not_found_where_nobody_answers() -> None:
    world = begin("one exit", "covered")
    world.s.orders[1] = STANDS._replace(
        status=int(ExchangeStatus.CANCELLED), version=9
    )  # and nobody is told, books included
    world.s.told[1] = 9
    world.audit = lambda: None
    with pytest.raises(ViolationError, match="not covered"):
        check_way_out(world)


def random_requests(rng: random.Random, world: World) -> Iterator[str]:
    """The broker of the check and the harness's exchange, which was written apart, are asked the same things."""
    exchange = ScriptedExchange(rng, price=PX_E4[world.s.px], partial=0.0)
    numbers: dict[int, str] = {}
    for _ in range(40):
        if world.s.wire:
            r = world.s.wire[0]
            command = type("Asked", (), {
                "kind": r.kind, "cl_ord_id": world.s.tags[r.order], "side": r.side, "ord_type": r.ord_type, "qty": r.qty,
                "price_e4": r.price, "trigger_e4": r.trigger, "broker_order_id": numbers.get(r.order, ""),
            })  # fmt: skip
            known = set(exchange.orders)
            refusal = exchange.take(command)
            if r.kind == Cmd.NEW:
                numbers[r.order] = next(iter(set(exchange.orders) - known))
            before = world.s.orders[r.order]
            world.do(("take", 0, PROMPT, PROMPT))
            if r.kind != Cmd.NEW:
                assert (refusal == "") == (world.s.orders[r.order] != before)
        else:
            px = rng.choice([p for p in Px if p != Px.DOWN])
            world.do(("price", int(px)) if rng.random() < 0.8 else ("flatten",))
            exchange.move(PX_E4[world.s.px])
        while True:
            i = next(
                (
                    i
                    for i, o in enumerate(world.s.orders)
                    if o and is_marketable(o, PX_E4[world.s.px])
                ),
                -1,
            )
            if i < 0:
                break
            o = world.s.orders[i]
            assert o is not None
            world.do(("fill", i, o.leaves, PROMPT))
        for i, number in numbers.items():
            theirs, ours = exchange.orders[number], world.s.orders[i]
            if ours is None:
                assert theirs.status == "REJECTED"  # the one rejects what the other refuses
                continue
            assert (theirs.live, theirs.qty, theirs.cum) == (ours.is_live, ours.qty, ours.cum)
            yield theirs.status


def test_the_broker_is_the_one_that_the_harness_has() -> None:
    seen: set[str] = set()
    for seed in range(30):
        seen |= set(
            random_requests(
                random.Random(f"broker {seed}"), World(PLANS["oco" if seed % 2 else "one exit"])
            )
        )
    assert {"TRIGGER", "COMPLETE", "OPEN", "CANCELLED"} <= seen


def test_the_bugs_to_be_found_are_in_the_drills_table() -> None:
    assert set(FOUND_HERE) <= {mutant.name for mutant in MUTANTS}


def test_every_kind_of_event_happens() -> None:
    rng = random.Random("every kind")
    seen = set()
    for _ in range(60):
        world = begin("one exit", "entry sent")
        for _ in range(12):
            choice = list(events(world.s, bounds(), 99, True))
            seen |= {event[0] for event in choice}
            try:
                world.do(rng.choice(choice))
            except ViolationError:
                break
    assert seen == {
        "take", "lose", "late", "refuse", "fill", "reject", "late_fill", "deliver", "double", "book", "book_read", "time",
        "price", "signal", "flatten", "halt", "square_off", "restart", "lost_journal",
    }  # fmt: skip
