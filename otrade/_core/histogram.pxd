"""The latency histogram. See `histogram.pyx`."""
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    SUB_BITS = 5
    SUB = 1 << SUB_BITS
    RANGE_BITS = 40  # 2**40 ns is 18 minutes: what is longer counts in the last bucket
    BUCKETS = SUB * (RANGE_BITS - SUB_BITS + 1)


cdef class LatencyHistogram:
    cdef:
        readonly uint64_t n
        readonly int64_t max_ns
        uint64_t _counts[BUCKETS]

    cdef void record(self, int64_t duration_ns) noexcept nogil
