"""A login at the broker while no engine runs: a process of its own holds the app's secret, exchanges
what the broker answers, and keeps the token. Through here go two addresses and a few words.
"""

import asyncio
import contextlib
from pathlib import Path

import msgspec

from otrade.contract.views import CommandResult
from otrade.live.runtime.child_processes import login_command
from otrade.live.runtime.login_pipe import ADDRESS_CHARS_MAX, LoginWord

ADDRESS_WITHIN_S = 20.0
"""For a process to start and to say where a person logs in."""
ANSWER_WITHIN_S = 30.0
"""For the broker."""
NO_ANSWER = "the process that logs in does not answer: begin the login again"
PIPE_ERRORS = (OSError, TimeoutError, ValueError, msgspec.MsgspecError)


class BrokerLogin:
    """One login at a time: another one takes its place. `close` ends what waits."""

    def __init__(self, config: Path) -> None:
        self._command = login_command(config)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def is_waiting(self) -> bool:
        """A login was begun here, and is not over."""
        return self._process is not None and self._process.returncode is None

    async def begin(self) -> CommandResult:
        """Where the person goes on, or why there is no login."""
        async with self._turn:
            await self._end()
            try:
                process = self._process = await asyncio.create_subprocess_exec(
                    *self._command.args,
                    env=self._command.env,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )
                word = await self._heard(process, ADDRESS_WITHIN_S)
            except PIPE_ERRORS:
                word = LoginWord(words=NO_ANSWER)
            if not word.url:
                await self._end()
                return CommandResult(ok=False, words=word.words)
            words = "log in at the broker; the token is kept for the engine, which does not run yet"
            return CommandResult(ok=True, words=words, url=word.url)

    async def finish(self, redirected_to: str) -> CommandResult:
        """Hand on where the broker has sent the browser."""
        async with self._turn:
            process = self._process
            if process is None or process.returncode is not None:
                return CommandResult(ok=False, words="no login is under way here: begin it again")
            assert process.stdin is not None
            line = redirected_to.encode()
            if len(line) > ADDRESS_CHARS_MAX or b"\n" in line:
                return CommandResult(ok=False, words="this is no login")
            try:
                process.stdin.write(line + b"\n")
                await process.stdin.drain()
                word = await self._heard(process, ANSWER_WITHIN_S)
            except PIPE_ERRORS:
                await self._end()
                return CommandResult(ok=False, words=NO_ANSWER)
            if word.ok:
                await self._end()
            return CommandResult(ok=word.ok, words=word.words)

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @staticmethod
    async def _heard(process: asyncio.subprocess.Process, within_s: float) -> LoginWord:
        assert process.stdout is not None
        async with asyncio.timeout(within_s):
            line = await process.stdout.readline()
        return msgspec.json.decode(line, type=LoginWord)
