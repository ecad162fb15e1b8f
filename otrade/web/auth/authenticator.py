"""Where a request may come from, and who may ask for what.

Browsers open hostile pages too. Before anybody is asked who they are:
- **Host** must be a name of this engine: loopback, or one of `web.names`. A hostile name that was
re-bound to our address still carries
  its own name here.
- **Origin**, when a browser sends one, must be the page's own: for whatever changes something and
for the WebSocket, which the same-origin
  policy does not protect. A program that is no browser sends none.

Then the route says what is needed (`routes.py`). A cookie is sent by a browser without anybody's
doing, and to every port of a host; so whoever shows one must also name its own Origin and show the
session's CSRF token for a change. A token in `Authorization` comes from nobody but its owner and
needs neither.
"""

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from otrade.contract.views import Problem
from otrade.contract.views import Scope as Right
from otrade.web.auth.access_control import AccessControl, Principal
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError, problem_response
from otrade.web.http.routes import ApiRoute

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
SAME_SITES = frozenset({"same-origin", "none"})


class OriginCheck:
    """ASGI middleware around the whole application: Host and Origin."""

    def __init__(self, app: ASGIApp, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

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
            await problem_response(problem)(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not is_ours(host, self._names):
            return problems.foreign_host(", ".join(hosts)[:200])
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None
        own = f"{'https' if scope['scheme'] in ('https', 'wss') else 'http'}://{host}"
        for origin in headers.getlist("origin"):
            if origin.lower() != own.lower():
                return problems.foreign_origin(origin[:200])
        site = headers.get("sec-fetch-site", "none")
        return None if site in SAME_SITES else problems.foreign_origin(f"a {site[:20]} page")


def is_ours(host: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether a Host header names this computer's loopback, or one of `names`; the port may be any."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "0"
    return (
        (name.lower() in LOOPBACK_NAMES or name.lower() in names)
        and port.isascii()
        and port.isdigit()
    )


class Authenticator:
    """Asks whoever wants through a route who they are, and lets them in or not."""

    def __init__(self, access: AccessControl) -> None:
        self.access = access

    def known(self, connection: HTTPConnection) -> Principal | None:
        """Who asks; None when nobody says who they are. ProblemError when they say it wrongly."""
        given = connection.headers.getlist("authorization")
        if given:
            principal = self.access.by_token(bearer(given))
            if principal is None:
                raise ProblemError(problems.wrong_token(), {"WWW-Authenticate": "Bearer"})
            return principal
        cookie = connection.cookies.get(cookie_name(connection), "")
        return self.access.by_cookie(cookie) if cookie else None

    def admit(self, connection: HTTPConnection, route: ApiRoute) -> Principal | None:
        """Who asks, once they may; for a public route it may be nobody. ProblemError when they may
        not.
        """
        if route.scope == "public":
            return None
        principal = self.require(connection, route.scope)
        if route.session_only and principal.session is None:
            raise ProblemError(problems.session_only())
        if route.needs_csrf and principal.session is not None:
            if "origin" not in connection.headers:
                raise ProblemError(problems.foreign_origin(""))
            if not principal.session.is_csrf(connection.headers.get(CSRF_HEADER, "")):
                raise ProblemError(problems.wrong_csrf())
        return principal

    def require(self, connection: HTTPConnection, right: Right) -> Principal:
        """Who asks, when they have that right."""
        principal = self.known(connection)
        if principal is None:
            raise ProblemError(problems.not_logged_in(), {"WWW-Authenticate": "Bearer"})
        if right not in principal.scopes:
            raise ProblemError(problems.no_right(right))
        return principal


def bearer(given: list[str]) -> str:
    """The token of the Authorization header; empty when it is another scheme, or there are two."""
    scheme, _, token = given[0].partition(" ")
    return token.strip() if len(given) == 1 and scheme.lower() == "bearer" else ""


def is_encrypted(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")


def cookie_name(connection: HTTPConnection) -> str:
    """Cookies belong to a host and not to a port: two engines on one machine must not take each
    other's. `__Host-` makes browsers refuse one that was not set by us over TLS.
    """
    server = connection.scope.get("server") or ("", 0)
    name = f"otrade_{server[1]}"
    return f"__Host-{name}" if is_encrypted(connection) else name
