"""Who did what, for the journal and the log: every change that was asked for, and every one that
was refused.

A command that reaches the engine is written there with its outcome (`EngineSource.command`); the
rest is written from here. What strangers try is bounded, and so is what each person and each script
does, so that nobody can fill the journal, or roll over what others have done; what is left out is
counted.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import HTTPConnection

from otrade.contract.engine_source import EngineSource
from otrade.web.auth.access_control import Principal

log = logging.getLogger("otrade.web")

STRANGERS_PER_MIN = 30
KNOWN_PER_MIN = 60
"""Of each person and each script, besides what reaches the engine."""
WHO_MAX = 256
WORDS_CHARS_MAX = 300
STRANGERS = "strangers"


class Audit:
    """Time is a monotonic clock, passed in."""

    def __init__(self, source: EngineSource, now_s: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now_s = now_s
        self._minutes: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """By who: when the minute began, and how much has come in it."""

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
        is_strange = (who is None or is_noise) and not ok
        if not self._has_room(STRANGERS if who is None or is_strange else who.who):
            return
        name, words = named(who, connection), _cut(words)
        log.info(
            "%s: %s: %s", name, what, words, extra={"fields": {"who": name, "what": what, "ok": ok}}
        )
        self._source.record(name, what, ok, words)

    def _has_room(self, who: str) -> bool:
        most = STRANGERS_PER_MIN if who == STRANGERS else KNOWN_PER_MIN
        now_s = self._now_s()
        began_s, n = self._minutes.get(who, (float("-inf"), 0))
        if now_s - began_s >= 60:
            if n > most:
                self._source.record(
                    who,
                    "refused" if who == STRANGERS else "more",
                    False,
                    f"{n - most} more attempts were refused within a minute"
                    if who == STRANGERS
                    else f"{n - most} more within a minute are not written down",
                )
            began_s, n = now_s, 0
        self._minutes[who] = began_s, n + 1
        self._minutes.move_to_end(who)
        if len(self._minutes) > WHO_MAX:
            self._minutes.popitem(last=False)
        return n < most


def _cut(words: str) -> str:
    return words if len(words) <= WORDS_CHARS_MAX else f"{words[:WORDS_CHARS_MAX]}..."


def named(who: Principal | None, connection: HTTPConnection) -> str:
    """Who, and from where."""
    return f"{who.who if who is not None else 'a stranger'} at {address_of(connection)}"


def address_of(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else "an unknown address"
