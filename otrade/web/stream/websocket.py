"""`/api/v1/ws`: everything first, then what changes, to whoever may read; until they may no longer."""

import asyncio
import contextlib
from functools import partial

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from otrade.contract.views import ClientMessage
from otrade.guard.asgi import keep_place
from otrade.stream.delta_stream import CLOSE_TRY_LATER, DeltaStream, StreamClient
from otrade.web.auth.audit import Audit
from otrade.web.auth.authenticator import Authenticator, bearer
from otrade.web.http.problems import ProblemError

CLOSE_BAD_MESSAGE = 1007
CLOSE_REFUSED = 1008
BAD_MESSAGE = "that is no message of the contract: /api/v1/openapi.json has it"
FAREWELL_S = 2.0
"""For a client to take the word that it is sent away."""


class StreamHandler:
    """The endpoint of the WebSocket."""

    def __init__(self, stream: DeltaStream, authenticator: Authenticator, audit: Audit) -> None:
        self._stream = stream
        self._authenticator = authenticator
        self._audit = audit

    async def serve(self, websocket: WebSocket) -> None:
        try:
            principal = self._authenticator.require(websocket, "read")
        except ProblemError as error:
            await websocket.close(CLOSE_REFUSED, error.problem.title)
            return
        token = bearer(websocket.headers.getlist("authorization") or [""])
        keep_place(websocket.scope)
        await websocket.accept()
        client = self._stream.join(partial(self._authenticator.access.may_stay, principal, token))
        if client is None:
            await websocket.close(CLOSE_TRY_LATER, "too many pages are open, or the engine stops")
            return
        self._stream.run()
        await self._talk(websocket, client)
        if client.close_code == CLOSE_BAD_MESSAGE:
            self._audit.write(
                principal, websocket, "page socket", BAD_MESSAGE, ok=False, is_noise=True
            )

    async def _talk(self, websocket: WebSocket, client: StreamClient) -> None:
        tasks = [
            asyncio.create_task(_send(websocket, client)),
            asyncio.create_task(_receive(websocket, client)),
            asyncio.create_task(client.closed.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stream.leave(client)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error
        # A client that takes nothing would not take the words of a farewell either: it is hung up
        # on (`guard/asgi.py`).
        if client.close_code not in (0, CLOSE_TRY_LATER):
            with contextlib.suppress(WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await websocket.close(
                        client.close_code,
                        BAD_MESSAGE if client.close_code == CLOSE_BAD_MESSAGE else None,
                    )


async def _send(websocket: WebSocket, client: StreamClient) -> None:
    while True:
        text = (await client.next()).decode()
        try:
            await websocket.send_text(text)
        except RuntimeError:
            # uvicorn's word for a connection that it has closed itself, because what came in was no
            # WebSocket frame.
            return


async def _receive(websocket: WebSocket, client: StreamClient) -> None:
    try:
        while True:
            try:
                msgspec.json.decode(await websocket.receive_text(), type=ClientMessage)
            except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
                client.close(CLOSE_BAD_MESSAGE)
                return
            client.resync()
    except WebSocketDisconnect:
        return
