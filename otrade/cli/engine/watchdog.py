"""`otrade watchdog`: watches the engine of a configuration, or looks once and does what is needed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from otrade.config.manager import load
from otrade.errors import ConfigError
from otrade.live.runtime.process_memory import hide_memory
from otrade.live.watchdog.process import STOPPED, Watchdog, WatchdogLock

LOCK_WAIT_S = 5.0
"""A watchdog that is about to end gives its place to the next."""


def watch(
    config: Path, *, once: bool, flatten: bool, force: bool = False, stale_s: float = 0.0
) -> int:
    """The exit code: 0 done, 3 no engine ever began, 4 one watches already, 6 something of ours is
    not as it should be.

    OTradeError for what a person must mend.
    """
    hide_memory()
    settings = load(config)
    flatten = flatten or settings.watchdog.flatten
    stale_s = stale_s or settings.watchdog.stale_s
    if settings.mode != "live":
        words = "a watchdog needs mode live: on the simulated exchange nothing outlives the engine"
        raise ConfigError(words, file=str(config), path="mode")
    var = Path(settings.paths.var)
    if once:
        return asyncio.run(_once(Watchdog(settings, flatten=flatten, stale_s=stale_s), force))
    lock = WatchdogLock(var)
    end_s = time.monotonic() + LOCK_WAIT_S
    while not lock.take():
        if time.monotonic() > end_s:
            print(f"a watchdog watches {var} already")
            return STOPPED
        time.sleep(0.1)
    try:
        return asyncio.run(_watch(Watchdog(settings, flatten=flatten, stale_s=stale_s)))
    finally:
        lock.drop()


async def _once(watchdog: Watchdog, force: bool) -> int:
    try:
        return await watchdog.once(force=force)
    finally:
        watchdog.close()


async def _watch(watchdog: Watchdog) -> int:
    try:
        return await watchdog.watch()
    finally:
        watchdog.close()
