"""The one way to wait for what another thread, another process or the loop does: ask until it is
so, and fail with words when patience ends.

No test waits for time to pass, and none passes or fails by how long something takes.
"""

from __future__ import annotations

import asyncio
import linecache
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

PATIENCE_S = 60.0
"""A limit of patience, not a measure: longer than the slowest machine takes, shorter than a test's
own timeout.
"""
PAUSE_S = 0.002
"""Between two questions about another thread or process, which needs the processor too."""


def attempts(
    what: str, *, pause_s: float = PAUSE_S, patience_s: float = PATIENCE_S
) -> Iterator[int]:
    """Count the tries of a loop that is left when it has come to its end. AssertionError that says
    `what` never came when patience ends.
    """
    end_s = time.monotonic() + patience_s
    pause = threading.Event()
    n = 0
    while True:
        yield n
        n += 1
        assert time.monotonic() < end_s, f"after {patience_s:g} s and {n} tries, still not: {what}"
        pause.wait(pause_s)


def wait_until(
    what: str,
    condition: Callable[[], object],
    *,
    pause_s: float = PAUSE_S,
    patience_s: float = PATIENCE_S,
) -> None:
    """Block until it is so."""
    for _ in attempts(what, pause_s=pause_s, patience_s=patience_s):
        if condition():
            return


async def until(
    condition: Callable[[], object],
    what: str = "",
    *,
    step: Callable[[], Awaitable[object]] | None = None,
    pause_s: float = 0.0,
    patience_s: float = PATIENCE_S,
) -> None:
    """Let the loop turn until it is so; `step` is what one turn does. `pause_s` is for what happens
    outside of the loop. Without `what`, the line that waits says it.
    """
    if not what:
        caller = sys._getframe(1)
        what = linecache.getline(caller.f_code.co_filename, caller.f_lineno).strip()
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, f"after {patience_s:g} s, still not: {what}"
        await (asyncio.sleep(pause_s) if step is None else step())


async def turns(n: int = 50) -> None:
    """Let everything that is ready happen: for asserting that nothing more does."""
    for _ in range(n):
        await asyncio.sleep(0)
