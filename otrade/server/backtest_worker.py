"""A backtest that somebody has started on the page: `otrade backtest` in a process of its own, one at a
time, below everything that trades. It inherits the server's limit of memory, goes to the lowest
priority, and has its processor time counted.

Its command line is a list that is made here of typed values: the page can say no other word of it.
"""

import asyncio
import contextlib
import datetime as dt
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from otrade.contract.results import BacktestDraft, BacktestView
from otrade.errors import ResultError
from otrade.live.runtime.child_processes import ChildCommand, backtest_command

LOWEST = 19
CPU_S_MAX = 4 * 3600
LINE_BYTES_MAX = 64 * 1024
WORDS_MAX = 2_000
END_WITHIN_S = 5.0
NONE = BacktestView(
    state="none", name="", started_by="", started_ms=0, day="", done=0, of=0, trades=0, net_e4=None, words="",
)  # fmt: skip


class _Progress(msgspec.Struct):
    """One line of what it says."""

    day: str = ""
    done: int = 0
    of: int = 0
    trades: int = 0
    net_paise: int | None = None
    result: str = ""


class BacktestWorker:
    """`config` is the only configuration that it runs; `var` holds prices and results."""

    def __init__(
        self,
        config: Path,
        var: Path,
        command: Callable[[Sequence[str]], ChildCommand] = backtest_command,
    ) -> None:
        self._config = config.absolute()
        self._var = var.absolute()
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_stopped = False
        self.view = NONE

    async def start(self, draft: BacktestDraft, who: str) -> BacktestView:
        """ResultError while one runs, or when its result would be in the way."""
        if self.view.state == "running":
            raise ResultError(f"{self.view.name} runs: stop it, or wait for its end")
        _require_days(draft)
        if draft.last < draft.first:
            raise ResultError(f"the last day ({draft.last}) is before the first ({draft.first})")
        name = draft.name or f"page-{time.strftime('%Y%m%d-%H%M%S')}"
        out = self._var / "results" / name
        if out.exists():
            raise ResultError(f"there is a result {name} already: choose another name")
        words = self._words(draft, name, out)
        if not all(word.isprintable() for word in words):
            raise ResultError("a name or a symbol with a line's end in it")
        self._is_stopped = False
        self.view = msgspec.structs.replace(
            NONE, state="running", name=name, started_by=who, started_ms=round(time.time() * 1000)
        )
        command = self._command(words)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command.args,
                env=command.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
            )
        except OSError as error:
            self._say(state="failed", words=f"it cannot be started: {error.strerror}")
            return self.view
        _lower(self._process.pid)
        self._watch = asyncio.get_running_loop().create_task(self._follow(self._process))
        return self.view

    async def stop(self) -> BacktestView:
        """ResultError when none runs."""
        if self._process is None or self._watch is None or self.view.state != "running":
            raise ResultError("no backtest runs")
        self._is_stopped = True
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        done, _ = await asyncio.wait([self._watch], timeout=END_WITHIN_S)
        if not done:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._watch
        return self.view

    async def close(self) -> None:
        """With the server."""
        if self.view.state == "running":
            await self.stop()

    def _words(self, draft: BacktestDraft, name: str, out: Path) -> list[str]:
        words = [
            str(self._config),
            f"--from={draft.first}",
            f"--to={draft.last}",
            f"--data={self._var / draft.data}",
            f"--out={out}",
            f"--name={name}",
            f"--length={draft.length}",
            f"--latency={draft.latency_ms}",
            f"--slippage={draft.slippage_ticks}",
            f"--seed={draft.seed}",
            "--progress=json",
        ]
        if draft.queue:
            words.append(f"--queue={draft.queue}")
        if draft.target_first:
            words.append("--target-first")
        return words + [f"--prices={one.symbol}={one.series}" for one in draft.prices]

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        said = asyncio.get_running_loop().create_task(_last_words(process.stderr))
        result = ""
        try:
            while line := await process.stdout.readline():
                try:
                    told = msgspec.json.decode(line, type=_Progress)
                except msgspec.DecodeError:
                    continue
                result = told.result or result
                if not told.result:
                    self._take(told)
        except ValueError:  # a line without an end
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        code = await process.wait()
        words = (await said).removeprefix("otrade: ")
        if self._is_stopped:
            self._say(state="stopped", words="stopped; it has left nothing")
        elif code == 0 and result:
            self._say(state="done", words="")
        else:
            self._say(state="failed", words=words or f"it ended with code {code}")

    def _take(self, told: _Progress) -> None:
        self._say(
            day=told.day[:10],
            done=told.done,
            of=told.of,
            trades=told.trades,
            net_e4=None if told.net_paise is None else told.net_paise * 100,
        )

    def _say(self, **changes: object) -> None:
        self.view = msgspec.structs.replace(self.view, **changes)


def _require_days(draft: BacktestDraft) -> None:
    for day in (draft.first, draft.last):
        try:
            dt.date.fromisoformat(day)
        except ValueError:
            raise ResultError(f"{day.strip()}: there is no such day") from None


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The end of what it says, however much that is."""
    kept = b""
    while chunk := await stream.read(4096):
        kept = (kept + chunk)[-WORDS_MAX:]
    return kept.decode(errors="replace").strip()


def _lower(pid: int) -> None:
    """What cannot be done is not done: it inherits the server's place anyway."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, LOWEST)
    with contextlib.suppress(OSError, AttributeError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
