"""Breadth first over all events from the entry's sending on: each state once, the shortest way to whatever is wrong."""

from __future__ import annotations

import time
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.model.events import Event, events, words
from tests.model.friendly import check_way_out
from tests.model.invariants import check_state, check_step
from tests.model.state import State
from tests.model.world import ViolationError, World


@dataclass
class Found:
    """What a walk has seen. `path`: the events that lead to what is wrong, and `wrong` its words; empty when nothing is."""

    states: int = 1
    steps: int = 0
    depth: int = 0
    levels: list[int] = field(default_factory=lambda: [1])
    ways_out: int = 0
    way_out_max: int = 0
    wrong: str = ""
    path: list[Event] = field(default_factory=list)
    seconds: float = 0.0


class Explorer:
    """`bounds` by `Used`; a way out is looked for from one state in `sample` (by its hash; 1: from each)."""

    def __init__(self, world: World, bounds: Sequence[int], *, troubles: int, sample: int) -> None:
        self.world = world
        self.bounds = bounds
        self.troubles = troubles
        self.sample = sample
        self.found = Found()
        self._parents = array("l", [-1])
        self._events: list[Event] = [()]
        self._known: dict[Event, Event] = {}

    def walk(self, *, depth: int, states: int, seconds: float = 1e9) -> Found:
        """Until so many events deep, so many states or so many seconds."""
        began = time.monotonic()
        world, found = self.world, self.found
        memory, s = world.save()
        seen = {world.canonical.key(memory, s)}
        level = [(0, self._pack(memory, s))]
        at, event = 0, ()
        try:
            while level and found.depth < depth:
                following = []
                for at, packed in level:
                    memory, s = _unpack(packed)
                    before = world.canonical.beliefs(memory)
                    for event in events(
                        s, self.bounds, self.troubles, world.canonical.is_hurried(memory)
                    ):
                        world.restore(memory, s)
                        found.steps += 1
                        world.do(event)
                        new_memory = world.checkpoint.save()
                        key = world.canonical.key(new_memory, world.s)
                        if key in seen:
                            continue
                        seen.add(key)
                        after = world.canonical.beliefs(new_memory)
                        check_step(before, after)
                        check_state(
                            world.s, after, world.canonical.n_live(new_memory), is_oco=world.is_oco
                        )
                        self._parents.append(at)
                        self._events.append(self._known.setdefault(event, event))
                        if found.depth + 1 < depth:
                            following.append((found.states, self._pack(new_memory, world.s)))
                        found.states += 1
                        if int.from_bytes(key[:4]) % self.sample == 0:
                            found.ways_out += 1
                            found.way_out_max = max(found.way_out_max, check_way_out(world))
                        if (
                            found.states >= states
                            or not found.steps & 255
                            and time.monotonic() - began > seconds
                        ):
                            return found
                found.levels.append(found.states - sum(found.levels))
                found.depth += 1
                level = following
        except ViolationError as wrong:
            found.wrong = str(wrong)
            found.path = [*self._path(at), event]
        finally:
            found.seconds = time.monotonic() - began
        return found

    @staticmethod
    def _pack(memory: bytes, s: State) -> bytes:
        own = s.freeze()
        return zlib.compress(len(own).to_bytes(4, "little") + own + memory, 1)

    def _path(self, at: int) -> list[Event]:
        path = []
        while at > 0:
            path.append(self._events[at])
            at = self._parents[at]
        return path[::-1]


def _unpack(packed: bytes) -> tuple[bytes, State]:
    data = zlib.decompress(packed)
    n = int.from_bytes(data[:4], "little") + 4
    return data[n:], State.thaw(data[4:n])


def replay(world: World, path: Sequence[Event], *, way_out: bool = True) -> Iterator[str]:
    """Go a path anew from the start, a line each; ends with what is wrong, or with words that nothing is."""
    before = world.canonical.beliefs(world.checkpoint.save())
    try:
        for n, event in enumerate(path, 1):
            text = words(event, world.s)
            asked = len(world.s.wire)
            world.do(event)
            memory = world.checkpoint.save()
            after = world.canonical.beliefs(memory)
            new = [
                r for r in world.s.wire[max(asked - (event[0] in ("take", "lose", "refuse")), 0) :]
            ]
            yield f"{n:>3}  {text}" + "".join(f"\n       asks: {_asked(r, world.s)}" for r in new)
            check_step(before, after)
            check_state(world.s, after, world.canonical.n_live(memory), is_oco=world.is_oco)
            before = after
        if way_out:
            yield f"     the way out takes {check_way_out(world)} steps"
    except ViolationError as wrong:
        yield f"     WRONG: {wrong}"
        return
    yield "     nothing is wrong"


def _asked(r: tuple, s: State) -> str:
    kind, order, _, side, ord_type, qty, price, trigger, _ = r
    what = {1: "place", 2: "modify", 3: "cancel"}[kind]
    terms = (
        ""
        if kind == 3
        else f" {'buy' if side > 0 else 'sell'} {qty} at {price / 1e4:g}"
        + (f", trigger {trigger / 1e4:g}" if ord_type == 3 else "")
    )
    return f"{what} {s.tags[order][12]}{order}{terms}"
