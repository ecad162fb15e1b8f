"""The HTTP server of the web hooks, inside the engine's loop or that of `otrade login --approve`."""

import asyncio
import socket

from uvicorn import Config

from otrade.errors import StartError
from otrade.web.http.embedded_server import EmbeddedServer, listen, shown
from otrade.web.webhooks.app import WebhookHandler, create_webhook_app

BACKLOG = 16
CONNECTIONS_MAX = 16
STOP_WITHIN_S = 1


class WebhookServerError(StartError):
    """The hooks cannot be served; the text names the setting and the fix."""


class WebhookServer:
    """`await start()`, `await stop()`. One start each. `url` is where it listens."""

    def __init__(self, handler: WebhookHandler, host: str, port: int) -> None:
        self._handler = handler
        self._host = "127.0.0.1" if host == "localhost" else host
        self._port = port
        self._server: EmbeddedServer | None = None
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """WebhookServerError when the port cannot be had."""
        listener = self._listen()
        config = Config(
            create_webhook_app(self._handler),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=2,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        self._server = EmbeddedServer(config)
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
