"""`otrade backtest` for a notebook: in a process of its own, so that an interrupt ends it and nothing of it
stays in the notebook's memory.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from otrade.errors import ResultError
from otrade.live.runtime.child_processes import backtest_command

NAME = re.compile(r"[a-z][a-z_]{0,30}")


def run_backtest(
    config: Path,
    first: str,
    last: str,
    options: Mapping[str, object],
    on_day: Callable[[dict[str, object]], None] | None,
) -> Path:
    """The folder of its result."""
    words = [str(config), "--from", first, "--to", last, "--progress", "json"]
    command = backtest_command([*words, *option_words(options)])
    folder = None
    with tempfile.TemporaryFile() as said, subprocess.Popen(
        command.args, env=command.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                told = msgspec.json.decode(line)
                if "result" in told:
                    folder = Path(told["result"])
                elif on_day is not None:
                    on_day(told)
        except BaseException:
            process.terminate()
            raise
        code = process.wait()
        said.seek(0)
        refusal = said.read().decode(errors="replace").strip()
    if code != 0 or folder is None:
        raise ResultError(refusal.removeprefix("otrade: ") or f"otrade backtest ended with {code}")
    return folder


def option_words(options: Mapping[str, object]) -> list[str]:
    """`replace=True` is `--replace`; a list says an option several times."""
    words = []
    for name, value in options.items():
        if not NAME.fullmatch(name):
            raise ResultError(f"{name}: otrade backtest has no such option")
        for one in value if isinstance(value, list) else [value]:
            if one is True:
                words.append(f"--{name.replace('_', '-')}")
            elif one is not False and one is not None:
                words.append(f"--{name.replace('_', '-')}={one}")
    return words
