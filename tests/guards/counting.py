"""Instructions and allocations inside one compiled function and all that it calls, by callgrind:
the same on any load of the machine.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUDGETS = HERE / "budgets.json"
ALLOCATORS = re.compile(
    r"(?:\b|_)(?:malloc|calloc|realloc|memalign|mmap|brk|_?PyObject_Malloc|PyMem_\w*alloc\w*|_PyObject_GC_\w*New\w*)$"
)
CORE = "otrade._core."
BACKTEST = "otrade.research.backtest."
TICKS = 40_000
BARS = 1_000
"""Of a backtest's day that is counted."""


def c_name(module: str, function: str) -> str:
    """The name that Cython gives a C function, or a C method (`Class.method`)."""
    *path, name = f"{module}.{function}".split(".")
    return f"__pyx_f_{'_'.join(f'{len(part)}{part}' for part in path)}_{name}"


def python_name(module: str, function: str) -> str:
    """The same of a method that Python calls: a pattern, since Cython numbers them."""
    *path, name = f"{module}.{function}".split(".")
    return f"__pyx_pw_{'_'.join(f'{len(part)}{part}' for part in path)}_*{name}"


@dataclass(frozen=True, slots=True)
class Guard:
    """Work, the function inside which it is counted, and how many of what is meant a round of it
    does.
    """

    work: str
    function: str
    rounds: int
    per_round: int


GUARDS = {
    "decode": Guard("ticks", c_name(CORE + "codecs.kite", "decode_packet"), 40, 50),
    "decode to signal": Guard(
        "ticks", c_name(CORE + "engine.pipeline", "Pipeline.on_frame"), 40, 50
    ),
    "decode to order bytes": Guard(
        "orders", c_name(CORE + "engine.pipeline", "Pipeline.on_frame"), 200, 1
    ),
    "warm-up": Guard("warm_ups", c_name(CORE + "engine.warmup", "WarmUp.run"), 200, 1),
    "journal write": Guard("records", c_name(CORE + "journal_writer", "JournalWriter.put"), 500, 1),
}


@dataclass(frozen=True, slots=True)
class Count:
    """Of one guard. `allocators`: functions that were called and make memory."""

    instructions: float
    allocators: list[str]


def compiler() -> str:
    """What the counts depend on."""
    done = (
        subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True)
        if shutil.which("gcc")
        else None
    )
    return (
        f"{platform.machine()} gcc {done.stdout.strip().split('.')[0]}"
        if done is not None
        else f"{platform.machine()} without gcc"
    )


def count(guard: Guard, directory: Path) -> Count:
    """RuntimeError when the function was never entered: a guard of nothing."""
    out = directory / f"{guard.work}.callgrind"
    _run(
        out,
        [f"--toggle-collect={guard.function}"],
        ["tests.guards.work", guard.work, str(guard.rounds)],
    )
    return _counted(out, guard.function, guard.rounds * guard.per_round)


def count_backtest(directory: Path) -> dict[str, Count]:
    """Of a backtest's loop, a tick and a bar; and of what a day's beginning costs the second time. One process,
    since its imports are the most of it: parts before and after each run of the loop.
    """
    out = directory / "backtest.callgrind"
    loop = c_name(BACKTEST + "day_loop", "DayLoop._run")
    back = (
        python_name(CORE + "engine.checkpoint", "Checkpoint.restore"),
        python_name(BACKTEST + "exchange", "Exchange.clear_day"),
        python_name(BACKTEST + "day_loop", "DayLoop.begin"),
    )
    _run(
        out,
        [
            f"--dump-before={loop}",
            f"--dump-after={loop}",
            *(f"--toggle-collect={name}" for name in (loop, *back)),
        ],
        ["tests.guards.backtest_work"],
    )
    parts = {"backtest, a tick": (2, TICKS), "a day again": (3, 1), "backtest, a bar": (4, BARS)}
    return {
        name: _counted(Path(f"{out}.{part}"), name, each) for name, (part, each) in parts.items()
    }


def _run(out: Path, options: list[str], work: list[str]) -> None:
    subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            "--compress-strings=no",
            *options,
            sys.executable,
            "-m",
            *work,
        ],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _counted(out: Path, what: str, n: int) -> Count:
    text = out.read_text()
    match = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    if match is None or int(match.group(1)) == 0:
        raise RuntimeError(f"{what} was not entered")
    functions = {
        line.split("=", 1)[1].strip()
        for line in text.splitlines()
        if line.startswith(("fn=", "cfn="))
    }
    made = sorted(name for name in functions if ALLOCATORS.search(name.split("'")[0].split("@")[0]))
    return Count(int(match.group(1)) / n, made)


def budgets() -> dict[str, dict[str, float]]:
    """Instructions by compiler and guard, as recorded."""
    found: dict[str, dict[str, float]] = json.loads(BUDGETS.read_text())
    return found


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        counts = {each: count(guard, Path(name)) for each, guard in GUARDS.items()}
        counts |= count_backtest(Path(name))
    seen = {each: round(one.instructions, 1) for each, one in counts.items()}
    BUDGETS.write_text(
        json.dumps({**(budgets() if BUDGETS.exists() else {}), compiler(): seen}, indent=2) + "\n"
    )
    print(f"recorded for {compiler()}: {seen}")
