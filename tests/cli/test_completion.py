"""Completion in the shells themselves, where they are installed: bash everywhere, zsh and fish where they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from otrade.cli.completion import SHELLS, Shell, script
from otrade.cli.main import main, parser
from tests.cli.test_help import EVERY

CASES = [
    ("otrade jour", {"journal"}),
    ("otrade journal ", {"verify", "show", "tail", "export"}),
    ("otrade journal export day.otj --format ", {"jsonl", "csv", "parquet"}),
    ("otrade run --no", {"--no-page"}),
    ("otrade token new robot --sc", {"--scope"}),
    ("otrade drill --broker ", {"kite", "upstox"}),
    ("otrade completion z", {"zsh"}),
]


def needs(shell: Shell) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    return found


def run(words: list[str], text: str) -> str:
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_takes_its_script(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    told = capsys.readouterr().out
    assert told == script(shell, parser())
    run([needs(shell), "-n"], told)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_command_and_option_is_there(shell: Shell) -> None:
    text = script(shell, parser())
    missing = [one.command for one in EVERY if f"'{one.command}'" not in text]
    assert not missing
    for option in ("--flatten", "--skip-bad-lines", "--yes-i-mean-it"):
        assert re.search(rf"(?:{option}|-l {option[2:]})\b", text)
    assert "--for-engine" not in text and "-l for-engine" not in text, "hidden options stay hidden"


@pytest.mark.parametrize(("line", "want"), CASES)
def test_bash_completes(line: str, want: set[str]) -> None:
    words = line.split(" ")
    code = f"COMP_WORDS=({' '.join(repr(one) for one in words)}); COMP_CWORD={len(words) - 1}; _otrade; echo ${{COMPREPLY[@]}}"
    told = run([needs("bash"), "--norc"], script("bash", parser()) + code)
    assert set(told.split()) >= want


@pytest.mark.parametrize(("line", "want"), CASES)
def test_zsh_completes(line: str, want: set[str]) -> None:
    words = line.split(" ")
    code = (
        "function compdef() { }\nfunction _files() { }\n"
        "function _describe() { print -l -- ${found%%:*} }\n"
        f"function words_of() {{ local -a words=({' '.join(repr(one) for one in words)}); local CURRENT={len(words)}; _otrade }}\n"
    )
    told = run([needs("zsh"), "-f"], code + script("zsh", parser()) + "words_of\n")
    assert {one for one in told.split() if one.startswith(words[-1])} >= want


@pytest.mark.parametrize(("line", "want"), CASES)
def test_fish_completes(line: str, want: set[str], tmp_path: Path) -> None:
    code = f"{script('fish', parser())}complete -C {line!r}\n"
    told = run(["env", f"HOME={tmp_path}", needs("fish"), "--no-config"], code)
    assert {row.split("\t")[0] for row in told.splitlines()} >= want
