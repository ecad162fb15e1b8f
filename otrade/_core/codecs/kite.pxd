"""Door of Kite's wire: market-data packets in, order requests out. See `wire_kite.pyx`."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from otrade._core.types cimport (
    REASON_FRAME_HEARTBEAT, REASON_FRAME_LENGTH, REASON_FRAME_SHORT, command_t, tick_t,
)
from otrade._core.codecs.interface cimport OrderEncoder

cdef extern from *:
    uint16_t __builtin_bswap16(uint16_t) nogil
    uint32_t __builtin_bswap32(uint32_t) nogil

# Room for one encoder's constants: request target prefix, Host + version + Authorization
# lines, and the id of a registered algo.
cdef enum:
    PREFIX_BYTES = 64
    HEADERS_BYTES = 640
    ALGO_BYTES = 32

# 0 or a Reason of the 1xx range; never reads past p + n. `out.token` is set whenever the packet has
# one.
cdef int decode_packet(const uint8_t* p, uint32_t n, tick_t* out) noexcept nogil


cdef inline uint32_t be32(const uint8_t* p) noexcept nogil:
    """An unaligned load: packets lie at any address of the socket's buffer."""
    cdef uint32_t v
    memcpy(&v, p, 4)
    return __builtin_bswap32(v)


cdef inline uint16_t be16(const uint8_t* p) noexcept nogil:
    cdef uint16_t v
    memcpy(&v, p, 2)
    return __builtin_bswap16(v)


cdef inline int next_packet(
    const uint8_t* buf, Py_ssize_t n, Py_ssize_t* pos, int* left, const uint8_t** p, uint32_t* length
) noexcept nogil:
    """Walks a frame: 1 and a packet, 0 at the end, or minus a Reason. The caller starts with
    *left = -1 and *pos = 0. A refused frame is at its end: one refusal, then 0.

    -FRAME_HEARTBEAT for a one-byte frame, -FRAME_SHORT when a header is cut, -FRAME_LENGTH when a
    length lies or bytes are left over. Packets before the lie were whole and have been handed out.
    """
    cdef int reason
    cdef uint32_t size
    if left[0] < 0:
        if n < 2:
            left[0] = 0
            pos[0] = n
            return -REASON_FRAME_HEARTBEAT if n == 1 else -REASON_FRAME_SHORT
        left[0] = be16(buf)
        pos[0] = 2
    if left[0] == 0:
        reason = -REASON_FRAME_LENGTH if pos[0] != n else 0
        pos[0] = n
        return reason
    if n - pos[0] < 2:
        reason = -REASON_FRAME_SHORT
    else:
        size = be16(buf + pos[0])
        if size <= n - pos[0] - 2:
            p[0] = buf + pos[0] + 2
            length[0] = size
            pos[0] += 2 + size
            left[0] -= 1
            return 1
        reason = -REASON_FRAME_LENGTH
    left[0] = 0
    pos[0] = n
    return reason


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
