"""Code, page, API, command line and journal say what the tables of docs/glossary.md say."""

import argparse
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from otrade._core import types
from otrade.cli.main import parser
from otrade.config.schema import RiskConfig
from otrade.contract import views
from otrade.live.control.commands import COMMANDS
from otrade.web.http.routes import COMMANDS as COMMAND_ROUTES
from otrade.web.http.routes import QUERIES, RESULTS, VIEWS
from otrade.web.rest.dispatch import journal_name

ROOT = Path(__file__).parents[1]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
PAGE = ROOT / "web" / "src"
ENUMS = ("Halt", "OrdStatus", "Pending", "BracketState", "ExitReason", "Leg")
NOT_SHOWN = {"FREE"}
"""Of a slot that holds no bracket."""


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without backquotes and without its head."""
    text = re.split(rf"^#+ {heading}$", GLOSSARY, maxsplit=1, flags=re.MULTILINE)[1]
    rows = re.findall(r"^\|(.*)\|$", re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0], re.M)
    return [[cell.strip().strip("`") for cell in row.split("|")] for row in rows[2:]]


ACTS = [
    dict(zip(("act", "cli", "api", "label", "journal", "notice"), row, strict=True))
    for row in table("Acts")
]


def sources(*suffixes: str) -> str:
    """The page's own sources: not its tests, nor the generated contract."""
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in suffixes
        and not path.name.endswith(".test.ts")
        and path != PAGE / "api" / "contract.ts"
    )


def command_names() -> tuple[set[str], set[str]]:
    """Subcommands of `otrade`, and the former names that still work."""
    [sub] = [
        action
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)  # the only way to its names
    ]
    names = {action.dest for action in sub._choices_actions}
    shown = {name.split(" (")[0] for name in names}
    return shown, set(sub.choices) - shown


# --------------------------------------------------------------------------------------------- acts
def test_the_acts_are_the_commands_of_the_api() -> None:
    assert {act["api"] for act in ACTS} == {route.command for route in COMMAND_ROUTES}
    assert {act["api"] for act in ACTS} == set(get_args(views.CommandName))
    assert set(COMMANDS) == {act["api"] for act in ACTS} - {"login", "test-alert"}


def test_the_journal_has_the_names_of_the_api() -> None:
    assert {act["journal"] for act in ACTS} == {journal_name(route) for route in COMMAND_ROUTES}
    assert all(act["journal"] == act["api"] for act in ACTS)


def test_labels_are_the_names_of_the_api_in_words() -> None:
    spelled = {"Re-arm": "rearm", "Log in": "login"}
    for act in ACTS:
        name = spelled.get(act["label"], act["label"].lower().replace(" ", "-"))
        assert name == act["api"]


def test_the_page_prompts_for_every_act_by_its_label() -> None:
    """Kill is apart: it is no part of the application."""
    prompts = re.findall(
        r'name: "([a-z-]+)",.*?\baction: ([^\n]+),\n',
        (PAGE / "lib" / "prompts.ts").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    labels = {act["api"]: act["label"] for act in ACTS if act["api"] != "kill"}
    assert {name for name, _ in prompts} == set(labels)
    for name, action in prompts:
        shown = re.findall(r'["`]([^"`]+)["`]', action)
        assert shown and all(text.startswith(labels[name]) for text in shown)


def test_the_page_has_no_other_buttons_that_ask_for_an_act() -> None:
    buttons = set(re.findall(r">([A-Z][A-Za-z -]+)…</button", sources(".svelte")))
    assert buttons == {act["label"] for act in ACTS} - {"Kill"}
    kill = (ROOT / "web" / "public" / "kill.js").read_text(encoding="utf-8")
    assert 'button.textContent = "Kill"' in kill and "/api/v1/commands/kill" in kill


def test_acts_at_the_command_line() -> None:
    names, former = command_names()
    for act in ACTS:
        if act["cli"]:
            program, name, *rest = act["cli"].split()
            assert program == "otrade" and name in names
            assert [] == rest or parser().parse_args([name, *rest]).flatten
    assert former == {"adopt"}, "what CHANGELOG.md says of renamed commands"


def test_commands_are_those_of_the_command_line() -> None:
    names, _ = command_names()
    assert {row[0] for row in table("Commands")} == names


def test_notices_of_acts_are_said_by_the_engine() -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "otrade" / "live").rglob("*.py")))
    for act in ACTS:
        assert not act["notice"] or f'"{act["notice"]}"' in text


def test_the_configuration_names_acts() -> None:
    [on_limit] = [one for one in msgspec.structs.fields(RiskConfig) if one.name == "on_limit"]
    words = set(get_args(get_args(on_limit.type)[0]))
    assert words - {"reduce"} <= {act["api"] for act in ACTS}, "reduce: as it was called before"
    assert on_limit.default == "stop-entries"


# ------------------------------------------------------------------------------------------ queries
def test_queries_are_those_of_the_table_of_routes() -> None:
    assert [row[0] for row in table("Queries")] == sorted(
        {route.name for route in (*VIEWS, *QUERIES, *RESULTS)},
        key=[row[0] for row in table("Queries")].index,
    )


def test_pages_are_the_views_of_the_page() -> None:
    route = (PAGE / "stores" / "route.svelte.ts").read_text(encoding="utf-8")
    titles = set(re.findall(r'title: "([^"]+)"', route))
    assert {page for row in table("Queries") for page in row[1].split(", ")} == titles


def test_the_page_reads_what_there_is() -> None:
    paths = set(re.findall(r'(?<![.\w])get(?:<[^(]*>)?\("([a-z-]+)"', sources(".ts")))
    known = {row[0] for row in table("Queries")} | {"session"}
    assert paths <= known and {"order-timeline", "decision", "replay", "indicators"} <= paths


# --------------------------------------------------------------------------------------------- words
@pytest.mark.parametrize("name", ENUMS)
def test_words_of_states_are_those_of_the_core(name: str) -> None:
    words = [row[0] for row in table(name)]
    assert words == [word.name for word in getattr(types, name) if word.name not in NOT_SHOWN]


@pytest.mark.parametrize("name", ENUMS)
def test_words_of_states_are_those_of_the_contract(name: str) -> None:
    shown = views.EngineState if name == "Halt" else getattr(views, name)
    assert list(get_args(shown)) == [row[0] for row in table(name)]


def test_every_term_stands_once_and_in_order() -> None:
    terms = [row[0] for row in table("Terms")]
    assert len(terms) > 40
    assert terms == sorted(set(terms), key=str.lower)


# ------------------------------------------------------------------------------------- former words
@pytest.mark.parametrize(
    "former",
    ["otrade adopt", "commands/adopt", "commands/reduce", "orning board", "RE-ARM", "Exit…"],
)
def test_former_words_are_gone(former: str) -> None:
    documents = [path for path in (ROOT / "docs").glob("*.md") if path.name != "glossary.md"]
    for path in (*documents, ROOT / "README.md"):
        assert former not in path.read_text(encoding="utf-8"), path
    assert former not in sources(".ts", ".svelte")
