"""The HTTP server of the web hooks, inside the engine's loop or that of `otrade login --approve`."""

import asyncio
import socket

from otrade.errors import StartError
from otrade.guard.http_server import GuardedServer, listen, shown
from otrade.guard.limits import Limits
from otrade.guard.refusals import Refusals
from otrade.web.webhooks.app import WebhookHandler, create_webhook_app

BACKLOG = 16


class WebhookServerError(StartError):
    """The hooks cannot be served; the text names the setting and the fix."""


class WebhookServer:
    """`await start()`, `await stop()`. One start each. `url` is where it listens."""

    def __init__(self, handler: WebhookHandler, host: str, port: int) -> None:
        self._handler = handler
        self._host = "127.0.0.1" if host == "localhost" else host
        self._port = port
        self._server: GuardedServer | None = None
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """WebhookServerError when the port cannot be had."""
        listener = self._listen()
        self._server = GuardedServer(
            create_webhook_app(self._handler),
            limits=Limits(connections=64, request_bytes=80 * 1024, body_s=5.0),
            refusals=Refusals(),
        )
        ended = WebhookServerError("the web hooks' server ended while it was starting")
        self._task = self._server.serve_on(listener)
        await self._server.started_by(self._task, ended)
        self.url = f"http://{shown(self._host)}:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        if self._task is None or self._server is None:
            return
        self._server.should_exit = True
        task, self._task = self._task, None
        self._server.abort_connections()
        await task

    def _listen(self) -> socket.socket:
        try:
            return listen(self._host, self._port, BACKLOG)
        except OSError as error:
            raise WebhookServerError(
                f"the web hooks cannot listen on {self._host}, hooks.port {self._port} ({error.strerror}): choose a free port"
            ) from None
