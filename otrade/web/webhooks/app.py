"""The application of the web hooks: a route for each kind and nothing else, on a port of their own.

A broker reaches it through the user's tunnel or reverse proxy, which ends TLS; so that nobody can
reach the page by that way, the page is not behind this port. It says nothing about what it thinks
of a body.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from otrade.brokers.registry import BROKERS

BODY_BYTES_MAX = 64 * 1024
BODY_WITHIN_S = 5.0


class WebhookHandler(Protocol):
    """What the engine does with a body. True: taken."""

    def is_flooded(self) -> bool: ...

    def order(self, body: bytes) -> bool: ...

    def token(self, body: bytes) -> Awaitable[bool]: ...


def create_webhook_app(handler: WebhookHandler) -> ASGIApp:
    """The application behind the hooks' port."""

    async def order(request: Request) -> Response:
        body = await _body(request, handler)
        return body if isinstance(body, Response) else _said(handler.order(body))

    async def token(request: Request) -> Response:
        body = await _body(request, handler)
        return body if isinstance(body, Response) else _said(await handler.token(body))

    orders = [row.order_hook for row in BROKERS.values() if row.order_hook]
    tokens = [row.token_hook for row in BROKERS.values() if row.token_hook]
    return Starlette(
        routes=[
            *(Route(path, order, methods=["POST"]) for path in orders),
            *(Route(path, token, methods=["POST"]) for path in tokens),
        ]
    )


async def _body(request: Request, handler: WebhookHandler) -> bytes | Response:
    if handler.is_flooded():
        return Response(status_code=429)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    return Response(status_code=413)
    except TimeoutError:
        return Response(status_code=408)
    return bytes(body)


def _said(taken: bool) -> Response:
    return Response(status_code=200 if taken else 400)
