"""The process that carries alerts: `python -m otrade.live.alerts.sender_process`, a child of the
engine, one thread a target.

It alone loads Apprise and what that needs, and it alone waits for other people's servers; the
engine writes a line into a pipe and reads one back. Alerts come in as JSON lines, outcomes go out
as JSON lines, and secrets travel neither way: the addresses are read here, from the environment or
the secrets file. When the engine is gone, what waits is still delivered, for a minute.
"""

import argparse
import contextlib
import logging
import os
import random
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO
from urllib.parse import unquote

import orjson

from otrade.config.secret import Secret, alert_name, read_secrets, remember
from otrade.errors import ConfigError, OTradeError
from otrade.live.alerts.retry_queue import DeliveryOutcome, PendingAlert, RetryQueue
from otrade.live.notices.redact import redact

LINGER_S = 60.0
WHY_CHARS_MAX = 300
LOUDEST = 4
"""`AlertLevel.LOUDEST`; the table of levels is the engine's and not loaded here."""
TYPES = {0: "info", 1: "warning", 2: "failure", 3: "failure", 4: "failure"}
"""Apprise's words for the levels."""

Notify = Callable[[PendingAlert], tuple[bool, str]]
"""Deliver now, in this thread: whether it was, and in words why not."""


class _LastWords(logging.Handler):
    """The last warning that a library said in each thread: the only place where Apprise tells why."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._words: dict[int | None, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self._words[record.thread] = record.getMessage()

    def take(self) -> str:
        return self._words.pop(threading.get_ident(), "")


_last_words: _LastWords | None = None


def _listen_to_apprise() -> _LastWords:
    """Once for the process. Apprise's own words go nowhere else: they may quote an address."""
    global _last_words
    if _last_words is None:
        _last_words = _LastWords()
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.addHandler(_last_words)
    return _last_words


def by_apprise(address: Secret) -> Notify:
    """Deliveries to an Apprise URL. ConfigError, without the address, when Apprise cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what its plugins import
        import apprise

        words = _listen_to_apprise()
        box = apprise.Apprise(
            asset=apprise.AppriseAsset(app_id="OTrade", async_mode=False, secure_logging=True)
        )
        is_good = box.add(address.reveal())
    for part in re.split(r"[/:@?&=#]+", unquote(address.reveal())):
        remember(part)
    if not is_good:
        words.take()
        raise ConfigError("Apprise cannot read this address")

    def notify(pending: PendingAlert) -> tuple[bool, str]:
        words.take()
        try:
            ok = box.notify(
                title=pending.title,
                body=pending.body,
                notify_type=apprise.NotifyType(TYPES[pending.level]),
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:
            # A plugin of a library with a hundred of them; one alert's failure is not the thread's
            # end.
            return False, redact(f"{type(error).__name__}: {error}")[:WHY_CHARS_MAX]
        return bool(ok), "" if ok else redact(words.take() or "it was not taken")[:WHY_CHARS_MAX]

    return notify


def addresses(names: Sequence[str], secrets_path: Path) -> tuple[dict[str, Notify], dict[str, str]]:
    """Deliveries by target, and by target why there are none. Never an address in any text."""
    found: dict[str, Notify] = {}
    bad: dict[str, str] = {}
    try:
        secrets = read_secrets(secrets_path)
    except OTradeError as error:
        return {}, dict.fromkeys(names, str(error))
    for name in names:
        address = secrets.get(alert_name(name))
        if not address:
            bad[name] = (
                f"it has no address: set {alert_name(name)} in the environment or in {secrets_path}"
            )
            continue
        try:
            found[name] = by_apprise(address)
        except OTradeError:
            bad[name] = (
                f"Apprise cannot read the address in {alert_name(name)}: see its list of services"
            )
        except ImportError as error:
            bad[name] = f"Apprise is not installed ({error}); run: pip install apprise"
    return found, bad


class TargetThread:
    """One target's thread."""

    def __init__(
        self,
        queue: RetryQueue,
        notify: Notify,
        emit: Callable[[DeliveryOutcome], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._notify = notify
        self._emit = emit
        self._now_s = now_s
        self._wake = threading.Condition()
        self._end_s: float | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, pending: PendingAlert) -> None:
        with self._wake:
            given_up = self._queue.put(pending, self._now_s())
            self._wake.notify()
        if given_up is not None:
            self._emit(given_up)

    def finish(self, within_s: float) -> None:
        """Deliver what waits, but not for longer than this; then the thread ends."""
        with self._wake:
            self._end_s = self._now_s() + within_s
            self._wake.notify()

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def _work(self) -> None:
        while (pending := self._next()) is not None:
            ok, why = self._notify(pending)
            with self._wake:
                outcome = self._queue.tried(pending, ok, why, self._now_s())
            if outcome is not None:
                self._emit(outcome)
        with self._wake:
            outcomes = self._queue.give_up("the engine has ended")
        for outcome in outcomes:
            self._emit(outcome)

    def _next(self) -> PendingAlert | None:
        """The next alert when its time has come; None: it is time to end."""
        with self._wake:
            while True:
                now_s = self._now_s()
                wait_s = self._queue.wait_s(now_s)
                if self._end_s is not None and (wait_s is None or now_s + wait_s >= self._end_s):
                    return None
                if wait_s is not None and (pending := self._queue.take(now_s)) is not None:
                    return pending
                self._wake.wait(wait_s)


class AlertSenderProcess:
    """Reads alerts until the engine closes the pipe. `notifies` and `bad` are what `addresses`
    found.
    """

    def __init__(
        self, notifies: dict[str, Notify], bad: dict[str, str], *, tries: int, out: TextIO
    ) -> None:
        self._bad = bad
        self._out = out
        self._lock = threading.Lock()
        self._threads = {
            name: TargetThread(
                RetryQueue(name, tries=tries, loudest=LOUDEST, rng=random.Random()),
                notify,
                self._emit,
            )
            for name, notify in notifies.items()
        }

    def run(self, lines: BinaryIO, linger_s: float = LINGER_S) -> None:
        for name, why in self._bad.items():
            self._say({"bad": name, "why": why})
        for thread in self._threads.values():
            thread.start()
        for line in lines:
            # The engine may have been cut off in the middle of one: what came before is carried all
            # the same.
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                given = orjson.loads(line)
                self._take(given.pop("target"), PendingAlert(**given))
        for thread in self._threads.values():
            thread.finish(linger_s)
        for thread in self._threads.values():
            thread.join(2 * linger_s)

    def _take(self, target: str, pending: PendingAlert) -> None:
        thread = self._threads.get(target)
        if thread is None:
            self._emit(
                DeliveryOutcome(
                    pending.id, target, False, 0, self._bad.get(target, "there is no such target")
                )
            )
        else:
            thread.put(pending)

    def _emit(self, outcome: DeliveryOutcome) -> None:
        self._say({name: getattr(outcome, name) for name in DeliveryOutcome.__struct_fields__})

    def _say(self, row: dict[str, object]) -> None:
        # The engine may be gone: then nobody listens, and what waits is delivered all the same.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._out.write(orjson.dumps(row).decode() + "\n")
            self._out.flush()


def main(argv: Sequence[str] | None = None) -> int:
    ap = argparse.ArgumentParser(prog="otrade.live.alerts.sender_process", description=__doc__)
    ap.add_argument("--secrets", type=Path, required=True)
    ap.add_argument("--tries", type=int, required=True)
    ap.add_argument("targets", nargs="+")
    args = ap.parse_args(argv)
    with contextlib.suppress(OSError):
        os.nice(10)  # an alert may wait for a tick, never a tick for an alert
    notifies, bad = addresses(args.targets, args.secrets)
    AlertSenderProcess(notifies, bad, tries=args.tries, out=sys.stdout).run(sys.stdin.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
