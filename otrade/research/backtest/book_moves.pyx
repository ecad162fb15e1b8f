# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How a simulated order book moves between two trades of a path, to the bit as `otrade/simulator/prices/book_moves.py` does it."""
from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t

from otrade.research.backtest.draws cimport floor_div, keyed_bits, keyed_fold
from otrade.research.backtest.market_types cimport screen_t

from otrade.simulator.prices.fixed_tables import NORMAL as _NORMAL

cdef enum:
    SLOTS = 256
    NEIGHBOURS = 4
    HALF_TICK = 256

cdef int64_t NORMAL[1024]
cdef int64_t MOST = max(map(abs, _NORMAL))
for _i in range(1024):
    NORMAL[_i] = _NORMAL[_i]


cdef inline int64_t _isqrt(int64_t v) noexcept nogil:
    cdef int64_t r = <int64_t>sqrt(<double>v)
    while r * r > v:
        r -= 1
    while (r + 1) * (r + 1) <= v:
        r += 1
    return r


cdef inline int64_t _middle(const screen_t* s, int64_t i) noexcept nogil:
    cdef int64_t half = s.spread[i] if s.noise[i] & 1 else -<int64_t>s.spread[i]
    return (2 * s.px_e4[i] // s.tick_e4 - half) * HALF_TICK


cdef void _bridge(const screen_t* s, int64_t last, int64_t* start, int64_t* then, int64_t* variance) noexcept nogil:
    cdef int64_t first = last - NEIGHBOURS if last > NEIGHBOURS else 0
    cdef int64_t after = last + NEIGHBOURS if last + NEIGHBOURS < s.n - 1 else s.n - 1
    cdef int64_t i, before, here, total = 0
    before = _middle(s, first)
    start[0] = before
    for i in range(first, after + 1):
        here = _middle(s, i)
        total += (here - before) * (here - before)
        before = here
        if i == last:
            start[0] = here
        elif i == last + 1:
            then[0] = here
    variance[0] = total // (after - first if after > first else 1)


cdef inline int64_t _between(uint64_t noise, int64_t slot, int64_t at, int64_t then, int64_t variance) noexcept nogil:
    cdef uint64_t state = keyed_fold(keyed_fold(0, noise), <uint64_t>slot)
    cdef uint64_t bits = keyed_bits(&state)
    return ((at + then) >> 1) + (((_isqrt(variance) >> 1) * NORMAL[bits & 1023]) >> 12)


cdef bint can_move(const screen_t* s, int64_t last) noexcept nogil:
    return s.spread != NULL and last >= 0 and last + 1 < s.n


cdef int slot_at(const screen_t* s, int64_t last, int64_t at_ns) noexcept nogil:
    cdef int64_t slot
    if not can_move(s, last):
        return 0
    slot = floor_div((at_ns - s.ts_ns[last]) * SLOTS, s.ts_ns[last + 1] - s.ts_ns[last])
    return 0 if slot < 0 else (SLOTS - 1 if slot >= SLOTS else <int>slot)


cdef int64_t moved_ticks(const screen_t* s, int64_t last, int slot) noexcept nogil:
    cdef int64_t start = 0, then = 0, variance = 0, at, middle
    cdef int low = 0, high = SLOTS, between
    if slot == 0:
        return 0
    _bridge(s, last, &start, &then, &variance)
    at = start
    while low != slot:
        between = (low + high) // 2
        middle = _between(s.noise[last], between, at, then, variance)
        variance >>= 1
        if slot < between:
            high, then = between, middle
        else:
            low, at = between, middle
    return (at - start + HALF_TICK) >> 9


cdef int _find_slot(
    uint64_t noise, int low, int high, int64_t at, int64_t then, int64_t variance, int after, int64_t level, int sign
) noexcept nogil:
    cdef int64_t reach, middle, most = sign * at
    cdef int between, found
    if high - low < 2 or high - 1 <= after:
        return -1
    reach = (_isqrt(variance) * MOST >> 11) + 16
    if sign * then > most:
        most = sign * then
    if most + reach < level:
        return -1
    between = (low + high) // 2
    middle = _between(noise, between, at, then, variance)
    found = _find_slot(noise, low, between, at, middle, variance >> 1, after, level, sign)
    if found < 0 and between > after and sign * middle >= level:
        found = between
    return found if found >= 0 else _find_slot(noise, between, high, middle, then, variance >> 1, after, level, sign)


cdef int first_slot(const screen_t* s, int64_t last, int after, int64_t ticks, bint is_up) noexcept nogil:
    cdef int64_t start = 0, then = 0, whole = 0, level
    cdef int sign = 1 if is_up else -1
    if not can_move(s, last):
        return -1
    _bridge(s, last, &start, &then, &whole)
    level = sign * (start + 2 * HALF_TICK * ticks) - (HALF_TICK if is_up else HALF_TICK - 1)
    return _find_slot(s.noise[last], 0, SLOTS, start, then, whole, after, level, sign)
