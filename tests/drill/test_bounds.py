"""How long a thing may take, by the moment: against sums made by hand, and a plain search."""

from __future__ import annotations

import random

import pytest

from otrade.drill.bounds.allowance import Allowances, TroubleAllowance
from otrade.drill.bounds.stretches import SEVERAL, Stretches, add_stretch, stretch_lines
from otrade.drill.scenario import Event, Scenario, draw
from otrade.drill.trouble import BASE_S, TROUBLES, UNTOLD_S

S = 1_000_000_000
LOST = TroubleAllowance("lost", 100 * S, 0, 10 * S)
SILENT = TroubleAllowance("silent", 100 * S, 30 * S, 12 * S)
DEAD = TroubleAllowance("dead", 100 * S, 5 * S, 17 * S)


@pytest.mark.parametrize(("troubles", "strikes", "since_s", "allowed_s"), [
    ((), (), 200, 2),
    ((LOST,), (), 200, 2),  # armed, and has not struck
    ((LOST,), ((201, "lost"),), 200, 12),
    ((LOST,), ((203, "lost"),), 200, 2),  # the thing was due already
    ((LOST,), ((194, "lost"),), 200, 6),  # what is left of it
    ((LOST,), ((189, "lost"),), 200, 2),  # its after-effect is over
    ((LOST,), ((90, "lost"),), 95, 2),  # another one's strike, before it was armed
    ((LOST,), ((201, "lost"), (205, "lost")), 200, 12),  # twice by one trouble
    ((LOST, LOST), ((201, "lost"), (205, "lost")), 200, 22),
    ((SILENT,), ((150, "silent"),), 160, 14),  # it lasts: 20 s more, and its after-effect
    ((SILENT,), ((150, "silent"),), 185, 9),  # over for 5 s
    ((SILENT,), ((150, "silent"),), 193, 2),
    ((DEAD,), ((200, "dead"),), 200, 19),
    ((DEAD,), ((190, "dead"),), 200, 9),
    ((LOST, SILENT), ((201, "lost"), (211, "silent")), 200, 24),  # one keeps it waiting until the other comes
    ((LOST, SILENT), ((201, "lost"), (213, "silent")), 200, 12),
])  # fmt: skip
def test_by_when_a_thing_is_due(
    troubles: tuple[TroubleAllowance, ...],
    strikes: tuple[tuple[float, str], ...],
    since_s: float,
    allowed_s: float,
) -> None:
    then = [(round(ts_s * S), kind) for ts_s, kind in strikes]
    due_ns = Allowances(2 * S, troubles, then).due_ns(round(since_s * S))
    assert (due_ns - round(since_s * S)) / S == allowed_s


def test_a_bound_of_the_moment_is_never_above_the_sum() -> None:
    """And is that sum only where every trouble has just struck."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        scenario = draw(rng.randrange(1 << 20), list(TROUBLES))
        kinds = [event.kind for event in scenario.events]
        strikes = sorted(
            (rng.randrange(0, 900 * S), rng.choice(kinds))
            for _ in range(rng.randrange(12))
            if kinds
        )
        allowances = Allowances(round(scenario.base_s * S), scenario.allowances(0), strikes)
        for _ in range(10):
            since_ns = rng.randrange(0, 900 * S)
            took_ns = allowances.due_ns(since_ns) - since_ns
            assert scenario.base_s * S <= took_ns <= scenario.bound_s * S + len(kinds) + 1
            assert bool(allowances.excuses(since_ns)) == (took_ns > scenario.base_s * S)


def scenario_of(*events: Event, pushes: bool = True) -> Scenario:
    return Scenario(0, 10, {"push_working": pushes}, [], {}, {}, list(events))


def test_a_trouble_of_the_morning_excuses_nothing_at_noon() -> None:
    """One killed session was allowed the sum of all its troubles at every moment."""
    scenario = scenario_of(
        Event(60.0, "kill", {"s": 8.0, "twice": True}), Event(300.0, "half_open", {"s": 20.0})
    )
    strikes = [(60 * S, "kill"), (300 * S, "half_open")]
    allowances = Allowances(round(scenario.base_s * S), scenario.allowances(0), strikes)
    assert scenario.bound_s > 70
    assert allowances.due_ns(200 * S) == 200 * S + round(BASE_S * S)
    assert allowances.due_ns(55 * S) < allowances.due_ns(59 * S) < 59 * S + 40 * S


def test_where_the_broker_does_not_push_that_an_order_stands() -> None:
    assert scenario_of(pushes=False).base_s == BASE_S + UNTOLD_S


def test_each_trouble_that_lasts_says_for_how_long_and_why() -> None:
    for kind, trouble in TROUBLES.items():
        args = trouble.draw(random.Random(kind), ["NSE:INFY"])
        assert trouble.why and trouble.allowance_s(args) >= 0 and trouble.lasts_s(args) >= 0


def test_what_was_seen_stands_beside_what_was_allowed() -> None:
    parts = [Stretches(), Stretches()]
    for took_s in (0.02, 0.1, 0.1, 3.0):
        add_stretch(parts[0], [], round(took_s * S), 4 * S)
    add_stretch(parts[1], ["kill"], 5 * S, 20 * S)
    add_stretch(parts[1], ["gap", "kill"], 5 * S, 25 * S)
    lines = list(stretch_lines(parts))
    assert lines[2].split() == ["nothing", "4", "0.1", "3.0", "3.0", "4.0", "4.0", "4.0", "75%"]
    assert lines[3].split() == ["kill", "1", "5.0", "5.0", "5.0", "20.0", "20.0", "20.0", "25%"]
    assert lines[4].startswith(SEVERAL) and not list(stretch_lines([]))
