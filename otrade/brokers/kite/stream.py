"""Kite's feed socket: ticks and order updates on one connection, subscriptions remembered across
reconnects.

The token is part of the socket's URL by Kite's protocol. A handshake refused with 403 means that it
is dead.
"""

import logging
import random
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

import orjson

from otrade._core.codecs.interface import FrameSink
from otrade._core.codecs.kite import subscribe_message, unsubscribe_message
from otrade.brokers.parse import clean_text
from otrade.brokers.session import SocketCallbacks
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.transport.fast_path import FastPath
from otrade.brokers.transport.feed_socket import Address, FeedSocket
from otrade.brokers.transport.frame_reader import FeedListener
from otrade.clock import Clock

log = logging.getLogger("otrade.kite")

TOKENS_MAX = 3000
MODES = ("ltp", "quote", "full")
MESSAGE_MAX = 500
"""Characters of what Kite wants people to read."""


class StreamCallbacks(SocketCallbacks):
    """`on_order` takes the order object of a push; `on_message` (kind, text) what Kite wants people
    to read.
    """

    on_order: Callable[[dict[str, Any]], None]
    on_message: Callable[[str, str], None]


class KiteStream(FeedSocket):
    """One feed connection at a time, kept up from `start` to `stop`."""

    refuses_token = frozenset({403})

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        access_token: str,
        *,
        sink: FrameSink,
        clock: Clock,
        rng: random.Random,
        callbacks: StreamCallbacks,
        now_ns: Callable[[], int] | None = None,
        name: str = "feed",
        fast_path: FastPath | None = None,
    ) -> None:
        super().__init__(
            name,
            sink=sink,
            clock=clock,
            rng=rng,
            callbacks=callbacks,
            now_ns=now_ns,
            fast_path=fast_path,
        )
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._api_key = api_key
        self._access_token = access_token
        self._calls = callbacks
        self._modes: dict[int, str] = {}

    def set_access_token(self, access_token: str) -> None:
        """Reconnect with a new token, at once."""
        self._access_token = access_token
        self.restart("new access token")

    def subscribe(self, wanted: Iterable[tuple[int, str]]) -> None:
        """Add (token, mode) pairs, or change modes. ValueError for an unknown mode or more than
        3000 tokens.
        """
        new = dict(wanted)
        for mode in new.values():
            if mode not in MODES:
                raise ValueError(f"feed mode {mode!r} is not one of {', '.join(MODES)}")
        if len(self._modes.keys() | new.keys()) > TOKENS_MAX:
            raise ValueError(f"one Kite connection carries at most {TOKENS_MAX} instruments")
        self._modes.update(new)
        if self._listener is not None:
            _send_subscriptions(self._listener, new)

    def unsubscribe(self, tokens: Iterable[int]) -> None:
        """Forget tokens."""
        gone = [token for token in tokens if self._modes.pop(token, None) is not None]
        if gone and self._listener is not None:
            self._listener.send_text(unsubscribe_message(gone))

    async def _address(self) -> Address:
        query = urlencode({"api_key": self._api_key, "access_token": self._access_token})
        at = self._endpoint
        return Address(
            f"{at.scheme}://{at.authority}{at.path or '/'}?{query}",
            self._tls,
            {"X-Kite-Version": "3"},
        )

    def _opened(self, listener: FeedListener) -> None:
        _send_subscriptions(listener, self._modes)

    def _text(self, payload: bytes) -> None:
        try:
            message = orjson.loads(payload)
        except orjson.JSONDecodeError:
            log.warning("feed: a text message of %d bytes is not JSON", len(payload))
            return
        kind = message.get("type") if isinstance(message, dict) else None
        data = message.get("data") if isinstance(message, dict) else None
        if kind == "order" and isinstance(data, dict):
            self._calls.on_order(data)
        elif isinstance(kind, str):
            self._calls.on_message(
                clean_text(kind), clean_text(data, MESSAGE_MAX) if isinstance(data, str) else ""
            )


def _send_subscriptions(listener: FeedListener, modes: dict[int, str]) -> None:
    for mode in MODES:
        tokens = [token for token, its in modes.items() if its == mode]
        if tokens:
            listener.send_text(subscribe_message(tokens))
            listener.send_text(subscribe_message(tokens, mode))
