"""A file that does what the built-in EMA crossover does costs at most a fifth more: instructions, counted by
callgrind, the same on any load of the machine.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from otrade.strategy.build.library import Library
from otrade.strategy.loader import load
from tests.core.kernels import kernel_run

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CALLS, MOST = 4_000, 1.2

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("valgrind"),
    reason="NO VALGRIND: instructions are NOT guarded",
)


def counted(driver: Path, symbol: str, *given: str) -> tuple[float, int]:
    """Instructions a call, and decisions."""
    done = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            f"--toggle-collect={symbol}",
            f"--callgrind-out-file={driver.parent / 'callgrind.out'}",
            str(driver),
            *given,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr[-300:]
    return int(found[1]) / CALLS, int(done.stdout)


def test_a_file_costs_what_the_built_in_costs(compiled: dict[str, Library], tmp_path: Path) -> None:
    kernel_run.load(tmp_path)
    driver, params = tmp_path / "driver", tmp_path / "params"
    source = str(HERE / "cost_driver.c")
    subprocess.run(["gcc", "-O2", f"-I{ROOT}", source, "-o", str(driver), "-ldl"], check=True)
    library = compiled["ema_crossover"]
    params.write_bytes(load(library).params({"fast_period": 9, "slow_period": 21}))
    built_in, crossed = counted(
        driver, "otk_ema_cross_on_bar", "built-in", str(tmp_path / "kernels.so")
    )
    of_file, decided = counted(driver, "on_bar", "file", str(library.path), str(params))
    print(f"instructions a call: built-in {built_in:.1f}, file {of_file:.1f}")
    assert crossed == decided > 100
    assert 10 < of_file <= built_in * MOST
