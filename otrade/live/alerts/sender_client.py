"""The engine's end of the pipe to the process that carries alerts. Nothing here waits for anybody.

Alerts are counted from here to their outcome, at most `OUT_MAX` at a time, so that a pipe is never
full. A sender process that died is said, what it had is not delivered, and another one is started a little
later.
"""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import orjson

from otrade.live.alerts.retry_queue import DeliveryOutcome, PendingAlert

OUT_MAX = 200
LINE_BYTES_MAX = 1 << 16
RESTART_S = 30.0


class AlertSenderClient:
    """`start` in a running loop; `send`; `await close`. Outcomes come back in the loop."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        on_outcome: Callable[[DeliveryOutcome], None],
        on_trouble: Callable[[str], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._env = dict(env)
        self._on_outcome = on_outcome
        self._on_trouble = on_trouble
        self._now_s = now_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._out: set[tuple[int, str]] = set()
        self._buffer = b""
        self._next_start_s = 0.0
        self._is_closing = False
        self._gone = asyncio.Event()
        self._restart: asyncio.Task[None] | None = None
        self._ended: list[subprocess.Popen[bytes]] = []
        """Sender processes that we have let go of, to be reaped when they are gone."""

    @property
    def n_out(self) -> int:
        """Alerts whose fate is not known yet."""
        return len(self._out)

    def start(self) -> None:
        """Start the sender process, before there is anything that must not wait. One that cannot be
        started is said, and tried again later.
        """
        self._loop = asyncio.get_running_loop()
        self._next_start_s = self._now_s() + RESTART_S
        try:
            self._take(self._spawn())
        except OSError as error:
            self._cannot(error)

    async def _start_again(self) -> None:
        # In a thread: making a process takes a big one milliseconds.
        try:
            process = await asyncio.get_running_loop().run_in_executor(None, self._spawn)
        except OSError as error:
            self._cannot(error)
            return
        self._take(process)
        if self._is_closing:
            self._let_go()

    def _cannot(self, error: OSError) -> None:
        self._on_trouble(
            f"alerts cannot be sent: their process cannot be started ({error.strerror})"
        )

    def _spawn(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._env,
            # Ctrl-C is the engine's; the last words are still to be carried
            start_new_session=True,
            bufsize=0,
        )

    def _take(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None and process.stdout is not None and self._loop is not None
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        self._process, self._buffer = process, b""
        self._gone.clear()
        self._loop.add_reader(process.stdout.fileno(), self._read)

    def send(self, target: str, pending: PendingAlert) -> bool:
        """Hand an alert on. False: it was not taken, and will not be delivered."""
        process = self._process
        if (
            process is None
            and not self._is_closing
            and self._loop is not None
            and self._now_s() >= self._next_start_s
        ):
            self._next_start_s = self._now_s() + RESTART_S
            self._restart = self._loop.create_task(self._start_again())
        if (
            process is None
            or process.stdin is None
            or self._is_closing
            or len(self._out) >= OUT_MAX
        ):
            return False
        row = {
            "target": target,
            "id": pending.id,
            "level": pending.level,
            "title": pending.title,
            "body": pending.body,
        }
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        try:
            n_written = os.write(process.stdin.fileno(), line)
        except BlockingIOError:
            return False
        except OSError:
            self._lost()
            return False
        if n_written < len(line):
            # Half a line can be neither taken back nor finished without waiting.
            self._lost()
            return False
        self._out.add((pending.id, target))
        return True

    async def close(self, within_s: float) -> None:
        """No more alerts. Wait for the outcomes, but not for longer than this: the sender process goes on
        without us.
        """
        self._is_closing = True
        if self._restart is not None:
            await asyncio.wait([self._restart])
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), within_s)
            if self._process is not None:
                self._let_go()
        for left in self._ended:
            if left.poll() is None:
                left.returncode = 0  # it goes on without us on purpose; Python would warn of it

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        try:
            data = os.read(self._process.stdout.fileno(), LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._heard(line)

    def _heard(self, line: bytes) -> None:
        row = orjson.loads(line)
        if "bad" in row:
            self._on_trouble(f"alerts to {row['bad']} cannot be sent: {row['why']}")
            return
        outcome = DeliveryOutcome(**row)
        if (outcome.id, outcome.target) in self._out:
            self._out.discard((outcome.id, outcome.target))
            self._on_outcome(outcome)

    def _lost(self) -> None:
        """The sender process has ended."""
        out, self._out = sorted(self._out), set()
        self._let_go()
        self._gone.set()
        if not self._is_closing:
            self._on_trouble(
                "the process that carries alerts has ended; another one is started with a later alert"
            )
        for id, target in out:
            self._on_outcome(
                DeliveryOutcome(id, target, False, 0, "the process that carries alerts has ended")
            )

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdout is not None:
            if self._loop is not None:
                self._loop.remove_reader(process.stdout.fileno())
            process.stdout.close()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        self._ended = [one for one in (*self._ended, process) if one.poll() is None]
