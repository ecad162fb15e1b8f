"""The one door to the web layer: who may ask for what. A login page takes its place here, and
nowhere else.

Only this computer is served, and its browsers open hostile pages too. Three things keep those
out:
- **Host** must be a loopback name. A hostile name that was re-bound to 127.0.0.1 still carries
  its own name here.
- **Origin**, when a browser sends one, must be the page's own: for whatever changes something and
  for the WebSocket, which the same-origin policy does not protect. A program that is no browser
  sends none.
- **The token**, random for each start, for whatever changes something. The page has it in a meta
  tag, which no other page can read; the command line reads it from the run-file (0600). It is a
  header and not a cookie, because cookies are shared by all ports of a host.
"""

import hmac
import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import foreign_host, foreign_origin, problem_response, wrong_token
from .schema import Problem

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def new_token() -> str:
    """A secret of 256 bits in letters that fit into a header and into HTML."""
    return secrets.token_urlsafe(32)


class LocalDoor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        if len(token) < 32:
            raise ValueError("the web token must have at least 32 characters; use new_token()")
        self._app = app
        self._token = token.encode()

    def __repr__(self) -> str:
        return "LocalDoor(token=...)"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Closing before accepting is the refusal of the handshake: the server answers 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem.title})
        else:
            headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
            await problem_response(problem, headers)(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not is_loopback(host):
            return foreign_host(", ".join(hosts)[:200])
        is_websocket = scope["type"] == "websocket"
        if not is_websocket and scope["method"] in SAFE_METHODS:
            return None
        for origin in headers.getlist("origin"):
            if origin != f"http://{host}":
                return foreign_origin(origin[:200])
        if is_websocket or self._has_token(headers):
            return None
        return wrong_token()

    def _has_token(self, headers: Headers) -> bool:
        given = headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode(), self._token
        )


def is_loopback(host: str) -> bool:
    """Whether a Host header names this computer's loopback; the port may be any."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "0"
    return name.lower() in LOOPBACK_NAMES and port.isascii() and port.isdigit()
