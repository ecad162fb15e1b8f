"""A process that listens to strangers gives way, whatever rank it was started with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from otrade.guard.humble import NICE

HUMBLE = """
import os
from otrade.guard.humble import be_humble
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
be_humble(1 << 30)
print(os.sched_getscheduler(0), os.nice(0))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="this system has no ranks")
def test_a_real_time_rank_is_not_kept() -> None:
    done = subprocess.run([sys.executable, "-c", HUMBLE], capture_output=True, text=True)
    if "PermissionError" in done.stderr:
        pytest.skip("this user may give no process a real-time rank")
    assert done.stdout.split() == [str(os.SCHED_OTHER), str(max(NICE, os.nice(0)))]
