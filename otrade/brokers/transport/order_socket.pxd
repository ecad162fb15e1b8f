"""Declarations of a connection's sending half. See `order_socket.pyx`."""
from aiofastnet.transport cimport Transport


cdef class OrderSocket:
    cdef Transport _transport
    cdef readonly bint is_owed
    cdef bint is_free(self) except -1
    cdef bint write(self, const char* data, Py_ssize_t n) except -1
