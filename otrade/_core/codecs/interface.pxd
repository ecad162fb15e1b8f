"""What the engine needs of any broker's wire, and what any feed needs of an engine. See
`interface.pyx`.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.types cimport command_t, tick_t

# Where the reader of a frame stands. Begins as {first byte, end, -1, 0}.
cdef struct frame_t:
    const uint8_t* at
    const uint8_t* end
    int left  # packets to come, where the wire counts them; -1: not begun
    int64_t ts_ns  # the frame's own time; 0: it has none

# One instrument's part of a frame. A field that the wire lacks is left as it was: the caller has
# cleared it.
cdef struct packet_t:
    const uint8_t* body
    Py_ssize_t n
    uint32_t token  # whose it is, on a wire of numbers
    const uint8_t* key  # whose it is, on a wire of names
    Py_ssize_t key_n

cdef enum:
    PACKET = 1
    SHORT_PACKET = 2  # one that is too short to say whose it is

# The next packet: PACKET, SHORT_PACKET, or 0 at the frame's end, or minus the Reason why it ends
# early. REASON_FRAME_HEARTBEAT: a whole frame that brings none. Never reads outside of the frame.
ctypedef int (*next_packet_t)(frame_t* frame, packet_t* out) noexcept nogil

# 0, or the Reason why the packet is refused. What does not come in it is 0 in `out`, see `has`.
ctypedef int (*decode_packet_t)(const frame_t* frame, const packet_t* packet, tick_t* out) noexcept nogil

# How one wire is read. A codec fills one.
cdef struct decoder_t:
    next_packet_t next
    decode_packet_t decode
    bint by_name  # its packets say whose they are by `key`, not by `token`


cdef class OrderEncoder:
    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil


cdef class FrameSink:
    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept
    cdef int only_request(self, const char** out, uint32_t* seq) noexcept
    cdef void get_ready(self) noexcept
