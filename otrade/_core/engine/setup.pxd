"""Door of the engine's set-up. See `setup.pyx`."""
from libc.stdint cimport int64_t, uint32_t

from otrade._core.journal_writer cimport JournalWriter
from otrade._core.state cimport core_t
from otrade._core.codecs.interface cimport FrameSink, OrderEncoder

cdef class EngineSetup(FrameSink):
    cdef core_t c
    cdef OrderEncoder encoder
    cdef JournalWriter journal
    cdef bint journaling
    cdef readonly dict sizes
    cdef list told  # set-up calls until the journal is opened
    cdef uint32_t digest
    cdef _tell(self, str method, dict given, bint is_setup=*)
    cdef int _set_up(self, int id, int n, str what) except -1
