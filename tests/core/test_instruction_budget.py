"""Instructions a tick and an order, counted by callgrind: the guard of the hot path. Counts do not depend on the machine's load.

The count of 2N rounds less that of N leaves out the interpreter's start. Compilers differ by a few per cent, a slip of ours by
much more: the budget is what was measured with gcc 12 on x86-64, and a quarter more is refused.
"""

import os
import platform
import re
import shutil
import subprocess
import sys

import pytest

# Measured; lower them when the path gets shorter. An order includes the Python that drives it, most of its instructions.
BUDGET = {"tick": 800, "order": 18_000}
SLACK = 1.25
ROUNDS = {"tick": 400, "order": 300}
PER_ROUND = {"tick": 50, "order": 1}


def instructions(what: str, n: int) -> int:
    driver = [sys.executable, "-m", "tests.core.instruction_driver", what, str(n)]
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *driver],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    match = re.search(r"Collected : (\d+)", done.stderr)
    assert match, done.stderr[-500:]
    return int(match.group(1))


@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("valgrind"),
                    reason="NO VALGRIND: the instruction budget is NOT checked")
@pytest.mark.parametrize("what", BUDGET)
def test_instruction_budget(what: str) -> None:
    n = ROUNDS[what]
    each = (instructions(what, 2 * n) - instructions(what, n)) / (n * PER_ROUND[what])
    print(f"{what}: {each:.0f} instructions")
    assert each < BUDGET[what] * SLACK, f"{what}: {each:.0f} instructions, the budget is {BUDGET[what]}"
