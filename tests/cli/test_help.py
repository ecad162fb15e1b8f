"""Help by groups, examples that work, and the nearest word for one that is mistyped."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otrade.cli.command_parser import CommandParser
from otrade.cli.command_table import EXAMPLES, GROUPS
from otrade.cli.main import main, parser

ROOT = Path(__file__).parents[2]
WHOLE = parser()


def commands_below(of: CommandParser) -> Iterator[CommandParser]:
    below = of.commands()
    for one in dict.fromkeys(below.choices.values()) if below else ():
        yield one
        yield from commands_below(one)


EVERY = list(commands_below(WHOLE))


def test_every_command_stands_in_one_group() -> None:
    below = WHOLE.commands()
    assert below
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted({*below.choices} - {"adopt"})
    text = WHOLE.format_help()
    assert all(f"\n{title}:\n" in text for title in GROUPS)
    assert all(f"\n  {name} " in text for name in names)


def test_every_help_has_examples_and_there_are_no_others() -> None:
    assert {one.command for one in EVERY} | {""} == set(EXAMPLES)
    assert all(f"\n  otrade {one.command}" in one.format_help() for one in EVERY)


@pytest.mark.parametrize(("command", "line"), [(c, x) for c, xs in EXAMPLES.items() for x in xs])
def test_examples_parse_and_are_of_their_command(command: str, line: str) -> None:
    assert line.startswith(command)
    assert callable(WHOLE.parse_args(shlex.split(line)).run)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("kil", "kill"),
        ("stat", "status"),
        ("jounal show x", "journal"),
        ("journal shw x", "show"),
        ("config chek", "check"),
        ("run --sped max", "--speed"),
        ("run --dat 2026-11-20x --fresch", "--fresh"),
        ("kill --flaten", "--flatten"),
        ("token new robot --scope red", "read"),
        ("data fetch NSE:INFY --form 2026-01-01", "--from"),
    ],
)
def test_the_nearest_word_is_named(
    line: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(shlex.split(line))
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert f"did you mean {meant}?" in told or "write YYYY-MM-DD" in told


def test_what_resembles_nothing_has_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--zzzzzz"])
    assert "did you mean" not in capsys.readouterr().err


def test_a_run_loads_no_other_commands_parser() -> None:
    code = (
        "import sys\nfrom otrade.cli.main import parser\nparser('run').parse_args(['run'])\n"
        "print(*sorted(n for n in sys.modules if n.startswith('otrade.cli')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = ("", ".command_parser", ".command_table", ".main", ".options")
    assert done.stdout.split() == [f"otrade.cli{name}" for name in names]


@pytest.mark.parametrize("name", [name for group in GROUPS.values() for name in group])
def test_a_command_by_itself_is_the_same_as_in_the_whole(name: str) -> None:
    def of(whole: CommandParser) -> str:
        below = whole.commands()
        assert below
        return below.choices[name].format_help()

    assert of(parser(name)) == of(WHOLE)
