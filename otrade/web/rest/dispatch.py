"""One way through every route of the table: who asks, what they bring, the handler, the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from otrade.errors import EngineGoneError
from otrade.guard.asgi import keep_place
from otrade.web.auth.access_control import Principal
from otrade.web.auth.audit import Audit
from otrade.web.auth.authenticator import Authenticator
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError
from otrade.web.http.request_parser import body_of, query_of
from otrade.web.http.routes import TEXT, ApiRoute

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler is given. `who` is None on a public route."""

    request: Request
    route: ApiRoute
    who: Principal | None
    query: Any
    body: Any

    @property
    def principal(self) -> Principal:
        """Who asks, on a route that is not public."""
        assert self.who is not None
        return self.who


Handler = Callable[[Call], Awaitable[Any]]


class Dispatch:
    """Makes the endpoint of a route out of its handler."""

    def __init__(self, authenticator: Authenticator, audit: Audit) -> None:
        self._authenticator = authenticator
        self._audit = audit

    def endpoint(
        self, route: ApiRoute, handler: Handler
    ) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            who: Principal | None = None
            try:
                who = self._authenticator.admit(request, route)
                if who is not None:
                    keep_place(request.scope)
                query = query_of(request, route.query)
                body = (
                    await body_of(request, route.request, route.body_bytes_max)
                    if route.request is not None
                    else None
                )
                answer = await handler(Call(request, route, who, query, body))
            except ProblemError as error:
                # What the engine has refused it has written down itself.
                if route.is_change and error.problem.code != "refused":
                    self._audit.write(
                        who or self._known(request),
                        request,
                        journal_name(route),
                        f"{error.problem.code}: {error}",
                        ok=False,
                    )
                raise
            except EngineGoneError as error:
                if route.is_change:
                    self._audit.write(who, request, journal_name(route), str(error), ok=False)
                raise ProblemError(problems.engine_gone(str(error))) from None
            except Exception:
                if route.is_change:
                    self._audit.write(
                        who,
                        request,
                        journal_name(route),
                        "failed inside the server; its log says why",
                        ok=False,
                    )
                raise
            return answer if isinstance(answer, Response) else _response(route, answer)

        return run

    def _known(self, request: Request) -> Principal | None:
        try:
            return self._authenticator.known(request)
        except ProblemError:
            return None


def journal_name(route: ApiRoute) -> str:
    """The route's name in the journal."""
    return route.command or f"page {route.name}"


def _response(route: ApiRoute, answer: Any) -> Response:
    content = answer if route.media_type == TEXT else _encode(answer)
    return Response(content, media_type=route.media_type)
