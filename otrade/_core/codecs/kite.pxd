"""Kite's wire: market-data packets in, order requests out. See `kite.pyx`."""
from libc.stdint cimport uint8_t, uint32_t

from otrade._core.types cimport command_t, tick_t
from otrade._core.codecs.interface cimport OrderEncoder, decoder_t, frame_t, packet_t

# Room for one encoder's constants: request target prefix, Host + version + Authorization
# lines, and the id of a registered algo.
cdef enum:
    PREFIX_BYTES = 64
    HEADERS_BYTES = 640
    ALGO_BYTES = 32

# 0 or a Reason of the 1xx range; never reads past p + n. `out.token` is set whenever the packet has
# one.
cdef int decode_packet(const uint8_t* p, uint32_t n, tick_t* out) noexcept nogil

# Walks a frame, as `interface.pxd` says.
cdef int next_packet(frame_t* frame, packet_t* out) noexcept nogil

cdef void fill(decoder_t* decoder) noexcept


cdef class KiteEncoder(OrderEncoder):
    cdef:
        char _prefix[PREFIX_BYTES]
        char _algo[ALGO_BYTES]
        char _headers[HEADERS_BYTES]
        int _prefix_n
        int _algo_n
        int _headers_n
        bytes _host

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil
