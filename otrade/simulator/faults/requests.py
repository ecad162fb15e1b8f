"""Requests that do not arrive, and answers that do not come back as they were given."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from otrade.simulator.base.errors import RequestRefused, too_many

AnswerFault = Literal["504", "502_html", "reset", "silence", "slow", "cut", "late"]
"""How an answer goes wrong. `late`: nobody knows what became of the request, and it is carried out
only `delay_ns` afterwards.
"""
RequestFault = Literal["reset", "silence", "503", "429", "500"]
Manner = Literal["", "reset", "silence", "cut"]
"""How an answer leaves, or does not."""

REFUSALS = {
    "503": RequestRefused(503, "network", "Service unavailable."),
    "429": too_many(),
    "500": RequestRefused(500, "general", "Something went wrong."),
}


Prefix = str | tuple[str, ...]
"""How a path begins, or one of several ways."""


@dataclass(slots=True)
class RequestRule:
    """Refuse the next `count` matching requests with this error."""

    error: RequestRefused
    count: int = 1
    method: str = ""
    path_prefix: Prefix = ""


@dataclass(slots=True)
class WrongAnswer:
    """What becomes of the next `count` matching requests, or of their answers."""

    how: str
    count: int
    method: str
    path_prefix: Prefix
    delay_ns: int = 0
    bodies: tuple[bytes, ...] = (b"",)
    then: Callable[[], None] | None = None

    def matches(self, method: str, path: str, body: bytes) -> bool:
        return (
            (not self.method or self.method == method)
            and path.startswith(self.path_prefix)
            and any(b in body for b in self.bodies)
        )


class RequestFaults:
    """What becomes of requests and of their answers."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self.rules: list[RequestRule] = []
        self.delay_ns = 0
        """Added to every answer."""
        self.is_half_open = False
        self._answers: list[WrongAnswer] = []
        self._requests: list[WrongAnswer] = []

    # ---- armed by a test

    def fail_next(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        count: int = 1,
        method: str = "",
        path_prefix: Prefix = "",
    ) -> None:
        """The next `count` requests with that method and path are refused like this."""
        self.rules.append(
            RequestRule(RequestRefused(status, error_type, message), count, method, path_prefix)
        )

    def answer_wrongly(
        self,
        how: AnswerFault,
        *,
        count: int = 1,
        method: str = "",
        path_prefix: Prefix = "",
        delay_ns: int = 0,
        body: str | tuple[str, ...] = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """The next `count` matching requests are carried out, and only their answers suffer.
        `body`: a piece of the request's body, or one of several; `then` is called each time that it
        happens.
        """
        bodies = (body,) if isinstance(body, str) else body
        self._answers.append(
            WrongAnswer(
                how, count, method, path_prefix, delay_ns, tuple(b.encode() for b in bodies), then
            )
        )

    def lose_request(
        self, how: RequestFault, *, count: int = 1, method: str = "", path_prefix: Prefix = ""
    ) -> None:
        """The next `count` matching requests are not carried out."""
        self._requests.append(WrongAnswer(how, count, method, path_prefix))

    # ---- asked by the server

    def take(self, method: str, path: str) -> RequestRefused | None:
        """The error for this request, None to serve it."""
        for rule in self.rules:
            if (not rule.method or rule.method == method) and path.startswith(rule.path_prefix):
                rule.count -= 1
                if rule.count <= 0:
                    self.rules.remove(rule)
                self.seen["fail_next"] += 1
                return rule.error
        return None

    def take_request(self, method: str, path: str) -> str:
        """How this request is lost; "" when it is not."""
        if self.is_half_open:
            self.seen["half_open_request"] += 1
            return "silence"
        wrong = self._first(self._requests, method, path, b"")
        if wrong is None:
            return ""
        self.seen[f"lose_{wrong.how}"] += 1
        return wrong.how

    def take_answer(self, method: str, path: str, body: bytes) -> WrongAnswer | None:
        """What happens to the answer of this request."""
        if not self._answers:
            return None
        wrong = self._first(self._answers, method, path, body)
        if wrong is not None:
            self.seen[f"answer_{wrong.how}"] += 1
            if wrong.then is not None:
                wrong.then()
        return wrong

    def _first(
        self, wrongs: list[WrongAnswer], method: str, path: str, body: bytes
    ) -> WrongAnswer | None:
        for wrong in wrongs:
            if wrong.matches(method, path, body):
                wrong.count -= 1
                if wrong.count <= 0:
                    wrongs.remove(wrong)
                return wrong
        return None

    def _is_armed(self) -> bool:
        return bool(self.rules or self._answers or self._requests)

    def _disarm(self) -> None:
        self.rules.clear()
        self._answers.clear()
        self._requests.clear()
        self.delay_ns = 0
