"""What a person does to a running engine: changes of the configuration that need no restart, and
commands that keep entries out.
"""

import random
from dataclasses import dataclass
from typing import Any

E4 = 10_000
SECOND = 1_000_000_000
STANDING = 0.35
"""Of the sessions: a person stops entries while one stands unfilled at the exchange."""
LOWERED: dict[str, tuple[int, ...]] = {
    "max_order_qty": (20, 100, 0),
    "max_order_notional_e4": (200_000 * E4, 0),
    "max_open_positions": (1, 1, 0),
    "max_trades": (1, 2, 3, 0),
    "max_daily_loss_e4": (100 * E4, 1_000 * E4, 0),
    "max_drawdown_e4": (100 * E4, 1_000 * E4, 0),
    "stale_feed_ns": (5 * SECOND, 0),
    "entry_wait_ns": (0, 3 * SECOND),
    "flatten_on_limit": (0, 1),
}
"""Limits that may change while trading, and what they may be changed to; 0 lifts one."""


@dataclass(frozen=True, slots=True)
class PersonAction:
    """`limits`: these are in force from now on, for entries that wait too, and for what a restart
    reads. A loss that is beyond a lowered limit trips it at once. What is open stays, unless
    `flatten_on_limit` says otherwise. `enabled`: a strategy is switched off or on; off it enters
    nothing (nor reverses), what waits is dropped, and what is open is managed to its end. `pause`:
    no entries for `s` seconds, and across a restart; exits go on. `stop-entries`: REDUCING for `s`
    seconds: the same, and unfilled entries are cancelled; `standing`: not before one stands.
    `flatten`: what one instrument holds leaves. `take-over`: what somebody else has traded there is
    the engine's: it gets a stop, and is exited like any other position.
    """

    at_s: float
    what: str
    args: dict[str, Any]


def draw_actions(
    seed: int, last_s: float, keys: list[str], strategies: list[str]
) -> list[PersonAction]:
    """`keys`: of the instruments. `strategies`: the key of each, in their order."""
    rng = random.Random(f"person {seed}")
    found = []
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        at_s = round(rng.uniform(20, last_s), 1)
        what = rng.choice(("limits", "limits", "enabled", "pause", "stop-entries", "flatten"))
        args: dict[str, Any] = {"s": round(rng.uniform(20, 200), 1)}
        if what == "limits":
            names = rng.sample(sorted(LOWERED), rng.randint(1, 2))
            args = {"limits": {name: rng.choice(LOWERED[name]) for name in names}}
        elif what == "enabled":
            args["number"] = rng.randrange(len(strategies))
        elif what == "flatten":
            args = {"key": rng.choice(keys)}
        found.append(PersonAction(at_s, what, args))
    halts = random.Random(f"standing {seed}")
    if halts.random() < STANDING:
        args = {"s": round(halts.uniform(20, 100), 1), "standing": True}
        found.append(PersonAction(round(halts.uniform(5, last_s / 3), 1), "stop-entries", args))
    return sorted(found, key=lambda action: action.at_s)
