"""Every key of the configuration is drawn, or said not to be; and the tables count what they are
given.
"""

from __future__ import annotations

import types
import typing
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from otrade._core.types import Ev, OrdStatus
from otrade.config.schema import AnyStrategy, Config
from otrade.drill.coverage import (
    ACTIONS,
    DRAWN_WITH,
    FORBIDDEN,
    NO_ORDERS_MATTER,
    NOT_DRAWN,
    SETTINGS,
    UNSEEN,
    count_settings,
    coverage_lines,
    expected_pairs,
    never_covered,
)
from otrade.drill.draws.actions import LOWERED
from otrade.drill.scenario import draw
from otrade.drill.trouble import TROUBLES

ROWS = {setting.path for setting in SETTINGS}


def structs_in(hint: object) -> Iterator[tuple[type[msgspec.Struct], bool]]:
    """Sections that a type holds, and whether it is a list of them."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint, False
    elif typing.get_origin(hint) is list:
        for inner in typing.get_args(hint):
            yield from ((struct, True) for struct, _ in structs_in(inner))
    elif typing.get_origin(hint) in (typing.Annotated, typing.Union, types.UnionType):
        for inner in typing.get_args(hint):
            yield from structs_in(inner)


def keys_of(struct: type[msgspec.Struct], at: str = "") -> set[str]:
    """Every path below a section, as the tables write it."""
    hints = typing.get_type_hints(struct, include_extras=True)
    found: set[str] = set()
    if struct.__struct_config__.tag:
        found.add(f"{at}kind")
    for field in msgspec.structs.fields(struct):
        path = f"{at}{field.encode_name}"
        inside = list(structs_in(hints[field.name]))
        found |= {path} if not inside else set()
        for section, is_list in inside:
            found |= keys_of(section, f"{path}{'[]' if is_list else ''}.")
    return found


def test_every_key_is_drawn_or_said_not_to_be() -> None:
    keys = keys_of(Config)
    assert len(keys) > 120 and len(typing.get_args(AnyStrategy)) == 6
    tables = (ROWS, set(DRAWN_WITH), set(ACTIONS), set(NO_ORDERS_MATTER), set(NOT_DRAWN))
    everywhere = Counter(path for table in tables for path in table)
    assert not [path for path, n in everywhere.items() if n > 1], "a key stands in two tables"

    def is_named(key: str) -> bool:
        parts = key.split(".")
        return any(".".join(parts[:n]) in everywhere for n in range(1, len(parts) + 1))

    assert not sorted(key for key in keys if not is_named(key)), "keys that no table names"
    gone = [
        path
        for path in everywhere
        if not any(key == path or key.startswith((path + ".", path + "[]")) for key in keys)
    ]
    assert not gone, f"the schema has no such keys: {gone}"
    assert set(DRAWN_WITH.values()) <= ROWS
    assert all(NO_ORDERS_MATTER.values()) and all(NOT_DRAWN.values())


def test_each_value_is_drawn_by_some_of_a_few_hundred_scenarios() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for seed in range(600):
        scenario = draw(seed, list(TROUBLES))
        drawn, _ = count_settings(scenario, Counter())
        seen.update(drawn)
    rows = {(setting.path, value) for setting in SETTINGS for value in setting.values}
    assert not rows - set(seen)
    assert not {row for row in seen if row not in rows}, "a value that no row names"


def test_what_a_person_does_is_drawn() -> None:
    actions = [action for seed in range(400) for action in draw(seed, []).actions]
    assert {action.what for action in actions} >= set(ACTIONS.values()) | {"pause", "stop-entries"}
    changed = {name for a in actions if a.what == "limits" for name in a.args["limits"]}
    assert changed == set(LOWERED) <= set(draw(0, []).limits)


def test_take_overs_are_drawn_behind_what_somebody_else_has_traded() -> None:
    found = [(draw(seed, ["manual"]), seed) for seed in range(200)]
    taken = [(s, a) for s, _ in found for a in s.actions if a.what == "take-over"]
    assert 10 <= len(taken) <= 40
    for scenario, action in taken:
        (event,) = [event for event in scenario.events if event.args.get("qty") == 12]
        assert event.at_s == pytest.approx(action.at_s - action.args["after_s"])
        assert event.kind == "manual" and event.args["key"] == action.args["key"]
    assert not [a for seed in range(100) for a in draw(seed, []).actions if a.what == "take-over"]


def test_orders_count_for_the_settings_of_their_instrument_alone() -> None:
    scenarios = (draw(seed, []) for seed in range(200))
    scenario = next(
        found for found in scenarios if len({i.product for i in found.instruments.values()}) == 2
    )
    key = scenario.strategies[0].key
    _, placed = count_settings(scenario, Counter({key: 7}))
    product = scenario.instrument(key).product
    found = {value: n for (path, value), n in placed.items() if path == "instruments[].product"}
    assert found[product] == 7 and sum(found.values()) == 7


@pytest.mark.parametrize("missing", ["setting", "pair", "none"])
def test_a_row_that_never_came_is_named(missing: str) -> None:
    placed = Counter({(s.path, value): 1 for s in SETTINGS for value in s.values})
    pairs = Counter(dict.fromkeys(expected_pairs(), 1))
    wanted: list[str] = []
    if missing == "setting":
        del placed["instruments[].product", "NRML"]
        wanted = ["instruments[].product = NRML"]
    elif missing == "pair":
        del pairs["NEW", "CANCELED"]
        wanted = ["NEW with CANCELED"]
    assert never_covered(placed, pairs) == wanted
    lines = "\n".join(coverage_lines(placed, placed, pairs))
    assert ("CANCELED -" in lines) == (missing == "pair")


def test_pairs_that_the_machine_refuses_stand_apart() -> None:
    assert (OrdStatus.FILLED.name, Ev.SEND_NEW.name) in FORBIDDEN
    assert not FORBIDDEN & set(expected_pairs()) and set(UNSEEN) <= set(expected_pairs())
    lines = "\n".join(coverage_lines(Counter(), Counter(), Counter({("FILLED", "REFUSED"): 2})))
    assert "that came: REFUSED 2" in lines
