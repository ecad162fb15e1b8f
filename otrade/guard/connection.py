"""One connection: what it brings goes to the parser in slices, one a turn of the loop for all
connections together, and within its limits of bytes and time. What it takes is watched as well.

It stands between the transport and the server's protocol, and shows each of them the other: the
server's own code is not changed.
"""

import asyncio
import enum
from collections.abc import Callable
from typing import Any, Protocol, cast

from otrade.guard.frames import POLICY, FrameCount, close_frame
from otrade.guard.limits import Bucket, Limits
from otrade.guard.refusals import Refusals

SLICE_BYTES = 16 * 1024


class ReadingPhase(enum.Enum):
    """What is being read."""

    HEAD = "head"
    REQUEST = "request"
    FRAMES = "frames"


class Port(Protocol):
    """What a connection asks of the listener that took it."""

    limits: Limits
    refusals: Refusals
    bytes_of_all: Bucket
    n_faults: int

    def gone(self, connection: "GuardedConnection") -> None: ...

    def wants_turn(self, connection: "GuardedConnection") -> None: ...


class GuardedConnection(asyncio.BufferedProtocol):
    """The transport's protocol. `inner` is the server's."""

    def __init__(
        self,
        listener: Port,
        group: str,
        make_inner: Callable[["GuardedConnection"], asyncio.Protocol],
    ) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._loop = asyncio.get_running_loop()
        self.group = group
        self.is_proven = False
        self.inner: asyncio.BaseProtocol = make_inner(self)
        self.shown: ShownTransport | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(SLICE_BYTES)
        self._slice = b""
        self._is_inner_paused = False
        self._is_due = False
        self._is_body_due = False
        self._phase = ReadingPhase.HEAD
        self._n_bytes = 0
        self._bucket = Bucket(self._limits.bytes_per_s, self._limits.burst_bytes, self._loop.time())
        self._frames: FrameCount | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._left_to_write = 0
        self.is_lost = False

    # -------------------------------------------------------------------------- the transport's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none of asyncio's classes
        transport = self._transport = cast(asyncio.Transport, transport)
        if self.is_lost:  # sent away during its handshake
            transport.abort()
            return
        self.shown = ShownTransport(self, transport)
        self._expect_head(self._limits.head_s)
        self.inner.connection_made(self.shown)

    def connection_lost(self, exc: Exception | None) -> None:
        was_made = self.shown is not None
        self.is_lost = True
        self._slice = b""
        self._stop_timer()
        if self._stall is not None:
            self._stall.cancel()
        self._listener.gone(self)
        if was_made:
            self.inner.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        assert self._transport is not None
        self._slice = bytes(memoryview(self._buffer)[:nbytes])
        self._transport.pause_reading()
        self._want_turn()

    def eof_received(self) -> None:
        return None

    def pause_writing(self) -> None:
        self.inner.pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self.inner.resume_writing()

    @property
    def is_stalled(self) -> bool:
        """What was written waits to be taken."""
        return self._stall is not None

    # ------------------------------------------------------------------------------------- its turns
    def _want_turn(self) -> None:
        if self._is_due or self._is_inner_paused or self.is_lost:
            return
        self._is_due = True
        self._listener.wants_turn(self)

    def turn(self) -> None:
        """Hand the slice on. Called by the listener, for one connection in a turn of the loop."""
        self._is_due = False
        if self.is_lost or self._is_inner_paused or self._transport is None:
            return
        data, self._slice = self._slice, b""
        wait_s = 0.0
        if data:
            if not self._may_pass(data):
                return
            wait_s = self._cost(len(data))
            try:
                self.inner.data_received(data)  # type: ignore[attr-defined]
            except Exception:
                # A parser that stumbles over a stranger's bytes costs him his connection, and
                # nobody a page of log.
                self._listener.n_faults += 1
                self._transport.abort()
                return
        if wait_s > 0:
            self._loop.call_later(wait_s, self._read_on)
        else:
            self._read_on()

    def _read_on(self) -> None:
        transport = self._transport
        if self.is_lost or self._is_inner_paused or transport is None or transport.is_closing():
            return
        transport.resume_reading()

    def _cost(self, n: int) -> float:
        now_s = self._loop.time()
        own_s = self._bucket.take(n, now_s)
        return own_s if self.is_proven else max(own_s, self._listener.bytes_of_all.take(n, now_s))

    def _may_pass(self, data: bytes) -> bool:
        if self._phase is ReadingPhase.FRAMES:
            assert self._frames is not None
            if self._frames.feed(data, self._loop.time()):
                return True
            self._hang_up(close_frame(POLICY))
            return False
        self._n_bytes += len(data)
        if self._phase is ReadingPhase.HEAD and self._n_bytes > self._limits.head_bytes:
            self.refuse(431)
            return False
        if self._phase is ReadingPhase.REQUEST and self._n_bytes > self._limits.request_bytes:
            self.refuse(413)
            return False
        return True

    # ------------------------------------------------------------------------- what the server shows
    def pause_reading(self) -> None:
        self._is_inner_paused = True
        assert self._transport is not None
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._is_inner_paused:
            return
        self._is_inner_paused = False
        if self._slice:
            self._want_turn()
        else:
            self._read_on()

    def use(self, inner: asyncio.BaseProtocol) -> None:
        """The server has made a WebSocket of it."""
        self.inner = inner
        self._phase = ReadingPhase.FRAMES
        self._frames = FrameCount(self._limits, self._loop.time())
        self._stop_timer()

    def request_begun(self, *, has_body: bool) -> None:
        """A head was whole, and the application is asked."""
        if self._phase is ReadingPhase.FRAMES:
            return
        self._phase = ReadingPhase.REQUEST
        self._n_bytes = 0
        self._is_body_due = has_body
        self._start_timer(self._limits.body_s)

    def body_read(self) -> None:
        self._is_body_due = False
        if self._phase is ReadingPhase.REQUEST:
            self._stop_timer()

    def answered(self) -> None:
        """The answer is written; what comes now is another head, or soon the rest of a body that
        nobody wants.
        """
        if self._phase is ReadingPhase.REQUEST:
            self._expect_head(self._limits.close_s if self._is_body_due else self._limits.head_s)

    def _expect_head(self, within_s: float) -> None:
        self._phase = ReadingPhase.HEAD
        self._n_bytes = 0
        self._start_timer(within_s)

    # --------------------------------------------------------------------------------------- the end
    def refuse(self, status: int) -> None:
        """Answer in the listener's words, and hang up."""
        self._hang_up(self._listener.refusals.wire(status))

    def send_away(self) -> None:
        """Its place is needed."""
        if self._transport is None:
            self.is_lost = True
        else:
            self._transport.abort()

    def _hang_up(self, last: bytes) -> None:
        self._stop_timer()
        if self._transport is None or self._transport.is_closing():
            return
        if last:
            self._transport.write(last)
        self.close()

    def close(self) -> None:
        """Within `close_s`: whoever does not take the last bytes does not keep his place."""
        assert self._transport is not None
        self._transport.close()
        self._loop.call_later(self._limits.close_s, self._transport.abort)

    def _too_slow(self) -> None:
        self._timer = None
        self.refuse(408)

    def _start_timer(self, within_s: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(within_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch_writing(self) -> None:
        assert self._transport is not None
        self._left_to_write = self._transport.get_write_buffer_size()
        self._stall = self._loop.call_later(self._limits.stalled_s, self._look_at_writing)

    def _look_at_writing(self) -> None:
        """A slow line that moves is no stall."""
        assert self._transport is not None
        if self._transport.get_write_buffer_size() < self._left_to_write:
            self._watch_writing()
        else:
            self._transport.abort()


class ShownTransport(asyncio.Transport):
    """The transport as the server's protocol sees it: reading, protocol and end go by the guard."""

    def __init__(self, connection: GuardedConnection, transport: asyncio.Transport) -> None:
        super().__init__()
        self.connection = connection
        self._inner = transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def close(self) -> None:
        self.connection.close()

    def abort(self) -> None:
        self._inner.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.connection.use(protocol)

    def pause_reading(self) -> None:
        self.connection.pause_reading()

    def resume_reading(self) -> None:
        self.connection.resume_reading()

    def write(self, data: Any) -> None:
        self._inner.write(data)

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()
