"""The application: routes below `/api/`, the WebSocket, the page. It reads an `EngineSource` and
knows nothing of the core.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from . import problems
from .auth import LocalDoor
from .page import Page, SecurityHeaders
from .problems import ProblemError, problem_response
from .schema import (
    AdoptArgs,
    ClientMessage,
    CommandName,
    FlattenArgs,
    KillArgs,
    LoginArgs,
    PauseArgs,
    ResumeArgs,
    Row,
    StopArgs,
    TestAlertArgs,
)
from .source import INTERVALS_S, EngineSource
from .stream import CLOSE_TRY_LATER, Client, Hub

log = logging.getLogger("otrade.web")

BODY_BYTES_MAX = 64 * 1024
ID_MAX = 2**31 - 1
SEQ_MAX = 2**53 - 1
STATIC_DIR = Path(__file__).parent / "static"
BROKER_WITHIN_S = 20
CLOSE_BAD_MESSAGE = 1007

COMMANDS: dict[CommandName, type[Row]] = {
    "pause": PauseArgs,
    "resume": ResumeArgs,
    "flatten": FlattenArgs,
    "adopt": AdoptArgs,
    "stop": StopArgs,
    "kill": KillArgs,
    "login": LoginArgs,
    "test-alert": TestAlertArgs,
}
assert set(COMMANDS) == set(get_args(CommandName))

_INTEGER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_ERROR_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<name>[^`]*)`")


class Api:
    """The routes: each reads the source once and encodes what it got."""

    def __init__(self, source: EngineSource, hub: Hub) -> None:
        self._source = source
        self._hub = hub
        self._encode = msgspec.json.Encoder().encode

    def _json(self, data: Row | Sequence[Row]) -> Response:
        return Response(self._encode(data), media_type="application/json")

    async def health(self, request: Request) -> Response:
        """Whether the loop answers and the views can be built; for people and for process
        supervisors.
        """
        self._source.status()
        return Response("ok\n", media_type="text/plain")

    async def ready(self, request: Request) -> Response:
        """Whether an entry would be taken now, and if not, why; for monitors."""
        if why := self._source.readiness():
            raise ProblemError(problems.not_ready(list(why)))
        return Response("ready\n", media_type="text/plain")

    async def metrics(self, request: Request) -> Response:
        content, content_type = await self._source.metrics()
        return Response(content, headers={"Content-Type": content_type})

    async def status(self, request: Request) -> Response:
        return self._json(self._source.status())

    def rows(self, name: str) -> Callable[[Request], Any]:
        """A route that answers with one whole table."""

        async def route(request: Request) -> Response:
            return self._json(getattr(self._source, name)())

        return route

    async def signals(self, request: Request) -> Response:
        return self._json(self._source.signals(_integer(request, "since_seq", 0, SEQ_MAX, 0)))

    async def notices(self, request: Request) -> Response:
        return self._json(self._source.notices(_integer(request, "since_seq", 0, SEQ_MAX, 0)))

    async def candles(self, request: Request) -> Response:
        instrument_id = _integer(request, "instrument_id", 0, ID_MAX)
        interval_s = _integer(request, "interval_s", 1, ID_MAX, 60)
        since_ms = _integer(request, "since_ms", 0, SEQ_MAX, 0)
        if interval_s not in INTERVALS_S:
            allowed = "one of " + ", ".join(map(str, INTERVALS_S))
            raise ProblemError(problems.wrong_parameter("interval_s", str(interval_s), allowed))
        self._must_exist(instrument_id)
        candles = self._source.candles(instrument_id, interval_s)
        return self._json([candle for candle in candles if candle.ts_ms >= since_ms])

    async def accounts(self, request: Request) -> Response:
        async with _broker_time():
            return self._json(await self._source.accounts())

    async def preflight(self, request: Request) -> Response:
        async with _broker_time():
            board = await self._source.preflight()
        if board is None:
            raise ProblemError(problems.refused("the engine is not up yet: there is no morning board to show"))
        return self._json(board)

    async def command(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in COMMANDS:
            raise ProblemError(problems.unknown_command(name, ", ".join(COMMANDS)))
        args = _arguments(await _body(request), request, COMMANDS[name])
        if isinstance(args, FlattenArgs | AdoptArgs) and args.instrument_id is not None:
            self._must_exist(args.instrument_id)
        log.info("command %s from the page or the command line", name)
        result = await self._source.command(name, **msgspec.structs.asdict(args))
        if not result.ok:
            raise ProblemError(problems.refused(result.words))
        return self._json(result)

    async def login_callback(self, request: Request) -> Response:
        """The broker sends the browser here. The request comes from another site and carries nothing of ours but the state."""
        result = await self._source.finish_login(str(request.url))
        if not result.ok:
            raise ProblemError(problems.refused(result.words))
        return Response(f"OTrade: {result.words}. Close this page.\n", media_type="text/plain", headers={"Cache-Control": "no-store"})

    def _must_exist(self, instrument_id: int) -> None:
        if not any(row.id == instrument_id for row in self._source.instruments()):
            raise ProblemError(problems.unknown_instrument(instrument_id))

    async def stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        client = self._hub.join()
        if client is None:
            await websocket.close(CLOSE_TRY_LATER, "too many pages are open, or the engine stops")
            return
        self._hub.run()
        tasks = [
            asyncio.create_task(_send(websocket, client)),
            asyncio.create_task(_receive(websocket, client)),
            asyncio.create_task(client.closed.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(client)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error
        # A client that takes nothing would never take the words of a farewell either; the server
        # just hangs up on it.
        if client.close_code not in (0, CLOSE_TRY_LATER):
            with contextlib.suppress(WebSocketDisconnect):
                await websocket.close(client.close_code)


@contextlib.asynccontextmanager
async def _broker_time() -> AsyncIterator[None]:
    """A broker that says nothing, or whose simulated day is over, must not keep a page waiting for ever."""
    try:
        async with asyncio.timeout(BROKER_WITHIN_S):
            yield
    except TimeoutError:
        raise ProblemError(problems.refused("the broker has not answered")) from None


async def _send(websocket: WebSocket, client: Client) -> None:
    while True:
        await websocket.send_text(await client.next())


async def _receive(websocket: WebSocket, client: Client) -> None:
    try:
        while True:
            try:
                msgspec.json.decode(await websocket.receive_text(), type=ClientMessage)
            except (msgspec.MsgspecError, KeyError):
                client.close(CLOSE_BAD_MESSAGE)
                return
            client.resync()
    except WebSocketDisconnect:
        return


def _integer(request: Request, name: str, lo: int, hi: int, default: int | None = None) -> int:
    """A whole number from the query string; without `default` it must be there."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    allowed = f"a whole number from {lo} to {hi}"
    if text is None or not _INTEGER.fullmatch(text) or not lo <= int(text) <= hi:
        raise ProblemError(problems.wrong_parameter(name, text, allowed))
    return int(text)


async def _body(request: Request) -> bytes:
    """The whole body, never more than `BODY_BYTES_MAX` of it in memory."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise ProblemError(problems.body_too_large(BODY_BYTES_MAX))
    return bytes(body)


def _arguments(body: bytes, request: Request, kind: type[Row]) -> Row:
    """The command's arguments, checked; an empty body is an empty object."""
    if not body:
        return kind()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(problems.not_json(media_type))
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field, why = _where(str(error))
        raise ProblemError(problems.wrong_argument(field, why, _allowed(kind))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(problems.broken_json(str(error))) from None


def _where(message: str) -> tuple[str, str]:
    """The field that msgspec complains about, and the complaint without its address."""
    why = _ERROR_PATH.sub("", message)
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown:
        return unknown["name"], why
    at = _ERROR_PATH.search(message)
    return (at["path"] if at and at["path"] else "body"), why


def _allowed(kind: type[Row]) -> str:
    fields = msgspec.structs.fields(kind)
    words = {int: "a whole number", bool: "true or false", int | None: "a whole number or null"}
    return ", ".join(f"{field.name} ({words[field.type]})" for field in fields) or "none"


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error.problem)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """The router's own errors: no such path, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        problem = problems.wrong_method(request.method, request.url.path)
        return problem_response(problem, dict(error.headers or {}))
    return problem_response(problems.unknown_route(request.url.path))


async def _on_error(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(problems.internal())


def create_app(
    source: EngineSource,
    *,
    token: str,
    static_dir: Path = STATIC_DIR,
    hub: Hub | None = None,
) -> ASGIApp:
    """The whole web layer as one ASGI application.

    `token` guards the commands (`auth.new_token()`); the composer writes it into the run-file.
    `hub` is given by whoever wants to close it or to pace it; otherwise the application has its
    own.
    """
    api = Api(source, hub or Hub(source))
    page = Page(static_dir, token)
    tables = ("instruments", "strategies", "brackets", "orders", "positions", "trades")
    routes = [
        Route("/", page.index),
        Route("/healthz", api.health),
        Route("/readyz", api.ready),
        Route("/metrics", api.metrics),
        Route("/api/status", api.status),
        *(Route(f"/api/{name}", api.rows(name)) for name in tables),
        Route("/api/signals", api.signals),
        Route("/api/notices", api.notices),
        Route("/api/candles", api.candles),
        Route("/api/accounts", api.accounts),
        Route("/api/preflight", api.preflight),
        Route("/api/commands/{name}", api.command, methods=["POST"]),
        Route("/login/callback", api.login_callback),
        WebSocketRoute("/ws", api.stream),
        *(Route(f"/{name}", page.file) for name in page.names),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            ProblemError: _on_problem,
            HTTPException: _on_http_error,
            Exception: _on_error,
        },
    )
    return SecurityHeaders(LocalDoor(app, token))
