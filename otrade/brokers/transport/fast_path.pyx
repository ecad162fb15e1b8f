# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Bytes first, books after: the request that waits alone goes to a warm connection in the call that read the tick.

What the order's way costs in Python comes after its bytes are in the kernel. Only the usual case is taken: one request, a free
connection. Everything else, and everything about it afterwards (who is busy, the answer's time limit, the engine's command queue), goes
the usual way, which finds by `claim` that the bytes have left already. So a request leaves once, whichever way it goes: it stays in the
engine's queue until it is taken there, and who takes it must claim before writing.
"""
from libc.stdint cimport uint32_t

from otrade._core.codecs.interface cimport FrameSink
from otrade.brokers.transport.order_socket cimport OrderSocket


cdef class FastPath:
    """`idle`: the pool's free connections, the next one first; one that has been written to is no longer among them. One request at a
    time: while one is not claimed, none is written.
    """

    def __init__(self, idle) -> None:
        self._idle = idle

    cdef bint write(self, FrameSink sink) except -1:
        """Write what waits alone in `sink`, if a connection is free. True when its bytes have left."""
        cdef const char* request = NULL
        cdef uint32_t seq = 0
        cdef int n
        cdef OrderSocket socket
        if self._connection is not None or not self._idle:
            return False
        n = sink.only_request(&request, &seq)
        if n <= 0:
            return False
        connection = self._idle[0]
        socket = connection.socket
        if not socket.is_free():
            return False
        # Booked before a byte leaves: whatever is raised from here on, the request will not be written again.
        self._idle.popleft()
        self._connection = connection
        self._seq = seq
        if not socket.write(request, n):
            self._connection = None
            return False
        self.n_written += 1
        return True

    cdef bint get_ready(self) except -1:
        """Look where the next request will go, and leave it alone: so it lies in the processor's caches."""
        cdef OrderSocket socket
        if self._connection is not None or not self._idle:
            return False
        socket = self._idle[0].socket
        return socket.is_free()

    def try_write(self, FrameSink sink not None) -> bool:
        """`write`, from Python."""
        return self.write(sink)

    def claim(self, uint32_t seq):
        """The connection that request `seq` was written to, told once; None when it was not."""
        if self._connection is None or self._seq != seq:
            return None
        connection, self._connection = self._connection, None
        return connection

    def drop(self) -> None:
        """End the connection of a request that nobody has claimed. It can still be claimed, and is then in doubt."""
        if self._connection is not None:
            self._connection.abandon()
