"""The build's gate: what must not be linked is refused by name, and what is linked is what was
compiled.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from otrade._core import cpu_check

ROOT = Path(__file__).parents[3]

# Each program defines `bad`, a kernel that must not pass; the gate's words must name the kernel.
BAD = {
    "raises": """
@kernel(f8(f8))
def bad(x):
    if x < 0:
        raise ValueError
    return x
""",
    "calls another kernel": """
@kernel(f8(f8))
def good(x):
    return x + 1.0

@kernel(f8(f8))
def bad(x):
    return good(x)
""",
    "uses a libm function": """
import math

@kernel(f8(f8))
def bad(x):
    return math.exp(x)
""",
    "allocates": """
import numpy as np

@kernel(f8(f8))
def bad(x):
    return np.zeros(5).sum() + x
""",
    "bakes in a large array": """
import numpy as np
TABLE = np.arange(200_000.0)

@kernel(f8(i4))
def bad(i):
    return TABLE[i]
""",
    "is fused": """
from numba import cfunc
made = cfunc(f8(f8, f8), nopython=True, fastmath=True, error_model="numpy", _nrt=False)(lambda x, y: x * y + x)
_abi.KERNELS["otk_bad"] = (f8(f8, f8), made)
""",
}
PROGRAM = """
from otrade._core.kernels import aot
aot.prepare_environment(aot.target_cpu())
from otrade._core.kernels import _abi
from otrade._core.kernels._abi import f8, i4, i8, kernel
{source}
print(len(aot.compile_object(_abi.KERNELS, aot.target_cpu())))
"""


def compile_kernels(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(source=source)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize("why", BAD)
def test_an_unsafe_kernel_fails_the_build(why: str) -> None:
    done = compile_kernels(BAD[why])
    assert done.returncode != 0
    # numba itself refuses some of them before the gate sees them
    assert "otk_bad is not safe to link" in done.stderr or "numba" in done.stderr


def test_most_are_the_gate_s_own_catch() -> None:
    said = [
        compile_kernels(BAD[why]).stderr for why in ("raises", "uses a libm function", "is fused")
    ]
    assert all("otk_bad is not safe to link" in s for s in said), said


def test_a_good_kernel_passes() -> None:
    done = compile_kernels("@kernel(f8(f8, f8))\ndef fine(x, y):\n    return x * y + x\n")
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "2")):
        subprocess.run(
            [sys.executable, "-m", "otrade._core.kernels.aot", str(tmp_path / name)],
            cwd=ROOT,
            check=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        )
    assert (tmp_path / "a" / "otk_kernels.o").read_bytes() == (
        tmp_path / "b" / "otk_kernels.o"
    ).read_bytes()


def test_an_unfit_processor_is_told_so() -> None:
    cpu_check.check(True, "x86-64-v3")
    with pytest.raises(ImportError, match="OTRADE_CPU=x86-64"):
        cpu_check.check(False, "x86-64-v9")


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("objdump"), reason="needs objdump on x86-64"
)
def test_no_multiplication_is_fused_with_an_addition() -> None:
    built = sorted((ROOT / "otrade/_core").glob("*.so"))
    assert built
    for path in built:
        text = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", str(path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "vfmadd" not in text and "vfmsub" not in text, path.name
