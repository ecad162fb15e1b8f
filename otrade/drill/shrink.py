"""A failing scenario made as small as it still fails: troubles first, then what a person does, then
strategies.
"""

from collections.abc import Callable
from dataclasses import replace

from otrade.drill.scenario import Scenario

OF_STRATEGIES = frozenset({"enabled", "flatten", "take-over"})


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], tries: int = 60) -> Scenario:
    """Drop one thing after the other for as long as `fails` says yes."""
    left = tries
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in smaller_ones(scenario):
            left -= 1
            if left < 0:
                break
            if fails(candidate):
                scenario, smaller = candidate, True
                break
    return scenario


def smaller_ones(scenario: Scenario) -> list[Scenario]:
    """The scenario with one thing less, each thing in turn."""
    without_event = [
        replace(scenario, events=[*scenario.events[:i], *scenario.events[i + 1 :]])
        for i in range(len(scenario.events))
    ]
    without_action = [
        replace(scenario, actions=[*scenario.actions[:i], *scenario.actions[i + 1 :]])
        for i in range(len(scenario.actions))
    ]
    strategies = scenario.strategies
    if any(action.what in OF_STRATEGIES for action in scenario.actions):
        return without_event + without_action  # they name strategies and instruments by their place
    without_wish = [
        replace(scenario, strategies=[*strategies[:i], *strategies[i + 1 :]])
        for i in range(len(strategies))
        if len(strategies) > 1
    ]
    return without_event + without_action + without_wish
