"""Who did what, for the journal and the log: every change that was asked for, and every one that
was refused.

A command that reaches the engine is written there with its outcome (`EngineSource.command`); the
rest is written from here. What strangers try is bounded, so that nobody can fill the journal from
outside; what is left out is counted.
"""

import logging
import time
from collections.abc import Callable

from starlette.requests import HTTPConnection

from otrade.contract.engine_source import EngineSource
from otrade.web.auth.access_control import Principal

log = logging.getLogger("otrade.web")

STRANGERS_PER_MIN = 30


class Audit:
    """Time is a monotonic clock, passed in."""

    def __init__(self, source: EngineSource, now_s: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now_s = now_s
        self._minute_s = float("-inf")
        self._n_strangers = 0

    def write(
        self,
        who: Principal | None,
        connection: HTTPConnection,
        what: str,
        words: str,
        *,
        ok: bool,
        is_noise: bool = False,
    ) -> None:
        """Words without secrets; `who` None: a stranger. What is noise is bounded as what strangers
        try is.
        """
        if (who is None or is_noise) and not ok and not self._has_room():
            return
        name = named(who, connection)
        log.info(
            "%s: %s: %s", name, what, words, extra={"fields": {"who": name, "what": what, "ok": ok}}
        )
        self._source.record(name, what, ok, words)

    def _has_room(self) -> bool:
        now_s = self._now_s()
        if now_s - self._minute_s >= 60:
            left_out = self._n_strangers - STRANGERS_PER_MIN
            if left_out > 0:
                self._source.record(
                    "strangers",
                    "refused",
                    False,
                    f"{left_out} more attempts were refused within a minute",
                )
            self._minute_s, self._n_strangers = now_s, 0
        self._n_strangers += 1
        return self._n_strangers <= STRANGERS_PER_MIN


def named(who: Principal | None, connection: HTTPConnection) -> str:
    """Who, and from where."""
    return f"{who.who if who is not None else 'a stranger'} at {address_of(connection)}"


def address_of(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else "an unknown address"
