# cython: language_level=3
"""Where a wire meets the core: commands leave through an `OrderEncoder`, frames enter a `FrameSink`
and are read by the wire's `decoder_t`.

So the engine names no broker and a feed names no engine. The table of decoders is in
`decoders.pyx`; a live feed's sink is the engine's `FeedSink` (`engine/feed_sink.pyx`). The bodies
here refuse: an engine without an encoder sends nothing, and a feed without an engine drops its
frames.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.types cimport REASON_ENCODE, command_t


cdef class OrderEncoder:
    """Turns one command into the bytes of one whole request."""

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil:
        """Bytes written to `out` (1..cap), or -REASON_ENCODE when the command cannot be said or
        does not fit.
        """
        return -REASON_ENCODE


cdef class FrameSink:
    """Takes a feed's frames. The way without Python from a socket to the core is its three calls, in
    C: a connection's listener calls `on_frame`, `FeedSink` hands the bytes to the engine's pipeline,
    and `only_request` gives the order's bytes back to the listener.

    .. DANGER:: `buf` is the socket's own memory. It is valid only until `on_frame` returns.
    """

    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept:
        """Take one binary frame that arrived at `ts_recv_ns`; the number of commands that now wait
        to be sent.
        """
        return 0

    cdef int only_request(self, const char** out, uint32_t* seq) noexcept:
        """The bytes of the request that waits, when it is the only one and may leave: their number,
        or 0. It goes on waiting. `out` is valid until the sink is called again.
        """
        return 0

    cdef void get_ready(self) noexcept:
        """Nothing is waiting: be ready for the next decision. Changes nothing that can be seen."""


cdef class CallbackSink(FrameSink):
    """A sink in Python: `callback(frame: bytes, ts_recv_ns: int) -> int`, the number of commands
    that wait; `waiting() -> (seq, bytes) | None`, the only one of them. For recorders, tools and
    tests; a `FeedSink` takes the frame without a Python object.
    """

    cdef object _callback
    cdef object _waiting
    cdef bytes _request

    def __init__(self, callback, waiting=None) -> None:
        self._callback = callback
        self._waiting = waiting

    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept:
        return self._callback((<const char*>buf)[:n], ts_recv_ns)

    cdef int only_request(self, const char** out, uint32_t* seq) noexcept:
        found = self._waiting() if self._waiting is not None else None
        if found is None:
            return 0
        seq[0], self._request = found
        out[0] = self._request
        return <int>len(self._request)
