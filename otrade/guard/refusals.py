"""What is said to whoever is hung up on: an answer a status, in the words of whoever listens."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.types import Send

PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class Refusals:
    """`bodies` by status; a status without one is answered without a body."""

    def __init__(
        self,
        headers: Mapping[str, str] = MappingProxyType({}),
        bodies: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        self._headers = headers
        self._bodies = bodies

    def _head(self, status: int) -> dict[str, str]:
        more = {"Retry-After": "5"} if status == 503 else {}
        return {
            **self._headers,
            "Content-Length": str(len(self._bodies.get(status, b""))),
            "Connection": "close",
            **more,
        }

    def wire(self, status: int) -> bytes:
        """The whole answer, for a connection whose parser is not asked."""
        lines = [
            f"HTTP/1.1 {status} {PHRASES[status]}",
            *(f"{name}: {value}" for name, value in self._head(status).items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self._bodies.get(status, b"")

    async def send(self, status: int, send: Send) -> None:
        """The same through the server, where it waits for an answer."""
        headers = [
            (name.lower().encode(), value.encode()) for name, value in self._head(status).items()
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self._bodies.get(status, b"")})
