"""Which decoder reads a journal record's frame. See `decoders.pyx`."""
from otrade._core.codecs.interface cimport decoder_t


cdef struct wire_t:
    decoder_t decoder
    int feed  # which of the engine's feeds it came by, counted from 0
    bint is_used

# How a frame of this record's kind (types.Rec) is read; NULL: such a record is no frame.
cdef const wire_t* wire_of(int kind) noexcept nogil
