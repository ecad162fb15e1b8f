"""Warm starts in the drill: each way in which a broker answers, a death in the middle, and a judge
that sees what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from otrade.drill import session
from otrade.drill.draws.history import ANSWERS, HistoryDraw, draw_history
from otrade.drill.scenario import Event, Scenario, draw
from otrade.live.history.session_bars import PastBar, session_bars
from otrade.live.startup import warm_start
from otrade.live.startup.bar_history import BarHistoryReader, HistoryAnswer

SEED = 3


def of_bars(answer: str, dies_behind: int = 0) -> Scenario:
    """A calm session of a crossover in bars of a minute, whatever the seed draws."""
    drawn = draw(SEED, [])
    params = {"bar_mode": 1, "side_mask": 3, "fast_period": 2, "slow_period": 5}
    strategies = [
        replace(
            strategy,
            kind="ema_cross",
            interval_s=60,
            params={**({} if strategy.file else strategy.params), **params},
            file="",
            further_s=(),
        )
        for strategy in drawn.strategies
    ]
    return replace(
        drawn, strategies=strategies, history=HistoryDraw(answer, dies_behind), actions=[]
    )


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("answer", sorted(set(ANSWERS)))
def test_every_answer(answer: str, broker: str) -> None:
    scenario = of_bars(answer)
    scenario = replace(scenario, sim={**scenario.sim, "broker": broker})
    result = session.run(scenario)
    assert not result.error, result.error
    assert result.seen[f"history_{answer}"] == 1


@pytest.mark.parametrize("dies_behind", [1, 2])
def test_a_death_in_the_middle(dies_behind: int) -> None:
    scenario = of_bars("whole", dies_behind)
    result = session.run(scenario)
    assert not result.error, result.error
    n_strategies = len(scenario.strategies)
    assert result.seen["kill_in_history"] == int(dies_behind <= n_strategies)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("answer", sorted(set(ANSWERS)))
@pytest.mark.parametrize("at_s", [200.0, 239.5, 241.0])
def test_a_start_in_mid_day_without_a_journal(answer: str, broker: str, at_s: float) -> None:
    """In the middle of a bar, and about its end."""
    args = {"behind": "TIMER", "records": 0, "s": 1.0, "twice": False, "lost": True}
    scenario = of_bars(answer)
    scenario = replace(
        scenario,
        sim={**scenario.sim, "broker": broker},
        events=[Event(at_s, "kill", {**args, "history_s": scenario.history.kept_waiting_s})],
    )
    result = session.run(scenario)
    assert not result.error, result.error
    assert result.seen[f"history_{answer}"] == 2 and result.seen["kill_lost_journal"] == 1


def test_every_answer_is_drawn() -> None:
    draws = [draw_history(seed) for seed in range(400)]
    assert {one.answer for one in draws} == {"", *ANSWERS}
    assert {one.dies_behind for one in draws} == {0, 1, 2, 3}
    assert 50 < sum(bool(one.answer) for one in draws) < 110


def wrong_price(bars: list[PastBar]) -> list[PastBar]:
    return [*bars[:-1], bars[-1]._replace(high_e4=bars[-1].high_e4 + 500)]


def left_out(bars: list[PastBar]) -> list[PastBar]:
    return [*bars[:-3], *bars[-2:]]


def without_the_last(bars: list[PastBar]) -> list[PastBar]:
    return bars[:-1]


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (wrong_price, "and what traded"),
        (left_out, "has not fed it"),
        (without_the_last, "has not fed it"),
    ],
)
def test_the_judge_sees_bars_that_are_not_those_that_traded(
    bend: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bent(minutes: Sequence[Any], one: Any, interval_ns: int) -> list[PastBar]:
        return bend(session_bars(minutes, one, interval_ns))  # type: ignore[no-any-return]

    monkeypatch.setattr(warm_start, "session_bars", bent)
    assert words in session.run(of_bars("whole")).error


def test_the_judge_sees_who_starts_afresh_though_history_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(self: BarHistoryReader, wish: Any) -> HistoryAnswer:
        return HistoryAnswer(trouble="forgotten")

    monkeypatch.setattr(BarHistoryReader, "read", nothing)
    assert "starts afresh, and history was told" in session.run(of_bars("whole")).error


def test_the_judge_counts_averages_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from otrade.drill.starts import history_judge

    monkeypatch.setattr(history_judge, "_exponential", lambda values, period: 1.0)
    assert "its averages are" in session.run(of_bars("whole")).error
