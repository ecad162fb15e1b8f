"""Supervision of Kite's feed socket: connect, stay alive, come back, and remember what was
subscribed.

Any frame is a sign of life; five seconds without one and the connection is dropped and made anew.
Tries are spaced by an exponential back-off with jitter. A handshake refused with 403 means that the
access token is dead: no more tries until there is a new one. The token is part of the socket's URL
by Kite's protocol, so the URL is never logged nor put in an error.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import picows

from otrade._core.wire import FrameSink
from otrade._core.wire_kite import subscribe_message, unsubscribe_message
from otrade.brokers.base import Clock, TimerHandle
from otrade.brokers.kite.backoff import NS_PER_S, Backoff
from otrade.brokers.kite.endpoint import Endpoint
from otrade.brokers.kite.feed import FeedLatency, KiteListener

log = logging.getLogger("otrade.kite")

SILENCE_NS = 5 * NS_PER_S
CONNECT_TIMEOUT_S = 10.0
TOKENS_MAX = 3000
MODES = ("ltp", "quote", "full")

# picows prints the request line, and with it the token, at DEBUG: this logger never goes below
# INFO.
_picows_log = logging.Logger("otrade.kite.socket", logging.WARNING)
_picows_log.parent = log


@dataclass(slots=True)
class StreamCallbacks:
    """`on_order` takes the order object of a push; `on_message` (kind, text) what Kite wants people
    to read.
    """

    on_up: Callable[[], None]
    on_down: Callable[[str], None]
    on_token_dead: Callable[[], None]
    on_order: Callable[[dict[str, Any]], None]
    on_message: Callable[[str, str], None]
    on_commands: Callable[[], None]


class KiteStream:
    """One feed connection at a time, kept up from `start` to `stop`."""

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
    ) -> None:
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._api_key = api_key
        self._access_token = access_token
        self._sink = sink
        self._clock = clock
        self._calls = callbacks
        self._now_ns = now_ns
        self._backoff = Backoff(rng)
        self._modes: dict[int, str] = {}
        self._listener: KiteListener | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._silence: TimerHandle | None = None
        self._retry: TimerHandle | None = None
        self._running = False
        self.latency = FeedLatency()
        self.n_connects = 0

    @property
    def is_up(self) -> bool:
        return self._listener is not None

    @property
    def is_connecting(self) -> bool:
        return self._connecting is not None

    @property
    def ts_recv_ns(self) -> int:
        """When the last frame came, 0 while down."""
        return self._listener.ts_recv_ns if self._listener is not None else 0

    def start(self) -> None:
        """Connect and keep connected; `on_up` tells when. Harmless when running."""
        if not self._running:
            self._running = True
            self._backoff.reset()
            self._connect()

    async def stop(self) -> None:
        """End the connection and all tries."""
        self._running = False
        self._cancel_timers()
        task, self._connecting = self._connecting, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._drop("stopped")

    def set_access_token(self, access_token: str) -> None:
        """Reconnect with a new token, at once."""
        self._access_token = access_token
        if not self._running:
            self.start()
            return
        self._cancel_timers()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._drop("new access token")
        self._connect()

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
        self._send_subscriptions(new)

    def unsubscribe(self, tokens: Iterable[int]) -> None:
        """Forget tokens."""
        gone = [token for token in tokens if self._modes.pop(token, None) is not None]
        if gone and self._listener is not None:
            self._listener.send_text(unsubscribe_message(gone))

    # ----------------------------------------------------------------------------------- connection
    def _connect(self) -> None:
        self._retry = None
        self._connecting = asyncio.get_running_loop().create_task(self._try())

    async def _try(self) -> None:
        query = urlencode({"api_key": self._api_key, "access_token": self._access_token})
        at = self._endpoint
        url = f"{at.scheme}://{at.authority}{at.path or '/'}?{query}"
        why = ""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await picows.ws_connect(
                    self._make_listener,
                    url,
                    ssl_context=self._tls,
                    websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                    extra_headers={"X-Kite-Version": "3"},
                    max_redirects=0,
                    logger_name=_picows_log,
                    disconnect_on_exception=False,
                )
        except picows.WSError as exc:
            status = int(getattr(getattr(exc, "response", None), "status", 0) or 0)
            if status == 403:
                self._connecting = None
                self._token_died()
                return
            why = f"handshake refused with status {status}" if status else "handshake failed"
        except (OSError, TimeoutError) as exc:
            why = f"no connection: {type(exc).__name__}"
        self._connecting = None
        if why:
            log.warning("feed: %s", why)
            self._try_later()

    def _make_listener(self) -> KiteListener:
        return KiteListener(
            self._sink,
            self.latency,
            self._now_ns,
            on_text=self._on_text,
            on_commands=self._calls.on_commands,
            on_open=self._on_open,
            on_close=self._on_close,
            on_error=_log_fault,
        )

    def _on_open(self, listener: KiteListener) -> None:
        if not self._running:
            listener.drop()
            return
        self._listener = listener
        self.n_connects += 1
        self._send_subscriptions(self._modes)
        self._watch(self._clock.now_ns())
        self._calls.on_up()

    def _on_close(self, listener: KiteListener) -> None:
        if listener is self._listener:
            self._went_down("the connection was lost")

    def _drop(self, why: str) -> None:
        """End the connection that is up, if any, and say so once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.drop()
            self._calls.on_down(why)

    def _went_down(self, why: str) -> None:
        listener = self._listener
        if listener is not None and listener.n_frames > 0:
            # It worked; a server that accepts and hangs up at once keeps its place in the back-off.
            self._backoff.reset()
        self._drop(why)
        if self._running:
            log.warning("feed: %s", why)
            self._try_later()

    def _token_died(self) -> None:
        self._running = False
        self._cancel_timers()
        log.error("feed: the access token was refused (403); log in again")
        self._calls.on_token_dead()

    def _try_later(self) -> None:
        self._cancel_timers()
        if self._running:
            self._retry = self._clock.call_at(
                self._clock.now_ns() + self._backoff.next_ns(), self._connect
            )

    def _cancel_timers(self) -> None:
        for timer in (self._silence, self._retry):
            if timer is not None:
                timer.cancel()
        self._silence = self._retry = None

    def _watch(self, ts_life_ns: int) -> None:
        self._silence = self._clock.call_at(ts_life_ns + SILENCE_NS, self._check_life)

    def _check_life(self) -> None:
        self._silence = None
        if self._listener is None:
            return
        ts_life_ns = self._listener.ts_recv_ns
        if self._clock.now_ns() - ts_life_ns >= SILENCE_NS:
            self._went_down("silent for five seconds")
        else:
            self._watch(ts_life_ns)

    # ------------------------------------------------------------------------------------- messages
    def _send_subscriptions(self, modes: dict[int, str]) -> None:
        if self._listener is None:
            return
        for mode in MODES:
            tokens = [token for token, its in modes.items() if its == mode]
            if tokens:
                self._listener.send_text(subscribe_message(tokens))
                self._listener.send_text(subscribe_message(tokens, mode))

    def _on_text(self, payload: bytes) -> None:
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
            self._calls.on_message(kind, data if isinstance(data, str) else "")


def _log_fault(exc: Exception) -> None:
    log.error("feed: a callback failed", exc_info=exc)
