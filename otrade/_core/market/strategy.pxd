"""Strategies: kinds that are built in, and files. See `strategy.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t, strategy_t
from otrade._core.types cimport bar_t, bar_view_t, clock_view_t, instrument_t

cdef int load(strategy_t* s, str kind, dict params, dict plan) except -1
cdef int load_compiled(strategy_t* s, str build, str source, bytes params, dict plan, tuple further_ns) except -1
cdef void show_bar(bar_view_t* view, const bar_t* bar, const instrument_t* inst) noexcept nogil
cdef void show_clock(clock_view_t* view, const instrument_t* inst, int64_t now_ns, int phase) noexcept nogil
cdef void feed_filters(strategy_t* s, const bar_t* bar) noexcept nogil
cdef void feed(core_t* c, int strategy_id, bar_t* bar) noexcept nogil
cdef void feed_further(core_t* c, int strategy_id, int64_t interval_ns, const bar_t* bar) noexcept nogil
cdef int64_t further_fed_ns(const strategy_t* s, int64_t interval_ns) noexcept nogil
cdef int watch(strategy_t* s, values, int64_t n_bars) except -1
cdef void note(strategy_t* s, const bar_t* bar) noexcept nogil
cdef list watched(const strategy_t* s, int64_t after_ns)
cdef object view(const strategy_t* s)
