"""Where the page's server of a directory answers.

`var/run/server.lock` is held for the life of the process; `var/run/server.json` says where the page
is. It holds the token of the local user, and is readable by the owner only.
"""

import contextlib
import os
from pathlib import Path
from types import TracebackType

import msgspec

from otrade.errors import StartError
from otrade.file_lock import lock_file
from otrade.plain_file import read_own, write_whole


class ServerInfo(msgspec.Struct, frozen=True):
    """What the file says. `cert` is the page's certificate where it is served by TLS."""

    pid: int
    url: str
    token: str
    version: str
    cert: str = ""


class ServerStarted(msgspec.Struct, frozen=True):
    """What a server says to the engine that started it, in one line: where it is and how people log
    in; or why there is no page.
    """

    url: str = ""
    words: tuple[str, ...] = ()
    trouble: str = ""


class ServerFile:
    """Context manager: takes the lock on entry; removes the file and lets go on exit."""

    def __init__(self, var_dir: Path) -> None:
        self._run_dir = var_dir / "run"
        self.path = self._run_dir / "server.json"
        self._lock_fd = -1

    def __enter__(self) -> "ServerFile":
        """StartError when another server owns the directory, or when it cannot be written."""
        try:
            self._lock_fd = lock_file(self._run_dir / "server.lock")
        except BlockingIOError:
            found = read_server_info(self._run_dir.parent)
            where = f"process {found.pid} at {found.url}" if found else "another process"
            raise StartError(
                f"the page of {self._run_dir.parent} is served by {where} already: stop it first, or use it"
            ) from None
        except OSError as error:
            raise StartError(
                f"{self._run_dir} cannot be used ({error.strerror}): make it writable, or choose "
                "another directory (paths.var in the configuration)."
            ) from None
        return self

    def write(self, info: ServerInfo) -> None:
        """Replace the file in one step; it is its owner's alone."""
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


def read_server_info(var_dir: Path) -> ServerInfo | None:
    """The file, or None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode(read_own(var_dir / "run" / "server.json"), type=ServerInfo)
    except (OSError, msgspec.DecodeError):
        return None


def running_server(var_dir: Path) -> ServerInfo | None:
    """The server that holds the directory now; None when there is none."""
    try:
        os.close(lock_file(var_dir / "run" / "server.lock"))
    except BlockingIOError:
        return read_server_info(var_dir)
    except OSError:
        return None
    return None
