"""Which linker makes a library of an object file: the machine's `ld`, else zig's from PyPI (the extra
`linker`). The library needs no symbol and nothing of the process that loads it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from otrade.child_environment import SYSTEM, environment_of
from otrade.errors import StrategyError

LINK_S = 120
_FLAGS = [
    "-shared",
    "--no-undefined",
    "-z",
    "noexecstack",
    "-z",
    "now",
    "-z",
    "relro",
    "--build-id=none",
]


def linker() -> list[str]:
    """The command. StrategyError where there is none."""
    found = shutil.which("ld")
    if found:
        return [found]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-P", "-m", "ziglang", "ld.lld"]
    raise StrategyError(
        "no linker, which compiling a strategy needs; install binutils (ld), or pip install 'otrade[linker]'"
    )


def link(command: list[str], object_file: Path, library: Path) -> None:
    """StrategyError when it cannot be linked."""
    try:
        done = subprocess.run(
            [*command, *_FLAGS, "-o", str(library), str(object_file)],
            capture_output=True,
            text=True,
            timeout=LINK_S,
            env=environment_of(SYSTEM, os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StrategyError(f"{command[0]} cannot link: {error}") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it ended without a word"])[0]
        raise StrategyError(f"{command[0]} cannot link: {said[:300]}")
