# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The last step before the core: a WebSocket frame's payload goes from the socket's buffer to a
`FrameSink`.

A binary frame makes no Python object and, on a live run, no Python call. Text frames (order
updates) are rare and become bytes for a callback. Pings are answered by picows after the frames
before them were taken, which is what lets a simulator know that everything it sent has been dealt
with.
"""
from libc.stdint cimport int64_t, uint8_t
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec

from picows.picows cimport WSFrame, WSListener, WSMsgType, WSTransport

from otrade._core.histogram cimport LatencyHistogram
from otrade._core.codecs.interface cimport FrameSink
from otrade.brokers.transport.fast_path cimport FastPath

cdef enum:
    MESSAGE_BYTES_MAX = 1 << 22  # of a text or binary message sent in fragments
cdef int64_t READY_GAP_NS = 100_000  # frames that follow each other more closely keep their own way warm


cdef inline int64_t read_clock_ns(int which) noexcept nogil:
    cdef timespec t
    clock_gettime(which, &t)
    return <int64_t>t.tv_sec * 1_000_000_000 + t.tv_nsec


cdef extern from "<time.h>" nogil:
    int CLOCK_BOOTTIME


cdef class FrameClock:
    """Engine time for frames, read in C: so far from an anchor as the machine has lived since, sleep included. Whoever keeps the engine's
    clock moves the anchor (`otrade/clock.py`): a machine's clock that is set wrong reaches the core by no other road.
    """

    cdef int64_t _anchor_ns
    cdef int64_t _anchor_mono_ns

    def set(self, int64_t anchor_ns, int64_t anchor_mono_ns):
        self._anchor_ns = anchor_ns
        self._anchor_mono_ns = anchor_mono_ns

    cdef int64_t read(self) noexcept nogil:
        cdef int64_t lived_ns = read_clock_ns(CLOCK_BOOTTIME) - self._anchor_mono_ns
        return self._anchor_ns + lived_ns if lived_ns > 0 else self._anchor_ns

    def __call__(self):
        return self.read()


cdef class FeedLatency:
    """From a frame in our hands until it is dealt with, every frame (`frame`); of those that made commands, until the core has decided
    them (`core`) and until the last one's bytes are in the kernel (`order`). `begun` frames have been taken: one more than `frame.n`
    while one is in our hands.
    """

    cdef readonly int64_t begun
    cdef readonly LatencyHistogram frame
    cdef readonly LatencyHistogram core
    cdef readonly LatencyHistogram order

    def __init__(self) -> None:
        self.frame = LatencyHistogram()
        self.core = LatencyHistogram()
        self.order = LatencyHistogram()


cdef class FeedListener(WSListener):
    """One connection's listener.

    now_ns: engine time as a `FrameClock` or another callable, or None for the system's clock; the first and the last are read in C.
    on_text(bytes) takes a text frame, on_commands() is called when a frame left commands waiting,
    on_open(listener) and on_close(listener) frame the connection's life, and on_error(exception)
    takes what any of these raised: a fault of ours must not end the feed. `fast_path` writes a request that
    waits alone before anybody in Python hears of it. After a frame that made no command the sink and
    `fast_path` get ready for the next one.
    """

    cdef:
        readonly WSTransport transport
        readonly int64_t ts_recv_ns
        readonly int64_t n_frames
        FrameSink _sink
        FeedLatency _latency
        FastPath _fast_path
        int64_t _ready_ns
        object _now_ns
        FrameClock _frame_clock
        object _on_text
        object _on_commands
        object _on_open
        object _on_close
        object _on_error
        bytearray _fragments
        bint _fragments_are_text

    def __init__(
        self, FrameSink sink not None, FeedLatency latency not None, now_ns, *,
        on_text, on_commands, on_open, on_close, on_error, FastPath fast_path=None,
    ) -> None:
        self._fast_path = fast_path
        self._sink = sink
        self._latency = latency
        self._now_ns = now_ns
        self._frame_clock = now_ns if isinstance(now_ns, FrameClock) else None
        self._on_text = on_text
        self._on_commands = on_commands
        self._on_open = on_open
        self._on_close = on_close
        self._on_error = on_error

    cdef int64_t now(self) except -1:
        if self._frame_clock is not None:
            return self._frame_clock.read()
        return read_clock_ns(CLOCK_REALTIME) if self._now_ns is None else <int64_t>self._now_ns()

    cdef int take_binary(self, const uint8_t* payload, Py_ssize_t n) except -1:
        cdef int64_t start_ns = read_clock_ns(CLOCK_MONOTONIC), end_ns
        cdef bint has_left
        self.ts_recv_ns = self.now()
        self.n_frames += 1
        self._latency.begun += 1
        if self._sink.on_frame(payload, n, self.ts_recv_ns) <= 0:
            end_ns = read_clock_ns(CLOCK_MONOTONIC)
            self._latency.frame.record(end_ns - start_ns)
            self._get_ready(end_ns)
        else:
            self._latency.core.record(read_clock_ns(CLOCK_MONOTONIC) - start_ns)
            has_left = self._fast_path is not None and self._write_fast()
            if has_left:
                self._latency.order.record(read_clock_ns(CLOCK_MONOTONIC) - start_ns)
            self._on_commands()
            if not has_left:
                self._latency.order.record(read_clock_ns(CLOCK_MONOTONIC) - start_ns)
            self._latency.frame.record(read_clock_ns(CLOCK_MONOTONIC) - start_ns)
        return 0

    cdef int _get_ready(self, int64_t now_ns) except -1:
        if now_ns - self._ready_ns < READY_GAP_NS:
            return 0
        self._ready_ns = now_ns
        self._sink.get_ready()
        if self._fast_path is not None:
            self._fast_path.get_ready()
        return 0

    cdef bint _write_fast(self) except -1:
        """A failure here has written nothing, or its request is claimed all the same: the usual way goes on."""
        try:
            return self._fast_path.write(self._sink)
        except Exception as exc:
            self._on_error(exc)
        return False

    cdef int take_text(self, bytes payload) except -1:
        self.ts_recv_ns = self.now()
        self.n_frames += 1
        self._on_text(payload)
        return 0

    cdef int take_fragment(self, WSFrame frame) except -1:
        """Brokers send whole messages; a proxy on the way need not."""
        if frame.msg_type != WSMsgType.CONTINUATION:
            self._fragments = bytearray()
            self._fragments_are_text = frame.msg_type == WSMsgType.TEXT
        elif self._fragments is None:
            return 0
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > MESSAGE_BYTES_MAX:
            self._fragments = None
            self.transport.disconnect(False)
        elif frame.fin:
            message = bytes(self._fragments)
            self._fragments = None
            if self._fragments_are_text:
                self.take_text(message)
            else:
                self.take_binary(<const uint8_t*><const char*>message, len(message))
        return 0

    cpdef on_ws_connected(self, WSTransport transport):
        self.transport = transport
        self.ts_recv_ns = self.now()
        self._on_open(self)

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        try:
            if frame.fin and frame.msg_type == WSMsgType.BINARY:
                self.take_binary(<const uint8_t*>frame.payload_ptr, frame.payload_size)
            elif frame.fin and frame.msg_type == WSMsgType.TEXT:
                self.take_text(frame.get_payload_as_bytes())
            elif frame.msg_type == WSMsgType.CLOSE:
                transport.send_close()
                transport.disconnect()
            elif frame.msg_type == WSMsgType.PONG:
                self.ts_recv_ns = self.now()
            else:
                self.take_fragment(frame)
        except Exception as exc:
            self._on_error(exc)

    cpdef on_ws_disconnected(self, WSTransport transport):
        self._on_close(self)

    def send_text(self, message: bytes) -> None:
        """Send one text frame."""
        self.transport.send(WSMsgType.TEXT, message)

    def send_binary(self, message: bytes) -> None:
        """Send one binary frame."""
        self.transport.send(WSMsgType.BINARY, message)

    def ask_life(self) -> None:
        """Send a ping; its pong is a sign of life."""
        self.transport.send_ping()

    def drop(self) -> None:
        """End the connection now."""
        if self.transport is not None:
            self.transport.disconnect(False)
