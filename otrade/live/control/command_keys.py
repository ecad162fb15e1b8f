"""Commands that are sent twice: a key names one, and whoever sends the same again gets the answer
of the first time.

A click that is repeated, a request that a proxy or a library sends again, an answer that got lost, a
page's server that was restarted: none of them acts twice. An answer is kept for `KEY_KEPT_S`;
after that the key is known as used up for as long as there is room, and refused. A key belongs to
who used it first. Keys are in the journal too, with what came of them, and a start takes them from
there.

A command that comes late is not done: one that was given a minute ago, and has waited in a dead
network or behind a hung server since, is not what its giver wants now. A kill is done whenever it
comes: late is better than not at all.
"""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from otrade.contract.messages import KEY_KEPT_S, KEY_PATTERN, ActRefusal
from otrade.contract.views import CommandResult

KEYS_MAX = 8192
KEY = re.compile(KEY_PATTERN)


class KeyRefusedError(Exception):
    """There is no key, or it is another's, was used for something else, or is used up; or the
    command came too late.
    """

    def __init__(self, refusal: ActRefusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(slots=True)
class _KeyUse:
    who: str
    what: bytes
    begun_s: float
    answer: "asyncio.Future[CommandResult] | CommandResult | None"


class CommandKeys:
    """The keys that were used on this day. `now_s` is a monotonic clock, `wall_s` UNIX time."""

    def __init__(
        self,
        now_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._now_s = now_s
        self._wall_s = wall_s
        self._uses: OrderedDict[str, _KeyUse] = OrderedDict()

    def restore(self, acts: Iterable[Mapping[str, Any]]) -> None:
        """Know what earlier processes have done, as their journal tells it."""
        for act in acts:
            key = act.get("key")
            if key and key not in self._uses:
                digest = _digest(act["command"], act["args"])
                result = CommandResult(ok=act["ok"], words=act["words"])
                self._uses[key] = _KeyUse(act["actor"], digest, self._now_s(), result)
        self._tidy()

    async def once(
        self,
        key: str,
        who: str,
        name: str,
        args: Mapping[str, int | bool | None],
        act: Callable[[], Awaitable[CommandResult]],
        expires_ms: int | None = None,
    ) -> tuple[CommandResult, bool]:
        """The result of `act`, and whether it is that of an earlier time. KeyRefusedError."""
        if not KEY.fullmatch(key):
            raise KeyRefusedError("wrong_key")
        digest = _digest(name, args)
        use = self._uses.get(key)
        if use is not None:
            return await self._again(use, who, digest), True
        answer: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._uses[key] = _KeyUse(who, digest, self._now_s(), answer)
        self._tidy()
        try:
            if expires_ms is not None and name != "kill" and self._wall_s() * 1000 > expires_ms:
                raise KeyRefusedError("expired")
            result = await act()
        except BaseException:
            # Whether anything was done is unknown: a second try must not find a result, nor act.
            answer.cancel()
            raise
        answer.set_result(result)
        return result, False

    async def _again(self, use: _KeyUse, who: str, digest: bytes) -> CommandResult:
        if use.who != who:
            raise KeyRefusedError("foreign_key")
        if use.what != digest:
            raise KeyRefusedError("reused_key")
        answer = use.answer
        if answer is None or self._now_s() - use.begun_s > KEY_KEPT_S:
            raise KeyRefusedError("expired_key")
        if isinstance(answer, CommandResult):
            return answer
        if answer.cancelled():
            raise KeyRefusedError("expired_key")
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if answer.cancelled():
                raise KeyRefusedError("expired_key") from None
            raise

    def _tidy(self) -> None:
        """Answers that are old are dropped, and the oldest keys when there are too many."""
        while len(self._uses) > KEYS_MAX:
            self._uses.popitem(last=False)
        old_s = self._now_s() - KEY_KEPT_S
        for use in self._uses.values():
            if use.begun_s >= old_s:
                break
            if not isinstance(use.answer, asyncio.Future) or use.answer.done():
                use.answer = None


def _digest(name: str, args: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(
        name.encode() + b"\0" + msgspec.json.encode(dict(args), order="sorted")
    ).digest()
