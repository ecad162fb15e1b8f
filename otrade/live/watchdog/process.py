"""The watchdog: a small process of its own that steps in when the engine is dead or hung and
something of ours is open.

It never trades beside an engine. First it makes sure that there is none (a hung one is killed, and
the directory's lock is taken so that none can start meanwhile), then it protects at the broker, and
then it watches again. It knows nothing of the core.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import orjson

from otrade._core.types import Severity
from otrade.clock import Clock, WallClock
from otrade.config.schema import Config
from otrade.errors import OTradeError, StartError
from otrade.file_lock import lock_file
from otrade.live.alerts.dispatcher import AlertDispatcher
from otrade.live.alerts.sender_client import AlertSenderClient
from otrade.live.notices.board import Notice
from otrade.live.notices.redact import redact
from otrade.live.runtime.child_processes import alert_command
from otrade.live.runtime.run_file import AccountLock, RunFile
from otrade.live.startup.credentials import LiveAccess
from otrade.live.watchdog.heartbeat import (
    EngineState,
    HeartbeatReading,
    read_heartbeat,
    read_protection,
    start_ticks,
)
from otrade.live.watchdog.process_kill import end_process
from otrade.live.watchdog.protector import ProtectionOutcome, Protector
from otrade.plain_file import own_file, own_folder

POLL_S = 0.5
STALE_S = 7.0
"""Without a beat. What follows (a question, the kill, two looks a safe time apart, the stop's way)
ends within ten seconds.
"""
GUARD_S = 15.0
"""Between two polls of what a dead engine has left."""
RETRY_S = 3.0
"""The same while the broker cannot be asked."""
FIRST_BEAT_S = 120.0
LAST_ALERTS_S = 20.0
"""How long the end waits for the fate of the last alerts."""
GIVE_UP_S = 90.0
"""For one attempt to protect; a watching watchdog then begins another."""
DONE, NO_ENGINE, STOPPED, LEFT_OPEN = 0, 3, 4, 6


class EngineVitals(Enum):
    """What the heartbeat says of the engine."""

    NONE = "has never run here"
    ALIVE = "lives"
    QUIET = "has not beaten for a moment"
    HUNG = "hangs"
    DEAD = "is dead"
    ENDED = "has ended"


class HeartbeatMonitor:
    """Watches one heartbeat. Time is what this process has itself lived through: after a machine
    has slept, nobody is late.
    """

    def __init__(self, *, stale_s: float, poll_s: float) -> None:
        self._stale_s = stale_s
        self._step_s_max = 2 * poll_s
        self._seen: tuple[int, int] = (0, 0)
        self._last_s = 0.0
        self._quiet_s = 0.0

    def see(self, beat: HeartbeatReading | None, now_s: float) -> EngineVitals:
        """`now_s` on any clock that only moves forward."""
        step_s = min(max(now_s - self._last_s, 0.0), self._step_s_max)
        self._last_s = now_s
        if beat is None:
            return EngineVitals.NONE
        if beat.state == EngineState.ENDED:
            return EngineVitals.ENDED
        if start_ticks(beat.pid) != beat.start_ticks:
            return EngineVitals.DEAD
        if (beat.pid, beat.beat) != self._seen:
            self._seen, self._quiet_s = (beat.pid, beat.beat), 0.0
            return EngineVitals.ALIVE
        # An engine that starts may be waiting for a person to log in.
        if beat.state != EngineState.STARTING:
            self._quiet_s += step_s
        return EngineVitals.HUNG if self._quiet_s >= self._stale_s else EngineVitals.QUIET


class WatchdogLog:
    """Says things to stderr and to var/log/watchdog.jsonl. Neither failing keeps the watchdog from
    going on.
    """

    def __init__(self, var_dir: Path, now_ns: Callable[[], int]) -> None:
        self._path = var_dir / "log" / "watchdog.jsonl"
        self._now_ns = now_ns
        self._last = ""

    def say(self, severity: Severity, code: str, text: str) -> None:
        """The same words twice in a row are said once."""
        text = redact(text)
        if text == self._last:
            return
        self._last = text
        row = {
            "ts_ns": self._now_ns(),
            "severity": severity.name,
            "code": code,
            "text": text,
            "pid": os.getpid(),
        }
        with contextlib.suppress(OSError):
            print(f"watchdog: {severity.name}: {text}", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError):
            own_folder(self._path.parent)
            with os.fdopen(own_file(self._path, os.O_WRONLY | os.O_APPEND), "ab") as out:
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


class Watchdog:
    """Watches the engine of one directory with one account."""

    def __init__(
        self,
        config: Config,
        *,
        flatten: bool,
        stale_s: float = STALE_S,
        poll_s: float = POLL_S,
        give_up_s: float = GIVE_UP_S,
        clock: Clock | None = None,
    ) -> None:
        """OTradeError when the keys are missing or the broker's address may not be used."""
        self._config = config
        self._var = Path(config.paths.var)
        self._flatten = flatten
        self._poll_s = poll_s
        self._give_up_s = give_up_s
        self._clock = clock if clock is not None else WallClock()
        self._log = WatchdogLog(self._var, self._clock.now_ns)
        self._alerts: AlertDispatcher | None = None
        self._alert_sender: AlertSenderClient | None = None
        self._monitor = HeartbeatMonitor(stale_s=stale_s, poll_s=poll_s)
        access = LiveAccess(config, self._clock)
        self._account = access.account
        self._client = access.adapter.emergency_client(config.engine.order_timeout_ms * 1_000_000)
        self._gap_s = config.engine.doubt_look_gap_ms / 1000
        self._protector = Protector(self._client, self._say, gap_s=self._gap_s)

    def close(self) -> None:
        self._client.close()

    def _say(self, severity: Severity, code: str, text: str) -> None:
        self._log.say(severity, code, text)
        if self._alerts is not None:
            if self._alert_sender is None and severity > Severity.INFO:
                self._alert_sender = self._start_alert_sender(self._alerts)
            self._alerts.hear(Notice(0, self._clock.now_ns(), severity, code, text))

    def _start_alert_sender(self, alerts: AlertDispatcher) -> AlertSenderClient:
        """Only now: while the engine lives there is nothing to tell, and another process costs
        memory.
        """
        targets = [target.name for target in self._config.alerts.targets]
        command = alert_command(self._config.paths.secrets, self._config.alerts.tries, targets)
        sender = alerts.sender = AlertSenderClient(
            command.args,
            command.env,
            on_outcome=alerts.on_outcome,
            on_trouble=alerts.on_trouble,
        )
        sender.start()
        return sender

    async def watch(self) -> int:
        """Until the engine has ended cleanly, or is dead and nothing of ours is open any more. The
        exit code.
        """
        if self._config.alerts.targets:
            who = f"OTrade {self._config.engine.name} WATCHDOG"
            self._alerts = AlertDispatcher(
                self._config.alerts, who, say=self._log.say, wall_ns=self._clock.now_ns
            )
        try:
            return await self._watch()
        finally:
            if self._alert_sender is not None:
                await self._alert_sender.close(LAST_ALERTS_S)

    async def _watch(self) -> int:
        self._say(Severity.INFO, "WATCHING", f"watching the engine of {self._var}")
        began_s = time.monotonic()
        next_s = 0.0
        while True:
            now_s = time.monotonic()
            beat = read_heartbeat(self._var)
            vital = self._monitor.see(beat, now_s)
            if vital is EngineVitals.ENDED:
                self._say(
                    Severity.INFO, "ENDED", "the engine has ended cleanly; so does its watchdog"
                )
                return DONE
            if vital is EngineVitals.NONE and now_s - began_s > FIRST_BEAT_S:
                self._say(
                    Severity.ERROR,
                    "NO_ENGINE",
                    f"no engine has begun in {self._var}; nothing is watched",
                )
                return NO_ENGINE
            if (
                beat is not None
                and vital in (EngineVitals.DEAD, EngineVitals.HUNG)
                and now_s >= next_s
            ):
                try:
                    is_over = await self._step_in(beat, vital)
                except OTradeError as error:
                    self._say(
                        Severity.ALARM, "TROUBLE", f"engine {beat.pid} {vital.value}, and: {error}"
                    )
                    next_s = time.monotonic() + RETRY_S
                else:
                    if is_over and read_heartbeat(self._var) == beat:
                        return DONE
                    next_s = time.monotonic() + GUARD_S
            if self._alerts is not None:
                self._alerts.on_beat(self._clock.now_ns())
            await asyncio.sleep(self._poll_s)

    async def once(self, *, force: bool = False) -> int:
        """One look, and whatever it shows to be needed. `force`: also against an engine that lives
        (it is killed first).
        """
        beat, vital = await self._observe(wait=not force)
        if vital in (EngineVitals.ALIVE, EngineVitals.QUIET) and not force:
            print(
                f"the engine lives (process {beat.pid if beat else 0}); nothing is done beside it"
            )
            return DONE
        outcome = await self._fence_and_protect(beat)
        print(outcome.words)
        is_done = outcome.is_safe and (outcome.is_flat or not self._flatten)
        return DONE if is_done else LEFT_OPEN

    async def _observe(self, *, wait: bool) -> tuple[HeartbeatReading | None, EngineVitals]:
        """Look; with `wait` until the engine has beaten, or been quiet for too long."""
        first = beat = read_heartbeat(self._var)
        vital = self._monitor.see(beat, time.monotonic())
        while (
            wait
            and vital in (EngineVitals.ALIVE, EngineVitals.QUIET)
            and beat == first
            and beat is not None
            and beat.state != EngineState.STARTING
        ):
            await asyncio.sleep(self._poll_s)
            beat = read_heartbeat(self._var)
            vital = self._monitor.see(beat, time.monotonic())
        return beat, vital

    # ---------------------------------------------------------------------------------- stepping in
    async def _step_in(self, beat: HeartbeatReading, vital: EngineVitals) -> bool:
        """Protect what is open. True: the engine is dead and nothing of ours is open. OTradeError:
        it could not be done.
        """
        await self._log_in()
        is_open = await self._protector.has_risk(read_protection(self._var))
        if not is_open:
            # The first poll may be old.
            await asyncio.sleep(self._gap_s)
            is_open = await self._protector.has_risk(read_protection(self._var))
        if not is_open:
            self._say(
                Severity.WARN,
                "NOTHING_OPEN",
                f"engine {beat.pid} {vital.value}; nothing of ours is open at the broker",
            )
            return vital is EngineVitals.DEAD
        now = read_heartbeat(self._var)
        if now is None or (now.pid, now.beat) != (beat.pid, beat.beat):
            return False
        self._say(
            Severity.ALARM,
            "STEPPING_IN",
            f"engine {beat.pid} {vital.value} with open risk: its watchdog steps in",
        )
        outcome = await self._fence_and_protect(beat)
        severity = Severity.WARN if outcome.is_safe else Severity.ALARM
        self._say(severity, "GUARDED", f"{outcome.words} ({outcome.n_requests} requests)")
        return outcome.is_safe and outcome.is_flat

    async def _fence_and_protect(self, beat: HeartbeatReading | None) -> ProtectionOutcome:
        """StartError when another engine owns the directory or trades the account: what is open is
        that one's care.
        """
        if (
            beat is not None
            and beat.pid != os.getpid()
            and await end_process(beat.pid, beat.start_ticks)
        ):
            self._say(
                Severity.ALARM,
                "FENCED",
                f"engine {beat.pid} is killed, so that two never trade at once",
            )
        with RunFile(self._var), AccountLock(self._account):
            await self._log_in()
            return await self._protector.protect(
                read_protection(self._var), flatten=self._flatten, give_up_s=self._give_up_s
            )

    async def _log_in(self) -> None:
        """The newest token that a person or the engine has left. TokenError when there is none."""
        access = LiveAccess(self._config, self._clock)
        try:
            self._client.set_access_token(await access.token())
        finally:
            access.close()


class WatchdogLock:
    """One watchdog for each directory."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "run" / "watchdog.lock"
        self._fd = -1

    def take(self) -> bool:
        """False: there is one already. StartError when the directory cannot be written."""
        try:
            self._fd = lock_file(self._path)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StartError(
                f"{self._path} cannot be made ({error.strerror}): make the directory writable"
            ) from None
        return True

    def drop(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
