"""An EMA crossover out of a file, built in or one's own, costs at most a fifth more than the kernel did that was
written for it by hand: instructions, counted by callgrind, the same on any load of the machine.
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

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OBJECT = ROOT / "build/kernels/builtin.o"
CALLS, MOST = 4_000, 1.2
BY_HAND = 63.1
"""Instructions a call of the kernel that was the built-in kind before it became a file (x86-64-v3)."""

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


def test_a_file_costs_what_a_kernel_by_hand_did(
    compiled: dict[str, Library], tmp_path: Path
) -> None:
    driver, params = tmp_path / "driver", tmp_path / "params"
    sources = [str(HERE / "cost_driver.c"), str(OBJECT)]
    subprocess.run(
        ["gcc", "-O2", f"-I{ROOT}", *sources, "-o", str(driver), "-ldl", "-lm"], check=True
    )
    library = compiled["ema_crossover"]
    params.write_bytes(load(library).params({"fast_period": 9, "slow_period": 21}))
    built_in, crossed = counted(driver, "otb_ema_cross_on_bar", "built-in")
    of_file, decided = counted(driver, "on_bar", "file", str(library.path), str(params))
    print(f"instructions a call: built-in {built_in:.1f}, file {of_file:.1f}, by hand {BY_HAND}")
    assert crossed == decided > 100
    assert 10 < built_in <= BY_HAND * MOST
    assert 10 < of_file <= BY_HAND * MOST
