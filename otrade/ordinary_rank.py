"""A real-time rank that was given to the engine is meant for its loop: a thread, and a process that is started,
inherit it, and niceness means nothing there.
"""

import contextlib
import os
import sys
import threading


def take_ordinary_rank() -> None:
    """Of this thread, or of a process with one: it goes before nobody any more, and what was ranked above others
    waits for it no longer than for them.
    """
    if not sys.platform.startswith("linux"):  # where a thread has a rank of its own
        return
    with contextlib.suppress(OSError):  # not permitted: then the process has no such rank either
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(
            os.PRIO_PROCESS, threading.get_native_id(), max(os.getpriority(os.PRIO_PROCESS, 0), 0)
        )
