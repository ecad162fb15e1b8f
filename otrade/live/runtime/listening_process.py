"""What listens to strangers, the page's server and the hooks, as a process beside the engine: started, heard once,
started again when it dies, and ended with the run.

It is in a session of its own, so that Ctrl-C on the engine's terminal is the engine's.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable

import msgspec

from otrade.live.runtime.child_processes import ChildCommand
from otrade.live.runtime.server_file import ServerStarted

START_WITHIN_S = 20.0
STOP_WITHIN_S = 5.0
AGAIN_S = (1.0, 5.0, 30.0)
"""Between its end and another start; the last one goes on."""


class ListeningProcess:
    """`await start()`, `await stop()`. `on_end` hears in words when it has died. `told` is what it reads
    on its standard input.
    """

    def __init__(
        self,
        what: str,
        command: ChildCommand,
        on_end: Callable[[str], object],
        *,
        told: bytes = b"",
    ) -> None:
        self._what = what
        self._command = command
        self._told = told
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the server that runs now."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> ServerStarted:
        """Where it serves, or in `trouble` why it does not."""
        started = await self._start()
        if not started.trouble:
            self._watch = asyncio.get_running_loop().create_task(self._look_after())
        return started

    async def _start(self) -> ServerStarted:
        loop = asyncio.get_running_loop()
        try:
            # In a thread: making a process takes a big one milliseconds.
            process = await loop.run_in_executor(None, self._spawn)
        except OSError as error:
            return ServerStarted(trouble=f"its process cannot be started ({error.strerror})")
        assert process.stdout is not None
        self._process = process
        try:
            async with asyncio.timeout(START_WITHIN_S):
                line = await _read_line(process.stdout.fileno())
        except TimeoutError:
            line = b""
        finally:
            process.stdout.close()
        try:
            started = msgspec.json.decode(line, type=ServerStarted)
        except msgspec.DecodeError:
            started = ServerStarted(trouble="its process has ended while it was starting")
        if started.trouble:
            await self._end()
        return started

    def _spawn(self) -> "subprocess.Popen[bytes]":
        told = memory_file(self._told)
        try:
            return subprocess.Popen(
                self._command.args,
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._command.env,
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(told)

    async def _look_after(self) -> None:
        """Start it again, later each time; as long as it serves, nothing is done."""
        n_ends = 0
        while self._process is not None:
            code = await _ended(self._process)
            self._process = None
            after_s = AGAIN_S[min(n_ends, len(AGAIN_S) - 1)]
            n_ends += 1
            self._on_end(f"{self._what} has ended ({_end_words(code)}); it is started again")
            await asyncio.sleep(after_s)
            started = await self._start()
            if started.trouble:
                self._on_end(f"{self._what} cannot be started again: {started.trouble}")

    async def stop(self) -> None:
        """End it, within a few seconds. Harmless when it never started."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await _ended(process)
        except TimeoutError:
            process.kill()
            process.wait()


def memory_file(content: bytes) -> int:
    """A descriptor from which it can be read, and that no other process can open by a name."""
    fd = os.memfd_create("otrade", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


async def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Its exit code, once there is one."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    fd = os.pidfd_open(process.pid)
    loop.add_reader(fd, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)
    return process.wait()


async def _read_line(fd: int) -> bytes:
    """Up to a newline, or to the end."""
    loop = asyncio.get_running_loop()
    os.set_blocking(fd, False)
    more = asyncio.Event()
    loop.add_reader(fd, more.set)
    line = b""
    try:
        while b"\n" not in line:
            await more.wait()
            more.clear()
            try:
                chunk = os.read(fd, 1 << 16)
            except BlockingIOError:
                continue
            if not chunk:
                break
            line += chunk
    finally:
        loop.remove_reader(fd)
    return line


def _end_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
