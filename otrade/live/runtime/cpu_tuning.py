"""What the machine is asked for to make the way from tick to order short: a core of its own, memory
that stays, a loop that never sleeps.

All of it belongs to one process and ends with it. What configuration names and the machine does not
have is refused before the start (`check`); what the machine does not permit is said, and trading
goes on without it.
"""

import asyncio
import contextlib
import errno
import os
import resource
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType

from otrade._core.types import Severity
from otrade.config.schema import SpeedConfig
from otrade.errors import StartError
from otrade.live.notices.board import NoticeBoard
from otrade.live.runtime.busy_poll import Spinner

MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
CAP_IPC_LOCK = 14
Locker = Callable[[int], int]
"""mlockall(flags): 0, or an errno."""


def check(config: SpeedConfig) -> None:
    """StartError when the machine is not the one that the configuration speaks of."""
    if config.core < 0:
        return
    cores = _cores()
    if not cores:
        raise StartError(
            "speed.core: this system does not let a process choose its core; set it to -1"
        )
    if config.core not in cores:
        raise StartError(
            f"speed.core is {config.core}, and this process may use {_list(cores)}; set one of them, or -1 for any"
        )
    if len(cores) == 1:
        raise StartError(
            "speed.core: this process may use one core only, and the journal's thread, the page and the watchdog need another; set it to -1"
        )


class CpuTuning:
    """Context manager around the trading hours, in the thread of the loop."""

    def __init__(
        self, config: SpeedConfig, board: NoticeBoard, *, lock: Locker | None = None
    ) -> None:
        self._config = config
        self._board = board
        self._lock = lock or _mlockall
        self._cores_before: set[int] = set()
        self._spinner: Spinner | None = None

    def __enter__(self) -> "CpuTuning":
        if self._config.lock_memory:
            self._lock_memory()
        if self._config.core >= 0:
            self._take_core()
        if self._config.busy_poll:
            self._spin()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None
        if self._cores_before:
            for thread in _threads():
                _set_cores(thread, self._cores_before)
            self._cores_before = set()

    def _lock_memory(self) -> None:
        """Pages are kept once they are there; they are not fetched beforehand, which would make the
        process several times as large.
        """
        error = self._lock(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)
        if error:
            self._board.say(
                Severity.WARN,
                "MEMORY_NOT_LOCKED",
                f"memory could not be locked ({os.strerror(error)}): lift the limit of locked memory (`ulimit -l unlimited`, or "
                "LimitMEMLOCK=infinity for systemd), or set speed.lock_memory to false. Trading goes on; the kernel may take idle "
                "pages away.",
            )

    def _take_core(self) -> None:
        """This thread onto its core, all others off it."""
        self._cores_before = _cores()
        rest = self._cores_before - {self._config.core}
        try:
            os.sched_setaffinity(0, {self._config.core})
            for thread in _threads() - {threading.get_native_id()}:
                _set_cores(thread, rest)
        except OSError as error:
            self._board.say(
                Severity.WARN,
                "CORE_NOT_TAKEN",
                f"core {self._config.core} could not be taken ({error.strerror}): let this process choose its core, or set speed.core to "
                "-1. Trading goes on, on any core.",
            )
            os.sched_setaffinity(0, self._cores_before)
            return
        # A thread that is started later would share the core of the one that starts it.
        pool = ThreadPoolExecutor(
            2, thread_name_prefix="otrade", initializer=partial(_set_cores, 0, rest)
        )
        asyncio.get_running_loop().set_default_executor(pool)

    def _spin(self) -> None:
        if (os.cpu_count() or 1) == 1:
            self._board.say(
                Severity.WARN,
                "ONE_CORE",
                "speed.busy_poll on a machine with one core takes it away from everything else: set it to false.",
            )
        self._spinner = Spinner(asyncio.get_running_loop())
        self._spinner.start()


def _cores() -> set[int]:
    """That this process may use; empty where the system does not say."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set()


def _list(cores: set[int]) -> str:
    return "core " + ", ".join(map(str, sorted(cores)))


def _threads() -> set[int]:
    """Of this process, those of libraries too."""
    return {int(name) for name in os.listdir("/proc/self/task")}


def _set_cores(thread: int, cores: set[int]) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended since it was listed
        os.sched_setaffinity(thread, cores)


def _may_lock() -> bool:
    """Without a limit only: under one, a later allocation would fail, which is worse than a page
    taken away.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    with open("/proc/self/status") as status:
        rights = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return bool(int(rights, 16) >> CAP_IPC_LOCK & 1)


def _mlockall(flags: int) -> int:
    if not sys.platform.startswith("linux"):
        return errno.ENOSYS
    if not _may_lock():
        return errno.EPERM
    import ctypes  # a third of a megabyte, for those who lock memory

    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.mlockall(flags) == 0 else ctypes.get_errno()
