"""The application: the table of routes with its handlers, the WebSocket, the page. It reads an `EngineSource` and knows nothing of the
core.
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

from . import problems
from .access import Access
from .api import Api
from .audit import Audit
from .auth import Door, Guard
from .dispatch import Call, Dispatch, Handler
from .looks import Looks
from .page import Page, SecurityHeaders
from .problems import ProblemError, problem_response
from .replays import Replays
from .routes import CALLBACK_PATH, COMMANDS, PREFIX, ROUTES, SOCKET_PATH, ApiRoute
from .schema import CommandName
from .signing import Signing
from .sockets import Sockets
from .source import EngineSource
from .stream import Hub

log = logging.getLogger("otrade.web")

STATIC_DIR = Path(__file__).parent / "static"
VIEWER_DIR = Path(__file__).parent / "viewer"


def create_app(
    source: EngineSource,
    access: Access,
    *,
    static_dir: Path = STATIC_DIR,
    hub: Hub | None = None,
    names: frozenset[str] = frozenset(),
    now_s: Callable[[], float] = time.monotonic,
    wall_s: Callable[[], float] = time.time,
) -> ASGIApp:
    """The whole web layer as one ASGI application.

    `access` says who may come in. `hub` is given by whoever wants to close it or to pace it; otherwise the application has its own.
    `names` are host names by which the page may be called, besides those of the loopback. `now_s` is a monotonic clock, `wall_s` UNIX
    time.
    """
    guard, audit = Guard(access), Audit(source, now_s)
    api = Api(source, guard, Replays(now_s), audit, wall_s)
    signing, looks = Signing(access, guard, audit), Looks(source.reads, audit)
    dispatch = Dispatch(guard, audit)
    page, viewer = Page(static_dir), Page(VIEWER_DIR)
    sockets = Sockets(hub or Hub(source), guard, audit)
    handlers = [(route, _handler(route, source, api, signing, looks)) for route in ROUTES]
    routes = [
        Route("/", page.index),
        *(Route(route.path, dispatch.endpoint(route, handler), methods=[route.method]) for route, handler in handlers),
        Route(CALLBACK_PATH, api.login_callback),
        WebSocketRoute(SOCKET_PATH, sockets.serve),
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
    return SecurityHeaders(Door(app, names))


def _handler(route: ApiRoute, source: EngineSource, *rooms: Api | Signing | Looks) -> Handler:
    """By the route's name; what has no handler is a view of the source."""
    if route.command is not None:
        return next(room.command for room in rooms if isinstance(room, Api))
    if route.name == "openapi":
        return _openapi
    for room in rooms:
        found: Handler | None = getattr(room, route.name, None)
        if found is not None:
            return found
    view: Callable[[], Any] = getattr(source, route.name)

    async def handler(call: Call) -> Any:
        answer = view()
        return list(answer) if isinstance(answer, Iterator) else answer

    return handler


async def _openapi(call: Call) -> Response:
    from . import openapi  # few ask for it, and it knows every type of the contract

    return Response(openapi.document_bytes(), media_type="application/json", headers={"Cache-Control": "no-cache"})


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
        known: list[CommandName] = [route.command for route in COMMANDS if route.command is not None]
        return problem_response(problems.unknown_command(request.url.path.removeprefix(commands), ", ".join(known)))
    return problem_response(problems.unknown_route(request.url.path))


async def _on_error(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(problems.internal())
