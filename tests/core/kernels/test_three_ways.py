"""One source, three ways to run it, the same bits: the linked object, Numba's jit, and plain
Python.
"""

import subprocess
import sys
from pathlib import Path

from tests.core.kernels import kernel_run


def test_linked_jitted_and_plain_agree_bit_for_bit(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.kernels.three_ways", str(tmp_path)],
        cwd=kernel_run.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(kernel_run.prototypes())
