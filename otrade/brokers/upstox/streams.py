"""Upstox's two sockets: market data (protobuf in, JSON in binary frames out) and the portfolio's
updates (JSON).

Each connection needs a fresh address from REST, which carries its own key for one use. The broker
promises pings and nothing else, so a quiet socket is asked for life.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from otrade._core.codecs.interface import CallbackSink, FrameSink
from otrade.brokers.session import SocketCallbacks
from otrade.brokers.transport.backoff import NS_PER_S
from otrade.brokers.transport.endpoint import parse
from otrade.brokers.transport.fast_path import FastPath
from otrade.brokers.transport.feed_socket import SILENCE_NS, Address, FeedSocket
from otrade.brokers.transport.frame_reader import FeedListener
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.brokers.upstox.symbol_map import SymbolMap
from otrade.clock import Clock

log = logging.getLogger("otrade.upstox")

MARKET_PATH = "/v3/feed/market-data-feed/authorize"
PORTFOLIO_PATH = "/v2/feed/portfolio-stream-feed/authorize"
KEYS_MAX = 1500
"""Instruments in full mode beside others on one connection (docs: 2000 alone, 1500 together)."""
MODES = ("ltp", "quote", "full")
MODE_WORDS = {"ltp": "ltpc", "quote": "full", "full": "full"}
PING_NS = 5 * NS_PER_S // 2


async def _address(rest: UpstoxRest, path: str, params: Sequence[tuple[str, str]] = ()) -> Address:
    url = await rest.authorize(path, params)
    endpoint = parse(url, ("wss", "ws"))
    return Address(url, endpoint.tls())


class MarketStream(FeedSocket):
    """Market data. Subscriptions are remembered across reconnects."""

    def __init__(
        self,
        rest: UpstoxRest,
        listing: SymbolMap,
        *,
        sink: FrameSink,
        clock: Clock,
        rng: random.Random,
        callbacks: SocketCallbacks,
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
            silence_ns=SILENCE_NS,
            ping_ns=PING_NS,
            fast_path=fast_path,
        )
        self._rest = rest
        self._listing = listing
        self._modes: dict[int, str] = {}
        self._n_messages = 0

    def subscribe(self, wanted: Iterable[tuple[int, str]]) -> None:
        """Add (token, mode) pairs, or change modes. ValueError for an unknown mode, an instrument
        without a key, or too many.
        """
        new = dict(wanted)
        for token, mode in new.items():
            if mode not in MODES:
                raise ValueError(f"feed mode {mode!r} is not one of {', '.join(MODES)}")
            try:
                self._listing.key_of(token)
            except KeyError:
                raise ValueError(f"instrument {token} has no key at Upstox") from None
        if len(self._modes.keys() | new.keys()) > KEYS_MAX:
            raise ValueError(f"one Upstox connection carries at most {KEYS_MAX} instruments")
        self._modes.update(new)
        if self._listener is not None:
            self._ask(self._listener, "sub", new)

    def set_access_token(self, access_token: str) -> None:
        """Reconnect with a new token, at once."""
        self._rest.set_access_token(access_token)
        self.restart("new access token")

    def unsubscribe(self, tokens: Iterable[int]) -> None:
        """Forget tokens."""
        gone = {
            token: mode for token in tokens if (mode := self._modes.pop(token, None)) is not None
        }
        if gone and self._listener is not None:
            self._ask(self._listener, "unsub", gone)

    async def _address(self) -> Address:
        return await _address(self._rest, MARKET_PATH)

    def _opened(self, listener: FeedListener) -> None:
        self._ask(listener, "sub", self._modes)

    def _ask(self, listener: FeedListener, method: str, modes: dict[int, str]) -> None:
        for word in sorted(set(MODE_WORDS.values())):
            keys = [
                self._listing.key_of(token)
                for token, mode in modes.items()
                if MODE_WORDS[mode] == word
            ]
            if keys:
                self._n_messages += 1
                data = {"mode": word, "instrumentKeys": keys}
                listener.send_binary(
                    orjson.dumps(
                        {"guid": f"otrade{self._n_messages}", "method": method, "data": data}
                    )
                )


class PortfolioCallbacks(SocketCallbacks):
    """`on_order` takes the order object of a push."""

    on_order: Callable[[dict[str, Any]], None]


class PortfolioStream(FeedSocket):
    """The account's order updates. Nothing is said on it by us."""

    def __init__(
        self,
        rest: UpstoxRest,
        *,
        clock: Clock,
        rng: random.Random,
        callbacks: PortfolioCallbacks,
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        sink = CallbackSink(lambda frame, ts_ns: 0)  # nothing binary is due here
        super().__init__(
            "order updates",
            sink=sink,
            clock=clock,
            rng=rng,
            callbacks=callbacks,
            now_ns=now_ns,
            silence_ns=SILENCE_NS,
            ping_ns=PING_NS,
        )
        self._rest = rest
        self._on_order = callbacks.on_order

    async def _address(self) -> Address:
        return await _address(self._rest, PORTFOLIO_PATH, [("update_types", "order,position")])

    def _text(self, payload: bytes) -> None:
        try:
            message = orjson.loads(payload)
        except orjson.JSONDecodeError:
            log.warning("order updates: a message of %d bytes is not JSON", len(payload))
            return
        if isinstance(message, dict) and message.get("update_type") == "order":
            self._on_order(message)
