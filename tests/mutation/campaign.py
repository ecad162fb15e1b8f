"""Every mutant of a sample, tried: by the tests that reach it, and then by the drill."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.mutation.schedule import Reach, reaching
from tests.mutation.schemata import CAPACITY
from tests.mutation.sites import Site
from tests.mutation.tree import COPY

TESTS = (
    "--ignore=tests/core/orders/test_campaign.py",  # minutes; its lives are in test_recounted
    *(
        "tests/core/orders",
        "tests/core/engine",
        "tests/core/market",
        "tests/brokers/kite",
        "tests/brokers/upstox",
        "tests/live/reconciliation",
    ),
    *(
        "tests/live/oms",
        "tests/live/day",
        "tests/live/persistence",
    ),
    *("tests/live/test_closed_elsewhere.py", "tests/live/test_entries.py"),
    "tests/live/test_commodity.py",
    *("tests/live/test_burst.py", "tests/live/startup/test_exit_modes.py"),
    *("tests/brokers/test_conformance.py", "tests/brokers/test_untold.py"),
    *(
        "tests/brokers/test_book_cache.py",
        "tests/brokers/test_parse.py",
        "tests/simulator/test_lockstep.py",
    ),
    *("tests/journal/test_replay.py", "tests/journal/test_commands.py"),
)
"""Where a mutant could be noticed."""
RECORD_LIMIT_S = 40.0
SLOWEST_S = 20.0
"""A test that takes longer is left to `make test`."""
TESTS_S = 14.0
"""Of tests for one mutant that goes on to survive."""
RECORDED = "reach.json"


Work = TypeVar("Work")
Result = TypeVar("Result")


@dataclass(frozen=True)
class MutantOutcome:
    """What became of one mutant: killed, timeout, drill or survived; and by what."""

    site: Site
    verdict: str
    by: str
    words: str
    seconds: float
    n_tests: int
    """How many tests reach it."""


class ServerProcess:
    """One process that has imported everything, and forks (`server.py`)."""

    def __init__(self, number: int, tests: Sequence[str]) -> None:
        memory = COPY / "build" / f"mutants-{os.getpid()}-{number}"
        memory.parent.mkdir(exist_ok=True)
        memory.write_bytes(bytes(4 + CAPACITY))
        ours, theirs = socket.socketpair()
        with (COPY / "build" / f"server-{number}.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.mutation.server", str(theirs.fileno()), *tests],
                cwd=COPY,
                env={
                    **os.environ,
                    "PYTHONPATH": str(COPY),
                    "OTRADE_MUTANT_MEMORY": str(memory),
                    "HYPOTHESIS_STORAGE_DIRECTORY": str(memory) + "-examples",
                },
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        theirs.close()
        self._memory = memory
        self._socket = ours
        self._file = ours.makefile("rw", encoding="utf-8")
        self.tests: list[str] = self._read()["tests"]

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise SystemExit(f"a server has ended; its words are in {COPY}/build/server-*.log")
        read: dict[str, Any] = json.loads(line)
        return read

    def ask(
        self, kind: str, mutant: int, steps: Sequence[tuple[str, float]], reach: bool = False
    ) -> dict[str, Any]:
        asked = {"kind": kind, "mutant": mutant, "steps": steps, "reach": reach}
        self._file.write(json.dumps(asked) + "\n")
        self._file.flush()
        return self._read()

    def close(self) -> None:
        self._file.close()
        self._socket.close()
        self._process.wait()
        self._memory.unlink()


@contextmanager
def servers(jobs: int, tests: Sequence[str] = TESTS) -> Iterator[list[ServerProcess]]:
    with ThreadPoolExecutor(jobs) as pool:
        started = list(pool.map(lambda n: ServerProcess(n, tests), range(jobs)))
    try:
        yield started
    finally:
        for server in started:
            server.close()


def each(
    running: list[ServerProcess], work: Sequence[Work], do: Callable[[ServerProcess, Work], Result]
) -> list[Result]:
    """Do this with each piece of work, on whichever server is free; results in the order given."""
    free = list(running)

    def one(piece: Work) -> Result:
        server = free.pop()
        try:
            return do(server, piece)
        finally:
            free.append(server)

    with ThreadPoolExecutor(len(running)) as pool:
        return list(pool.map(one, work))


def recorded(
    running: list[ServerProcess],
    seeds: int,
    say: Callable[[str], None],
    known: tuple[list[Reach], list[Reach]] = ([], []),
) -> tuple[list[Reach], list[Reach]]:
    """What each test, and each seed of the drill, comes by where no mutant is on. A test that does
    not pass then, or that is slow, is left out. What is known already is not run again.
    """
    began_s = time.monotonic()

    def one(server: ServerProcess, step: tuple[str, str]) -> Reach:
        kind, name = step
        told = server.ask(kind, 0, [(name, RECORD_LIMIT_S)], reach=True)
        if told["how"] != "passed" or told["seconds"] > SLOWEST_S:
            say(f"left out: {name} ({told['how']}, {told['seconds']:.0f} s)")
            return Reach(name, told["seconds"], frozenset())
        return Reach(name, round(told["seconds"], 3), frozenset(told["reached"]))

    def all_of(kind: str, names: Sequence[str], before: list[Reach]) -> list[Reach]:
        there = {reach.step: reach for reach in before}
        new = each(running, [(kind, name) for name in names if name not in there], one)
        return [*(there[name] for name in names if name in there), *new]

    tests = all_of("test", running[0].tests, known[0])
    drilled = all_of("drill", [str(seed) for seed in range(seeds)], known[1])
    say(f"{len(tests)} tests, {len(drilled)} seeds recorded ({time.monotonic() - began_s:.0f} s)")
    return tests, drilled


def write_reach(path: Path, sites: Sequence[Site], *both: list[Reach]) -> None:
    rows = [[[r.step, r.seconds, sorted(r.reached)] for r in kind] for kind in both]
    path.write_text(json.dumps({"sites": digest(sites), "reach": rows}))


def read_reach(path: Path, sites: Sequence[Site]) -> tuple[list[Reach], list[Reach]]:
    """Of the run before; nothing, where mutants had other numbers then."""
    if not path.exists() or (rows := json.loads(path.read_text()))["sites"] != digest(sites):
        return [], []
    tests, drilled = (
        [Reach(step, seconds, frozenset(reached)) for step, seconds, reached in kind]
        for kind in rows["reach"]
    )
    return tests, drilled


def digest(sites: Sequence[Site]) -> str:
    return hashlib.sha256("\n".join(site.name for site in sites).encode()).hexdigest()


def tried(
    running: list[ServerProcess],
    mutants: Sequence[tuple[int, Site]],
    tests: list[Reach],
    drilled: list[Reach],
    drill_s: float,
    say: Callable[[MutantOutcome], None],
) -> list[MutantOutcome]:
    """Each mutant until something notices it."""

    def one(server: ServerProcess, mutant: tuple[int, Site]) -> MutantOutcome:
        number, site = mutant
        began_s = time.monotonic()
        chosen = reaching(number, tests, TESTS_S)
        ways = (("test", chosen), ("drill", reaching(number, drilled, drill_s)))
        verdict, by, words = "survived", "", ""
        for kind, steps in ways:
            if not steps:
                continue
            told = server.ask(kind, number, [(r.step, r.limit_s) for r in steps])
            if told["how"] != "passed":
                verdict = "drill" if kind == "drill" else "timeout"
                if kind == "test" and told["how"] != "timeout":
                    verdict = "killed"
                by, words = told["at"], told["words"] or told["how"]
                break
        took_s = time.monotonic() - began_s
        outcome = MutantOutcome(site, verdict, by, words, round(took_s, 2), len(chosen))
        say(outcome)
        return outcome

    return each(running, mutants, one)
