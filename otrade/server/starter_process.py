"""`python -m otrade.server.starter_process`: starts the engine of one directory, when the page's server
says so.

It is begun before the server lowers itself, so that an engine does not inherit low priority, a limit
of memory and the first place when memory is short. What it starts stands in a file of the machine's
owner (`start_file`), read anew each time; of the server it hears one word. What an engine says on its
way out is read here, where its secrets can be taken out, and handed on. It ends with the server; an
engine that it has started goes on.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from otrade.child_environment import SYSTEM, environment_of
from otrade.config.secret import read_secrets, remember
from otrade.errors import ConfigError, OTradeError
from otrade.live.notices.redact import redact
from otrade.live.runtime.process_memory import hide_memory
from otrade.plain_file import own_file, own_folder, read_own
from otrade.server.start_file import START, EngineStart, StarterWord, read_engine_start

LOG = "log/engine-start.log"
"""What an engine that was started here says to its terminal, which it has not."""
TAIL_BYTES = 8192
LINES_MAX, CHARS_MAX = 6, 600
MANAGER_WITHIN_S = 30.0
LOOK_EVERY_S, LOOK_FOR_S = 1.0, 60.0
"""At a unit that was started; later its manager looks after it."""
OVER = ("failed", "inactive")
MANAGERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "systemd": (
        ("systemctl", "--no-ask-password", "start"),
        ("systemctl", "is-active"),
        ("systemctl", "--no-pager", "--full", "--lines=10", "status"),
    ),
    "systemd-user": (
        ("systemctl", "--user", "--no-ask-password", "start"),
        ("systemctl", "--user", "is-active"),
        ("systemctl", "--user", "--no-pager", "--full", "--lines=10", "status"),
    ),
    "launchd": (("launchctl", "kickstart"), (), ("launchctl", "print")),
}
"""How each starts a unit, says whether it is over, and what it said."""


class Starter:
    """One directory's. `start` returns when there is a process, or none; its end is said later."""

    def __init__(self, var: Path, secrets: Path) -> None:
        self._var = var
        self._secrets = secrets
        self._saying = threading.Lock()

    def start(self) -> None:
        try:
            found = read_engine_start(self._var)
            if found is None:
                self._say("refused", "no way to start an engine is configured here any more")
            elif found.manager:
                self._start_unit(found)
            else:
                self._start_command(found)
        except (OTradeError, OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._say("refused", f"the engine cannot be started: {why}")

    # ---------------------------------------------------------------------------------- a command
    def _start_command(self, found: EngineStart) -> None:
        own_folder((self._var / LOG).parent)
        log = own_file(self._var / LOG, os.O_RDWR | os.O_APPEND | os.O_TRUNC)
        try:
            process = subprocess.Popen(
                found.command,
                cwd=found.directory,
                env=environment_of(SYSTEM, os.environ) | found.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except BaseException:
            os.close(log)
            raise
        self._say("begun", f"process {process.pid}")
        self._in_background(self._await_command, process, log)

    def _await_command(self, process: "subprocess.Popen[bytes]", log: int) -> None:
        code = process.wait()
        with os.fdopen(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            said = file.read()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._say("ended", f"{how}{self._last(said)}")

    # ------------------------------------------------------------------------------------- a unit
    def _start_unit(self, found: EngineStart) -> None:
        start, is_active, _ = MANAGERS[found.manager]
        code, said = _told([*start, found.unit])
        if code:
            self._say(
                "refused",
                f"{found.words()} cannot be started: {self._clean(said) or f'exit code {code}'}",
            )
            return
        self._say("begun", found.words())
        if is_active:
            self._in_background(self._await_unit, found)

    def _await_unit(self, found: EngineStart) -> None:
        _, is_active, status = MANAGERS[found.manager]
        end_s = time.monotonic() + LOOK_FOR_S
        while _told([*is_active, found.unit])[1].strip() not in OVER:
            if time.monotonic() > end_s:
                return
            time.sleep(LOOK_EVERY_S)
        self._say("ended", found.words() + self._last(_told([*status, found.unit])[1].encode()))

    # -------------------------------------------------------------------------------------- words
    def _last(self, said: bytes) -> str:
        """The last lines, fit for a page."""
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        words = self._clean(" / ".join(line.strip() for line in lines[-LINES_MAX:]))
        return f". It said last: {words}" if words else ", and said nothing"

    def _clean(self, words: str) -> str:
        self._know_secrets()
        shown = redact("".join(c if c.isprintable() else " " for c in words)).strip()
        return shown if len(shown) <= CHARS_MAX else f"...{shown[-CHARS_MAX:]}"

    def _know_secrets(self) -> None:
        """What the engine may have said although it should not: its secrets, and the day's tokens."""
        try:
            read_secrets(self._secrets, {})
        except ConfigError:
            pass  # the engine says what is wrong with it
        for path in (self._var / "session").glob("*.json"):
            try:
                saved = msgspec.json.decode(read_own(path))
            except (OSError, msgspec.DecodeError):
                continue
            if isinstance(saved, dict):
                for name in ("access_token", "api_key"):
                    remember(str(saved.get(name, "")))

    def _say(self, what: Literal["begun", "refused", "ended"], words: str) -> None:
        line = msgspec.json.encode(StarterWord(what, words)) + b"\n"
        with self._saying:
            try:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            except OSError:
                os._exit(0)  # the server is gone

    @staticmethod
    def _in_background(work: Callable[..., None], *args: object) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()


def _told(args: list[str]) -> tuple[int, str]:
    """Exit code and words of a service manager's program. OSError, SubprocessError."""
    env = environment_of(SYSTEM, os.environ) | {"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}"}
    done = subprocess.run(
        args,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=MANAGER_WITHIN_S,
        check=False,
    )
    return done.returncode, done.stdout[-TAIL_BYTES:].decode(errors="replace")


def main(argv: Sequence[str] | None = None) -> int:
    """Until the server hangs up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--secrets", type=Path, required=True)
    options = parser.parse_args(argv)
    hide_memory()
    starter = Starter(options.var, options.secrets)
    for line in sys.stdin.buffer:
        if line == START:
            starter.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
