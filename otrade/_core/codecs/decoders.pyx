# cython: language_level=3
"""The table of wires: how the frames in each kind of journal record are read, and which feed they
came by. The engine, replays and the journal's readers find a decoder here and name no broker.

A further broker is a codec beside this file, two kinds of records (types.Rec, `FRAME_...`), and a
row below.
"""
from otrade._core.codecs cimport kite, upstox
from otrade._core.codecs.interface cimport decoder_t
from otrade._core.types cimport REC_FRAME, REC_FRAME_KITE_B, REC_FRAME_UPSTOX, REC_FRAME_UPSTOX_B

from otrade._core.codecs.kite import count_packets as kite_count
from otrade._core.codecs.kite import decode_frame as kite_decode
from otrade._core.codecs.upstox import count_packets as upstox_count
from otrade._core.codecs.upstox import decode_frame as upstox_decode

cdef enum:
    KINDS = 64

cdef wire_t WIRES[KINDS]  # by kind of record
cdef dict READERS = {}  # the same for Python: (decode_frame, count_packets) of a codec


cdef _row(void (*fill)(decoder_t*) noexcept, tuple kinds, object decode_frame, object count_packets):
    """One wire: `kinds` are the records of its frames, the first feed's and the second's."""
    for feed, kind in enumerate(kinds):
        fill(&WIRES[<int>kind].decoder)
        WIRES[<int>kind].feed = feed
        WIRES[<int>kind].is_used = True
        READERS[kind] = decode_frame, count_packets


_row(kite.fill, (REC_FRAME, REC_FRAME_KITE_B), kite_decode, kite_count)
_row(upstox.fill, (REC_FRAME_UPSTOX, REC_FRAME_UPSTOX_B), upstox_decode, upstox_count)


FRAMES = frozenset(READERS)
"""Kinds of records that hold a feed's frame."""


cdef const wire_t* wire_of(int kind) noexcept nogil:
    if 0 <= kind < KINDS and WIRES[kind].is_used:
        return &WIRES[kind]
    return NULL


def decode_frame(int kind, frame) -> list:
    """Every packet of a frame as a dict of tick_t's fields plus `reason` and, on a wire of names,
    `key`; a frame that is refused ends with `{"reason": code}`. For tests and tools.
    """
    return READERS[kind][0](frame)


def count_packets(int kind, frame):
    """How many packets a frame says it has; None on a wire that does not say it."""
    return READERS[kind][1](frame)
