"""uvicorn's server inside a loop of ours: it takes no signals, and its port is taken beforehand."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

from uvicorn import Server

from otrade.errors import StartError


class EmbeddedServer(Server):
    """`serve_on` a listener, then `await started_by`; `abort_connections` ends who does not hang up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C belongs to whoever runs us: an engine must flatten before anything else stops."""
        yield

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
        for connection in list(self.server_state.connections):
            connection.transport.abort()


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
