"""The engine: all of it for Python, and the pipeline for compiled code. See `engine.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.state cimport core_t


cdef class Engine:
    cdef Pipeline pipeline
    cdef core_t* c  # the pipeline's
    cdef readonly dict sizes
    cdef _tell(self, str method, dict given)
    cdef _history(self, bytes payload, int64_t ts_ns)
