"""Door of the engine's set-up. See `setup.pyx`."""
from otrade._core.state cimport core_t
from otrade._core.wire cimport FrameSink, OrderEncoder

cdef class EngineSetup(FrameSink):
    cdef core_t c
    cdef OrderEncoder encoder
    cdef bint started
    cdef int _set_up(self, int id, int n, str what) except -1
