"""The HTTP server of the web hooks, inside the engine's loop or that of `otrade login --approve`."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

from uvicorn import Config, Server

from otrade.errors import StartError
from otrade.web.webhooks.app import WebhookHandler, create_webhook_app

BACKLOG = 16
CONNECTIONS_MAX = 16
STOP_WITHIN_S = 1


class WebhookServerError(StartError):
    """The hooks cannot be served; the text names the setting and the fix."""


class _WebhookUvicorn(Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C belongs to whoever runs us."""
        yield


class WebhookServer:
    """`await start()`, `await stop()`. One start each. `url` is where it listens."""

    def __init__(self, handler: WebhookHandler, host: str, port: int) -> None:
        self._handler = handler
        self._host = "127.0.0.1" if host == "localhost" else host
        self._port = port
        self._server: _WebhookUvicorn | None = None
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
        self._server = _WebhookUvicorn(config)
        self._task = asyncio.get_running_loop().create_task(self._server.serve([listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise WebhookServerError("the web hooks' server ended while it was starting")
            await asyncio.sleep(0)
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        if self._task is None or self._server is None:
            return
        self._server.should_exit = True
        task, self._task = self._task, None
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await task

    def _listen(self) -> socket.socket:
        listener = socket.socket(
            socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_STREAM
        )
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind((self._host, self._port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise WebhookServerError(
                f"the web hooks cannot listen on {self._host}, hooks.port {self._port} ({error.strerror}): choose a free port"
            ) from None
        return listener
