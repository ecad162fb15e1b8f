"""Upstox's wire: protobuf market data in, order requests out. See `upstox.pyx`."""
from libc.stdint cimport int64_t, uint8_t

from otrade._core.types cimport command_t, tick_t
from otrade._core.codecs.interface cimport OrderEncoder, decoder_t, packet_t

cdef enum:
    PREFIX_BYTES = 64
    HEADERS_BYTES = 1536

# The frame's own time (currentTs, ns; 0 when it has none), or minus a Reason: a frame that cannot be walked is refused whole.
cdef int64_t check_frame(const uint8_t* buf, Py_ssize_t n) noexcept nogil

# Walks a checked frame: 1 and an entry of its map (key and body), or 0 at its end. The caller starts with *pos = 0.
cdef int next_feed(const uint8_t* buf, Py_ssize_t n, Py_ssize_t* pos, packet_t* out) noexcept nogil

# 0 or a Reason of the 1xx range. Token and segment stay 0: the entry's key says whose it is. A message without a last trade
# is usual: `has` says what came.
cdef int decode_feed(const uint8_t* p, Py_ssize_t n, int64_t ts_frame_ns, tick_t* out) noexcept nogil

cdef void fill(decoder_t* decoder) noexcept


cdef class UpstoxEncoder(OrderEncoder):
    cdef:
        char _prefix[PREFIX_BYTES]
        char _headers[HEADERS_BYTES]
        int _prefix_n
        int _headers_n
        bytes _host
        bytes _algo_name

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil
