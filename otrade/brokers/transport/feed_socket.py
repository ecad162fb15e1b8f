"""Supervision of a feed socket: connect, stay alive, come back, and say so. What is said on it is
the subclass's business.

Any frame is a sign of life; after `silence_ns` without one the connection is dropped and made anew.
A broker that need not speak is asked (`ping_ns`). Tries are spaced by an exponential back-off with
jitter. A handshake refused for the access token ends the tries until there is a new one. A socket's
URL may hold a token by the broker's protocol: it is never logged nor put in an error.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable

import msgspec
import picows

from otrade._core.codecs.interface import FrameSink
from otrade.brokers.session import SocketCallbacks
from otrade.brokers.transport.backoff import NS_PER_S, Backoff
from otrade.brokers.transport.fast_path import FastPath
from otrade.brokers.transport.frame_reader import FeedLatency, FeedListener
from otrade.clock import Clock, TimerHandle
from otrade.errors import BrokerError, TokenError

log = logging.getLogger("otrade.feed")

SILENCE_NS = 5 * NS_PER_S
CONNECT_TIMEOUT_S = 10.0

# picows prints the request line, and with it a token, at DEBUG: this logger never goes below INFO.
_picows_log = logging.Logger("otrade.feed.socket", logging.WARNING)
_picows_log.parent = log


class Address(msgspec.Struct, frozen=True):
    """Where to connect. Its repr shows no URL."""

    url: str
    tls: ssl.SSLContext | None
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return "Address()"


class FeedSocket:
    """One connection at a time, kept up from `start` to `stop`. Subclasses give `_address` and take
    `_opened` and `_text`.
    """

    refuses_token: frozenset[int] = frozenset({401})
    """Statuses of a handshake that mean a dead access token."""

    def __init__(
        self,
        name: str,
        *,
        sink: FrameSink,
        clock: Clock,
        rng: random.Random,
        callbacks: SocketCallbacks,
        now_ns: Callable[[], int] | None = None,
        silence_ns: int = SILENCE_NS,
        ping_ns: int = 0,
        fast_path: FastPath | None = None,
    ) -> None:
        """`name` is for people. `now_ns` None stamps frames with the system's clock, read in C.
        `ping_ns` 0 asks for no life.
        """
        self._name = name
        self._sink = sink
        self._clock = clock
        self._socket_calls = callbacks
        self._now_ns = now_ns
        self._silence_ns = silence_ns
        self._ping_ns = ping_ns
        self._fast_path = fast_path
        self._backoff = Backoff(rng)
        self._listener: FeedListener | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._silence: TimerHandle | None = None
        self._retry: TimerHandle | None = None
        self._running = False
        self._asking = False
        self.latency = FeedLatency()
        self.n_connects = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    # ------------------------------------------------------------------------------------------------------
    # for subclasses
    async def _address(self) -> Address:
        """Where to connect now. TokenError ends the tries, any other BrokerError only this one."""
        raise NotImplementedError

    def _opened(self, listener: FeedListener) -> None:
        """A new connection: send what the broker must know."""

    def _text(self, payload: bytes) -> None:
        """A text frame."""

    # ---------------------------------------------------------------------------------------------------------------
    # state
    @property
    def is_up(self) -> bool:
        return self._listener is not None

    @property
    def is_connecting(self) -> bool:
        """A socket is being opened, which takes no time of a simulated day; asking for its address
        does.
        """
        return self._connecting is not None and not self._asking

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

    def restart(self, why: str) -> None:
        """Connect anew at once, as with a new access token."""
        if not self._running:
            self.start()
            return
        self._cancel_timers()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._drop(why)
        self._connect()

    # ----------------------------------------------------------------------------------------------------------
    # connection
    def _connect(self) -> None:
        self._retry = None
        self._asking = False
        self._connecting = asyncio.get_running_loop().create_task(self._try())

    async def _try(self) -> None:
        why = ""
        try:
            self._asking = True
            at = await self._address()
            self._asking = False
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await picows.ws_connect(
                    self._make_listener,
                    at.url,
                    ssl_context=at.tls,
                    websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                    extra_headers=at.headers,
                    max_redirects=0,
                    logger_name=_picows_log,
                    disconnect_on_exception=False,
                )
        except TokenError:
            self._connecting = None
            self._token_died()
            return
        except picows.WSError as exc:
            status = int(getattr(getattr(exc, "response", None), "status", 0) or 0)
            if status in self.refuses_token:
                self._connecting = None
                self._token_died()
                return
            why = f"handshake refused with status {status}" if status else "handshake failed"
        except BrokerError as exc:
            why = str(exc)
        except (OSError, TimeoutError) as exc:
            why = f"no connection: {type(exc).__name__}"
        self._connecting = None
        if why:
            log.warning("%s: %s", self._name, why)
            self._try_later()

    def _make_listener(self) -> FeedListener:
        return FeedListener(
            self._sink,
            self.latency,
            self._now_ns,
            on_text=self._text,
            on_commands=self._socket_calls.on_commands,
            on_open=self._on_open,
            on_close=self._on_close,
            on_error=self._log_fault,
            fast_path=self._fast_path,
        )

    def _log_fault(self, exc: Exception) -> None:
        log.error("%s: a callback failed", self._name, exc_info=exc)

    def _on_open(self, listener: FeedListener) -> None:
        if not self._running:
            listener.drop()
            return
        self._listener = listener
        self.n_connects += 1
        self._opened(listener)
        self._watch(self._clock.now_ns())
        self._socket_calls.on_up()

    def _on_close(self, listener: FeedListener) -> None:
        if listener is self._listener:
            self._went_down("the connection was lost")

    def _drop(self, why: str) -> None:
        """End the connection that is up, if any, and say so once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.drop()
            self._socket_calls.on_down(why)

    def _went_down(self, why: str) -> None:
        listener = self._listener
        if listener is not None and listener.n_frames > 0:
            # It worked; a server that accepts and hangs up at once keeps its place in the back-off.
            self._backoff.reset()
        self._drop(why)
        if self._running:
            log.warning("%s: %s", self._name, why)
            self._try_later()

    def _token_died(self) -> None:
        self._running = False
        self._cancel_timers()
        log.error("%s: the access token was refused; log in again", self._name)
        self._socket_calls.on_token_dead()

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
        self._silence = self._clock.call_at(
            ts_life_ns + (self._ping_ns or self._silence_ns), self._check_life
        )

    def _check_life(self) -> None:
        self._silence = None
        if self._listener is None:
            return
        ts_life_ns, now_ns = self._listener.ts_recv_ns, self._clock.now_ns()
        if now_ns - ts_life_ns >= self._silence_ns:
            self._went_down(f"silent for {self._silence_ns / NS_PER_S:g} seconds")
        elif self._ping_ns and now_ns - ts_life_ns >= self._ping_ns:
            self._listener.ask_life()
            self._silence = self._clock.call_at(ts_life_ns + self._silence_ns, self._check_life)
        else:
            self._watch(ts_life_ns)
