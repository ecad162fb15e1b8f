"""The application behind the hooks' port: a path for each sender and nothing else. It says nothing
about what it thinks of a body.
"""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otrade.contract.hints import NOTICE_BYTES_MAX, Hint, TokenNotice
from otrade.guard.asgi import keep_place
from otrade.hooks.postbacks import Postbacks, PostbackVerdict
from otrade.hooks.settings import HookSender

BODY_BYTES_MAX = 64 * 1024


def create_hooks_app(
    senders: dict[str, HookSender],
    offer: Callable[[Hint], bool],
    now_s: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """`offer` hands a hint to the engine; False: it cannot be reached now."""
    postbacks = {
        path: Postbacks(sender, now_s) for path, sender in senders.items() if sender.secret
    }

    def order(path: str, body: bytes, scope: Scope) -> int:
        verdict, hint = postbacks[path].judge(body)
        if verdict in (PostbackVerdict.HINT, PostbackVerdict.KNOWN):
            keep_place(scope)
        if hint is None:
            return verdict.value
        if not offer(hint):
            return 503
        postbacks[path].delivered(hint)
        return 200

    def notice(path: str, body: bytes) -> int:
        return 200 if offer(TokenNotice(broker=senders[path].broker, body=body)) else 503

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request, path = Request(scope, receive), scope["path"]
        if path not in senders:
            status = 404
        elif scope["method"] != "POST":
            status = 405
        else:
            limit = BODY_BYTES_MAX if path in postbacks else NOTICE_BYTES_MAX
            body = await _body(request, limit)
            if body is None:
                status = 413
            else:
                status = order(path, body, scope) if path in postbacks else notice(path, body)
        await Response(status_code=status)(scope, receive, send)

    return app


async def _body(request: Request, bytes_max: int) -> bytes | None:
    """None when it is too large; how long it may take is the guard's."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            return None
    return bytes(body)
