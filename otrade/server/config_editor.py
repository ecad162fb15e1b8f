"""The configuration file for the page: shown, checked, and replaced in one step with the former one
kept beside it.

What may change while trading is taken up by the engine, as if the file had been edited by hand;
nothing here reaches into it.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson

from otrade.config import Config, ConfigManager
from otrade.config.manager import (
    FILE_ONLY,
    RELOADABLE_WORDS,
    applied_now,
    differences,
    from_bytes,
    is_file_only,
    json_schema,
    to_bytes,
)
from otrade.contract.queries import ConfigChange, ConfigDraft, ConfigVerdict, ConfigView
from otrade.errors import ConfigError
from otrade.plain_file import read_plain
from otrade.server.strategy_forms import with_files, wrong_params

BACKUPS_MAX = 20
ABSENT = "(default)"


class ConfigInForce(msgspec.Struct, frozen=True):
    """The configuration that the engine goes by, and the file it came from."""

    path: Path
    config: Config


class ConfigEditor:
    """`stamp` names a backup: the wall clock's time, for people."""

    def __init__(
        self,
        in_force: ConfigInForce | ConfigManager,
        stamp: Callable[[], str] = lambda: time.strftime("%Y-%m-%dT%H%M%S"),
    ) -> None:
        self._in_force = in_force
        self._stamp = stamp

    def view(self) -> ConfigView:
        raw, trouble = self._read()
        return ConfigView(
            path=str(self._in_force.path),
            digest=_digest(raw),
            values=msgspec.Raw(to_bytes(self._in_force.config) if trouble else raw),
            json_schema=msgspec.Raw(
                orjson.dumps(with_files(orjson.loads(json_schema()), self._files))
            ),
            hot=RELOADABLE_WORDS,
            file_only=list(FILE_ONLY),
            trouble=trouble,
        )

    @property
    def _files(self) -> Path:
        """The folder of strategy files."""
        return Path(self._in_force.config.paths.strategies)

    def _read(self) -> tuple[bytes, str]:
        try:
            raw = read_plain(self._in_force.path)
        except OSError as error:
            return b"", f"{self._in_force.path} cannot be read ({error.strerror})"
        try:
            from_bytes(raw, str(self._in_force.path))
        except ConfigError as error:
            return raw, str(error)
        return raw, ""

    def check(self, draft: ConfigDraft) -> ConfigVerdict:
        """Whether this text could be the configuration, and what it would change; written when it
        is asked for.
        """
        raw, _ = self._read()
        try:
            wanted = orjson.loads(bytes(draft.values))
            text = orjson.dumps(wanted, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            new = from_bytes(text, "")
        except orjson.JSONDecodeError as error:
            return _refused("", f"this is no JSON: {error}")
        except ConfigError as error:
            return _refused(error.path, str(error))
        field, words = wrong_params(new, self._files)
        if field:
            return _refused(field, words)
        old = self._in_force.config
        if only := self._file_only(raw, new):
            return _refused(
                only,
                f"{only} cannot be changed here: where secrets go, which files are used and where it is listened is decided on the "
                f"engine's machine. Edit {self._in_force.path} there",
            )
        before, now, after = map(msgspec.to_builtins, (old, applied_now(old, new), new))
        later = differences(now, after)
        changes = [
            ConfigChange(path=path, was=_at(before, path), becomes=_at(now, path), when="now")
            for path in differences(before, now)
        ] + [
            ConfigChange(path=path, was=_at(now, path), becomes=_at(after, path), when="next_start")
            for path in later
        ]
        words = _consequence(changes)
        if not draft.write:
            return ConfigVerdict(
                ok=True, field="", problem="", changes=changes, words=words, backup=""
            )
        if draft.digest != _digest(raw):
            return _refused(
                "", "the file has been changed since this form was opened: open it again", changes
            )
        try:
            backup = self._replace(raw, text)
        except OSError as error:
            return _refused(
                "",
                f"{self._in_force.path} cannot be written ({error.strerror}); nothing was changed",
                changes,
            )
        return ConfigVerdict(
            ok=True, field="", problem="", changes=changes, words=f"Written. {words}", backup=backup
        )

    def _file_only(self, raw: bytes, new: Config) -> str:
        """What of the file this would change although only the file may; empty when nothing."""
        try:
            there = from_bytes(raw, "")
        except ConfigError:
            there = self._in_force.config
        changed = differences(msgspec.to_builtins(there), msgspec.to_builtins(new))
        return next((path for path in changed if is_file_only(path)), "")

    def _replace(self, before: bytes, text: bytes) -> str:
        """The new file in one step, with the mode of the old one; the old one's content is on the
        disk first.
        """
        path = self._in_force.path
        mode = path.stat().st_mode & 0o777
        backup = path.with_name(f"{path.name}.{self._stamp()}.bak")
        _write(backup, before, mode)
        temporary = path.with_name(f".{path.name}.new")
        _write(temporary, text, mode)
        temporary.replace(path)
        for old in sorted(path.parent.glob(f"{path.name}.*.bak"))[:-BACKUPS_MAX]:
            old.unlink(missing_ok=True)
        return backup.name


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]


def _refused(field: str, problem: str, changes: list[ConfigChange] | None = None) -> ConfigVerdict:
    return ConfigVerdict(
        ok=False, field=field, problem=problem, changes=changes or [], words="", backup=""
    )


def _consequence(changes: list[ConfigChange]) -> str:
    n_later = sum(change.when == "next_start" for change in changes)
    if not changes:
        return "It says what is in force already."
    if not n_later:
        return "All of it is in force within five seconds of the engine's time; the log says so."
    if n_later == len(changes):
        return "It takes effect at the next start. Until then the engine keeps what is in force."
    return (
        f"{len(changes) - n_later} of {len(changes)} changes are in force within five seconds of the engine's time, and the log says so; "
        "the others take effect at the next start."
    )


def _at(values: Any, path: str) -> str:
    """The value at a `strategies[0].enabled` path, as JSON."""
    for part in path.replace("[", ".[").split("."):
        try:
            values = values[int(part[1:-1])] if part.startswith("[") else values[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return orjson.dumps(values).decode()
