# cython: language_level=3
"""Where one feed's frames enter an engine: the way without Python from a socket to the pipeline, and of an order's bytes back."""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from otrade._core.codecs.decoders cimport wire_of
from otrade._core.codecs.interface cimport FrameSink
from otrade._core.engine.engine cimport Engine
from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.engine.warmup cimport WarmUp

from otrade.errors import EngineError


cdef class FeedSink(FrameSink):
    """One of an engine's feeds: its frames are journalled, and read, as this kind (types.Rec). Between them it keeps warm, if it is to."""

    cdef Pipeline _pipeline
    cdef WarmUp _warm_up
    cdef int _kind

    def __init__(self, Engine engine not None, int kind, WarmUp warm_up=None):
        if wire_of(kind) == NULL:
            raise EngineError(f"a journal record of kind {kind} is no frame")
        self._pipeline = engine.pipeline
        self._kind = kind
        self._warm_up = warm_up

    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept:
        return self._pipeline.on_frame(self._kind, buf, n, ts_recv_ns)

    cdef int only_request(self, const char** out, uint32_t* seq) noexcept:
        return self._pipeline.only_request(out, seq)

    cdef void get_ready(self) noexcept:
        if self._warm_up is not None:
            self._warm_up.run()
