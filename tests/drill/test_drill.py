"""The drill over 300 seeds, in parts that run side by side; and what its sheet and its failures
look like.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from otrade._core.types import Cmd, Lane
from otrade.cli import main
from otrade.cli.commands.drill import strategies_of
from otrade.drill import campaign, session
from otrade.drill.scenario import Scenario, draw
from otrade.drill.sent import BudgetPassed, SentRequest, check_budget
from otrade.drill.session import SessionResult
from otrade.drill.sheet import failure, missing, render
from otrade.drill.shrink import shrink, smaller_ones
from otrade.drill.trouble import PEER, TROUBLES
from otrade.errors import ConfigError

ROOT = Path(__file__).parents[2]
SEEDS = 300
PARTS = 10
KINDS = tuple(TROUBLES)
FIRED: dict[str, int] = orjson.loads(Path(__file__).with_name("firing_seeds.json").read_bytes())
"""Where each trouble happened in a short session when this was written: tried first. Where sessions are drawn otherwise since, it is one
more session of many.
"""


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_violated(part: int) -> None:
    first = part * (SEEDS // PARTS)
    print(
        f"seeds {first} to {first + SEEDS // PARTS - 1}; one of them: otrade drill --seeds 1 --seed N"
    )
    order = campaign.CampaignRequest(first, SEEDS // PARTS, KINDS, jobs=1)
    results = list(campaign.sessions(order))
    bad = [f"seed {result.seed}: {result.error}" for result in results if result.error]
    assert not bad, "\n".join(bad)
    # A drill in which nothing happens proves nothing.
    assert sum(result.n_orders for result in results) > 150
    assert sum(result.n_decisions for result in results) > 3_000
    assert sum(result.n_early for result in results) > 30, (
        "the early way is part of what is drilled"
    )
    seen = Counter[str]()
    for result in results:
        seen.update(result.seen)
    assert len([kind for kind in KINDS if seen[kind]]) > len(KINDS) / 3


def test_the_same_seed_gives_the_same_session() -> None:
    for seed in (3, 17, 18, 40):
        assert orjson.dumps(draw(seed, list(KINDS))) == orjson.dumps(draw(seed, list(KINDS)))
        one, again = (campaign.one(seed, KINDS) for _ in range(2))
        assert (one.n_orders, one.n_trades, set(one.seen)) == (
            again.n_orders,
            again.n_trades,
            set(again.seen),
        )
        scenario = draw(seed, list(KINDS))
        if scenario.sim["broker"] == "kite" and not scenario.second_feed.broker:
            # Upstox's two sockets may be read in either order, and each draws its milliseconds when
            # it is: a look at the book more or less.
            assert (one.n_events, one.uncovered_s, one.seen) == (
                again.n_events,
                again.uncovered_s,
                again.seen,
            )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_trouble_really_happens_and_is_survived(kind: str) -> None:
    """Alone, over seeds until it has happened: a trouble that never fires would prove nothing."""
    for seed in (FIRED[kind], *range(200)) if kind in FIRED else range(200):
        scenario = draw(seed, [kind])
        if not scenario.events:
            continue
        result = campaign.attempt(scenario)
        assert not result.error, f"seed {seed}, only {kind}: {result.error}"
        # A peer's ways are counted one by one: `peer_stall`, `peer_flood`, ...
        if result.seen[kind] or (kind == PEER and any(PEER in name for name in result.seen)):
            return
    raise AssertionError(f"{kind} never happened")


def test_a_violation_is_told_with_its_seed_its_least_scenario_and_what_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An oracle that may not be late for anything finds a violation at once."""
    monkeypatch.setattr(Scenario, "base_s", property(lambda self: 0.0))
    monkeypatch.setattr(Scenario, "allowances", lambda self, open_ns: [])
    seed = next(
        seed
        for seed in range(50)
        if draw(seed, list(KINDS)).events and "covered for" in campaign.one(seed, KINDS).error
    )
    scenario = draw(seed, list(KINDS))
    small = shrink(scenario, lambda candidate: bool(campaign.attempt(candidate).error))
    assert len(small.events) + len(small.strategies) < len(scenario.events) + len(
        scenario.strategies
    )
    assert not any(campaign.attempt(smaller).error for smaller in smaller_ones(small)), (
        "it needs all that is left"
    )
    result = campaign.attempt(small)
    words = failure(result, small)
    assert (
        f"seed {seed}" in words
        and "covered" in words
        and "exchange: OT" in words
        and "COMPLETE" in words
    )
    assert '"strategies"' in words


def test_the_sheet_names_what_never_happened() -> None:
    results = [
        SessionResult(
            0,
            seen=Counter(gap=2),
            kinds=("gap",),
            n_orders=4,
            uncovered_s=1.5,
            bound_s=9.0,
            simulated_s=600.0,
        ),
        SessionResult(1, kinds=(), simulated_s=600.0, bound_s=3.0),
    ]
    sheet = render(results, ("gap", "token"), 1.0)
    assert "violations          0" in sheet and "1.50 s / 9.0 s" in sheet and "NONE" in sheet
    assert missing(results, ("gap", "token")) == ["token"]


def test_the_sheet_tells_recoveries_apart() -> None:
    """What a restart costs by itself is not hidden behind sessions in which the broker takes no
    order at all.
    """
    results = [
        SessionResult(0, seen=Counter(kill=1), kinds=("kill",), recovery_s=1.25),
        SessionResult(1, seen=Counter(kill=1), kinds=("kill", "token"), recovery_s=14.5),
        SessionResult(2, seen=Counter(kill=1), kinds=("kill", "cap_day"), recovery_s=467.0),
        SessionResult(3),
    ]
    sheet = render(results, ("kill",), 1.0)
    assert (
        "1.25 s where nothing else went wrong, 14.50 s with other troubles, 467.00 s where the day's order cap"
        in sheet
    )
    assert "3, 0 of them from the book alone" in sheet


BUDGET = {
    "per_second": 3, "per_minute": 5, "per_day": 8, "reserve_second": 1, "reserve_minute": 2, "reserve_day": 3, "modifies_per_order": 2,
}  # fmt: skip


def sent(*rows: tuple[float, Lane, Cmd, str]) -> list[SentRequest]:
    return [SentRequest(round(at_s * 1e9), lane, kind, tag) for at_s, lane, kind, tag in rows]


def spread(n: int, lane: Lane, kind: Cmd, tag: str = "") -> list[SentRequest]:
    return sent(*((at * 100.0, lane, kind, tag or str(at)) for at in range(n)))


@pytest.mark.parametrize(("rows", "words"), [
    (sent(*((at, Lane.PROTECT, Cmd.CANCEL, "a") for at in (0, 0.3, 0.6, 0.999999999))), "4 requests within a second"),
    (sent(*((at, Lane.PROTECT, Cmd.CANCEL, "a") for at in (0, 10, 20, 30, 40, 59))), "6 requests within a minute"),
    (sent((0, Lane.EXIT, Cmd.CANCEL, "a"), (0.1, Lane.EXIT, Cmd.CANCEL, "b"), (0.9, Lane.ENTRY, Cmd.NEW, "c")), "c left after 2 requests"),
    (spread(3, Lane.PROTECT, Cmd.REPLACE, "a"), "a was changed 3 times"),
    (spread(9, Lane.PROTECT, Cmd.NEW), "9 orders were placed"),
    ([*spread(5, Lane.PROTECT, Cmd.NEW), *sent((900, Lane.ENTRY, Cmd.NEW, "x"))], "x is order 6 of the day"),
])  # fmt: skip
def test_the_budget_check_can_say_no(rows: list[SentRequest], words: str) -> None:
    with pytest.raises(BudgetPassed, match=words):
        check_budget(rows, BUDGET)
    check_budget(rows[:-1], BUDGET)


def test_the_strategies_of_a_configuration_can_be_drilled() -> None:
    strategies = strategies_of(ROOT / "config" / "paper.json")
    assert strategies and {strategy.kind for strategy in strategies} <= {
        "ema_cross",
        "sma_cross",
        "price_ema",
        "price_sma",
        "price_level",
    }
    scenario = replace(draw(1, [], list(strategies)), minutes=12)
    result = session.run(scenario)
    assert not result.error, result.error


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        main.main(
            ["drill", "--seeds", "2", "--seed", "9", "--jobs", "1", "--faults", "gap,push_doubled"]
        )
        == 0
    )
    assert "FAULT DRILL" in capsys.readouterr().out
    assert main.main(["drill", "--faults", "earthquake"]) == 5
    assert "'earthquake'" in capsys.readouterr().err
    path = tmp_path / "none.json"
    path.write_bytes(
        orjson.dumps(
            {**orjson.loads((ROOT / "config" / "paper.json").read_bytes()), "strategies": []}
        )
    )
    with pytest.raises(ConfigError, match="no strategy"):
        strategies_of(path)


def test_a_session_with_refused_requests_leaves_nothing_behind() -> None:
    """Refusals that are constants once kept the frames that raised them, and with these a whole
    world each.
    """
    import gc

    from otrade.simulator.simulator import Simulator

    for seed in range(4):
        assert not campaign.one(seed, ("lose_503", "lose_500", "lose_429")).error
    gc.collect()
    assert not [found for found in gc.get_objects() if isinstance(found, Simulator)]
