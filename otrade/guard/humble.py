"""A process that listens to strangers gives way to the one that trades: lower priority, a limit of
memory, and the first to go when the machine has none left.
"""

import os
import resource

from otrade.ordinary_rank import take_ordinary_rank

NICE = 10
OOM_SCORE = 700
"""The engine has 0: the kernel ends the process with the highest."""


def be_humble(memory_bytes_max: int) -> list[str]:
    """Lower this process. What could not be done, in words: it goes on all the same."""
    troubles: list[str] = []
    take_ordinary_rank()
    os.nice(max(0, NICE - os.nice(0)))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory_bytes_max if hard == resource.RLIM_INFINITY else min(memory_bytes_max, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (OSError, ValueError) as error:
        troubles.append(f"its memory has no limit ({error})")
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(OOM_SCORE))
    except OSError as error:
        troubles.append(f"it does not go first when memory is short ({error.strerror})")
    return troubles
