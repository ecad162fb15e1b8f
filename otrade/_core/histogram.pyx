# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True,
# initializedcheck=False
"""Durations counted in fixed memory, for the hot path: log-linear buckets, 32 to a power of two.

A percentile is the upper edge of its bucket, so at most 3.2 % too high and never too low; the
maximum is exact.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

cdef extern from *:
    int __builtin_clzll(unsigned long long) nogil


cdef inline int bucket_of(int64_t duration_ns) noexcept nogil:
    """Exact below 32 ns, then the five bits after the leading one."""
    cdef int shift
    if duration_ns < SUB:
        return <int>duration_ns if duration_ns > 0 else 0
    if duration_ns >> RANGE_BITS:
        return BUCKETS - 1
    shift = 63 - SUB_BITS - __builtin_clzll(<unsigned long long>duration_ns)
    return SUB * shift + <int>(duration_ns >> shift)


cdef inline int64_t upper_edge_ns(int bucket) noexcept nogil:
    """The longest duration that falls into `bucket`."""
    if bucket < SUB:
        return bucket
    return ((<int64_t>(bucket % SUB + SUB + 1)) << (bucket // SUB - 1)) - 1


cdef class LatencyHistogram:
    """`record` from compiled code, `record_ns` from Python; `n` durations so far, the longest
    `max_ns`.
    """

    def __cinit__(self):
        self.reset()

    cdef void record(self, int64_t duration_ns) noexcept nogil:
        """Count one duration; a negative one counts as 0."""
        self._counts[bucket_of(duration_ns)] += 1
        self.n += 1
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns

    def record_ns(self, int64_t duration_ns) -> None:
        """Count one duration; a negative one counts as 0."""
        self.record(duration_ns)

    def reset(self) -> None:
        """Forget everything."""
        self.n = 0
        self.max_ns = 0
        memset(self._counts, 0, sizeof(self._counts))

    def percentile_ns(self, double percent) -> int:
        """The duration that `percent` (0 < percent <= 100) of all do not exceed; 0 when nothing was
        counted.
        """
        cdef double wanted = self.n * percent / 100.0
        cdef uint64_t seen = 0
        cdef int bucket
        for bucket in range(BUCKETS):
            seen += self._counts[bucket]
            if self._counts[bucket] and seen >= wanted:
                # The last bucket has no upper edge.
                return self.max_ns if bucket == BUCKETS - 1 else min(upper_edge_ns(bucket), self.max_ns)
        return self.max_ns

    def buckets(self) -> list:
        """Every bucket that holds something, shortest first: (longest duration that falls into it, how many). What falls into the
        last one is as long as the longest of all.
        """
        cdef int bucket
        return [
            (self.max_ns if bucket == BUCKETS - 1 else min(upper_edge_ns(bucket), self.max_ns), self._counts[bucket])
            for bucket in range(BUCKETS) if self._counts[bucket]
        ]

    def summary(self) -> dict:
        """`n`, `p50_ns`, `p90_ns`, `p99_ns`, `max_ns`: what the page and the metrics show."""
        return {
            "n": self.n,
            "p50_ns": self.percentile_ns(50),
            "p90_ns": self.percentile_ns(90),
            "p99_ns": self.percentile_ns(99),
            "max_ns": self.max_ns,
        }
