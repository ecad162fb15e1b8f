"""Strategies: kernels behind the one ABI. See `strategy.pyx`."""
from otrade._core.state cimport strategy_t
from otrade._core.types cimport bar_t, market_t

cdef int load(strategy_t* s, str kind, dict params, dict plan) except -1
cdef void feed(strategy_t* s, bar_t* bar) noexcept nogil
cdef size_t state_bytes(const strategy_t* s) noexcept nogil
cdef object view(const strategy_t* s)

cdef inline bint on_tick(strategy_t* s, market_t* market) noexcept nogil:
    """Run the kernel on a tick; True when it says a crossover."""
    return s.on_tick(s.params, s.state, market, &s.signal) != 0

cdef inline bint on_bar(strategy_t* s, bar_t* bar) noexcept nogil:
    """Run the kernel on a closed bar; True when it says a crossover."""
    return s.on_bar(s.params, s.state, bar, &s.signal) != 0
