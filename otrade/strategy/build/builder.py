"""Compiles strategy files: finds what was built before, else asks the compiler's process, links, and puts
the library into its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import otrade
from otrade._core.cpu_check import CPU
from otrade._core.kernels import strategy_abi as abi
from otrade.child_environment import SYSTEM, environment_of
from otrade.errors import StrategyError
from otrade.plain_file import write_whole
from otrade.strategy.build.library import (
    FOLDER_MODE,
    BuildManifest,
    Library,
    find,
    key_of,
    require_private,
    standing,
)
from otrade.strategy.build.linker import link, linker
from otrade.strategy.check.spec import Spec

PLACE = str(Path(otrade.__file__).parents[1])
"""Where the compiler's process finds us."""
CPU_S = 120
"""Processor time of one file. One of honest size takes one to ten seconds."""
BUILD_S = 900
"""Of a whole batch, on a machine that is busy; each file has its own bound of processor time."""


def build(specs: Sequence[Spec], folder: Path, cpu: str = CPU) -> list[Library]:
    """A library of each, compiled where there is none. StrategyError with all that is wrong."""
    folder = folder.resolve()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    require_private(folder)
    wanted = [spec for spec in specs if standing(folder, spec, cpu) is None]
    if wanted:
        _compile(wanted, folder, cpu)
    found = [find(folder, spec, cpu) for spec in specs]
    assert None not in found
    return [library for library in found if library is not None]


def _compile(specs: list[Spec], folder: Path, cpu: str) -> None:
    command = linker()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as scratch:
        jobs = [
            {
                "path": spec.path,
                "source": spec.source.decode(),
                "cpu": cpu,
                "object": f"{n}.o",
                "cpu_s": str(CPU_S),
            }
            for n, spec in enumerate(specs)
        ]
        answers = _answers(jobs, scratch)
        faults = [answer["faults"] for answer in answers if "faults" in answer]
        if faults:
            raise StrategyError("\n".join(faults))
        for n, (spec, answer) in enumerate(zip(specs, answers, strict=True)):
            library = Path(scratch, f"{n}.so")
            link(command, Path(scratch, f"{n}.o"), library)
            costs = {hook: measured["cost"] for hook, measured in answer["hooks"].items()}
            _keep(spec, library.read_bytes(), costs, folder, cpu)


def _keep(spec: Spec, data: bytes, costs: dict[str, int], folder: Path, cpu: str) -> None:
    """The library first, then what tells of it: a half is never found."""
    key, digest = key_of(spec, cpu), hashlib.sha256(data).hexdigest()
    manifest = BuildManifest(
        key=key,
        library=f"{spec.name}-{key}-{digest[:16]}.so",
        sha256=digest,
        source_sha256=hashlib.sha256(spec.source).hexdigest(),
        abi=abi.abi_id(),
        cpu=cpu,
        cost=costs,
    )
    write_whole(folder / manifest.library, data)
    write_whole(folder / f"{spec.name}-{key}.json", msgspec.json.encode(manifest))


def _answers(jobs: list[dict[str, str]], scratch: str) -> list[dict[str, Any]]:
    """What the compiler's process says to each. `-P` and an own folder: nothing that lies beside a
    strategy file is ever imported.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "otrade.strategy.build.child", scratch],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        cwd=scratch,
        env={**environment_of(SYSTEM, os.environ), "PYTHONPATH": PLACE, "PYTHONHASHSEED": "0"},
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) < len(jobs):
        path = jobs[len(answers)]["path"]
        raise StrategyError(f"{path}:1:1: {_ending(done.returncode, done.stderr)}")
    return answers


def _ending(code: int, said: str) -> str:
    if code == -signal.SIGXCPU:
        return "the compiler took more processor time than a strategy may; write a shorter file instead"
    if code < 0:
        return f"the compiler ended with signal {-code}; write a shorter file instead"
    if "No module named 'numba'" in said or "No module named 'llvmlite'" in said:
        return "there is no compiler on this machine; run: pip install 'otrade[strategy]'"
    last = (said.strip().splitlines() or ["without a word"])[-1]
    return f"the compiler ended: {last[:300]}"
