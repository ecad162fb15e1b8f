"""The end of a hung engine: killed by a handle that cannot mean a later process, and waited for
until it holds nothing any more.

A process is gone when all its threads are. `/proc/PID/stat` calls it dead as soon as the first one
is, while another still holds the
file of the lock: who goes by that finds the directory "held" by nobody. The handle (pidfd) becomes
readable at the true end.
"""

import asyncio
import contextlib
import os
import select
import signal
from pathlib import Path

from otrade.errors import StartError
from otrade.live.watchdog.heartbeat import start_ticks

DEATH_S = 30.0
TURN_S = 0.02


async def end_process(pid: int, began: int, *, patience_s: float = DEATH_S) -> bool:
    """Kill the process with this number if it is still the one that began then, and wait until
    nothing of it is left. False: it was gone already. StartError when it may not be killed, or does
    not die.
    """
    handle = _open(pid)
    try:
        # From here on the number cannot mean a later process, where there are handles.
        if (
            start_ticks(pid, dead_too=True) != began
            or _is_gone(pid, handle)
            or not _kill(pid, handle)
        ):
            return False
        try:
            async with asyncio.timeout(patience_s):
                await (_threads_gone(pid, began) if handle is None else _readable(handle))
        except TimeoutError:
            raise StartError(
                f"the hung engine {pid} does not die: end it yourself, or restart the machine"
            ) from None
        return True
    finally:
        if handle is not None:
            os.close(handle)


def _open(pid: int) -> int | None:
    """None where the system has no handles of processes, or there is no such process."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _is_gone(pid: int, handle: int | None) -> bool:
    """Dead with all its threads, and only not buried."""
    if handle is None:
        return not start_ticks(pid) and _n_threads(pid) <= 1
    return bool(select.select([handle], [], [], 0)[0])


def _kill(pid: int, handle: int | None) -> bool:
    try:
        if handle is None:
            os.kill(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except PermissionError as error:
        raise StartError(
            f"the hung engine {pid} cannot be ended ({error.strerror}): end it yourself"
        ) from None
    except ProcessLookupError:
        return False
    return True


async def _readable(handle: int) -> None:
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()

    def over() -> None:
        if not gone.done():
            gone.set_result(None)

    loop.add_reader(handle, over)
    try:
        await gone
    finally:
        loop.remove_reader(handle)


async def _threads_gone(pid: int, began: int) -> None:
    """Without a handle: until none of its threads is left but a first one that is dead and not
    buried.
    """
    while start_ticks(pid, dead_too=True) == began and (start_ticks(pid) or _n_threads(pid) > 1):
        await asyncio.sleep(TURN_S)


def _n_threads(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    return 0
