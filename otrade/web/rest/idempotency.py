"""Commands that are sent twice: a key names one, and whoever sends the same again gets the answer
of the first time.

A click that is repeated, a request that a proxy or a library sends again, an answer that got lost:
none of them acts twice. An answer is kept for `ANSWER_KEPT_S`; after that the key is known as used
up for as long as there is room, and refused. A key belongs to who used it first. Time is a
monotonic clock, passed in. A restart forgets everything.
"""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from otrade.contract.views import CommandResult
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError

ANSWER_KEPT_S = 600.0
KEYS_MAX = 8192
KEY = re.compile(r"[\x21-\x7e]{8,128}")


@dataclass(slots=True)
class _KeyUse:
    who: str
    what: bytes
    begun_s: float
    answer: "asyncio.Future[CommandResult] | None"


class IdempotencyKeys:
    """The keys that were used in this run."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._uses: OrderedDict[str, _KeyUse] = OrderedDict()

    async def once(
        self,
        key: str | None,
        who: str,
        what: tuple[str, bytes],
        act: Callable[[], Awaitable[CommandResult]],
    ) -> tuple[CommandResult, bool]:
        """The result of `act`, and whether it is that of an earlier time. `what` is the command's
        name and arguments.

        ProblemError when there is no key, or when it is another's, was used for something else, or
        is used up.
        """
        if key is None or not KEY.fullmatch(key):
            raise ProblemError(problems.wrong_key(key))
        digest = hashlib.sha256(what[0].encode() + b"\0" + what[1]).digest()
        use = self._uses.get(key)
        if use is not None:
            return await self._again(use, who, digest), True
        answer: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._uses[key] = _KeyUse(who, digest, self._now_s(), answer)
        self._tidy()
        try:
            result = await act()
        except BaseException:
            # Whether anything was done is unknown: a second try must not find a result, nor act.
            answer.cancel()
            raise
        answer.set_result(result)
        return result, False

    async def _again(self, use: _KeyUse, who: str, digest: bytes) -> CommandResult:
        if use.who != who:
            raise ProblemError(problems.foreign_key())
        if use.what != digest:
            raise ProblemError(problems.reused_key())
        if (
            use.answer is None
            or use.answer.cancelled()
            or self._now_s() - use.begun_s > ANSWER_KEPT_S
        ):
            raise ProblemError(problems.expired_key(ANSWER_KEPT_S))
        try:
            return await asyncio.shield(use.answer)
        except asyncio.CancelledError:
            if use.answer.cancelled():
                raise ProblemError(problems.expired_key(ANSWER_KEPT_S)) from None
            raise

    def _tidy(self) -> None:
        """Answers that are old are dropped, and the oldest keys when there are too many."""
        while len(self._uses) > KEYS_MAX:
            self._uses.popitem(last=False)
        old_s = self._now_s() - ANSWER_KEPT_S
        for use in self._uses.values():
            if use.begun_s >= old_s:
                break
            if use.answer is not None and use.answer.done():
                use.answer = None
