"""Asking the engine that runs in a directory, as the local user, over its Unix socket."""

from __future__ import annotations

import os
from pathlib import Path

from otrade.live.runtime.run_file import RunInfo, read_run_info

ANSWER_S_MAX = 2.0
BROKER_S_MAX = 30.0
"""Where the engine has to ask a broker first."""


def running(var: Path) -> RunInfo | None:
    """The engine that runs in this directory, or None."""
    info = read_run_info(var)
    return info if info is not None and is_running(info.pid) else None


def is_running(pid: int) -> bool:
    """Is there such a process? A run-file outlives an engine that was killed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
