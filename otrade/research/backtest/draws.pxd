"""The simulator's random draws, compiled: `otrade/simulator/draws` has the formula, and is the oracle."""
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef enum:
    TABLE = 1024

cdef extern from *:
    """
    #include <stdint.h>
    static inline uint64_t keyed_mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    static inline uint64_t keyed_fold(uint64_t state, uint64_t part) { return keyed_mix((state ^ part) + 0x9E3779B97F4A7C15ULL); }
    static inline uint64_t keyed_bits(uint64_t* at) { *at += 0x9E3779B97F4A7C15ULL; return keyed_mix(*at); }
    static inline uint64_t keyed_integer(uint64_t* at, uint64_t below) {
        return (uint64_t)(((unsigned __int128)keyed_bits(at) * below) >> 64);
    }
    static inline uint64_t text_number(const char* text) {
        uint64_t state = 0xCBF29CE484222325ULL;
        for (; *text; ++text) state = (state ^ (uint8_t)*text) * 0x100000001B3ULL;
        return state;
    }
    static inline int64_t floor_div(int64_t a, int64_t b) { int64_t q = a / b; return q - (a % b != 0 && (a < 0) != (b < 0)); }
    """
    uint64_t keyed_fold(uint64_t state, uint64_t part) noexcept nogil
    uint64_t keyed_bits(uint64_t* at) noexcept nogil
    uint64_t keyed_integer(uint64_t* at, uint64_t below) noexcept nogil
    uint64_t text_number(const char* text) noexcept nogil
    int64_t floor_div(int64_t a, int64_t b) noexcept nogil
