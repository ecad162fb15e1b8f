"""The built page, served with headers that let it talk to nobody but us."""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
    ),
}
HSTS = "max-age=31536000"
"""Under TLS: a browser that has been here once comes back by TLS only."""

MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".map": "application/json",
}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>OTrade</title>
<h1>The page is not built</h1><p>OTrade runs, but its page is missing. Build it with
<code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code> and start again.
<a href="/api/v1/docs">/api/v1/docs</a> tells what else there is.</p>
</html>"""


class SecurityHeaders:
    """ASGI middleware: every HTTP answer, errors too, carries `SECURITY_HEADERS` and is not
    stored unless it says so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = HSTS
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Page:
    """The files of the built page. Only what was there at the start can be asked for: there is no
    path to climb. They are read when they are asked for: a browser keeps what it has, and the
    engine need not.
    """

    def __init__(self, static_dir: Path) -> None:
        self._files: dict[str, tuple[Path, str]] = {}
        self._index = NOT_BUILT.encode()
        if not static_dir.is_dir():
            return
        for path in sorted(static_dir.rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(static_dir).as_posix()
            if name == "index.html":
                self._index = path.read_bytes()
            else:
                self._files[name] = (path, MEDIA_TYPES.get(path.suffix, "application/octet-stream"))

    @property
    def names(self) -> list[str]:
        """The paths of the files, without the leading slash: each is a route of its own."""
        return list(self._files)

    async def index(self, request: Request) -> Response:
        return Response(self._index, media_type="text/html")

    async def named(self, name: str, request: Request) -> Response:
        path, media_type = self._files[name]
        try:
            content = path.read_bytes()
        except OSError:
            raise HTTPException(404) from None  # built anew since the start, under another name
        # Vite puts a hash of the content into the names below assets/: such a file never changes.
        is_hashed = name.startswith("assets/")
        age = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        return Response(content, media_type=media_type, headers={"Cache-Control": age})
