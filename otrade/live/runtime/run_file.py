"""One engine for each var directory, and the file in which `otrade status` finds it.

`var/run/engine.lock` is held with `flock` for the life of the process: the kernel lets go of it
even after `kill -9`, so a stale lock cannot exist. `var/run/engine.json` says which process it is;
it answers at `var/run/engine.sock`.
"""

import contextlib
import os
from pathlib import Path
from types import TracebackType

import msgspec

from otrade.errors import StartError
from otrade.file_lock import lock_file
from otrade.plain_file import NotOursError, own_folder, read_own, write_whole


class RunInfo(msgspec.Struct, frozen=True):
    """What the run-file says."""

    pid: int
    mode: str
    started_ns: int


class RunFile:
    """Context manager: takes the lock on entry; removes the run-file and lets go on exit."""

    def __init__(self, var_dir: Path) -> None:
        self._run_dir = var_dir / "run"
        self.path = self._run_dir / "engine.json"
        self._lock_fd = -1

    def __enter__(self) -> "RunFile":
        """StartError when another engine owns the directory, or when it cannot be written."""
        try:
            own_folder(self._run_dir.parent)
            self._lock()
        except OSError as error:
            raise StartError(
                f"{self._run_dir} cannot be used ({error.strerror}): make it writable, or choose "
                "another directory (paths.var in the configuration)."
            ) from None
        return self

    def _lock(self) -> None:
        lock_path = self._run_dir / "engine.lock"
        try:
            self._lock_fd = lock_file(lock_path)
        except BlockingIOError:
            try:
                owner = read_run_info(self._run_dir.parent)
            except StartError:
                owner = None
            who = f"process {owner.pid}" if owner else "another process"
            raise StartError(
                f"{lock_path} is held by {who}: an engine already runs in {self._run_dir.parent}. "
                "Stop it first, or give this one its own directory (paths.var in the "
                "configuration)."
            ) from None

    def write(self, info: RunInfo) -> None:
        """Replace the run-file in one step; it is its owner's alone before any byte is in it."""
        write_whole(self.path, msgspec.json.encode(info))

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


class AccountLock:
    """One engine for each account on this machine, whatever directories they use. Context manager."""

    def __init__(self, account: str, state_dir: Path | None = None) -> None:
        home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        self._path = (state_dir or Path(home) / "otrade") / f"{account}.lock"
        self._account = account
        self._fd = -1

    def __enter__(self) -> "AccountLock":
        """StartError when another engine trades this account."""
        try:
            self._fd = lock_file(self._path)
        except BlockingIOError:
            raise StartError(
                f"another engine on this machine trades account {self._account} already ({self._path} is held): two engines would "
                "take each other's orders for their own. Stop it first."
            ) from None
        except OSError as error:
            raise StartError(
                f"{self._path} cannot be made ({error.strerror}): set XDG_STATE_HOME to a directory that can be written"
            ) from None
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_run_info(var_dir: Path) -> RunInfo | None:
    """The running engine of `var_dir`, or None when there is none or its file cannot be read.
    StartError when the file is another user's: it could name any process and any address.
    """
    path = var_dir / "run" / "engine.json"
    try:
        return msgspec.json.decode(read_own(path), type=RunInfo)
    except NotOursError as error:
        raise StartError(
            f"{path} is not believed: {error.strerror}. Run this as the user who runs the engine"
        ) from None
    except (OSError, msgspec.DecodeError):
        return None
