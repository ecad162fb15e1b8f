"""The page's HTTP server inside the engine's own loop. Import it only once the engine is ready to
trade: it is not small.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path

from otrade.contract.engine_source import EngineSource
from otrade.guard.http_server import GuardedServer, listen, shown
from otrade.guard.limits import Limits
from otrade.stream.delta_stream import INTERVAL_S, DeltaStream
from otrade.web.app import STATIC_DIR, create_app
from otrade.web.auth.access_control import AccessControl
from otrade.web.http.refusals import page_refusals
from otrade.web.http.tls import Tls, WebServerError, context_of

BACKLOG = 64
HANG_UP_AFTER_S = 0.5
STOP_WITHIN_S = 2


class WebServer:
    """`await start()`, look at `url`, `await stop()`. One start each."""

    def __init__(
        self,
        source: EngineSource,
        access: AccessControl,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        names: Sequence[str] = (),
        tls: Tls | None = None,
        static_dir: Path = STATIC_DIR,
        interval_s: float = INTERVAL_S,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> None:
        """`port` 0 takes any free one. Raises WebServerError for an address that others could reach
        without TLS, and for a certificate or key that cannot be used.
        """
        self._host = _address(host, tls)
        self._port = port
        self._stream = DeltaStream(source, interval_s=interval_s)
        known = frozenset(names) if tls is None else frozenset((*names, shown(self._host)))
        self._scheme = "http" if tls is None else "https"
        self._server = GuardedServer(
            create_app(source, access, static_dir=static_dir, stream=self._stream, names=known),
            limits=limits,
            refusals=page_refusals(limits),
            has_websockets=True,
            ssl_context=None if tls is None else context_of(tls),
        )
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen. When this returns the page answers; raises WebServerError when the port cannot
        be had.
        """
        listener = _listen(self._host, self._port)
        ended = WebServerError("the page's server ended while it was starting")
        self._task = self._server.serve_on(listener)
        await self._server.started_by(self._task, ended)
        port = listener.getsockname()[1]
        self.url = f"{self._scheme}://{shown(reachable(self._host))}:{port}/"

    async def stop(self) -> None:
        """Close every connection and end, within a few seconds. Harmless when it never started."""
        self._stream.close()
        self._server.should_exit = True
        if self._task is None:
            return
        task, self._task = self._task, None
        await asyncio.wait([task], timeout=HANG_UP_AFTER_S)
        # Who has not taken its last bytes by now is hung up on: nobody may hold up the end of the
        # engine.
        self._server.abort_connections()
        await task


def _address(host: str, tls: Tls | None) -> str:
    name = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        raise WebServerError(
            f"web.host is {host!r}: it must be localhost or an IP address of this computer."
        ) from None
    if is_loopback or tls is not None:
        return name
    raise WebServerError(
        f"web.host is {host!r}, which others can reach, and there is no TLS: passwords would travel in the open. Set web.tls_cert and "
        "web.tls_key, or use 127.0.0.1 (from elsewhere by an SSH tunnel)."
    )


def reachable(host: str) -> str:
    """An address at which this computer reaches itself, when `host` stands for all."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port, BACKLOG)
    except (OSError, OverflowError) as error:
        raise WebServerError(_why(host, port, error)) from None


def _why(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program. Set web.port in the "
            "configuration to a free port (0 takes any), or stop the other program."
        )
    if number == errno.EACCES:
        return (
            f"port {port} needs privileges. Set web.port in the configuration to a port above 1023."
        )
    return f"the page cannot listen on {host}, web.port {port}: {error}. Set web.port to 0..65535."
