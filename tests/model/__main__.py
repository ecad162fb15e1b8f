"""The model check by hand:

    python -m tests.model [--plan NAME] [--states N] [--depth N] [--seconds N] [--sample N]
    python -m tests.model --plan NAME --replay "[('take', 0, 0, 0), ...]"

Exit code 1 when something is wrong; the shortest path to it is printed, and the command that goes it again.
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
from typing import Any

from tests.model.events import PROMPT, Event
from tests.model.explorer import Explorer, replay
from tests.model.state import Used
from tests.model.world import World

PLANS: dict[str, dict[str, Any]] = {
    "one exit": {},
    "oco": {"exit_mode": 1},
    "reverse": {"on_opposite": 2, "target_kind": 0},
    "time exit": {"time_exit_ns": 4_000_000_000, "trail_kind": 0},
}
ROOTS: dict[str, list[Event]] = {
    "entry sent": [],
    "covered": [("take", 0, PROMPT, PROMPT), ("fill", 0, 2, PROMPT), ("take", 0, PROMPT, PROMPT)],
}
"""From where a walk begins: a depth behind it is as good as so many events more."""
BOUNDS = {
    Used.HOLD: 2, Used.LOST: 2, Used.LATE: 1, Used.REFUSAL: 1, Used.REJECT: 1, Used.PART: 2, Used.DOUBLE: 1,
    Used.MOVE: 2, Used.SIGNAL: 1, Used.PERSON: 2, Used.RESTART: 1, Used.LATE_FILL: 1, Used.BOOK: 1, Used.LONG: 1,
    Used.SQUARE_OFF: 1,
}  # fmt: skip
"""So many of each trouble on one path."""


def bounds() -> list[int]:
    return [BOUNDS[kind] for kind in Used]


def begin(plan: str, root: str) -> World:
    world = World(PLANS[plan])
    for event in ROOTS[root]:
        world.do(event)
    return world


def main() -> int:
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("--plan", choices=PLANS, default=None)
    ap.add_argument("--root", choices=ROOTS, default=None)
    ap.add_argument("--states", type=int, default=1_000_000, help="of all plans together")
    ap.add_argument("--depth", type=int, default=99)
    ap.add_argument("--seconds", type=float, default=1e9, help="for each plan")
    ap.add_argument("--sample", type=int, default=32)
    ap.add_argument("--first", action="store_true", help="end with the first thing that is wrong")
    ap.add_argument("--troubles", type=int, default=2)
    ap.add_argument("--replay", default=None, metavar="PATH")
    args = ap.parse_args()
    if args.replay is not None:
        print(
            *replay(
                begin(args.plan or "one exit", args.root or "entry sent"),
                ast.literal_eval(args.replay),
            ),
            sep="\n",
        )
        return 0
    walks = [
        (plan, root)
        for plan in PLANS
        for root in ROOTS
        if args.plan in (None, plan) and args.root in (None, root)
    ]
    bad = total = 0
    began = time.monotonic()
    for plan, root in walks:
        explorer = Explorer(begin(plan, root), bounds(), troubles=args.troubles, sample=args.sample)
        found = explorer.walk(
            depth=args.depth, states=args.states // len(walks) + 1, seconds=args.seconds
        )
        total += found.states
        print(
            f"{plan}, from {root!r}: {found.states:,} states, {found.steps:,} events, all that is possible in {found.depth} events and "
            f"a part beyond, in {found.seconds:.0f} s; by depth {' '.join(map(str, found.levels))}; a way out from {found.ways_out:,} "
            f"of them (one in {args.sample}, by hash), in {found.way_out_max} steps at most", flush=True,
        )  # fmt: skip
        if found.wrong:
            bad = 1
            print(f"VIOLATION at depth {len(found.path)}: {found.wrong}")
            print(*replay(begin(plan, root), found.path), sep="\n")
            print(
                f'again: python -m tests.model --plan "{plan}" --root "{root}" --replay "{found.path}"',
                flush=True,
            )
            if args.first:
                break
    print(
        f"{total:,} states in {time.monotonic() - began:.0f} s; {'WRONG' if bad else 'nothing is wrong'}"
    )
    return bad


if __name__ == "__main__":
    sys.exit(main())
