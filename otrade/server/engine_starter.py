"""The server's side of starting an engine: it says one word to a process that can (`starter_process`),
and tells people what became of it. It holds no secret of an engine's, and none of its environment.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec

from otrade.config.schema import Config
from otrade.contract.views import CommandResult
from otrade.engine_link.link import EngineLink
from otrade.errors import StartError
from otrade.file_lock import is_locked
from otrade.live.runtime.child_processes import starter_command
from otrade.live.runtime.run_file import read_run_info
from otrade.server.start_file import NAME, START, StarterWord, read_engine_start
from otrade.units import NS_PER_MS, ist_hms

BEGUN_WITHIN_S = 35.0
"""A service manager may take its time."""
UP_WITHIN_S = 15.0
"""So long an answer waits for the engine to trade, or to end; less than a page waits."""
GONE_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1
LINE_BYTES_MAX = 64 * 1024


class EngineStarter:
    """Async context manager, entered before this process lowers itself. `wall_s` is UNIX time."""

    def __init__(
        self, link: EngineLink, config: Config, wall_s: Callable[[], float] = time.time
    ) -> None:
        self._var = Path(config.paths.var)
        self._command = starter_command(self._var, Path(config.paths.secrets))
        self._link = link
        self._wall_s = wall_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_starting = False
        self._begun: asyncio.Future[StarterWord] | None = None
        self._began = ""
        self.ended_ms: int | None = None
        """When the engine that was started last has ended; None while it has not."""
        self.last_words = ""
        """How it ended; empty while it has not."""

    async def __aenter__(self) -> "EngineStarter":
        """Without the owner's file there is nothing to begin: who writes one starts the server anew."""
        try:
            wanted = read_engine_start(self._var) is not None
        except StartError:
            wanted = True
        if wanted:
            self._process = await asyncio.create_subprocess_exec(
                *self._command.args,
                env=self._command.env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=LINE_BYTES_MAX,
            )
            self._reading = asyncio.get_running_loop().create_task(self._read(self._process))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def how(self) -> tuple[str, str]:
        """What would be started, and why nothing can be: one of them is empty."""
        try:
            found = read_engine_start(self._var)
        except StartError as error:
            return "", str(error)
        if found is None:
            return "", f"no way to start an engine is written in {self._var / NAME}"
        if self._process is None or self._process.returncode is not None:
            return "", "the process that starts engines is not there: start the page's server anew"
        return found.words(), ""

    async def start(self, who: str) -> CommandResult:
        """Start it, and wait a while for what becomes of it."""
        if self._is_starting:
            return _refused("an engine is being started already")
        _, trouble = self.how()
        if trouble:
            return _refused(trouble)
        self._is_starting = True
        try:
            if await self._is_held():
                return _refused(
                    f"an engine runs here already{self._owner()}: it is not started twice"
                )
            return await self._start(who)
        finally:
            self._is_starting = False

    async def _is_held(self) -> bool:
        """Another engine has the directory; one that has said farewell is given a moment to go."""
        lock = self._var / "run" / "engine.lock"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S if self._link.is_ended else 0):
                while is_locked(lock):
                    await asyncio.sleep(LOOK_EVERY_S)
        return is_locked(lock)

    async def _start(self, who: str) -> CommandResult:
        assert self._process is not None and self._process.stdin is not None
        self._began = f"{ist_hms(round(self._wall_s() * 1e9))} IST by {who}"
        self.ended_ms, self.last_words = None, ""
        self._begun = asyncio.get_running_loop().create_future()
        try:
            self._process.stdin.write(START)
            await self._process.stdin.drain()
            async with asyncio.timeout(BEGUN_WITHIN_S):
                begun = await self._begun
        except (OSError, TimeoutError):
            return _refused(
                "the process that starts engines does not answer: whether one was started is not known"
            )
        if begun.what != "begun":
            return _refused(begun.words)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UP_WITHIN_S):
                while not self.last_words and not self._is_up():
                    await asyncio.sleep(LOOK_EVERY_S)
        if self.last_words:
            return _refused(self.last_words)
        if self._is_up():
            return CommandResult(ok=True, words=f"the engine runs: {begun.words}")
        return CommandResult(
            ok=True, words=f"the engine was started ({begun.words}) and has not begun to trade yet"
        )

    def _is_up(self) -> bool:
        """An engine trades, by its own word."""
        link = self._link
        last = link.replica.last if link.replica.is_current else None
        return link.is_up and not link.is_ended and last is not None and last.lifecycle == "running"

    def _owner(self) -> str:
        try:
            found = read_run_info(self._var)
        except StartError:
            found = None
        return f" (process {found.pid})" if found is not None else ""

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            word = msgspec.json.decode(line, type=StarterWord)
            if word.what == "ended":
                self.ended_ms = round(self._wall_s() * 1000)
                at = ist_hms(self.ended_ms * NS_PER_MS)
                self.last_words = (
                    f"The engine that was started at {self._began} ended at {at} IST: {word.words}."
                )
            elif self._begun is not None and not self._begun.done():
                self._begun.set_result(word)


def _refused(words: str) -> CommandResult:
    return CommandResult(ok=False, words=words)
