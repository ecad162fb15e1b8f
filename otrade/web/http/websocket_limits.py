"""uvicorn's WebSocket, with an end for who does not listen.

uvicorn closes a connection when what it has written has been taken. Whoever takes nothing, but
whose machine still answers, would keep his place and a whole snapshot in memory for good.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """One connection."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.writable.is_set():
            self.transport.abort()
