"""How an engine is started here: `var/access/engine.json`, which the machine's owner writes and nobody
else. The page can say "start" and nothing more: what is run is not its to choose. And what the page's
server and the process that starts engines say to each other.
"""

import os
import re
import stat
from pathlib import Path
from typing import Literal

import msgspec

from otrade.errors import StartError
from otrade.plain_file import open_own

NAME = "access/engine.json"
BYTES_MAX = 64 * 1024
_UNIT = re.compile(r"[A-Za-z0-9@_.:/][A-Za-z0-9@_.:/\\-]{0,255}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
NOT_HERE = "OTRADE_"
"""How names of secrets begin: those are in the engine's own secrets file, or in its unit."""

START = b"start\n"
"""All that the server can say."""

Manager = Literal["", "systemd", "systemd-user", "launchd"]


class EngineStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command in a directory, with variables that are no secrets; or a unit of a service manager."""

    command: tuple[str, ...] = ()
    directory: str = ""
    environment: dict[str, str] = {}
    manager: Manager = ""
    unit: str = ""

    def words(self) -> str:
        """For people; a command's arguments may name files, and no secret."""
        if self.manager:
            return f"the unit {self.unit} ({self.manager})"
        return f"the command {' '.join(self.command)}, in {self.directory}"


class StarterWord(msgspec.Struct, frozen=True):
    """A line to the server: `begun` or `refused`; `ended` at any time after `begun`."""

    what: Literal["begun", "refused", "ended"]
    words: str = ""


def read_engine_start(var: Path) -> EngineStart | None:
    """None when there is no such file. StartError in words when it is not to be believed, or wrong."""
    path = var / NAME
    try:
        with open_own(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartError(f"{path} is not believed: {error.strerror}") from None
    if mode & 0o077:
        raise StartError(
            f"{path} is not believed: others may read it (mode {mode:04o}); run: chmod 600 {path}"
        )
    try:
        found = msgspec.json.decode(data, type=EngineStart)
    except msgspec.DecodeError as error:
        raise StartError(f"{path}: {error}") from None
    if why := _fault(found):
        raise StartError(f"{path}: {why}")
    return found


def _fault(start: EngineStart) -> str:
    if bool(start.command) == bool(start.manager):
        return "say either `command`, or `manager` and `unit`"
    if start.manager:
        if start.directory or start.environment:
            return "a unit has its own directory and environment"
        return "" if _UNIT.fullmatch(start.unit) else f"{start.unit!r} is no name of a unit"
    if start.unit:
        return "a unit needs its `manager`: systemd, systemd-user or launchd"
    if not os.path.isabs(start.command[0]):
        return "the program in `command` needs its whole path"
    if not os.path.isabs(start.directory):
        return "`directory` needs a whole path: the configuration's own paths are relative to it"
    for name in start.environment:
        if name.startswith(NOT_HERE):
            return f"{name} does not belong here: keep it in the engine's secrets file (paths.secrets) or in a service unit"
        if not _VARIABLE.fullmatch(name):
            return f"{name!r} is no name of a variable"
    return ""
