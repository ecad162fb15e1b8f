"""What the guard learns from the application's side of a server: where a request begins, its body
ends and its answer is written, and who has proved who he is.
"""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otrade.guard.connection import GuardedConnection
from otrade.guard.listener import Listener

KEY = "guarded_connection"


def keep_place(scope: Scope) -> None:
    """The connection of this request belongs to somebody who may be here: it is not sent away."""
    connection = scope.get("state", {}).get(KEY)
    if isinstance(connection, GuardedConnection):
        connection.is_proven = True


class GuardedApp:
    """The application, between the server and the listener."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.listener: Listener | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope["state"][KEY]
        assert isinstance(connection, GuardedConnection)
        if not connection.is_proven:
            await self._wait()
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            if connection.is_stalled and connection.shown is not None:
                # What waits for whoever takes nothing is let go.
                connection.shown.abort()
            return
        await self._request(connection, scope, receive, send)

    async def _wait(self) -> None:
        assert self.listener is not None
        loop = asyncio.get_running_loop()
        wait_s = self.listener.requests_of_all.take(1, loop.time())
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _request(
        self, connection: GuardedConnection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        refused = _refused(scope)
        if refused:
            assert self.listener is not None
            await self.listener.refusals.send(refused, send)
            return
        length = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b"0"
        )
        connection.request_begun(has_body=length.strip(b"0") != b"")

        async def told() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                connection.body_read()
            return message

        async def tell(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                connection.answered()

        try:
            await self._app(scope, told, tell)
        except ClientDisconnect:
            return


def _refused(scope: Scope) -> int:
    """The status for what the parser takes and we do not; 0: none."""
    if scope["http_version"] not in ("1.0", "1.1"):
        return 400
    # Chunks have extensions and trailers, which nobody needs and no two parsers bound alike.
    return 411 if any(name == b"transfer-encoding" for name, _ in scope["headers"]) else 0


def state_of(connection: GuardedConnection) -> dict[str, Any]:
    """What the server hands to the application with each request."""
    return {KEY: connection}
