"""uvicorn with h11, inside a loop of ours and behind the guard: it takes no signals, its port is
taken beforehand, and connections come to it from a `Listener`.

h11 bounds what a parser keeps of an event that is not whole (head, chunk's head, trailers) and does
not read a request before the one in front of it is answered; docs/architecture.md has the figures
beside other servers. What no HTTP parser can know (addresses, time, the bytes of all together, a
peer that takes nothing) is the guard's.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from otrade.errors import StartError
from otrade.guard.asgi import GuardedApp, state_of
from otrade.guard.connection import GuardedConnection, ShownTransport
from otrade.guard.limits import Limits
from otrade.guard.listener import Listener
from otrade.guard.refusals import Refusals

WS_MESSAGE_BYTES_MAX = 4096
STOP_WITHIN_S = 2


class _Http(H11Protocol):
    """Its only change: what is no HTTP is refused in the listener's words."""

    def send_400_response(self, msg: str) -> None:
        assert isinstance(self.transport, ShownTransport)
        self.transport.connection.refuse(400)


class GuardedServer(Server):
    """`serve_on` a listener, then `await started_by`; `abort_connections` ends who does not hang up."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        refusals: Refusals,
        has_websockets: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guarded = GuardedApp(app)
        super().__init__(
            Config(
                self._guarded,
                http=_Http,
                h11_max_incomplete_event_size=limits.head_bytes,
                ws="websockets-sansio" if has_websockets else "none",
                ws_max_size=WS_MESSAGE_BYTES_MAX,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_WITHIN_S,
            )
        )
        self._limits = limits
        self._refusals = refusals
        self._ssl = ssl_context
        self.listener: Listener | None = None
        logging.getLogger("uvicorn.error").addFilter(_is_ours)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C belongs to whoever runs us."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None
        self.servers = []
        self.listener = self._guarded.listener = Listener(
            sockets[0], self._protocol, self._limits, self._refusals, self._ssl
        )
        self.listener.start()
        self.started = True

    def _protocol(self, connection: GuardedConnection) -> asyncio.Protocol:
        return _Http(self.config, self.server_state, state_of(connection))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.listener is not None:
            self.listener.stop_listening()
        await super().shutdown(sockets)

    def serve_on(self, listener: socket.socket) -> asyncio.Task[None]:
        """Serve on a socket that listens, until `should_exit`."""
        return asyncio.get_running_loop().create_task(self.serve([listener]))

    async def started_by(self, task: asyncio.Task[None], ended: StartError) -> None:
        """When this returns it answers. Raises `ended` when the task is over before that."""
        while not self.started:
            if task.done():
                task.result()
                raise ended
            await asyncio.sleep(0)

    def abort_connections(self) -> None:
        for guest in [] if self.listener is None else self.listener.places.all():
            assert isinstance(guest, GuardedConnection)
            guest.send_away()


def _is_ours(record: logging.LogRecord) -> bool:
    """A stranger's broken text is no line of the log."""
    return not str(record.msg).startswith("Invalid UTF-8")


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that listens on an IP address; OSError or OverflowError when the port cannot be had.
    SO_REUSEADDR lets two sockets bind one port as long as neither listens: listening here finds
    the other one now, as an error with a fix and not as the end of the process.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((host, port))
        listener.listen(backlog)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def shown(host: str) -> str:
    """An address as a URL has it."""
    return f"[{host}]" if ":" in host else host
