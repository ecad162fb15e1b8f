# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Bytes first, books after: the request that waits alone goes to a warm connection in the call that read the tick.

What the order's way costs in Python comes after its bytes are in the kernel. Only the usual case is taken: one request, a free
connection. Everything else, and everything about it afterwards (who is busy, the answer's time limit, the engine's command queue), goes
the usual way, which finds by `claim` that the bytes have left already. So a request leaves once, whichever way it goes: it stays in the
engine's queue until it is taken there, and who takes it must claim before writing.
"""
from libc.stdint cimport uint32_t

from otrade._core.wire cimport FrameSink


cdef class EarlyWriter:
    """`idle`: the pool's free connections, the next one first. One request at a time: while one is not claimed, none is written."""

    def __init__(self, idle) -> None:
        self._idle = idle

    cdef int write(self, FrameSink sink) except -1:
        """Write what waits alone in `sink`, if a connection is free. 1 when its bytes have left."""
        cdef const char* request = NULL
        cdef uint32_t seq = 0
        cdef int n
        if self._connection is not None or not self._idle:
            return 0
        n = sink.only_request(&request, &seq)
        if n <= 0:
            return 0
        connection = self._idle[0]
        if not connection.begin(request[:n]):
            return 0
        self._connection = connection
        self._seq = seq
        self.n_written += 1
        return 1

    def claim(self, uint32_t seq):
        """The connection that request `seq` was written to, told once; None when it was not."""
        if self._connection is None or self._seq != seq:
            return None
        connection, self._connection = self._connection, None
        return connection
