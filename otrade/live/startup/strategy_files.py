"""Strategy files of a configuration: built or found, loaded, and registered with the core before a day is
planned.

A day keeps what it began with: the sources of its first start are kept beside the libraries, and a later
start of the day takes them, whatever stands in the files by then. So a restart waits for no compiler, and
the day's journal stays usable. A file that has changed is taken at the next day's start, and both starts
say so.
"""

import datetime as dt
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from otrade._core.market.strategy import register
from otrade._core.types import Severity
from otrade.config.schema import Config, FileStrategy
from otrade.errors import StrategyError
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.engine_builder import CompiledSpec
from otrade.plain_file import read_own, read_plain, write_whole

if TYPE_CHECKING:
    from otrade.strategy.build.library import Library
    from otrade.strategy.check.spec import Spec
    from otrade.strategy.loader import LoadedStrategy

MINUTE_S = 60
SOURCE_BYTES_MAX = 65_537
"""One more than a strategy file may have: a longer one is refused by the check, by its size."""


class DaySources(msgspec.Struct):
    """What a day began with, by file name."""

    day: str
    sources: dict[str, str]


def kept_days(folder: Path) -> dict[str, DaySources]:
    """What the last day of each mode goes by, of those that can be read."""
    found = {}
    for path in sorted(folder.glob("day.*.json")):
        try:
            kept = msgspec.json.decode(read_own(path), type=DaySources)
        except (OSError, msgspec.MsgspecError):
            continue
        found[path.name.split(".")[1]] = kept
    return found


class StrategyFiles:
    """Those of one configuration. Its folders are `paths.strategies` and `strategies` of `paths.var`."""

    def __init__(self, config: Config, board: NoticeBoard) -> None:
        self._config = config
        self._board = board
        self._folder = Path(config.paths.var) / "strategies"
        self._kept = self._folder / f"day.{config.mode}.json"

    async def compiled(self, date: dt.date) -> dict[str, CompiledSpec]:
        """By the strategies' names. StrategyError, at the user's line, for what cannot be traded."""
        wanted, names = self._wanted()
        if not wanted:
            return {}
        # Check and builder are loaded where there is such a file: no other engine carries them.
        from otrade.strategy.build.builder import build_beside

        specs = self._specs(str(date), names)
        libraries = await build_beside([specs[name] for name in names], self._folder)
        return self._loaded(wanted, names, libraries)

    def as_they_stand(self) -> dict[str, CompiledSpec]:
        """The same of the files as they are now: no day is begun with them, and nothing is kept."""
        wanted, names = self._wanted()
        if not wanted:
            return {}
        from otrade.strategy.build.builder import build
        from otrade.strategy.check.file import read_source

        paths = [Path(self._config.paths.strategies) / name for name in names]
        libraries = build([read_source(str(path), _read(path)) for path in paths], self._folder)
        return self._loaded(wanted, names, libraries)

    def _wanted(self) -> tuple[list[FileStrategy], list[str]]:
        """Strategies of files, and the names of the files."""
        wanted = [one for one in self._config.strategies if isinstance(one, FileStrategy)]
        return wanted, list(dict.fromkeys(one.file for one in wanted))

    def _loaded(
        self, wanted: Sequence[FileStrategy], names: Sequence[str], libraries: "Sequence[Library]"
    ) -> dict[str, CompiledSpec]:
        from otrade.strategy.build.library import remove_unused, use
        from otrade.strategy.loader import load

        loaded = {name: load(library) for name, library in zip(names, libraries, strict=True)}
        for one in loaded.values():
            register(one.compiled)
        for library in libraries:
            use(library)
        remove_unused(self._folder, time.time())
        return {one.name: _compiled(one, loaded[one.file]) for one in wanted}

    def _specs(self, day: str, names: list[str]) -> "dict[str, Spec]":
        """The day's own sources, else the files as they stand, which are the day's from now on."""
        from otrade.strategy.check.file import read_source

        before = self._read_kept()
        is_today = before is not None and before.day == day
        specs: dict[str, Spec] = {}
        for name in names:
            path = Path(self._config.paths.strategies) / name
            kept = before.sources.get(name) if before is not None else None
            if kept is not None and is_today:
                specs[name] = read_source(str(path), kept.encode())
                self._say_if_changed(path, kept)
                continue
            source = _read(path)
            specs[name] = read_source(str(path), source)
            if kept is not None and kept.encode() != source:
                self._board.say(
                    Severity.WARN,
                    "STRATEGY_CHANGED",
                    f"{path} is another one than on {before.day if before else ''}: it is built anew, and traded from today on",
                )
        kept_sources = dict(before.sources) if before is not None and is_today else {}
        kept_sources |= {name: spec.source.decode() for name, spec in specs.items()}
        self._write_kept(DaySources(day, kept_sources))
        return specs

    def _say_if_changed(self, path: Path, kept: str) -> None:
        try:
            is_same = _read(path) == kept.encode()
        except StrategyError:
            is_same = False
        if not is_same:
            self._board.say(
                Severity.WARN,
                "STRATEGY_CHANGED",
                f"{path} has changed since the day began: today goes on with what it began with, and the file is taken at the "
                "next day's start",
            )

    def _read_kept(self) -> DaySources | None:
        """None when there is none, or none that can be read: the files are then taken as they stand."""
        try:
            return msgspec.json.decode(read_own(self._kept), type=DaySources)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            self._board.say(
                Severity.WARN,
                "STRATEGY_CHANGED",
                f"{self._kept} cannot be read ({error}): strategy files are taken as they stand now",
            )
            return None

    def _write_kept(self, sources: DaySources) -> None:
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            write_whole(self._kept, msgspec.json.encode(sources))
        except OSError as error:
            raise StrategyError(
                f"{self._kept} cannot be written ({error.strerror}): make it writable, or choose another directory (paths.var)"
            ) from None


def _read(path: Path) -> bytes:
    try:
        return read_plain(path, SOURCE_BYTES_MAX)
    except OSError as error:
        raise StrategyError(f"{path}: cannot be read: {error.strerror or error}") from None


def _compiled(strategy: FileStrategy, loaded: "LoadedStrategy") -> CompiledSpec:
    """One use of a file: its own parameters. StrategyError for those that the file does not know."""
    spec = loaded.spec
    further_s = tuple(minutes * MINUTE_S for minutes in spec.bars.values())
    if strategy.bar_s in further_s:
        raise StrategyError(
            f"{spec.path}: strategy {strategy.name!r} has bars of {strategy.bar_s} s, which the file names as a further length; "
            "write another bar_s instead"
        )
    return CompiledSpec(
        build=loaded.compiled.build,
        params=loaded.params(strategy.params),
        further_s=further_s,
        reasons=loaded.compiled.reasons,
        source=spec.source.decode(),
        lines=loaded.lines(strategy.params),
    )
