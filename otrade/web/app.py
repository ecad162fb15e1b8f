"""The application: the table of routes with its handlers, the WebSocket, the page. It reads an
`EngineSource` and knows nothing of the core.
"""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from otrade.contract.engine_source import EngineSource
from otrade.contract.views import CommandName
from otrade.stream.delta_stream import DeltaStream
from otrade.web.auth.access_control import AccessControl
from otrade.web.auth.audit import Audit
from otrade.web.auth.authenticator import Authenticator, OriginCheck
from otrade.web.http import problems
from otrade.web.http.page import Page, SecurityHeaders
from otrade.web.http.problems import ProblemError, problem_response
from otrade.web.http.routes import CALLBACK_PATH, COMMANDS, PREFIX, ROUTES, SOCKET_PATH, ApiRoute
from otrade.web.rest.dispatch import Call, Dispatch, Handler
from otrade.web.rest.handlers import DataHandlers
from otrade.web.rest.query_handlers import QueryHandlers
from otrade.web.rest.result_handlers import ResultHandlers
from otrade.web.rest.session_handlers import SessionHandlers
from otrade.web.stream.websocket import StreamHandler

log = logging.getLogger("otrade.web")

STATIC_DIR = Path(__file__).parent / "static"
VIEWER_DIR = Path(__file__).parent / "viewer"


def create_app(
    source: EngineSource,
    access: AccessControl,
    *,
    static_dir: Path = STATIC_DIR,
    stream: DeltaStream | None = None,
    names: frozenset[str] = frozenset(),
    now_s: Callable[[], float] = time.monotonic,
    wall_s: Callable[[], float] = time.time,
) -> ASGIApp:
    """The whole web layer as one ASGI application.

    `access` says who may come in. `stream` is given by whoever wants to close it or to pace it;
    otherwise the application has its own. `names` are host names by which the page may be called,
    besides those of the loopback. `now_s` is a monotonic clock, `wall_s` UNIX time.
    """
    authenticator, audit = Authenticator(access), Audit(source, now_s)
    data = DataHandlers(source, authenticator, audit, now_s=now_s, wall_s=wall_s)
    sessions = SessionHandlers(access, authenticator, audit)
    queries = QueryHandlers(source.queries, access, audit)
    results = ResultHandlers(source.results, audit)
    dispatch = Dispatch(authenticator, audit)
    page, viewer = Page(static_dir), Page(VIEWER_DIR)
    websocket = StreamHandler(stream or DeltaStream(source), authenticator, audit)
    endpoints = [
        (route, dispatch.endpoint(route, _handler(route, source, data, sessions, queries, results)))
        for route in ROUTES
    ]
    routes = [
        Route("/", page.index),
        *(
            Route(path, endpoint, methods=[route.method])
            for route, endpoint in endpoints
            for path in (route.path, route.former_path)
            if path
        ),
        Route(CALLBACK_PATH, data.login_callback),
        WebSocketRoute(SOCKET_PATH, websocket.serve),
        Route(f"{PREFIX}/docs", viewer.index),
        *(Route(f"{PREFIX}/{name}", partial(viewer.named, name)) for name in viewer.names),
        *(Route(f"/{name}", partial(page.named, name)) for name in page.names),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            ProblemError: _on_problem,
            HTTPException: _on_http_error,
            Exception: _on_error,
        },
    )
    app.router.redirect_slashes = False
    return SecurityHeaders(OriginCheck(app, names))


def _handler(
    route: ApiRoute,
    source: EngineSource,
    *groups: DataHandlers | SessionHandlers | QueryHandlers | ResultHandlers,
) -> Handler:
    """By the route's name; what has no handler is a view of the source."""
    if route.command is not None:
        return next(group.command for group in groups if isinstance(group, DataHandlers))
    if route.name == "openapi":
        return _openapi
    for group in groups:
        found: Handler | None = getattr(group, route.handler_name, None)
        if found is not None:
            return found
    view: Callable[[], Any] = getattr(source, route.handler_name)

    async def handler(call: Call) -> Any:
        answer = view()
        return list(answer) if isinstance(answer, Iterator) else answer

    return handler


async def _openapi(call: Call) -> Response:
    from otrade.web.rest import openapi  # few ask for it, and it knows every type of the contract

    return Response(
        openapi.document_bytes(),
        media_type="application/json",
        headers={"Cache-Control": "no-cache"},
    )


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error.problem, error.headers)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """The router's own errors: no such path, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        problem = problems.wrong_method(request.method, request.url.path)
        return problem_response(problem, dict(error.headers or {}))
    commands = f"{PREFIX}/commands/"
    if request.url.path.startswith(commands):
        known: list[CommandName] = [
            route.command for route in COMMANDS if route.command is not None
        ]
        return problem_response(
            problems.unknown_command(request.url.path.removeprefix(commands), ", ".join(known))
        )
    return problem_response(problems.unknown_route(request.url.path))


async def _on_error(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(problems.internal())
