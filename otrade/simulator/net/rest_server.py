"""A broker's REST server over the model: finding the route, losing and spoiling requests, and when
each answer leaves.

What a broker decides for itself (routes, who may ask how often, how answers are spelled) is in the
class made of it.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otrade.simulator.base.config import DelayRange, SimConfig
from otrade.simulator.base.day_draws import DayDraws, delay_ns
from otrade.simulator.base.errors import RequestRefused, not_found
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock
from otrade.simulator.draws import number_of
from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.faults.requests import REFUSALS, WrongAnswer
from otrade.simulator.net.http_server import Answer, HttpReply, HttpRequest, ServerConnection
from otrade.simulator.net.reaction_gate import ReactionGate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path; `{}` parts are handed to the handler."""

    method: str
    path: str
    kind: str
    """`place`, `order`, `quote`, `historical`, `other`, `public`: which limit and delay apply;
    `login` has none.
    """
    handler: Callable[..., Any]

    def match(self, parts: list[str]) -> list[str] | None:
        mine = self.path.split("/")
        if len(mine) != len(parts):
            return None
        found = []
        for own, given in zip(mine, parts, strict=True):
            if own == "{}":
                found.append(given)
            elif own != given:
                return None
        return found


class RestServer(ABC):
    """Serves `_routes`. `start` binds it and tells the port."""

    _routes: list[Route]

    def __init__(
        self,
        cfg: SimConfig,
        clock: VirtualClock,
        gate: ReactionGate,
        faults: FaultInjector,
        draws: DayDraws,
    ) -> None:
        """`draws`: the broker's own."""
        self._cfg = cfg
        self._clock = clock
        self._gate = gate
        self._faults = faults
        self._draws = draws
        self._connections: set[ServerConnection] = set()
        self._server: asyncio.Server | None = None

    @abstractmethod
    def admit(self, request: HttpRequest, route: Route, now_ns: int) -> None:
        """RequestRefused when this client may not ask this now."""

    @abstractmethod
    def order_of(self, request: HttpRequest, arguments: list[str]) -> int:
        """What names the draws of the order that is placed, changed or asked about; 0: of none."""

    @abstractmethod
    def spell(self, data: Any) -> HttpReply:
        """An answer as this broker writes it."""

    @abstractmethod
    def refuse(self, error: RequestRefused) -> HttpReply:
        """An error as this broker writes it."""

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; the port that was got. OSError when it is in use."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ServerConnection(self._serve, self._gate, self._connections, self.refuse),
            "127.0.0.1",
            port,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for connection in tuple(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None

    def _serve(self, request: HttpRequest, leave: Answer) -> None:
        handled_ns = -1

        def answer(reply: HttpReply) -> None:
            if self._faults.is_half_open:
                reply.manner = "silence"
            if reply.manner or reply.status not in (401, 403):
                self._faults.refusal_lost(handled_ns)
            leave(reply)

        def at(due_ns: int, step: Callable[[], None]) -> None:
            self._clock.schedule(due_ns, step, EventKind.ANSWER)

        now_ns = self._clock.now_ns()
        subject = number_of(f"{request.method} {request.path}")
        extra_ns = self._faults.delay_ns
        lost = self._faults.take_request(request.method, request.path)
        if lost in ("reset", "silence"):
            answer(HttpReply(0, b"", manner="reset" if lost == "reset" else "silence"))
            return
        refusal = REFUSALS[lost] if lost else self._faults.take(request.method, request.path)
        try:
            if refusal is not None:
                raise refusal
            route, arguments = self._find(request)
            if route.kind not in ("place", "order", "login"):
                self._faults.asked.append((now_ns, route.kind, request.path))
            if route.kind != "login":
                self.admit(request, route, now_ns)
        except RequestRefused as exc:
            reply = self.refuse(exc)
            exc.__traceback__ = (
                None  # some refusals are constants: they must not keep a whole world alive
            )
            at(now_ns + extra_ns + self._way_ns("read", subject), lambda: answer(reply))
            return
        subject = self.order_of(request, arguments) or number_of(f"{route.method} {route.path}")
        is_order = route.kind in ("place", "order")
        wrong = self._faults.take_answer(request.method, request.path, request.body)
        way = self._way_ns("request" if is_order else "read", subject)

        def carry_out() -> None:
            self._result(route, arguments, request)

        def handle() -> None:
            nonlocal handled_ns
            handled_ns = self._clock.now_ns()
            if wrong is not None and wrong.how == "late":
                here_ns = self._clock.now_ns()
                self._clock.schedule(here_ns + wrong.delay_ns, carry_out, EventKind.REQUEST)
                ack_ns = self._way_ns("order_ack", subject)
                at(here_ns + ack_ns, lambda: answer(self._nobody_knows()))
                return
            reply = self._result(route, arguments, request)
            late_ns = 0
            if wrong is not None:
                reply, late_ns = self._spoilt(reply, wrong), wrong.delay_ns
            if is_order or late_ns:
                ack_ns = self._way_ns("order_ack", subject)
                at(self._clock.now_ns() + late_ns + ack_ns, lambda: answer(reply))
            else:
                answer(reply)

        self._clock.schedule(now_ns + extra_ns + way, handle, EventKind.REQUEST)

    def _way_ns(self, leg: str, subject: int) -> int:
        """A latency of that leg (one of `LatencyConfig`), of this subject."""
        span: DelayRange = getattr(self._cfg.latency, leg)
        return delay_ns(self._draws.of(leg, subject), span)

    def _find(self, request: HttpRequest) -> tuple[Route, list[str]]:
        parts = request.path.rstrip("/").split("/")
        other_method = False
        for route in self._routes:
            arguments = route.match(parts)
            if arguments is not None:
                if route.method == request.method:
                    return route, arguments
                other_method = True
        if other_method:
            raise RequestRefused(405, "general", "Method not allowed")
        raise not_found()

    def _result(self, route: Route, arguments: list[str], request: HttpRequest) -> HttpReply:
        try:
            data = route.handler(request, *arguments)
        except RequestRefused as exc:
            return self.refuse(exc)
        except Exception:
            log.exception("%s %s failed", route.method, route.path)
            return self.refuse(
                RequestRefused(500, "general", "Something went wrong in the simulator.")
            )
        return data if isinstance(data, HttpReply) else self.spell(data)

    def _nobody_knows(self) -> HttpReply:
        return self.refuse(RequestRefused(504, "network", "Gateway timed out"))

    def _spoilt(self, reply: HttpReply, wrong: WrongAnswer) -> HttpReply:
        """What is left of an answer."""
        if wrong.how == "504":
            return self._nobody_knows()
        if wrong.how == "502_html":
            return HttpReply(
                502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"
            )
        if wrong.how == "reset":
            reply.manner = "reset"
        elif wrong.how == "silence":
            reply.manner = "silence"
        elif wrong.how == "cut":
            reply.manner = "cut"
        return reply
