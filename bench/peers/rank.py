"""How client and exchange are ranked among the machine's other work, where that is permitted: a
shared machine says less about itself then.

A client that sleeps gets a real-time rank, so that it runs when its frame comes. One that spins
must not have it: the kernel takes a core away from real-time work for a twentieth of every second,
and that would be measured. It gets a weight instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

RANK = 10
WEIGHT = -15


def realtime() -> str:
    """What went wrong, in words, or nothing."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(RANK))
    except OSError as error:
        return f"no real-time rank ({error.strerror})"
    return ""


def ordinary() -> None:
    """For what a ranked process starts beside itself."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def heavy() -> str:
    """The same. Where sessions share the machine by groups, a process's own weight means nothing
    outside its group.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, WEIGHT)
        group = Path("/proc/self/autogroup")
        if group.exists():
            group.write_text(str(WEIGHT))
    except OSError as error:
        return f"no weight ({error.strerror})"
    return ""


def ready_process(cores: set[int], spins: bool) -> Callable[[], None]:
    """For `preexec_fn` of a process in a session of its own."""
    return partial(_ready, cores, spins)


def _ready(cores: set[int], spins: bool) -> None:
    os.sched_setaffinity(0, cores)
    if spins:
        heavy()
    else:
        realtime()


def permitted() -> str:
    """What of it this machine permits, in words: tried out in a process that ends."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.write(writer, "; ".join(filter(None, (heavy(), realtime()))).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        words = said.read()
    os.waitpid(child, 0)
    return (
        words
        or f"sleeping clients and the exchange at real-time rank {RANK}, spinning clients at weight {WEIGHT}"
    )
