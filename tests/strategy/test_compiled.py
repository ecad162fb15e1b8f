"""A compiled strategy does what its file does as plain Python, bit for bit, and touches nothing else."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.build.library import Library
from tests.strategy.conftest import BUILT_IN, CORPUS, EXAMPLES
from tests.strategy.guard_pages import READ_ONLY, GuardedRecord
from tests.strategy.lockstep import Both, events, plain_class, run

EVENTS = 700
EAGER: dict[str, dict[str, float]] = {"rsi_reversion": {"low": 45, "high": 55}}
"""Parameters by which a generated walk makes an example decide."""
PATHS = {path.stem: path for path in (*EXAMPLES, *BUILT_IN, *CORPUS)}


@pytest.mark.parametrize(("mode", "seed"), [("end", 1), ("start", 2)])
@pytest.mark.parametrize("name", PATHS)
def test_compiled_is_plain_python_bit_for_bit(
    compiled: dict[str, Library], name: str, mode: str, seed: int
) -> None:
    print(f"seed {seed}")
    both = Both(compiled[name], plain_class(PATHS[name]), mode, **EAGER.get(name, {}))
    happened = events(seed, EVENTS, list(both.calls), wild=seed == 2)
    actions, differs = run(both, happened)
    assert not differs
    if PATHS[name] in EXAMPLES and seed == 1:
        assert actions, "it never decided"


@pytest.mark.parametrize("name", PATHS)
def test_other_parameters_are_obeyed(compiled: dict[str, Library], name: str) -> None:
    spec = compiled[name].spec
    for at_lowest in (True, False):
        given = {n: p.low if at_lowest else p.high for n, p in spec.params.items()}
        both = Both(compiled[name], plain_class(PATHS[name]), **given)
        _, differs = run(both, events(3, 400, list(both.calls)))
        assert not differs


@pytest.mark.parametrize("name", PATHS)
def test_the_worst_case_is_known_and_bounded(compiled: dict[str, Library], name: str) -> None:
    costs = compiled[name].manifest.cost
    assert set(costs) == set(compiled[name].spec.hooks)
    assert all(0 < cost <= 20_000 for cost in costs.values())


def test_the_library_needs_no_symbol_and_no_stack_that_runs(compiled: dict[str, Library]) -> None:
    for library in compiled.values():
        said = subprocess.run(
            ["readelf", "-lW", "--dyn-syms", str(library.path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert " UND " not in said.replace("LOCAL  DEFAULT  UND", "")
        assert all("RWE" not in line for line in said.splitlines())


FENCE = """
import ctypes, sys
from tests.strategy.guard_pages import READ_ONLY, GuardedRecord
guard = GuardedRecord(ctypes.c_int64 * 3, sys.argv[1] == "after")
if sys.argv[1] == "locked":
    guard.allow(READ_ONLY)
ctypes.memset(guard.address + {"after": 24, "before": -1, "locked": 0}[sys.argv[1]], 1, 1)
"""


@pytest.mark.parametrize("where", ["after", "before", "locked"])
def test_the_fence_faults(where: str) -> None:
    """The control of all that runs between guard pages."""
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", FENCE, where], capture_output=True, env=env)
    assert done.returncode == -11


def test_a_guarded_record_is_a_record() -> None:
    guard = GuardedRecord(abi.structure("bar"), True)
    guard.record.close = 5
    guard.allow(READ_ONLY)
    assert guard.record.close == 5 and ctypes.sizeof(guard.record) == abi.BYTES["bar"]
