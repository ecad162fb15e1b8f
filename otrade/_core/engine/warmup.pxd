"""The warm-up: an order's way, gone through without an order. See `warmup.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.journal_writer cimport JournalWriter
from otrade._core.types cimport tick_t


cdef class WarmUp:
    cdef Pipeline _real
    cdef Pipeline _twin
    cdef JournalWriter _journal
    cdef tick_t _tick
    cdef readonly int64_t n_runs
    cdef void run(self) noexcept nogil
    cdef void _forget(self) noexcept nogil
