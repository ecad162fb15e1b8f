"""An engine and a watchdog cannot be looked into."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "from otrade.live.runtime.process_memory import hide_memory; assert hide_memory()",
        # Both begin with it, whatever becomes of the start.
        "from otrade.live import app; from otrade.config import RunOptions; app.run(RunOptions(config=Path('none.json')))",
        "from otrade.cli.engine.watchdog import watch; watch(Path('none.json'), once=True, flatten=False)",
    ],
)
def test_it_is_hidden(code: str) -> None:
    told = f"""
import contextlib
from pathlib import Path
from otrade.live.runtime.process_memory import is_hidden
assert not is_hidden()
with contextlib.suppress(Exception):
    {code}
print(is_hidden())
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
