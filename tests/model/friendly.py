"""From a state on the broker behaves well: what is under way comes, in order and once; what can trade trades; books are whole.

Then every open unit must be covered, and after a person's flatten nothing be left, within a number of steps of time. A state from
which that is not so holds a position that is naked for ever.
"""

from __future__ import annotations

from tests.model.events import PROMPT
from tests.model.invariants import check_state, covered, is_over
from tests.model.state import PX_E4, is_marketable
from tests.model.world import ViolationError, World

STEP_NS = 2_630_000_000
STEPS = 40
"""More than the longest pause of the core, a brake's excepted, which is for entries."""
DEEDS = 200
AUDIT = 6
"""Steps between two books that the core did not ask for (`AUDIT_OPEN_NS` of the poller)."""


def _drain(world: World) -> None:
    """Everything that may happen now without time passing."""
    s = world.s
    for _ in range(DEEDS):
        if s.mail:
            world.do(("deliver", 0))
        elif s.wire:
            world.do(("take", 0, PROMPT, PROMPT))
        elif (
            i := next(
                (i for i, o in enumerate(s.orders) if o and is_marketable(o, PX_E4[s.px])), -1
            )
        ) >= 0:
            o = s.orders[i]
            assert o is not None
            world.do(("fill", i, o.leaves, PROMPT))
        elif s.book_ns:
            world.do(("book", -1))
        else:
            return
    raise ViolationError(f"{DEEDS} things happen without time passing: the engine asks and asks")


def _run(world: World, what: str) -> int:
    """Steps until all is covered, or all over, and stays so for two steps more."""
    kept = 0
    for n in range(STEPS):
        _drain(world)
        memory, s = world.save()
        n_live = world.canonical.n_live(memory)
        check_state(s, world.canonical.beliefs(memory), n_live, is_oco=world.is_oco)
        good = is_over(s) and n_live == 0 if what == "over" else covered(s, is_oco=world.is_oco)
        kept = kept + 1 if good else 0
        if kept == 3:
            return n - 2
        s.now += 1
        world.pass_time(STEP_NS)
        if n % AUDIT == 0:
            world.audit()
    raise ViolationError(
        f"{STEPS} steps of {STEP_NS / 1e9:g} s in which everybody behaves well, and it is not {what}"
    )


def check_way_out(world: World) -> int:
    """From where the world stands now; it is somewhere else afterwards. The steps that it took at most."""
    n = _run(world, "covered")
    world.s.now += 1
    world.flatten()
    return max(n, _run(world, "over"))
