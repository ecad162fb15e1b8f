"""The copy of the tree in which bugs are planted, one at a time, and drilled.

Of a row only what it changes is built: nothing of a Python file, one extension of a Cython file,
and the kernels with all that are linked to them of a kernel. Afterwards the copy is as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.drill.operators import ROOT

COPY = ROOT / "build" / "mutants"
KERNELS = Path("build/kernels")
TRACKED = ("otrade", "strategies", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE")
DERIVED = ("types.h", "types.pxd", "notes.pxd", "otk.h", "otk.pxd", "build_id.h", "builtin.h")
ALL = ("setup.py", "-q", "build_ext", "--inplace")
OF_KERNELS = "kernels"
PART = """
import sys
import setuptools
from distutils.core import run_setup

# Forced: what a build keeps beside the tree may hold the bug of the row before.
words = ["-q", "build_ext", "--inplace", "--force"]
dist = run_setup("setup.py", words, stop_after="commandline")
if sys.argv[1] == "kernels":
    dist.ext_modules = [ext for ext in dist.ext_modules if ext.extra_objects]
else:
    dist.ext_modules = [ext for ext in dist.ext_modules if ext.sources == sys.argv[1:]]
    del dist.cmdclass["build_ext"]  # ours makes the kernels first
assert dist.ext_modules, sys.argv
dist.run_commands()
"""


@dataclass(frozen=True)
class KeptFile:
    """What a file was, and when it was written: its time says what has to be built again."""

    path: Path
    data: bytes
    ts_ns: int

    def put_back(self) -> None:
        self.path.write_bytes(self.data)
        os.utime(self.path, ns=(self.ts_ns, self.ts_ns))


def prepare() -> None:
    """A copy with its compiled modules."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    tracked = subprocess.check_output(["git", "ls-files", "-z", *TRACKED], cwd=ROOT)
    made = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "otrade").rglob("*")
        if path.suffix in (".so", ".c") or path.name in DERIVED
    ]
    for name in [*tracked.decode().split("\0")[:-1], *made]:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name)
    if (ROOT / KERNELS).exists():
        shutil.copytree(ROOT / KERNELS, COPY / KERNELS, copy_function=shutil.copy2)
    setup = COPY / "setup.py"
    setup.write_text(setup.read_text().replace('"-O3"', '"-O1"'))  # no session is timed
    _build(*ALL)  # whatever the tree's own build has left out


@contextmanager
def planted(file: str, text: str) -> Iterator[None]:
    """While it lasts, this file of the copy has that text and is built."""
    kept = [KeptFile(path, path.read_bytes(), path.stat().st_mtime_ns) for path in _made_from(file)]
    try:
        (COPY / file).write_text(text)
        if _is_kernel(file):
            _build("-c", PART, OF_KERNELS)
        elif file.endswith(".pyx"):
            _build("-c", PART, file)
        yield
    finally:
        for one in kept:
            one.put_back()


def _is_kernel(file: str) -> bool:
    """Or of what the kinds built into the core are made by: compiled into the same extensions."""
    return file.startswith(("otrade/_core/kernels/", "otrade/strategy/"))


def _made_from(file: str) -> list[Path]:
    """The file itself, and what a build makes of it."""
    path = COPY / file
    if _is_kernel(file):
        core = [
            other
            for other in (COPY / "otrade").rglob("*")
            if other.suffix in (".so", ".c") or other.name in DERIVED
        ]
        return [path, *core, *(COPY / KERNELS).iterdir()]
    if file.endswith(".pyx"):
        return [path, path.with_suffix(".c"), *path.parent.glob(f"{path.stem}.*.so")]
    return [path]


def _build(*words: str) -> None:
    done = subprocess.run([sys.executable, *words], cwd=COPY, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the mutant does not compile:\n{done.stderr[-2000:]}")


def drill(first_seed: int, seeds: int, jobs: int, faults: str = "") -> tuple[int, str]:
    """(the how manieth of these seeds has the first violation, its words); 0 when there was none."""
    words = ["--seed", str(first_seed), "--seeds", str(seeds), "--jobs", str(jobs)]
    done = subprocess.run(
        [sys.executable, "-m", "otrade.drill.until", *words, "--faults", faults],
        cwd=COPY,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(COPY), "PATH": "/usr/bin:/bin"},
    )
    found = re.search(r"^CAUGHT (\d+) (.*)$", done.stdout, re.M)
    if found:
        return int(found[1]), found[2]
    if "SURVIVED" in done.stdout:
        return 0, ""
    last = done.stderr.strip().splitlines()[-1:] or [str(done.returncode)]
    return 1, f"CRASH {last[0]}"
