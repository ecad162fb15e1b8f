# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The sending half of an order connection: whether it is free, and a request's bytes from borrowed memory into the kernel.

Compiled, so that a request can leave before Python hears of it. The transport's own compiled write is used: one `send` when nothing waits
in the transport, as on a warm connection nothing does, and over TLS one `SSL_write` on the socket. A `send` of our own beside it was not
measurably faster, and would have to know what the transport has kept back.
"""
from aiofastnet.transport cimport Transport


cdef class OrderSocket:
    """Closed until `attach`. `is_owed`: a request has been written whose answer has not been dealt with."""

    def attach(self, Transport transport not None) -> None:
        self._transport = transport

    def detach(self) -> None:
        self._transport = None

    def settle(self) -> None:
        """The answer has come, or will not: free for the next request."""
        self.is_owed = False

    @property
    def is_open(self):
        """Connected, and not on its way to the end."""
        return self._transport is not None and not self._transport.is_closing()

    cdef bint is_free(self) except -1:
        return not self.is_owed and self._transport is not None and not self._transport.is_closing()

    cdef bint write(self, const char* data, Py_ssize_t n) except -1:
        """Write one request, which is owed an answer from now on. False: dead or busy, and not one byte has left."""
        if not self.is_free():
            return False
        self.is_owed = True
        self._transport.write_c(<char*>data, n)
        if self._transport.is_closing():
            # The transport hands all to the kernel in one call and keeps what the kernel leaves: closing already means that this call
            # failed, and then nothing was taken.
            self.is_owed = False
            return False
        return True

    def send(self, bytes request not None) -> bool:
        """`write`, for a request that Python has."""
        return self.write(request, len(request))
