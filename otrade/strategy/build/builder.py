"""Compiles strategy files: finds what was built before, else asks the compiler's process, links, and puts
the library into its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

import otrade
from otrade._core.cpu_check import CPU
from otrade._core.kernels import strategy_abi as abi
from otrade.child_environment import SYSTEM, environment_of
from otrade.errors import StrategyError
from otrade.plain_file import write_whole
from otrade.strategy.build.library import (
    FOLDER_MODE,
    SCRATCH,
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
    folder = _own(folder)
    if wanted := [spec for spec in specs if standing(folder, spec, cpu) is None]:
        with Compilation(wanted, folder, cpu) as work:
            done = subprocess.run(
                work.args,
                input=work.said,
                capture_output=True,
                timeout=BUILD_S,
                cwd=work.scratch,
                env=work.env,
            )
            work.keep(done.stdout, done.stderr, done.returncode)
    return _found(specs, folder, cpu)


async def build_beside(specs: Sequence[Spec], folder: Path, cpu: str = CPU) -> list[Library]:
    """The same, and the caller's event loop runs on meanwhile."""
    folder = _own(folder)
    if wanted := [spec for spec in specs if standing(folder, spec, cpu) is None]:
        with Compilation(wanted, folder, cpu) as work:
            pipe = asyncio.subprocess
            process = await pipe.create_subprocess_exec(
                *work.args,
                stdin=pipe.PIPE,
                stdout=pipe.PIPE,
                stderr=pipe.PIPE,
                cwd=work.scratch,
                env=work.env,
            )
            try:
                async with asyncio.timeout(BUILD_S):
                    said, errors = await process.communicate(work.said)
            except TimeoutError:
                raise StrategyError(
                    f"the compiler took more than {BUILD_S} s; free the machine and start again"
                ) from None
            finally:
                if process.returncode is None:  # too late, or the start was given up
                    process.kill()
                    await process.wait()
            work.keep(said, errors, process.returncode or 0)
    return _found(specs, folder, cpu)


def _own(folder: Path) -> Path:
    folder = folder.resolve()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    require_private(folder)
    return folder


def _found(specs: Sequence[Spec], folder: Path, cpu: str) -> list[Library]:
    found = [find(folder, spec, cpu) for spec in specs]
    assert None not in found
    return [library for library in found if library is not None]


class Compilation:
    """One run of the compiler's process for some files: what it is started with, and what becomes of its
    answers. `-P` and a folder of its own: nothing that lies beside a strategy file is ever imported.
    """

    def __init__(self, specs: Sequence[Spec], folder: Path, cpu: str) -> None:
        self._specs, self._folder, self._cpu = specs, folder, cpu
        self._linker = linker()
        self._held = tempfile.TemporaryDirectory(dir=folder, prefix=SCRATCH)
        self.scratch = self._held.name
        self.args = [sys.executable, "-P", "-m", "otrade.strategy.build.child", self.scratch]
        self.env = {
            **environment_of(SYSTEM, os.environ),
            "PYTHONPATH": PLACE,
            "PYTHONHASHSEED": "0",
        }
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
        self.said = "".join(json.dumps(job) + "\n" for job in jobs).encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        self._held.cleanup()

    def keep(self, said: bytes, errors: bytes, code: int) -> None:
        """Link and keep what was compiled. StrategyError with all that was not."""
        answers: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
        if len(answers) < len(self._specs):
            path = self._specs[len(answers)].path
            raise StrategyError(f"{path}:1:1: {_ending(code, errors.decode(errors='replace'))}")
        faults = [answer["faults"] for answer in answers if "faults" in answer]
        if faults:
            raise StrategyError("\n".join(faults))
        for n, (spec, answer) in enumerate(zip(self._specs, answers, strict=True)):
            library = Path(self.scratch, f"{n}.so")
            link(self._linker, Path(self.scratch, f"{n}.o"), library)
            costs = {hook: measured["cost"] for hook, measured in answer["hooks"].items()}
            _keep(spec, library.read_bytes(), costs, self._folder, self._cpu)


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


def _ending(code: int, said: str) -> str:
    if code == -signal.SIGXCPU:
        return "the compiler took more processor time than a strategy may; write a shorter file instead"
    if code < 0:
        return f"the compiler ended with signal {-code}; write a shorter file instead"
    if "No module named 'numba'" in said or "No module named 'llvmlite'" in said:
        return "there is no compiler on this machine; run: pip install 'otrade[strategy]'"
    last = (said.strip().splitlines() or ["without a word"])[-1]
    return f"the compiler ended: {last[:300]}"
