"""What an engine writes into its journal: events in, decisions out. See `record.pyx`."""
from libc.stdint cimport int64_t, uint32_t

from otrade._core.codecs.interface cimport OrderEncoder
from otrade._core.journal_writer cimport JournalWriter
from otrade._core.state cimport core_t


cdef class Recorder:
    cdef OrderEncoder encoder
    cdef JournalWriter journal
    cdef bint journaling
    cdef list told  # set-up calls until the journal is opened
    cdef uint32_t digest
    cdef int64_t notice_told  # notices and signals that the journal has
    cdef int64_t signal_told
    cdef tell(self, str method, dict given, int64_t now_ns, bint is_setup=*)
    cdef open(self, core_t* c, JournalWriter journal, bytes hello, int64_t ts_ns, make_room)
    cdef void event(self, int kind, int64_t ts_ns, const void* payload, Py_ssize_t n) noexcept nogil
    cdef void decided(self, core_t* c) noexcept nogil
    cdef void _command(self, core_t* c, int64_t at) noexcept nogil
